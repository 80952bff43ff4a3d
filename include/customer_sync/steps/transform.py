"""Step three: build the desired state of a batch, compare it with the ledger: out comes its plan. (task: transform)"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from customer_sync.gc_paused import gc_paused
from customer_sync.ledger import CustomerOutcome, LinkSummary, PlannedCustomer, Quarantined
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.batch import (
    BatchDescriptor,
    PlannedChange,
    PlannedChanges,
    Unenrolled,
    pack,
    unpack_customers,
    unpack_decisions,
)
from customer_sync.model.company import Company, CompanyStatus, CompanyUser, attempt_hash, content_hash, parts_of
from customer_sync.model.customer import Customer
from customer_sync.model.operation import REMOVALS, Action, AppliedCompany, CustomerPlan, Operation, PlanKind
from customer_sync.model.outcome import MENDED_IN_STORE, Finding, LogEntry, Outcome, Reason
from customer_sync.planning.access import access_of, moved_away, withdrawal_plan
from customer_sync.planning.diff import diff_company, diff_reference, diff_unenrolment, uncleared
from customer_sync.planning.request_estimate import expected_requests
from customer_sync.planning.window import RunRequest
from customer_sync.reporting.log_entry import (
    closing_entry,
    finding_entry,
    operation_entry,
    shown_name,
    uncleared_findings,
    unknown_entry,
)
from customer_sync.rules.company_mapping import Transformed, to_company
from customer_sync.rules.company_users import successors
from customer_sync.run import Run

ASKED_AGAIN_AFTER = timedelta(days=1)
"""Whether a stranger gave an e-mail up only the store can say; it is asked once a day for each part."""

_NO_LINK = LinkSummary(0, 0, "", "")


@dataclass
class _BatchPlan:
    """What one batch's transformation gathers; ``words`` are those of the source's screens."""

    words: Mapping[str, str]
    plans: list[CustomerPlan] = field(default_factory=list)
    entries: list[LogEntry] = field(default_factory=list)
    outcomes: list[CustomerOutcome] = field(default_factory=list)
    quarantined: list[tuple[str, Finding]] = field(default_factory=list)
    claims: list[tuple[str, str, str]] = field(default_factory=list)
    unknown: dict[str, Reason] = field(default_factory=dict)
    known: dict[str, list[Quarantined]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)

    def history_of(self, customer_id: str) -> str:
        """Since when the customer as a whole has been in quarantine, ``""`` if it was not."""
        rows = self.known.get(customer_id, [])
        return next((f"; {row.history()}" for row in rows if row.entity == "customer"), "")


@gc_paused()
def transform_batch(
    run: Run, content: Any, decisions: Any, descriptor: BatchDescriptor, request: RunRequest
) -> tuple[str, BatchDescriptor]:
    """Plan one batch.

    Customers that the store cannot hold are quarantined with field and reason; those
    that are equal already get the outcome ``unchanged``; the rest of the batch goes on.

    Args:
        run: The run.
        content: What extract wrote.
        decisions: What filter wrote.
        descriptor: What filter said of the batch.
        request: The run's params; ``retry_quarantined`` lets refused records be sent again.

    Returns:
        The customers that are to be changed, to be put beside the others, and a descriptor with their number and hash.

    Raises:
        BatchDamaged: The batch did not arrive whole.
    """
    decided = unpack_decisions(decisions, descriptor)
    judged = (*decided.unenrolled, *decided.kept)
    out = {*decided.left_out, *(left.customer_id for left in judged)}
    everybody = {item.customer_id: item for item in unpack_customers(content, descriptor).items}
    customers = [item for key, item in everybody.items() if key not in out]
    ids = [item.customer_id for item in customers]
    batch_plan = _BatchPlan(run.words, known=run.ledger.quarantine.load(ids))
    batch_plan.owners = run.ledger.runs.owners_of_moved(run.run_id)
    held = {} if request.retry_quarantined else batch_plan.known
    desired: dict[str, Company] = {}
    troubled: dict[str, tuple[Finding, ...]] = {}
    for customer in customers:
        result = _transform(run, customer, batch_plan)
        if result.company is not None:
            desired[customer.customer_id] = result.company
        else:
            troubled[customer.customer_id] = result.findings
    looked_at = [*ids, *(left.customer_id for left in judged)]
    unanswered = run.ledger.intents.unanswered_by({key: everybody[key].record_id for key in looked_at}).keys()
    with run.ledger.links.snapshot() as links:
        summaries = links.summaries(desired)
        changed = _without_unchanged(run, customers, desired, summaries, {*held, *unanswered}, batch_plan)
        holders = {row.holder_id for rows in held.values() for row in rows if row.holder_id}
        applied = links.applied([*changed, *troubled, *(item.customer_id for item in judged), *holders])
    taken = {key: _emails_kept(run, key, applied.get(key), desired, everybody, out, batch_plan) for key in holders}
    for customer in customers:
        if customer.customer_id in changed:
            key = customer.customer_id
            rows = [row for row in held.get(key, []) if not _is_free(row, desired[key], taken)]
            _plan(run, customer, desired[key], applied.get(key), rows, key in unanswered, batch_plan)
    for key, findings in troubled.items():
        _plan_of_troubled(run, everybody[key], applied.get(key), findings, batch_plan)
    for left in judged:
        key = left.customer_id
        kind: PlanKind = "unenroll" if left in decided.unenrolled else "access"
        _plan_withdrawal(run, left, everybody[key], applied.get(key), kind, key in unanswered, batch_plan)
    planned = _rows(batch_plan)
    everyone = [*ids, *(left.customer_id for left in judged)]
    _record(run, descriptor, batch_plan, everyone, planned)
    packed, digest = pack(PlannedChanges(items=tuple(map(_change, batch_plan.plans))))
    total = sum(int(row.plan_hash, 16) for row in planned) % 2**128
    operations = [operation for plan in batch_plan.plans for operation in plan.operations]
    store_requests, erp_requests = expected_requests(operations, run.connector.store.bulk_size)
    return packed, msgspec.structs.replace(
        descriptor,
        count=len(batch_plan.plans),
        digest=digest,
        mapping=run.connector.mapping_fingerprint(),
        store_requests=store_requests,
        erp_requests=erp_requests,
        plan_sum=str(total),
        operations=len(operations),
        eligible=len(customers),
        withdrawn=sum(1 for plan in batch_plan.plans if plan.kind == "unenroll"),
        removed=sum(1 for operation in operations if operation.action in REMOVALS),
        created=sum(1 for operation in operations if operation.action is Action.CREATE_COMPANY),
    )


def _transform(run: Run, customer: Customer, batch_plan: _BatchPlan) -> Transformed:
    name = shown_name(customer.name, run.connector.masking)
    result = to_company(customer, run.connector)
    if result.company is None:
        return result
    batch_plan.claims.append((customer.customer_id, customer.email, customer.reference_id))
    batch_plan.entries.extend(
        finding_entry(customer.customer_id, name, finding, batch_plan.words) for finding in result.findings
    )
    return result


def _plan_of_troubled(
    run: Run,
    customer: Customer,
    applied: AppliedCompany | None,
    findings: Sequence[Finding],
    batch_plan: _BatchPlan,
) -> None:
    """A customer that waits as a whole: whoever has left it loses access all the same."""
    key, name = customer.customer_id, shown_name(customer.name, run.connector.masking)
    plan = withdrawal_plan(customer, "access", run.connector, moved_away(key, applied, batch_plan.owners))
    operations = access_of(plan, applied, run.connector) if applied else ()
    if not operations:
        _quarantine(key, name, findings, batch_plan)
        return
    batch_plan.quarantined.extend((key, finding) for finding in findings)
    batch_plan.entries.extend(finding_entry(key, name, finding, batch_plan.words) for finding in findings)
    _add_plan(
        run,
        msgspec.structs.replace(
            plan,
            name=name,
            company_id=applied.company_id if applied else 0,
            operations=operations,
            reasons=tuple(dict.fromkeys(str(finding.reason) for finding in findings)),
            outcome=str(Outcome.QUARANTINED),
            access_ended_at_utc=_access_ended(operations, customer),
        ),
        None,
        batch_plan,
    )


def _quarantine(customer_id: str, name: str, findings: Iterable[Finding], batch_plan: _BatchPlan) -> None:
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


def _wait_on(customer_id: str, name: str, findings: Sequence[Finding], batch_plan: _BatchPlan) -> None:
    """Close a customer that waits for what is in quarantine already."""
    rows = list(batch_plan.quarantined)
    _quarantine(customer_id, name, findings, batch_plan)
    batch_plan.quarantined[:] = rows


def _without_unchanged(
    run: Run,
    customers: Iterable[Customer],
    desired: Mapping[str, Company],
    known: Mapping[str, LinkSummary],
    unsettled: set[str],
    batch_plan: _BatchPlan,
) -> set[str]:
    """Close the customers whose desired state was applied whole before; return the others.

    ``unsettled`` customers have something in quarantine or a write without an answer.
    """
    changed: set[str] = set()
    for customer in customers:
        key = customer.customer_id
        if key not in desired:
            continue
        company_id, status, digest, _ = known.get(key, _NO_LINK)
        is_equal = digest == content_hash(desired[key]) and status == CompanyStatus.APPROVED
        has_reference = not run.connector.erp.write_reference or customer.reference_id == str(company_id)
        if not is_equal or not has_reference or key in unsettled:
            changed.add(key)
            continue
        _unchanged(run, customer, company_id, batch_plan)
    return changed


def _unchanged(
    run: Run, customer: Customer, company_id: int, batch_plan: _BatchPlan, outcome: Outcome = Outcome.UNCHANGED
) -> None:
    name = shown_name(customer.name, run.connector.masking)
    entry = closing_entry(customer.customer_id, name, outcome, words=batch_plan.words, store_id=str(company_id))
    batch_plan.entries.append(entry)
    batch_plan.outcomes.append(CustomerOutcome(customer.customer_id, outcome))


def _plan(
    run: Run,
    customer: Customer,
    company: Company,
    applied: AppliedCompany | None,
    held: list[Quarantined],
    is_unanswered: bool,  # noqa: FBT001 - a fact of the customer like the others
    batch_plan: _BatchPlan,
) -> None:
    key = customer.customer_id
    name = shown_name(customer.name, run.connector.masking)
    tried = attempt_hash(company, customer.reference_id) if held else ""
    whole = next((row for row in held if row.entity == "customer" and row.content_hash == tried), None)
    if whole is not None and (applied is None or whole.reason != Reason.REJECTED_BY_STORE):
        finding = whole.finding()
        _plan_of_troubled(run, customer, applied, [_said_again(finding)], batch_plan)
        batch_plan.quarantined[-1] = (key, finding)
        return
    # What the store has to change for is looked at by load, which asks the store before it makes anything.
    kept = (row for row in held if row.entity == "customer" and row.reason in MENDED_IN_STORE)
    batch_plan.quarantined.extend((key, row.finding()) for row in kept)
    others = successors(customer, run.connector) if held else ()
    waiting = _waiting(company, others, held, tried)
    held_back = tuple(f"{row.entity}:{row.key}" for row in waiting)
    operations = diff_company(company, applied, run.connector.policy, held_back, others)
    company_id = applied.company_id if applied else 0
    if run.connector.erp.write_reference and (applied or operations):
        operations += diff_reference(key, company_id, customer.reference_id)
    unknown = _unknown(applied, is_unanswered=is_unanswered)
    batch_plan.quarantined.extend((key, row.finding()) for row in waiting)
    stays = uncleared_findings(uncleared(company, applied), run.connector)
    batch_plan.quarantined.extend((key, finding) for finding in stays)
    batch_plan.entries.extend(finding_entry(key, name, finding, batch_plan.words) for finding in stays)
    if not operations and unknown is None and (whole is not None or applied is None):
        _wait_on(key, name, [_said_again(row.finding()) for row in ([whole] if whole else waiting)], batch_plan)
        return
    batch_plan.entries.extend(finding_entry(key, name, row.finding(), batch_plan.words) for row in waiting)
    if not operations and unknown is None:
        _unchanged(run, customer, company_id, batch_plan, Outcome.WAITING if held_back or stays else Outcome.UNCHANGED)
        return
    _add_plan(
        run,
        CustomerPlan(
            customer_id=key,
            kind="sync",
            name=name,
            record_id=customer.record_id,
            erp_reference=customer.reference_id,
            company_id=company_id,
            desired=company,
            operations=operations,
            held_back=held_back,
            leavers=moved_away(key, applied, batch_plan.owners),
            reasons=(whole.reason,) if whole else (),
            access_ended_at_utc=_access_ended(operations, customer),
            was_inactive=applied is not None and applied.status == CompanyStatus.INACTIVE,
        ),
        unknown,
        batch_plan,
    )


def _access_ended(operations: Iterable[Operation], customer: Customer) -> dict[str, str]:
    """When the contacts changed whose users are to go; one that is not in the ERP any more has no stamp."""
    leaving = {operation.key for operation in operations if operation.action is Action.DELETE_USER}
    stamps = ((contact.contact_id, contact.modified_at_utc) for contact in customer.contacts)
    return {key: stamp for key, stamp in stamps if key in leaving and stamp}


def _waiting(
    company: Company, others: Iterable[CompanyUser], held: Iterable[Quarantined], tried: str
) -> list[Quarantined]:
    """What the store refused before and is the same still."""
    if not held:
        return []
    parts = parts_of(company, others)
    hashes = {part: content_hash(value) for part, value in parts.items()}
    return [
        row
        for row in held
        if row.content_hash
        and row.content_hash == (tried if row.entity == "customer" else hashes.get(f"{row.entity}:{row.key}"))
    ]


def _emails_kept(
    run: Run,
    customer_id: str,
    applied: AppliedCompany | None,
    desired: Mapping[str, Company],
    read: Mapping[str, Customer],
    refused: Collection[str],
    batch_plan: _BatchPlan,
) -> frozenset[str]:
    """The e-mails of a customer's users, less those that this batch takes from it before it gives any."""
    if applied is None:
        return frozenset()
    users = {key: record.fields.email.casefold() for key, record in applied.users.items()}
    customer = read.get(customer_id)
    if customer_id in desired and run.connector.policy.contact == "delete":
        return frozenset(users.values()) & {user.email.casefold() for user in desired[customer_id].users}
    if customer is None or customer_id not in refused:
        return frozenset(users.values())
    moved = moved_away(customer_id, applied, batch_plan.owners)
    going = {
        operation.key
        for kind in ("access", "unenroll")
        for operation in access_of(withdrawal_plan(customer, kind, run.connector, moved), applied, run.connector)
        if operation.action is Action.DELETE_USER
    }
    return frozenset(email for key, email in users.items() if key not in going)


def _is_free(row: Quarantined, company: Company, taken: Mapping[str, Collection[str]]) -> bool:
    """Whether a contact's e-mail was given up, or may have been by somebody whom only the store knows."""
    if row.reason != Reason.EMAIL_IN_USE or row.entity != "contact":
        return False
    if not row.holder_id:
        return row.asked_at_utc is not None and utc_now() - row.asked_at_utc > ASKED_AGAIN_AFTER
    email = next((user.email.casefold() for user in company.users if user.key == row.key), "")
    return bool(email) and email not in taken[row.holder_id]


def _said_again(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, detail=f"refused before, unchanged since: {finding.detail}")


def _plan_withdrawal(
    run: Run,
    left: Unenrolled,
    customer: Customer,
    applied: AppliedCompany | None,
    kind: PlanKind,
    is_unanswered: bool,  # noqa: FBT001 - a fact of the customer like the others
    batch_plan: _BatchPlan,
) -> None:
    """Plan the withdrawal; one whose company may have been made without our knowing goes to load to be looked up."""
    plan = withdrawal_plan(customer, kind, run.connector, moved_away(left.customer_id, applied, batch_plan.owners))
    operations: tuple[Operation, ...] = access_of(plan, applied, run.connector) if applied else ()
    if applied and kind == "unenroll":
        operations = diff_unenrolment(left.customer_id, applied, run.connector.policy, operations)
    if not operations and not is_unanswered:
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
    if kind == "unenroll" and left.modified_at_utc:
        ended[left.customer_id] = left.modified_at_utc
    _add_plan(
        run,
        msgspec.structs.replace(
            plan,
            name=left.name,
            company_id=applied.company_id if applied else 0,
            operations=operations,
            reasons=left.reasons,
            access_ended_at_utc=ended,
        ),
        Reason.OUTCOME_UNKNOWN if is_unanswered else None,
        batch_plan,
    )


def _unknown(applied: AppliedCompany | None, *, is_unanswered: bool) -> Reason | None:
    """Why the operations cannot be worked out from here; load asks the store first and may find others."""
    if is_unanswered:
        return Reason.OUTCOME_UNKNOWN
    return Reason.PARTS_NOT_READ if applied is not None and not applied.parts_known else None


def _add_plan(run: Run, plan: CustomerPlan, unknown: Reason | None, batch_plan: _BatchPlan) -> None:
    batch_plan.plans.append(plan)
    if unknown is not None:
        batch_plan.unknown[plan.customer_id] = unknown
        batch_plan.entries.append(unknown_entry(plan.customer_id, plan.name, unknown))
    batch_plan.entries.extend(
        operation_entry(plan.customer_id, plan.name, operation, run.connector, verb="planned")
        for operation in plan.operations
    )


def _change(plan: CustomerPlan) -> PlannedChange:
    return PlannedChange(
        customer_id=plan.customer_id,
        kind=plan.kind,
        name=plan.name,
        company_id=plan.company_id,
        reasons=plan.reasons,
        held_back=plan.held_back,
        leavers=tuple(sorted(plan.leavers)),
        outcome=plan.outcome,
        access_ended_at_utc=plan.access_ended_at_utc,
        was_inactive=plan.was_inactive,
    )


def _rows(batch_plan: _BatchPlan) -> list[PlannedCustomer]:
    return [
        PlannedCustomer(
            plan.customer_id,
            plan.name,
            plan.kind,
            len(plan.operations),
            f"{plan.plan_hash():032x}",
            str(batch_plan.unknown.get(plan.customer_id, "")),
        )
        for plan in batch_plan.plans
    ]


def _record(
    run: Run,
    descriptor: BatchDescriptor,
    batch_plan: _BatchPlan,
    everyone: list[str],
    plan_rows: Iterable[PlannedCustomer],
) -> None:
    with run.ledger.write() as connection:
        run.ledger.runs.clear_outcomes(connection, run.run_id, everyone)
        run.ledger.emails.claim(connection, run.run_id, batch_plan.claims)
        run.ledger.plans.replace(connection, run.run_id, descriptor.key, plan_rows)
        run.ledger.quarantine.replace(connection, run.run_id, everyone, batch_plan.quarantined)
        news = run.record(connection, batch_plan.entries, batch_plan.outcomes)
    planned, quarantined = (
        len(batch_plan.plans),
        len({key for key, f in batch_plan.quarantined if f.entity == "customer"}),
    )
    unchanged = sum(1 for outcome in batch_plan.outcomes if outcome.outcome is Outcome.UNCHANGED)
    title = f"{descriptor.label}: {planned} to change, {unchanged} unchanged, {quarantined} quarantined"
    run.sink(title, news)
