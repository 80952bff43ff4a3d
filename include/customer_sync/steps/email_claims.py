"""Which e-mails the customers of a batch may have: what they have and claim goes into the directory, then it is asked.

Load asks again before it writes: then every batch of the run has said what it claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from customer_sync.ledger import Quarantined
from customer_sync.model.company import Company, CompanyUser
from customer_sync.model.customer import Customer
from customer_sync.model.operation import Action, AppliedCompany, CustomerPlan, Operation
from customer_sync.model.outcome import Finding, Reason
from customer_sync.planning.access import access_of
from customer_sync.planning.diff import diff_company, diff_unenrolment
from customer_sync.planning.emails import (
    Stake,
    Staked,
    email_finding,
    email_given,
    email_id,
    kept_by_colleagues,
    lost_to,
    stakes_of,
    stakes_on_leaving,
)
from customer_sync.rules.company_users import account_successor, leavers, successors
from customer_sync.run import Run
from customer_sync.settings.connector import Connector

ASKED_AGAIN_AFTER = timedelta(days=1)
"""Whether a stranger gave an e-mail up only the store can say; it is asked once a day for each part."""

MOST_ASKED = 60
"""So many such e-mails are asked for in one run, those first that were asked for longest ago."""


@dataclass
class Draft:
    """A customer that trades, before it is known which e-mails it may have.

    Attributes:
        customer: The customer.
        company: Its desired state.
        applied: What the ledger remembers of its company.
        refused: What the store refused before and is the same still.
        waiting: Contacts that waited for an e-mail before and are the same still.
        is_unanswered: Whether something that was sent for it has no answer.
        whole: What keeps it waiting as a whole.
        operations: What is to be done; as long as nobody was asked, as if all e-mails were free.
        others: Customers that have an e-mail which this one claims, or are to have it.
        findings: What waits.
        due: Contacts who may be asked for in this run where only the store knows who has the e-mail.
        strangers: Of those who waited, whose e-mails only the store knows the holder of, and who are not due yet.
        asked: Those of them who are due.
        mended_in_store: Why the store has to change before it can be made.
        staked: What it has and claims.
    """

    customer: Customer
    company: Company
    applied: AppliedCompany | None
    refused: list[Quarantined]
    waiting: list[Quarantined]
    is_unanswered: bool
    whole: Quarantined | None
    operations: tuple[Operation, ...] = ()
    others: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    due: frozenset[str] = frozenset()
    strangers: list[Quarantined] = field(default_factory=list)
    asked: list[Quarantined] = field(default_factory=list)
    mended_in_store: list[Quarantined] = field(default_factory=list)
    staked: list[Staked] = field(default_factory=list)

    @property
    def customer_id(self) -> str:
        """The customer's number."""
        return self.customer.customer_id

    def is_contested(self, known: Mapping[str, Sequence[Staked]]) -> bool:
        """Whether anything waits or somebody else has to do with an e-mail that it claims."""
        emails = (known.get(email_id(user.email), ()) for user in self.company.users)
        return bool(self.refused or self.waiting) or any(
            each.customer_id != self.customer_id for stakes in emails for each in stakes
        )

    @property
    def waits_for_a_person(self) -> bool:
        """Whether somebody has to change the store before it can have a company."""
        return bool(self.mended_in_store) and self.applied is None

    def stakes(self, connector: Connector) -> list[Staked]:
        """What it has and claims; who waits for a person keeps nobody else from an e-mail."""
        held = [row.part for row in self.refused]
        self._compare(connector, held)
        if not self.waits_for_a_person:
            self.staked = stakes_of(self.customer, self.company.users, self.applied, self.operations, held)
        return self.staked

    @property
    def waits_as_before(self) -> Finding | None:
        """What was refused before and is the same, where nothing but a change of the source can help."""
        if self.whole is None or (self.applied is not None and self.whole.reason == Reason.REJECTED_BY_STORE):
            return None
        return self.whole.finding()

    def settle(self, connector: Connector, known: Mapping[str, Sequence[Staked]]) -> None:
        """Leave out whom it cannot have, and plan anew where that is anybody.

        Args:
            connector: Its rules.
            known: Everybody's stakes in the e-mails that it claims.
        """
        lost = self._lost(self.company.users, known)
        held = [row.part for row in self.refused]
        colleagues = kept_by_colleagues(self.company.users, self.applied, held)
        lost += [email_finding(user, self.customer_id) for user in colleagues]
        if len(lost) == len(self.company.users):
            lost += self._lost(account_successor(self.customer, connector), known)
        keys = {each.key for each in lost}
        unknown = [row for row in self.waiting if row.key not in keys and self._is_strangers(row, known)]
        self.strangers = [row for row in unknown if row.key not in self.due]
        self.asked = [row for row in unknown if row.key in self.due]
        self.findings = (*(row.finding() for row in (*self.refused, *self.strangers)), *lost)
        self.others = frozenset(each.holder for each in lost)
        if lost or self.strangers:
            self._compare(connector, [*self.held_back, *(f"email:{key}" for key in keys)])

    @property
    def held_back(self) -> tuple[str, ...]:
        """The parts that load must not send either; whose e-mail another customer has, it asks for itself."""
        return tuple(row.part for row in (*self.refused, *self.strangers))

    def _compare(self, connector: Connector, held: Sequence[str]) -> None:
        others = successors(self.customer, connector) if held else ()
        self.operations = diff_company(self.company, self.applied, connector.policy, held, others)

    def _lost(self, users: Iterable[CompanyUser], known: Mapping[str, Sequence[Staked]]) -> list[Finding]:
        found = ((user, lost_to(self.customer_id, known.get(email_id(user.email), ()))) for user in users)
        return [email_finding(user, holder) for user, holder in found if holder]

    def _is_strangers(self, row: Quarantined, known: Mapping[str, Sequence[Staked]]) -> bool:
        """Whether a contact waits for an e-mail of which only the store knows who has it."""
        user = next((each for each in self.company.users if each.key == row.key), None)
        stakes = known.get(email_id(user.email), ()) if user else ()
        others = (each for each in stakes if each.customer_id != self.customer_id)
        return not row.holder_id and all(each.stake is Stake.CLAIMED for each in others)


@dataclass
class Leaving:
    """A customer of whom nothing is to be made: it waits as a whole, or its company is withdrawn.

    Attributes:
        customer: The customer.
        plan: Who has left it, and who may follow the admin.
        applied: What the ledger remembers of its company.
        operations: What takes access away; as long as nobody was asked, as if all e-mails were free.
        staked: What it has, and claims for who follows its admin.
        findings: Who would follow the admin, and waits for the e-mail.
    """

    customer: Customer
    plan: CustomerPlan
    applied: AppliedCompany | None
    operations: tuple[Operation, ...] = ()
    staked: list[Staked] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def customer_id(self) -> str:
        """The customer's number."""
        return self.customer.customer_id

    def stakes(self, connector: Connector) -> list[Staked]:
        """What it has and claims."""
        self._compare(connector)
        is_withdrawn = self.plan.kind == "unenroll" and connector.policy.customer != "leave"
        self.staked = stakes_on_leaving(self.customer, self.applied, self.operations, is_withdrawn=is_withdrawn)
        return self.staked

    def settle(self, connector: Connector, known: Mapping[str, Sequence[Staked]]) -> None:
        """Plan anew where who is to follow the admin cannot have the e-mail."""
        users = {user.key: user for user in self.plan.successors}
        while lost := [
            email_finding(users[each.key], holder)
            for each in self.operations
            if each.action is Action.CREATE_USER
            and (holder := lost_to(self.customer_id, known.get(email_given(each), ())))
        ]:
            self.findings += lost
            self._compare(connector, [f"email:{each.key}" for each in self.findings])

    @property
    def others(self) -> frozenset[str]:
        """Customers that have an e-mail which who follows the admin is to have."""
        return frozenset(each.holder for each in self.findings)

    def _compare(self, connector: Connector, held: Sequence[str] = ()) -> None:
        if self.applied is None:
            return
        access = access_of(self.plan, self.applied, connector, held)
        self.operations = (
            diff_unenrolment(self.customer_id, self.applied, connector.policy, access)
            if self.plan.kind == "unenroll"
            else access
        )


def settle_emails(
    run: Run,
    drafts: Sequence[Draft],
    leaving: Iterable[Leaving],
    stakes: Sequence[Staked],
    customer_ids: Iterable[str],
) -> None:
    """Say what the customers of a batch have and claim, and leave out whose e-mails others have or are to have.

    Args:
        run: The run.
        drafts: The customers that trade and are to be changed.
        leaving: The other customers of the batch.
        stakes: What these have and claim.
        customer_ids: All of these.
    """
    claimed = [stake for draft in drafts for stake in draft.stakes(run.connector)]
    with run.ledger.write() as connection:
        run.ledger.directory.replace(connection, run.run_id, customer_ids, [*stakes, *claimed])
    asked = (each.email_id for each in (*stakes, *claimed) if each.stake is Stake.CLAIMED)
    known = run.ledger.directory.of_emails(asked)
    for each in leaving:
        each.settle(run.connector, known)
    contested = [draft for draft in drafts if draft.is_contested(known)]
    known |= run.ledger.directory.of_emails(email_id(draft.customer.email) for draft in contested)
    for draft in contested:
        draft.settle(run.connector, known)


def release_of(plan: CustomerPlan, customer: Customer, stakes: Iterable[Staked], connector: Connector) -> bytes:
    """The plan of a customer that gives e-mails up, for a load that needs them before its batch is loaded."""
    if all(each.stake is Stake.OURS or each.stake is Stake.CLAIMED for each in stakes):
        return b""
    if plan.kind == "sync":
        plan = msgspec.structs.replace(
            plan,
            leavers=leavers(customer, connector).union(plan.leavers),
            successors=account_successor(customer, connector),
        )
    return msgspec.json.encode(msgspec.structs.replace(plan, operations=()))
