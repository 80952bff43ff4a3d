"""The plan of one customer, and what a batch's plan gathers on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from customer_sync.ledger import CustomerOutcome, Quarantined
from customer_sync.ledger.state.emails import AccountClaim
from customer_sync.model.batch import Unenrolled
from customer_sync.model.company import Company, CompanyStatus, attempt_hash
from customer_sync.model.customer import Customer
from customer_sync.model.operation import Action, AppliedCompany, CustomerPlan, Operation, PlanKind
from customer_sync.model.outcome import MENDED_IN_STORE, WAITS, WAITS_FOR_EMAIL, Finding, LogEntry, Outcome, Reason
from customer_sync.planning.access import leaving_users, moved_away, withdrawal_plan
from customer_sync.planning.diff import diff_reference, uncleared
from customer_sync.planning.emails import Staked
from customer_sync.reporting.log_entry import (
    closing_entry,
    finding_entry,
    shown_name,
    uncleared_findings,
    unknown_entry,
)
from customer_sync.rules.company_users import successors
from customer_sync.run import Run
from customer_sync.steps.email_claims import Draft, Leaving, release_of
from customer_sync.steps.held_parts import said_again, waiting_parts


@dataclass
class BatchPlan:
    """What one batch's transformation gathers.

    ``key`` is the batch's, ``words`` are those of the source's screens, ``rows`` identifies what the source says of
    each customer, and ``as_applied`` are those whose desired state was applied whole before.
    """

    key: str
    words: Mapping[str, str]
    rows: Mapping[str, str]
    plans: list[CustomerPlan] = field(default_factory=list)
    entries: list[LogEntry] = field(default_factory=list)
    outcomes: list[CustomerOutcome] = field(default_factory=list)
    quarantined: list[tuple[str, Finding]] = field(default_factory=list)
    claims: list[AccountClaim] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of customers that claim nothing
    as_applied: list[str] = field(default_factory=list)
    unknown: dict[str, Reason] = field(default_factory=dict)
    known: dict[str, list[Quarantined]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    stakes: list[Staked] = field(default_factory=list)
    releases: dict[str, bytes] = field(default_factory=dict)
    leaving: int = 0
    looked_at: set[str] = field(default_factory=set)

    def is_looked_at(self, plan: CustomerPlan) -> bool:
        """Whether a customer waits for somebody to change the store: load only looks whether that was done."""
        return plan.customer_id in self.looked_at

    def history_of(self, customer_id: str) -> str:
        """Since when the customer as a whole has been in quarantine, ``""`` if it was not."""
        rows = self.known.get(customer_id, [])
        return next((f"; {row.history()}" for row in rows if row.entity == "customer"), "")


def leaving_of(
    run: Run,
    customer: Customer,
    kind: PlanKind,
    applied: AppliedCompany | None,
    batch_plan: BatchPlan,
    findings: Iterable[Finding] = (),
) -> Leaving:
    """Find who has left a customer of whom nothing is to be made; what its company has and claims is to be said.

    Args:
        run: The run.
        customer: The customer.
        kind: ``access`` where it waits as a whole, ``unenroll`` where its company is withdrawn.
        applied: What the ledger remembers of its company.
        batch_plan: Learns its stakes in e-mails.
        findings: Why it waits.
    """
    moved = moved_away(customer.customer_id, applied, batch_plan.owners)
    reasons = tuple(dict.fromkeys(str(finding.reason) for finding in findings))
    plan = withdrawal_plan(customer, kind, run.connector, moved, reasons)
    leaving = Leaving(customer, msgspec.structs.replace(plan, reasons=reasons), applied)
    batch_plan.stakes += leaving.stakes(run.connector)
    return leaving


def plan_troubled(
    run: Run,
    leaving: Leaving,
    findings: Sequence[Finding],
    is_unanswered: bool,  # noqa: FBT001 - a fact of the customer like the others
    batch_plan: BatchPlan,
) -> None:
    """A customer that waits as a whole: whoever has left it loses access all the same."""
    key, name = leaving.customer_id, shown_name(leaving.customer.name, run.connector.masking)
    operations, applied = leaving.operations, leaving.applied
    _say_who_waits(run, leaving, batch_plan)
    unknown = _unknown(applied, is_unanswered=is_unanswered)
    if not operations and unknown is None and not _may_wake(run, leaving.others, batch_plan):
        _quarantine(key, name, findings, batch_plan)
        return
    batch_plan.quarantined.extend((key, finding) for finding in findings)
    batch_plan.entries.extend(finding_entry(key, name, finding, batch_plan.words) for finding in findings)
    _add_plan(
        run,
        msgspec.structs.replace(
            leaving.plan,
            name=name,
            company_id=applied.company_id if applied else 0,
            operations=operations,
            outcome=str(Outcome.QUARANTINED),
            access_ended_at_utc=_access_ended(operations, leaving.customer),
        ),
        leaving.customer,
        unknown,
        batch_plan,
        applied,
        release_of(leaving.plan, leaving.customer, leaving.staked, run.connector),
    )


def _quarantine(customer_id: str, name: str, findings: Iterable[Finding], batch_plan: BatchPlan) -> None:
    found = list(findings)
    reasons = tuple(str(finding.reason) for finding in found)
    message = "; ".join(finding.detail for finding in found if finding.detail) or "the store cannot hold it"
    message += batch_plan.history_of(customer_id)
    fields = ", ".join(dict.fromkeys(finding.field for finding in found if finding.field))
    entry = closing_entry(
        customer_id, name, Outcome.QUARANTINED, reasons, words=batch_plan.words, message=message, field=fields
    )
    batch_plan.entries.append(entry)
    batch_plan.outcomes.append(CustomerOutcome(customer_id, Outcome.QUARANTINED, reasons))
    batch_plan.quarantined.extend((customer_id, finding) for finding in found)


def _wait_on(customer_id: str, name: str, findings: Sequence[Finding], batch_plan: BatchPlan) -> None:
    """Close a customer that waits for what is in quarantine already."""
    rows = list(batch_plan.quarantined)
    _quarantine(customer_id, name, findings, batch_plan)
    batch_plan.quarantined[:] = rows


def close_unchanged(
    run: Run, customer: Customer, company_id: int, batch_plan: BatchPlan, outcome: Outcome = Outcome.UNCHANGED
) -> None:
    """Close a customer of whom nothing is to be written."""
    name = shown_name(customer.name, run.connector.masking)
    message = WAITS if outcome is Outcome.WAITING else ""
    store_id = str(company_id)
    entry = closing_entry(
        customer.customer_id, name, outcome, words=batch_plan.words, message=message, store_id=store_id
    )
    batch_plan.entries.append(entry)
    batch_plan.outcomes.append(CustomerOutcome(customer.customer_id, outcome))


def draft_of(
    run: Run,
    customer: Customer,
    company: Company,
    applied: AppliedCompany | None,
    held: list[Quarantined],
    is_unanswered: bool,  # noqa: FBT001 - a fact of the customer like the others
    due: Collection[tuple[str, str]],
) -> Draft:
    """Compare a customer with what waited in an earlier run."""
    tried = attempt_hash(company, customer.reference_id) if held else ""
    whole = next((row for row in held if row.entity == "customer" and row.content_hash == tried), None)
    same = waiting_parts(company, successors(customer, run.connector), held, tried) if held else []
    return Draft(
        customer,
        company,
        applied,
        refused=[row for row in same if row.reason not in WAITS_FOR_EMAIL],
        waiting=[row for row in same if row.reason in WAITS_FOR_EMAIL],
        is_unanswered=is_unanswered,
        whole=whole,
        due=frozenset(key for customer_id, key in due if customer_id == customer.customer_id),
        # What the store has to change for is looked at by load, which asks the store before it makes anything.
        mended_in_store=[row for row in held if row.entity == "customer" and row.reason in MENDED_IN_STORE],
    )


def plan_as_before(
    run: Run,
    leaving: Leaving,
    finding: Finding,
    is_unanswered: bool,  # noqa: FBT001 - a fact of the customer like the others
    batch_plan: BatchPlan,
) -> None:
    """Plan a customer that waits as a whole and is the same still."""
    plan_troubled(run, leaving, [said_again(finding)], is_unanswered, batch_plan)
    batch_plan.quarantined[-1] = (leaving.customer_id, finding)


def plan_sync(run: Run, draft: Draft, batch_plan: BatchPlan) -> None:
    """Plan a customer whose e-mails are settled: it is to be changed, it waits, or it is unchanged."""
    customer, company, applied, operations = draft.customer, draft.company, draft.applied, draft.operations
    key = customer.customer_id
    name = shown_name(customer.name, run.connector.masking)
    if draft.waits_for_a_person:
        batch_plan.looked_at.add(key)
    company_id = applied.company_id if applied else 0
    if run.connector.writes_reference and (applied or operations):
        operations += diff_reference(key, company_id, customer.reference_id)
    unknown = _unknown(applied, is_unanswered=draft.is_unanswered)
    stays = uncleared_findings(uncleared(company, applied), run.connector)
    # Who is asked for waits until load has the answer.
    batch_plan.quarantined.extend((key, row.finding()) for row in (*draft.mended_in_store, *draft.asked))
    batch_plan.quarantined.extend((key, finding) for finding in (*draft.findings, *stays))
    batch_plan.entries.extend(finding_entry(key, name, finding, batch_plan.words) for finding in stays)
    whole, may_wake = draft.whole, _may_wake(run, draft.others, batch_plan)
    is_for_load = bool(operations) or unknown is not None or may_wake
    if not is_for_load and (whole is not None or applied is None):
        _wait_on(key, name, [said_again(each) for each in ([whole.finding()] if whole else draft.findings)], batch_plan)
        return
    batch_plan.entries.extend(finding_entry(key, name, finding, batch_plan.words) for finding in draft.findings)
    if not is_for_load:
        waits = bool(draft.findings or stays)
        close_unchanged(run, customer, company_id, batch_plan, Outcome.WAITING if waits else Outcome.UNCHANGED)
        return
    plan = CustomerPlan(
        customer_id=key,
        kind="sync",
        name=name,
        record_id=customer.record_id,
        erp_reference=customer.reference_id,
        company_id=company_id,
        desired=company,
        operations=operations,
        held_back=draft.held_back,
        leavers=moved_away(key, applied, batch_plan.owners),
        reasons=(whole.reason,) if whole else (),
        access_ended_at_utc=_access_ended(operations, customer),
        was_inactive=applied is not None and applied.status == CompanyStatus.INACTIVE,
    )
    release = release_of(plan, customer, draft.staked, run.connector)
    _add_plan(run, plan, customer, unknown, batch_plan, applied, release)


def _may_wake(run: Run, others: Iterable[str], batch_plan: BatchPlan) -> bool:
    """Whether an e-mail that a customer waits for may be given up by one that another batch of this run has."""
    return any(run.ledger.runs.batch_of(run.run_id, other) not in {"", batch_plan.key} for other in others)


def _say_who_waits(run: Run, leaving: Leaving, batch_plan: BatchPlan) -> None:
    """Note who would follow an admin and waits for the e-mail: such a customer is read again in every run."""
    key, name = leaving.customer_id, shown_name(leaving.customer.name, run.connector.masking)
    batch_plan.quarantined.extend((key, finding) for finding in leaving.findings)
    batch_plan.entries.extend(finding_entry(key, name, finding, batch_plan.words) for finding in leaving.findings)


def _access_ended(operations: Iterable[Operation], customer: Customer) -> dict[str, str]:
    """When the contacts changed whose users are to go; one that is not in the ERP any more has no stamp."""
    leaving = {operation.key for operation in operations if operation.action is Action.DELETE_USER}
    stamps = ((contact.contact_id, contact.modified_at_utc) for contact in customer.contacts)
    return {key: stamp for key, stamp in stamps if key in leaving and stamp}


def plan_withdrawal(
    run: Run,
    left: Unenrolled,
    leaving: Leaving,
    is_unanswered: bool,  # noqa: FBT001 - a fact of the customer like the others
    batch_plan: BatchPlan,
) -> None:
    """Plan the withdrawal; one whose company may have been made without our knowing goes to load to be looked up."""
    customer, applied, operations = leaving.customer, leaving.applied, leaving.operations
    _say_who_waits(run, leaving, batch_plan)
    unknown = _unknown(applied, is_unanswered=is_unanswered)
    if not operations and unknown is None and not _may_wake(run, leaving.others, batch_plan):
        is_inactive = applied is not None and applied.status == CompanyStatus.INACTIVE
        message = "not eligible; its company is inactive already" if is_inactive else "not eligible; policy: leave"
        batch_plan.entries.append(
            closing_entry(
                left.customer_id, left.name, Outcome.FILTERED, left.reasons, words=batch_plan.words, message=message
            )
        )
        batch_plan.outcomes.append(CustomerOutcome(left.customer_id, Outcome.FILTERED, left.reasons))
        return
    ended = _access_ended(operations, customer)
    if leaving.plan.kind == "unenroll" and left.modified_at_utc:
        ended[left.customer_id] = left.modified_at_utc
    _add_plan(
        run,
        msgspec.structs.replace(
            leaving.plan,
            name=left.name,
            company_id=applied.company_id if applied else 0,
            operations=operations,
            reasons=left.reasons,
            access_ended_at_utc=ended,
        ),
        customer,
        unknown,
        batch_plan,
        applied,
        release_of(leaving.plan, customer, leaving.staked, run.connector),
    )


def _unknown(applied: AppliedCompany | None, *, is_unanswered: bool) -> Reason | None:
    """Why the operations cannot be worked out from here; load asks the store first and may find others."""
    if is_unanswered:
        return Reason.OUTCOME_UNKNOWN
    is_unread = applied is not None and (bool(applied.made_with) or not applied.parts_known)
    return Reason.PARTS_NOT_READ if is_unread else None


def _add_plan(
    run: Run,
    plan: CustomerPlan,
    customer: Customer,
    unknown: Reason | None,
    batch_plan: BatchPlan,
    applied: AppliedCompany | None,
    release: bytes,
) -> None:
    batch_plan.plans.append(plan)
    batch_plan.releases[plan.customer_id] = release
    if plan.operations or (applied is not None and applied.made_with):
        batch_plan.leaving += leaving_users(plan, customer, run.connector, applied)
    if unknown is not None:
        batch_plan.unknown[plan.customer_id] = unknown
        batch_plan.entries.append(unknown_entry(plan.customer_id, plan.name, unknown))
