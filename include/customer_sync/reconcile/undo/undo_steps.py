"""The steps of an undo, task by task: whom it concerns, its plan, its load. (docs/architecture.md#undo)

Guard and audit are the sync's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from customer_sync.ledger import CustomerOutcome, PlannedCustomer
from customer_sync.model.batch import Batch, BatchDescriptor, batch_label, pack, unpack
from customer_sync.model.operation import REMOVALS, CustomerPlan
from customer_sync.model.outcome import LogEntry, Outcome, Reason
from customer_sync.planning.request_estimate import expected_requests
from customer_sync.planning.undo import UNDO_MODE
from customer_sync.reconcile.undo.present_state import (
    LeftOf,
    PlannedUndo,
    PresentState,
    UndoneCustomer,
    undone_customers,
)
from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undoable import mode_of_undone_run
from customer_sync.reporting.log_entry import closing_entry, finding_entry
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.steps.load import load_plans
from customer_sync.targets.port import Target

BATCH = 100
"""Customers of one batch: each is read anew from ERP and store before its plan is made, and before it is written."""


class PlannedUndoOfCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of one customer, with what is needed to make it once more."""

    plan: CustomerPlan
    customer: UndoneCustomer


class PlannedUndoBatch(NamedTuple):
    """What is planned for a batch: its content for load, its descriptor for guard, and what stays."""

    content: str
    descriptor: BatchDescriptor
    left: list[LeftOf]


_customers = msgspec.json.Decoder(Batch[UndoneCustomer])
_planned = msgspec.json.Decoder(Batch[PlannedUndoOfCustomer])


def begin_undo(run: Run, request: UndoRequest) -> str:
    """Check what is asked for and insert the run row.

    Returns:
        What is going to be done, in a sentence.

    Raises:
        ConfigError: There is nothing that could be undone.
    """
    mode_of_undone_run(run.ledger, run.connector, request.undo_run, by=run.run_id)
    why = f"undo of run {request.undo_run}"
    with run.ledger.write() as connection:
        run.ledger.runs.begin(
            connection,
            run.run_id,
            mode=UNDO_MODE,
            dry_run=request.dry_run,
            moves_watermark=False,
            window={
                "why": why,
                "undo_run": request.undo_run,
                "since": {},
                "until": "",
                "interval": [],
                "resume_after": "",
            },
            stamps=None,
            resume_after="",
            plan_hash="",
        )
    return f"Taking back what run {request.undo_run} wrote."


def extract_undo(run: Run, request: UndoRequest) -> Iterator[tuple[str, BatchDescriptor]]:
    """List the customers to whom the run wrote, batch by batch, from the journal; no system is asked.

    Args:
        run: The run, begun with :func:`begin_undo`.
        request: Which run is undone.

    Yields:
        A batch's content for XCom and its descriptor; nothing where the run wrote nothing.
    """
    customers = undone_customers(run, request.undo_run)
    for number, start in enumerate(range(0, len(customers), BATCH)):
        part = customers[start : start + BATCH]
        ids = [each.customer_id for each in part]
        batch = Batch(key=f"batch_{number:03d}", label=batch_label(ids), items=tuple(part))
        with run.ledger.write() as connection:
            run.ledger.runs.add_customers(connection, run.run_id, batch.key, ids)
        content, digest = pack(batch)
        yield content, BatchDescriptor(key=batch.key, label=batch.label, count=len(part), customers_digest=digest)


def transform_undo(
    run: Run, content: Any, descriptor: BatchDescriptor, request: UndoRequest, *, source: Source, target: Target
) -> PlannedUndoBatch:
    """Plan the inverse operations of one batch; who has none gets the outcome here.

    Args:
        run: The run.
        content: What extract wrote.
        descriptor: Its descriptor.
        request: Which run is undone, and how.
        source: The ERP, which says who may have access now.
        target: The store, which shows what was touched since.

    Raises:
        BatchDamaged: The batch did not arrive whole.
        TransientApiError: The ERP or the store is out of reach.
    """
    run = by_undo_rules(run, request)
    batch: Batch[UndoneCustomer] = unpack(content, descriptor.label, descriptor.customers_digest, _customers)
    planned = PresentState(run, source, target, request.undo_run).plan(batch.items)
    _record_plan(run, descriptor, batch.items, planned)
    customers = {each.customer_id: each for each in batch.items}
    items = [PlannedUndoOfCustomer(plan=plan, customer=customers[plan.customer_id]) for plan in planned.plans]
    packed, digest = pack(Batch(key=descriptor.key, label=descriptor.label, items=tuple(items)))
    operations = [operation for plan in planned.plans for operation in plan.operations]
    rules = run.connector.store
    store_requests, erp_requests = expected_requests(operations, rules.bulk_size, single_creates=rules.is_one_by_one)
    described = msgspec.structs.replace(
        descriptor,
        count=len(items),
        digest=digest,
        plan_sum=str(sum(plan.plan_hash() for plan in planned.plans) % 2**128),
        operations=len(operations),
        withdrawn=sum(1 for plan in planned.plans if plan.ends_trade),
        removed=sum(1 for operation in operations if operation.action in REMOVALS),
        kept=sum(1 for each in planned.left if each.is_kept),
        impossible=sum(1 for each in planned.left if not each.is_kept),
        store_requests=store_requests,
        erp_requests=erp_requests,
    )
    return PlannedUndoBatch(packed, described, planned.left)


def _record_plan(
    run: Run, descriptor: BatchDescriptor, customers: Sequence[UndoneCustomer], planned: PlannedUndo
) -> None:
    ids = [each.customer_id for each in customers]
    entries = [finding_entry(key, planned.names.get(key, ""), left.finding(), run.words) for key, left in planned.left]
    to_do = {plan.customer_id for plan in planned.plans}
    closing, outcomes = _without_plan(run, [key for key in ids if key not in to_do], planned)
    rows = [
        PlannedCustomer(
            customer_id=plan.customer_id,
            name=plan.name,
            kind="unenroll" if plan.ends_trade else plan.kind,
            operations=len(plan.operations),
            plan_hash=f"{plan.plan_hash():032x}",
        )
        for plan in planned.plans
    ]
    operations = [plan.packed_operations() for plan in planned.plans]
    with run.ledger.write() as connection:
        run.ledger.runs.clear_outcomes(connection, run.run_id, ids)
        run.ledger.plans.replace(connection, run.run_id, descriptor.key, rows, operations)
        news = run.record(connection, [*entries, *closing], outcomes)
    title = f"{descriptor.label}: {len(rows)} to take back, {len(outcomes)} without anything to take back"
    run.sink(title, news)


def _without_plan(
    run: Run, customer_ids: Sequence[str], planned: PlannedUndo
) -> tuple[list[LogEntry], list[CustomerOutcome]]:
    """Close customers for whom nothing is to be written: all is as before, or has to stay."""
    why: dict[str, dict[str, None]] = {}
    for key, left in planned.left:
        why.setdefault(key, {})[str(left.why)] = None
    entries, outcomes = [], []
    for key in customer_ids:
        reasons = tuple(why.get(key, ()))
        outcome = Outcome.SKIPPED if reasons else Outcome.UNCHANGED
        said = "nothing of it can be taken back" if reasons else "as it was before the run"
        name = planned.names.get(key, "")
        entries.append(closing_entry(key, name, outcome, reasons, words=run.words, message=said))
        outcomes.append(CustomerOutcome(key, outcome, reasons))
    return entries, outcomes


def load_undo(
    run: Run, content: Any, descriptor: BatchDescriptor, request: UndoRequest, *, source: Source, target: Target
) -> None:
    """Load one batch of an undo: plan its customers once more, and write for those of whom the plan still holds.

    Args:
        run: The run.
        content: What transform wrote.
        descriptor: What guard passed on.
        request: Which run is undone, and how.
        source: The ERP.
        target: The store.

    Raises:
        BatchDamaged: The batch did not arrive whole.
        LeaseLost: Another attempt took over.
        TransientApiError: The store or the ERP is out of reach.
    """
    run = by_undo_rules(run, request)
    batch: Batch[PlannedUndoOfCustomer] = unpack(content, descriptor.label, descriptor.digest, _planned)
    plans = {each.plan.customer_id: each.plan for each in batch.items}
    begun = run.ledger.intents.begun(run.run_id, plans)
    # What an earlier attempt began is gone on with from the ledger, not planned again.
    reader = PresentState(run, source, target, request.undo_run)
    present = reader.plan([each.customer for each in batch.items if each.plan.customer_id not in begun])
    now = {plan.customer_id: plan for plan in present.plans}
    held = [plan for key, plan in plans.items() if key in begun or _is_same(plan, now.get(key))]
    kept = {plan.customer_id for plan in held}
    _set_aside(run, [key for key in kept if key not in begun], present.sources)
    _refuse_changed(run, [plan for key, plan in plans.items() if key not in kept])
    if held:
        load_plans(run, held, descriptor, target=target, source=source)
    if mode_of_undone_run(run.ledger, run.connector, request.undo_run, by=run.run_id) == UNDO_MODE:
        _take_back(run, kept)


def by_undo_rules(run: Run, request: UndoRequest) -> Run:
    """The same run under the policy of an undo: what a run made goes, whatever the connector does with leavers."""
    customer = "delete" if request.delete_created else "deactivate"
    policy = run.connector.policy.model_copy(update={"customer": customer, "contact": "delete", "location": "delete"})
    return run.under(run.connector.model_copy(update={"policy": policy}))


def _set_aside(run: Run, customer_ids: Sequence[str], sources: Mapping[str, str]) -> None:
    """Have runs pass customers over until their source changes; what a person skipped stays skipped.

    The mark says what the source was: the write-back moves its stamp, and clocks differ.
    """
    marks = run.ledger.set_aside.load(customer_ids)
    with run.ledger.write() as connection:
        for key in customer_ids:
            if key not in marks or marks[key].kind != "skip":
                run.ledger.set_aside.put(connection, key, "undone", sources.get(key, ""))


def _take_back(run: Run, customer_ids: set[str]) -> None:
    """Who is undone from an undo is in the sync again."""
    marks = run.ledger.set_aside.load(customer_ids)
    with run.ledger.write() as connection:
        run.ledger.set_aside.drop(connection, [key for key, mark in marks.items() if mark.kind == "undone"])


def _is_same(planned: CustomerPlan, now: CustomerPlan | None) -> bool:
    return now is not None and now.plan_hash() == planned.plan_hash()


def _refuse_changed(run: Run, plans: Sequence[CustomerPlan]) -> None:
    if not plans:
        return
    reasons = (str(Reason.CHANGED_SINCE_PLAN),)
    entries = [
        closing_entry(
            plan.customer_id,
            plan.name,
            Outcome.FAILED,
            reasons,
            words=run.words,
            message="changed since the undo was planned; undo the run once more",
            store_id=str(plan.company_id or ""),
        )
        for plan in plans
    ]
    with run.ledger.write() as connection:
        run.record(connection, entries, [CustomerOutcome(plan.customer_id, Outcome.FAILED, reasons) for plan in plans])
    run.sink(f"{len(entries)} customers changed since the undo was planned", entries)
