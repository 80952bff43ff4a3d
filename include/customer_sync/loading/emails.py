"""Whose e-mail is whose in a load: who is left out, and what is freed first. (docs/people.md#emails)

All batches of the run have said what their customers have and claim before the first load begins, so each load finds
the same answer. An e-mail that another customer has still is freed before anything is given, also where that customer
is in another batch, or in none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from customer_sync.loading.access_steps import release_steps
from customer_sync.loading.adoption import read_company
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.dispatch import Dispatcher
from customer_sync.loading.others import loads_of_holders, record_others
from customer_sync.loading.write import writes_of
from customer_sync.model.company import RELEASED_KEY, CompanyUser
from customer_sync.model.operation import FORMER, Action
from customer_sync.model.outcome import Finding, Reason
from customer_sync.planning.access import closing
from customer_sync.planning.emails import (
    Stake,
    Staked,
    email_finding,
    email_given,
    email_id,
    held_by,
    holders_of,
    kept_by_colleagues,
    lost_to,
)

MOST_STEPS = 50
"""So often e-mails are passed on before what is left waits for the next run."""

_Known = Mapping[str, Sequence[Staked]]


def settle_emails(context: LoadContext, loads: Iterable[CustomerLoad], *, is_freed: bool = False) -> bool:
    """Leave out those whose e-mails others have or are to have, and take back whom nothing keeps out any more.

    Args:
        context: The run.
        loads: The customers.
        is_freed: Whether all was freed that could be: whoever has an e-mail now keeps it.

    Returns:
        Whether anybody was taken back.
    """
    claiming = [load for load in loads if load.problem is None and not load.is_deleted]
    claims = {load.customer_id: _claims(load) for load in claiming}
    _drop_refused(context, claiming)
    known = context.ledger.directory.of_emails(email for emails in claims.values() for email in emails)
    contested = [
        load
        for load in claiming
        if load.lost or load.awaited or load.held_back or _is_contested(load, claims[load.customer_id], known)
    ]
    if not contested:
        return False
    accounts = (email_id(user.email) for load in contested for user in load.plan.successors)
    known |= context.ledger.directory.of_emails(accounts)
    back = [_settle(load, claims[load.customer_id], known, is_freed=is_freed) for load in contested]
    return any(back)


def _claims(load: CustomerLoad) -> dict[str, CompanyUser]:
    """The users to be whose e-mails the company does not have yet; whom the store refuses claims nothing.

    Of a customer that waits as a whole, or is withdrawn, that is who may follow its admin.
    """
    if load.plan.desired is not None:
        users = load.plan.desired.users
    else:
        made = {each.key for each in load.remaining() if each.action is Action.CREATE_USER} | load.lost.keys()
        users = tuple(user for user in load.plan.successors if user.key in made)
    have = held_by(load.applied) if users else {}
    return {email: user for user in load.sendable(users) if (email := email_id(user.email)) not in have}


def _is_contested(load: CustomerLoad, emails: Iterable[str], known: _Known) -> bool:
    return any(each.customer_id != load.customer_id for email in emails for each in known.get(email, ()))


def _drop_refused(context: LoadContext, loads: Iterable[CustomerLoad]) -> None:
    """Have the directory forget what is claimed for people whom the store refuses: it keeps nobody else waiting."""
    for load in loads:
        users = load.plan.desired.users if load.plan.desired else ()
        refused = [email_id(user.email) for user in users if f"contact:{user.key}" in load.held_back]
        if refused:
            with context.ledger.write() as connection:
                context.ledger.directory.drop_claim(connection, load.customer_id, refused)


def _settle(load: CustomerLoad, claims: Mapping[str, CompanyUser], known: _Known, *, is_freed: bool) -> bool:
    waiting = _waiting(load, claims, known, is_freed=is_freed)
    users = load.plan.desired.users if load.plan.desired else ()
    for user in kept_by_colleagues(users, load.applied, load.held_back):
        waiting[user.key] = email_finding(user, load.customer_id)
    out = {*waiting, *(key for key in map(_contact_out, load.held_back) if key not in load.lost)}
    if users and all(user.key in out for user in users):
        have = held_by(load.applied)
        accounts = {email: user for user in load.plan.successors if (email := email_id(user.email)) not in have}
        waiting |= _waiting(load, accounts, known, is_freed=is_freed)
    free = {email for email, user in claims.items() if user.key not in waiting}
    load.awaited = {email for email in free if not is_freed and holders_of(load.customer_id, known.get(email, ()))}
    back = load.lost.keys() - waiting.keys()
    for key in {*back, *waiting}:
        if load.lost.get(key) != waiting.get(key):
            load.admit(key)
            if key in waiting:
                load.hold_back(f"email:{key}", waiting[key])
    load.lost = waiting
    return bool(back)


def _contact_out(part: str) -> str:
    """The contact of a part that waits for its e-mail, ``""`` of any other."""
    return part.removeprefix("email:") if part.startswith("email:") else ""


def _waiting(
    load: CustomerLoad, emails: Mapping[str, CompanyUser], known: _Known, *, is_freed: bool
) -> dict[str, Finding]:
    """Contact -> for whom it waits, of those whose e-mail another customer has or is to have."""
    found = {}
    for email, user in emails.items():
        stakes = known.get(email, ())
        holder, reason = lost_to(load.customer_id, stakes), Reason.EMAIL_IN_USE
        have = holders_of(load.customer_id, stakes) if is_freed and not holder else []
        if have:
            holder = have[0].customer_id
            reason = Reason.HELD_BY_WITHDRAWN_COMPANY if have[0].stake is Stake.WITHDRAWN else reason
        if holder:
            found[user.key] = email_finding(user, holder, reason)
    return found


def free_emails(context: LoadContext, loads: Sequence[CustomerLoad], dispatcher: Dispatcher) -> None:
    """Have the e-mails given up that customers of a load are to have and others have still.

    Each step is a write like any other: intended, sent, confirmed. Who gets another e-mail waits until that one is
    free; where e-mails go round, one person goes for a moment and is made again. What withdrawn companies have and
    customers of another connector of the store claim is given up as well: that one's next run gives it.

    Args:
        context: The run.
        loads: The customers of the load.
        dispatcher: Sends the writes.
    """
    emails = {email for load in loads for email in load.awaited}
    if not context.census.looked_elsewhere:
        emails |= context.ledger.directory.claimed_elsewhere()
        context.census.looked_elsewhere = True
    if emails:
        exchange = _Exchange(context, {load.customer_id: load for load in loads}, emails)
        exchange.perform(dispatcher)
        exchange.see_closed(dispatcher)
        record_others(context, exchange.unread, "e-mails freed for their next owners")


class _Exchange:
    """E-mails that are to be freed, and the customers who have them."""

    def __init__(self, context: LoadContext, own: Mapping[str, CustomerLoad], emails: set[str]) -> None:
        self._context = context
        self._own = own
        self._emails = emails
        self._others: dict[str, CustomerLoad] = {}
        self._parted: list[tuple[CustomerLoad, str]] = []
        self.unread: list[CustomerLoad] = []

    def perform(self, dispatcher: Dispatcher) -> None:
        """Send what frees them, step by step."""
        for _ in range(MOST_STEPS):
            self._bring_in()
            steps = list(self._steps())
            known = self._known(email_given(operation) for _, operation in steps)
            blocked = [part for part in steps if _is_blocked(part, known)]
            ready = [part for part in steps if part not in blocked]
            more = {email_given(operation) for _, operation in blocked} - self._emails
            if ready:
                dispatcher.perform(writes_of(self._context, ready))
            elif more:
                self._emails |= more
            elif not self._part_one_of(blocked):
                break
        for load, key in self._parted:
            load.held_back.discard(f"email:{key}")

    def see_closed(self, dispatcher: Dispatcher) -> None:
        """Look at companies whose last person gave its place to nobody, and close those that trade by it."""
        loads = [load for load in (*self._own.values(), *self._others.values()) if _is_released(load)]
        for load in loads:
            read_company(self._context, load)
        ends = [
            Part(load, operation)
            for load in loads
            if load.applied is not None
            for operation in closing(load.customer_id, load.applied, load.held_back)
        ]
        dispatcher.perform(writes_of(self._context, ends))

    def _known(self, emails: Iterable[str]) -> _Known:
        return self._context.ledger.directory.of_emails(filter(None, emails))

    def _bring_in(self) -> None:
        """Know the customers who have these e-mails and are to give them up."""
        going: dict[str, set[str]] = {}
        for stakes in self._known(self._emails).values():
            for each in stakes:
                if each.stake in {Stake.GOING, Stake.WITHDRAWN}:
                    going.setdefault(each.customer_id, set())
                if each.stake is Stake.WITHDRAWN:
                    going[each.customer_id].add(each.contact_key.removesuffix(FORMER))
        self._claimed_of({number for number, keys in going.items() if keys} - self._others.keys(), going)
        for number in going.keys() & self._own.keys():
            load = self._own[number]
            if going[number] and load.plan.kind == "unenroll":
                load.plan = msgspec.structs.replace(load.plan, leavers=load.plan.leavers | going[number])
        new = {number: keys for number, keys in going.items() if number not in self._own.keys() | self._others.keys()}
        if new:
            found, unread = loads_of_holders(self._context, new)
            settle_emails(self._context, found.values())
            self._others |= found
            self.unread += unread

    def _claimed_of(self, withdrawn: Collection[str], going: Mapping[str, set[str]]) -> None:
        """Have all go whose e-mails others claim: who stays, since it is the last user, does not depend on batches."""
        stakes = self._context.ledger.directory.of_customers(withdrawn)
        held = [each for found in stakes.values() for each in found if each.stake is Stake.WITHDRAWN]
        known = self._known(each.email_id for each in held)
        for each in held:
            if any(other.stake is Stake.CLAIMED for other in known[each.email_id]):
                going[each.customer_id].add(each.contact_key.removesuffix(FORMER))
                self._emails.add(each.email_id)

    def _steps(self) -> Iterator[Part]:
        role = self._context.connector.contacts.primary_role
        for load in (*self._own.values(), *self._others.values()):
            yield from (Part(load, operation) for operation in release_steps(load, self._emails, role))

    def _part_one_of(self, blocked: Iterable[Part]) -> bool:
        """Have one person go for a moment, so that the next one's e-mail is free; whether there is one who can."""
        for load, operation in sorted(blocked, key=_in_order):
            part = f"email:{operation.key}"
            if load.plan.desired is None or part in load.held_back or (load, operation.key) in self._parted:
                continue
            load.held_back.add(part)
            self._parted.append((load, operation.key))
            if load.seats().admin is not None:
                return True
            load.held_back.discard(part)
        return False


def _is_released(load: CustomerLoad) -> bool:
    return any(each.key == RELEASED_KEY and each.action is Action.CREATE_USER for each in load.done)


def _in_order(part: Part) -> tuple[str, str]:
    return part.load.customer_id, part.operation.key


def _is_blocked(part: Part, known: _Known) -> bool:
    """Whether the e-mail that an operation gives is still another user's."""
    load, operation = part
    email = email_given(operation)
    if not email or load.applied is None:
        return False
    users = load.applied.users.values()
    return bool(holders_of(load.customer_id, known.get(email, ()))) or any(
        email_id(record.fields.email) == email and record.store_id != operation.store_id for record in users
    )
