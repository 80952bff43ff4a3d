"""Step three: build the desired state of a batch, compare it with the ledger: out comes its plan. (task: transform)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from customer_sync.gc_paused import gc_paused
from customer_sync.ledger import LinkSummary, PlannedCustomer
from customer_sync.ledger.state.emails import AccountClaim
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.batch import (
    BatchDescriptor,
    PlannedChange,
    PlannedChanges,
    pack,
    unpack_customers,
    unpack_decisions,
)
from customer_sync.model.company import Company, CompanyStatus, content_hash
from customer_sync.model.customer import Customer
from customer_sync.model.operation import REMOVALS, Action, CustomerPlan, PlanKind
from customer_sync.model.outcome import Finding, Outcome
from customer_sync.planning.request_estimate import expected_requests
from customer_sync.planning.window import RunRequest
from customer_sync.reporting.log_entry import finding_entry, shown_name
from customer_sync.rules.company_mapping import Transformed, to_company
from customer_sync.rules.places import StorePlaces
from customer_sync.run import Run
from customer_sync.steps.as_before import remember
from customer_sync.steps.batch_plan import (
    BatchPlan,
    close_unchanged,
    draft_of,
    leaving_of,
    plan_as_before,
    plan_sync,
    plan_troubled,
    plan_withdrawal,
)
from customer_sync.steps.email_claims import ASKED_AGAIN_AFTER, MOST_ASKED, settle_emails
from customer_sync.steps.store_places import PlaceReader
from customer_sync.targets.port import PlanningStore

_NO_LINK = LinkSummary(0, 0, "", "")


@gc_paused()
def transform_batch(
    run: Run, content: Any, decisions: Any, descriptor: BatchDescriptor, request: RunRequest, *, target: PlanningStore
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
        target: The store, which is asked what it calls countries and states once a day.

    Returns:
        The customers that are to be changed, to be put beside the others, and a descriptor with their number and hash.

    Raises:
        BatchDamaged: The batch did not arrive whole.
        SyncError: The store cannot be asked for the first time.
    """
    decided = unpack_decisions(decisions, descriptor)
    judged = (*decided.unenrolled, *decided.kept)
    out = {*decided.left_out, *(left.customer_id for left in judged)}
    batch = unpack_customers(content, descriptor)
    everybody = {item.customer_id: item for item in batch.items}
    customers = [item for key, item in everybody.items() if key not in out]
    ids = [item.customer_id for item in customers]
    batch_plan = BatchPlan(descriptor.key, run.words, rows=batch.rows, known=run.ledger.quarantine.load(ids))
    batch_plan.owners = run.ledger.runs.owners_of_moved(run.run_id)
    held = {} if request.retry_quarantined else batch_plan.known
    desired: dict[str, Company] = {}
    troubled: dict[str, tuple[Finding, ...]] = {}
    reader = PlaceReader(run, target)
    reader.refresh()
    places = reader.of(customers)
    for customer in customers:
        result = _transform(run, customer, places, batch_plan)
        if result.company is not None:
            desired[customer.customer_id] = result.company
        else:
            troubled[customer.customer_id] = result.findings
    looked_at = [*ids, *(left.customer_id for left in judged)]
    unanswered = run.ledger.intents.unanswered_by({key: everybody[key].record_id for key in looked_at}).keys()
    with run.ledger.links.snapshot() as links:
        summaries = links.summaries(desired)
        changed = _without_unchanged(run, customers, desired, summaries, {*held, *unanswered}, batch_plan)
        applied = links.applied([*changed, *troubled, *(item.customer_id for item in judged)])
    due = run.ledger.quarantine.due(utc_now() - ASKED_AGAIN_AFTER, MOST_ASKED) if held else set[tuple[str, str]]()
    drafts = [
        draft_of(run, customer, desired[key], applied.get(key), held.get(key, []), key in unanswered, due)
        for customer in customers
        if (key := customer.customer_id) in changed
    ]
    as_before = {draft.customer_id: found for draft in drafts if (found := draft.waits_as_before) is not None}
    drafts = [draft for draft in drafts if draft.customer_id not in as_before]
    kinds: dict[str, PlanKind] = {left.customer_id: "unenroll" for left in decided.unenrolled}
    waiting = {key: (finding,) for key, finding in as_before.items()} | troubled
    leaving = {
        key: leaving_of(
            run, everybody[key], kinds.get(key, "access"), applied.get(key), batch_plan, waiting.get(key, ())
        )
        for key in (*troubled, *(left.customer_id for left in judged), *as_before)
    }
    concerned = [*changed, *troubled, *(left.customer_id for left in judged)]
    settle_emails(run, drafts, leaving.values(), batch_plan.stakes, concerned)
    for key, findings in troubled.items():
        plan_troubled(run, leaving[key], findings, key in unanswered, batch_plan)
    for left in judged:
        key = left.customer_id
        plan_withdrawal(run, left, leaving[key], key in unanswered, batch_plan)
    for key, finding in as_before.items():
        plan_as_before(run, leaving[key], finding, key in unanswered, batch_plan)
    for draft in drafts:
        plan_sync(run, draft, batch_plan)
    planned, packed_operations = _rows(batch_plan)
    everyone = [*ids, *(left.customer_id for left in judged)]
    _record(run, descriptor, batch_plan, everyone, planned, packed_operations)
    packed, digest = pack(PlannedChanges(items=tuple(map(_change, batch_plan.plans))))
    total = sum(int(row.plan_hash, 16) for row in planned) % 2**128
    operations = [operation for plan in batch_plan.plans for operation in plan.operations]
    rules = run.connector.store
    store_requests, erp_requests = expected_requests(operations, rules.bulk_size, single_creates=rules.is_one_by_one)
    return packed, msgspec.structs.replace(
        descriptor,
        count=len(batch_plan.plans),
        digest=digest,
        mapping=run.mapping_fingerprint(),
        store_requests=store_requests,
        erp_requests=erp_requests,
        plan_sum=str(total),
        operations=len(operations),
        eligible=len(customers),
        withdrawn=sum(1 for plan in batch_plan.plans if plan.ends_trade),
        removed=sum(1 for operation in operations if operation.action in REMOVALS),
        leaving=batch_plan.leaving,
        created=sum(1 for plan in batch_plan.plans if _makes_company(plan) and not batch_plan.is_looked_at(plan)),
    )


def _transform(run: Run, customer: Customer, places: StorePlaces, batch_plan: BatchPlan) -> Transformed:
    name = shown_name(customer.name, run.connector.masking)
    result = to_company(customer, run.connector, places)
    if result.company is None:
        batch_plan.names[customer.customer_id] = customer.name
        return result
    claim = AccountClaim(customer.customer_id, customer.email, customer.record_id, customer.reference_id, customer.name)
    batch_plan.claims.append(claim)
    batch_plan.entries.extend(
        finding_entry(customer.customer_id, name, finding, batch_plan.words) for finding in result.findings
    )
    return result


def _without_unchanged(
    run: Run,
    customers: Iterable[Customer],
    desired: Mapping[str, Company],
    known: Mapping[str, LinkSummary],
    unsettled: set[str],
    batch_plan: BatchPlan,
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
        is_equal = bool(digest) and digest == content_hash(desired[key]) and status == CompanyStatus.APPROVED
        has_reference = not run.connector.writes_reference or customer.reference_id == str(company_id)
        if not is_equal or not has_reference or key in unsettled:
            changed.add(key)
            continue
        batch_plan.as_applied.append(key)
        close_unchanged(run, customer, company_id, batch_plan)
    return changed


def _makes_company(plan: CustomerPlan) -> bool:
    return any(operation.action is Action.CREATE_COMPANY for operation in plan.operations)


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


def _rows(batch_plan: BatchPlan) -> tuple[list[PlannedCustomer], list[bytes]]:
    """The planned customers, and the operations of each."""
    packed = [plan.packed_operations() for plan in batch_plan.plans]
    rows = [
        PlannedCustomer(
            plan.customer_id,
            plan.name,
            "unenroll" if plan.ends_trade else plan.kind,
            len(plan.operations),
            f"{plan.plan_hash(operations):032x}",
            str(batch_plan.unknown.get(plan.customer_id, "")),
            batch_plan.releases[plan.customer_id],
        )
        for plan, operations in zip(batch_plan.plans, packed, strict=True)
    ]
    return rows, packed


def _record(
    run: Run,
    descriptor: BatchDescriptor,
    batch_plan: BatchPlan,
    everyone: list[str],
    plan_rows: Sequence[PlannedCustomer],
    operations: Sequence[bytes],
) -> None:
    with run.ledger.write() as connection:
        run.ledger.runs.clear_outcomes(connection, run.run_id, everyone)
        run.ledger.emails.claim(connection, run.run_id, batch_plan.claims)
        run.ledger.emails.note_names(connection, batch_plan.names)
        run.ledger.plans.replace(connection, run.run_id, descriptor.key, plan_rows, operations)
        run.ledger.quarantine.replace(connection, run.run_id, everyone, batch_plan.quarantined)
        news = run.record(connection, batch_plan.entries, batch_plan.outcomes)
        remember(
            run, connection, batch_plan.rows, [key for key in batch_plan.as_applied if key not in batch_plan.known]
        )
    planned = sum(1 for plan in batch_plan.plans if not batch_plan.is_looked_at(plan))
    quarantined = len({key for key, found in batch_plan.quarantined if found.entity == "customer"})
    outcomes = Counter(outcome.outcome for outcome in batch_plan.outcomes)
    told = [
        f"{planned} to change",
        f"{outcomes[Outcome.WAITING]} waiting",
        f"{outcomes[Outcome.UNCHANGED]} unchanged",
        f"{quarantined} quarantined",
    ]
    title = f"{descriptor.label}: {', '.join(told)}"
    run.sink(title, news)
