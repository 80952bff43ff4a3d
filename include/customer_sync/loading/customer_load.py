"""One customer on its way through load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from customer_sync.ledger import OpenIntent
from customer_sync.ledger.state.email_directory import Indexed
from customer_sync.model.company import Company, CompanyUser
from customer_sync.model.operation import (
    ENDS_ACCESS,
    Action,
    AddressOperation,
    AppliedCompany,
    AppliedUser,
    CompanyOperation,
    CustomerPlan,
    Operation,
    UserOperation,
    part_of,
)
from customer_sync.model.outcome import Finding, Outcome, Reason
from customer_sync.planning.access import access_of
from customer_sync.planning.diff import (
    Seats,
    diff_company,
    diff_reference,
    diff_unenrolment,
    restored_reference,
    seat_users,
    uncleared,
)
from customer_sync.planning.emails import email_given
from customer_sync.settings.connector import Connector

_MAKES_PARTS: Final = frozenset({Action.CREATE_USER, Action.CREATE_ADDRESS})
_NEW_COMPANY: Final = AppliedCompany(company_id=0)
_OWN_FIELDS: Final = tuple(name for name in AppliedCompany.__struct_fields__ if name not in {"users", "addresses"})


@dataclass
class Problem:
    """Why a customer could not be finished, and what its outcome is therefore."""

    outcome: Outcome
    reason: Reason
    message: str
    field: str = ""


@dataclass
class CustomerLoad:
    """A plan, what is applied so far, and what went wrong.

    ``applied`` mirrors the ledger: it changes only together with it. What remains to
    be done is always the difference between the desired and the applied state, so a
    repeated attempt goes on where the last one stopped. ``done`` holds what this attempt had confirmed,
    ``found`` what it found to be done by a request without an answer.
    ``adopted_by`` names what spoke for the company being the customer's, where it was found; ``notes`` are told once.
    ``is_proven`` is false from then on until nothing of the company is left to be asked; ``foreign`` holds what is to
    be done to its users whom the source does not know.
    ``unanswered`` holds what an earlier attempt sent without learning its outcome, until it is read back.
    ``indexed`` is what the directory of e-mails says of the company's users. Of a company that ``is_being_made`` the
    ledger's row is behind, and the journal has what was made since. ``awaited`` are e-mails that it is to have and
    another customer has still; ``lost`` are contacts whose e-mails others have or are to have, each with what is said
    of it.
    """

    plan: CustomerPlan
    connector: Connector
    applied: AppliedCompany | None = None
    adopted_by: str = ""
    is_proven: bool = True
    foreign: tuple[Operation, ...] = ()
    notes: list[Finding] = field(default_factory=list)
    is_deleted: bool = False
    reference_written: str | None = None
    problem: Problem | None = None
    findings: list[Finding] = field(default_factory=list)
    done: list[Operation] = field(default_factory=list)
    found: list[Operation] = field(default_factory=list)
    unanswered: list[OpenIntent] = field(default_factory=list)
    held_back: set[str] = field(default_factory=set)
    indexed: Mapping[str, Indexed] = field(default_factory=dict)
    is_being_made: bool = False
    waiting_for: dict[str, str] = field(default_factory=dict)
    unremoved: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    awaited: set[str] = field(default_factory=set)
    lost: dict[str, Finding] = field(default_factory=dict)
    _seen_free: set[str] = field(default_factory=set)
    _compared: tuple[AppliedCompany | None, set[str], tuple[Operation, ...]] | None = None

    def __post_init__(self) -> None:
        """Take the number out of the plan: it is asked for dozens of times."""
        self.customer_id = self.plan.customer_id

    @property
    def desired(self) -> Company:
        """The desired company; only customers to be synced have one."""
        if self.plan.desired is None:
            raise ValueError(f"customer {self.customer_id} is to be un-enrolled and has no desired state")
        return self.plan.desired

    @property
    def company_id(self) -> int:
        """The company's id in the store, 0 before it exists."""
        return self.applied.company_id if self.applied else 0

    @property
    def channel_ids(self) -> tuple[int, ...]:
        """Storefronts of what is made for it, where a rule names them."""
        return self.plan.desired.channel_ids if self.plan.desired is not None else ()

    def remaining(self) -> tuple[Operation, ...]:
        """Operations in the store that are still to be done.

        A customer that waits as a whole loses those who have left all the same; once something failed that may pass,
        the next attempt does what remains.
        """
        if self.is_deleted or (self.problem and self.problem.outcome is not Outcome.QUARANTINED):
            return ()
        if self.problem or self.plan.kind != "sync":
            return self._withdrawals()
        # The applied state is replaced, never changed, so the comparison holds as long as it is the same object.
        if self._compared is None or self._compared[0] is not self.applied or self._compared[1] != self.held_back:
            found = self._less_what_was_made()
            if found is None:
                found = diff_company(
                    self.desired, self.applied, self.connector.policy, self.held_back, self.plan.successors
                )
            self._compared = (self.applied, set(self.held_back), found)
        if not self.foreign:
            return self._compared[2]
        return self._compared[2] + tuple(each for each in self.foreign if part_of(each) not in self.held_back)

    def _withdrawals(self) -> tuple[Operation, ...]:
        if self.applied is None:
            return ()
        policy = self.connector.policy
        access = access_of(self.plan, self.applied, self.connector, self.held_back)
        if self.plan.kind != "unenroll":
            return access
        found = diff_unenrolment(self.customer_id, self.applied, policy, access)
        return () if self.problem else found

    def _less_what_was_made(self) -> tuple[Operation, ...] | None:
        """What the last comparison found, less the company, the users and the addresses that were made since.

        A new company would be compared anew after each of its parts: a tenth of a first load. ``None`` where anything
        else changed, or where one operation may depend on another.
        """
        if self._compared is None or self._compared[1] != self.held_back or self.applied is None:
            return None
        before, _, found = self._compared
        if before is None:
            before = _as_ordered(found[0], self.applied) if found else None
            found = found[1:]
        if before is None or not _differ_in_parts_only(before, self.applied):
            return None
        if not all(operation.action in _MAKES_PARTS for operation in found):
            return None
        made = (self.applied.users.keys() - before.users.keys()) | (
            self.applied.addresses.keys() - before.addresses.keys()
        )
        ordered = [operation for operation in found if operation.key in made]
        # What was made under another key, or with other values, is for the comparison to judge.
        if len(ordered) < len(made) or not all(_is_as_ordered(each, self.applied) for each in ordered):
            return None
        return tuple(operation for operation in found if operation.key not in made)

    def remaining_reference(self) -> tuple[Operation, ...]:
        """The write-back that is still to be done."""
        if self.problem or not self.connector.writes_reference:
            return ()
        in_source = self.plan.erp_reference if self.reference_written is None else self.reference_written
        if self.plan.former_reference is not None:
            # An earlier attempt may have deleted the company.
            company_id = self.company_id or self.plan.company_id
            return restored_reference(self.customer_id, company_id, in_source, self.plan.former_reference)
        if not self.company_id:
            return ()
        return diff_reference(self.customer_id, self.company_id, in_source) if self.plan.kind == "sync" else ()

    def forget_parts(self) -> None:
        """Have users and addresses read from the store again before the next comparison."""
        if self.applied is not None:
            self.applied = msgspec.structs.replace(self.applied, parts_known=False)

    def is_moot(self, operation: Operation) -> bool:
        """Whether an operation that was to be sent is not to be any more."""
        return self.problem is not None and all(
            (other.action, other.key) != (operation.action, operation.key) for other in self.remaining()
        )

    def seats(self) -> Seats:
        """Who is to be a user of the company, and who its admin."""
        base = self.applied or AppliedCompany(company_id=0)
        return seat_users(self.desired, base, frozenset(self.held_back), self.plan.successors)

    def sendable(self, users: Iterable[CompanyUser]) -> Iterable[CompanyUser]:
        """Those of some users whom the store does not refuse as they are."""
        return (user for user in users if f"contact:{user.key}" not in self.held_back)

    def stop(self, outcome: Outcome, reason: Reason, message: str, *, field: str = "") -> None:
        """Take the customer out of the rest of the load; the first problem stays."""
        if self.problem is None:
            self.problem = Problem(outcome, reason, message, field)

    def wait_for(self, key: str, customer_id: str) -> None:
        """Remember that a contact's e-mail still belongs to a user of that customer who is to go."""
        self.waiting_for[key] = customer_id

    def may_be_free_now(self, key: str) -> bool:
        """Whether a contact's e-mail, refused as taken though nobody holds it, was not tried once more yet.

        It may have been given up between the refusal and the look-up.
        """
        if key in self._seen_free:
            return False
        self._seen_free.add(key)
        return True

    def waits_for_email(self, operation: Operation) -> bool:
        """Whether the e-mail to be given is somebody else's still, who is to give it up."""
        return email_given(operation) in self.awaited or self.waits_for_colleague(operation)

    def waits_for_colleague(self, operation: Operation) -> bool:
        """Whether the e-mail to be given is still that of another user of this company who is about to get another."""
        if not isinstance(operation, UserOperation) or "email" not in operation.values or operation.new is None:
            return False
        email = operation.new.email.casefold()
        return any(
            isinstance(other, UserOperation)
            and other.new is not None
            and other.old is not None
            and "email" in other.changed
            and other.store_id != operation.store_id
            and other.old.email.casefold() == email
            for other in self.remaining()
        )

    def give_up_waiting(self) -> None:
        """Leave what still waits to the next run, which finds the other user gone."""
        waiting = [operation.key for operation in self.remaining() if operation.key in self.waiting_for]
        if waiting:
            key = waiting[0]
            self.stop(
                Outcome.FAILED,
                Reason.EMAIL_IN_USE,
                f"the e-mail of contact {key} still belongs to a user of customer {self.waiting_for[key]} "
                "who is to go; the next run goes on",
                field="contact.email",
            )
        if self.unremoved:
            self.problem = Problem(Outcome.FAILED, Reason.REJECTED_BY_STORE, "; ".join(self.unremoved))

    def hold_back(self, part: str, finding: Finding) -> None:
        """Let one part wait; the customer goes on without it."""
        self.held_back.add(part)
        self.findings.append(finding)

    def keep_out_new_users(self) -> list[str]:
        """Let nobody be made a user for now; returns the parts that are held back by it."""
        users = (*(self.plan.desired.users if self.plan.desired else ()), *self.plan.successors)
        have = self.applied.users if self.applied else {}
        parts = dict.fromkeys(f"contact:{user.key}" for user in users if user.key not in have)
        new = [part for part in parts if part not in self.held_back]
        self.held_back.update(new)
        return new

    def admit(self, key: str) -> None:
        """Take back that a contact waits."""
        self.held_back -= {f"contact:{key}", f"email:{key}"}
        self.findings = [each for each in self.findings if (each.entity, each.key) != ("contact", key)]

    def access_ended_at_utc(self, operation: Operation) -> datetime | None:
        """When the source's record changed because of which an operation takes access away; ``None`` for all others."""
        stamp = self.plan.access_ended_at_utc.get(operation.key) if operation.action in ENDS_ACCESS else None
        return datetime.fromisoformat(stamp) if stamp else None

    def uncleared(self) -> dict[str, str]:
        """Extra fields that should be empty and that the store cannot empty, with the values that stay."""
        return uncleared(self.plan.desired, self.applied) if self.plan.desired is not None else {}

    def settle_foreign(self, operation: Operation) -> bool:
        """Note that something was done to a user whom the source does not know; false where it is another's."""
        left = tuple(each for each in self.foreign if each.store_id != operation.store_id)
        is_foreign = len(left) < len(self.foreign)
        self.foreign = left
        return is_foreign

    def wanted_email(self, key: str) -> str:
        """The e-mail that a contact waits for, ``""`` if it is to have none."""
        users = (*(self.plan.desired.users if self.plan.desired else ()), *self.plan.successors)
        return next((user.email for user in users if user.key == key), "")

    def email_of(self, key: str) -> str:
        """The e-mail that the user of that contact should have."""
        return next(user.email for user in self.desired.users if user.key == key)

    def applied_user(self, store_id: int) -> tuple[str, AppliedUser] | None:
        """The applied user with that id and its key."""
        users = self.applied.users if self.applied else {}
        return next(((key, record) for key, record in users.items() if record.store_id == store_id), None)


def _as_ordered(creation: Operation, now: AppliedCompany) -> AppliedCompany | None:
    """A company with its admin alone, if both are what their creation gives them; ``None`` if anything else is said."""
    if not isinstance(creation, CompanyOperation) or creation.action is not Action.CREATE_COMPANY:
        return None
    admin = now.users.get(creation.admin_key)
    if now.fields != creation.new or admin is None or admin.fields != creation.admin:
        return None
    made = msgspec.structs.replace(_NEW_COMPANY, company_id=now.company_id, fields=now.fields)
    is_plain = all(getattr(made, name) == getattr(now, name) for name in _OWN_FIELDS)
    return msgspec.structs.replace(now, users={creation.admin_key: admin}, addresses={}) if is_plain else None


def _differ_in_parts_only(before: AppliedCompany, now: AppliedCompany) -> bool:
    """Whether users and addresses were added, and nothing else is another object than before."""
    return (
        all(getattr(before, name) is getattr(now, name) for name in _OWN_FIELDS)
        and all(now.users.get(key) is record for key, record in before.users.items())
        and all(now.addresses.get(key) is record for key, record in before.addresses.items())
    )


def _is_as_ordered(operation: Operation, now: AppliedCompany) -> bool:
    """Whether the part that an operation makes is there with the values that it gives."""
    if isinstance(operation, UserOperation):
        user = now.users.get(operation.key)
        return user is not None and user.fields == operation.new
    address = now.addresses.get(operation.key)
    return isinstance(operation, AddressOperation) and address is not None and address.fields == operation.new


class Part(NamedTuple):
    """One operation of one customer."""

    load: CustomerLoad
    operation: Operation
