"""Undo a run without Airflow: its steps in order, with the sync's guard and audit. (docs/architecture.md#undo)"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_sync.errors import RunUnbalanced, SyncError
from customer_sync.model.batch import BatchDescriptor
from customer_sync.model.operation import CustomerPlan
from customer_sync.model.outcome import Outcome
from customer_sync.reconcile.undo.present_state import LeftOf, PresentState, undone_customers
from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undo_steps import (
    BATCH,
    begin_undo,
    by_undo_rules,
    extract_undo,
    load_undo,
    transform_undo,
)
from customer_sync.reconcile.undo.undoable import mode_of_undone_run
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.steps.audit import AuditReport, audit_run
from customer_sync.steps.guard import settle_plan
from customer_sync.targets.port import Target

_WITHOUT_EFFECT = frozenset(map(str, (Outcome.FAILED, Outcome.QUARANTINED, Outcome.SKIPPED, Outcome.UNCHANGED)))


@dataclass(frozen=True)
class UndoPlan:
    """What an undo would do; ``kept`` changed since, ``impossible`` cannot be had again."""

    plans: list[CustomerPlan]
    kept: list[LeftOf]
    impossible: list[LeftOf]
    plan_hash: str


@dataclass(frozen=True)
class UndoReport:
    """What an undo did; ``undone`` are customers of whom all of their plan was done."""

    undone: list[str]
    kept: list[LeftOf]
    impossible: list[LeftOf]
    plan_hash: str
    outcomes: dict[str, int]


def preview(run: Run, source: Source, target: Target, request: UndoRequest) -> UndoPlan:
    """Plan an undo and write nothing, neither in the store nor in the ledger: what a page shows.

    Raises:
        ConfigError: There is nothing that could be undone.
        TransientApiError: The ERP or the store is out of reach.
    """
    run = by_undo_rules(run, request)
    mode_of_undone_run(run.ledger, run.connector, request.undo_run)
    reader = PresentState(run, source, target, request.undo_run)
    customers = undone_customers(run, request.undo_run)
    plans: list[CustomerPlan] = []
    left: list[LeftOf] = []
    with source:
        for start in range(0, len(customers), BATCH):
            planned = reader.plan(customers[start : start + BATCH])
            plans += planned.plans
            left += planned.left
    total = sum(plan.plan_hash() for plan in plans) % 2**128
    return UndoPlan(plans, _kept(left), _impossible(left), f"{total:032x}")


def undo(run: Run, source: Source, target: Target, request: UndoRequest) -> UndoReport:
    """Take a run back through guard and load; the customers are then set aside until their source changes.

    Args:
        run: The run that undoes; it can itself be undone.
        source: The ERP; its session opens and ends as needed.
        target: The store.
        request: Which run, and how.

    Returns:
        What was done, and what stays.

    Raises:
        ConfigError: There is nothing that could be undone.
        PlanRefused: A guard wants the plan's hash, or the plan is another one by now.
        RunUnbalanced: A customer has no outcome, or failed.
        SyncError: The ERP or the store is out of reach.
    """
    begin_undo(run.as_task("extract"), request)
    left: list[LeftOf] = []
    extracted: list[BatchDescriptor] = []
    with tempfile.TemporaryDirectory() as name:
        try:
            with source:
                _perform(run, source, target, request, Path(name), extracted, left)
        except SyncError as error:
            _audit(run, extracted, error)
            raise
    report = _audit(run, extracted, None)
    became = [(key, outcome) for key, _, outcome, _ in run.ledger.runs.customers(run.run_id)]
    undone = [key for key, outcome in became if outcome not in _WITHOUT_EFFECT]
    row = run.ledger.runs.get(run.run_id) or {}
    outcomes = report.outcomes if report is not None else {}
    plan_hash = row.get("plan_hash") or ""
    return UndoReport([] if request.dry_run else undone, _kept(left), _impossible(left), plan_hash, outcomes)


def _perform(
    run: Run,
    source: Source,
    target: Target,
    request: UndoRequest,
    folder: Path,
    extracted: list[BatchDescriptor],
    left: list[LeftOf],
) -> None:
    planned = []
    for content, descriptor in extract_undo(run.as_task("extract"), request):
        extracted.append(descriptor)
        (folder / descriptor.key).write_text(content, encoding="utf-8")
    for descriptor in extracted:
        content = (folder / descriptor.key).read_text(encoding="utf-8")
        batch = transform_undo(run.as_task("transform"), content, descriptor, request, source=source, target=target)
        (folder / descriptor.key).write_text(batch.content, encoding="utf-8")
        planned.append(batch.descriptor)
        left += batch.left
    # Who names the hash has read this very plan: that is the yes that a guard wants.
    can_ask = request.plan_hash is not None
    summary = settle_plan(run.as_task("guard"), planned, request.as_run_request(), can_ask=can_ask)
    run.sink("\n".join(summary.lines), [])
    for descriptor in summary.descriptors:
        content = (folder / descriptor.key).read_text(encoding="utf-8")
        load_undo(run.as_task("load"), content, descriptor, request, source=source, target=target)


def _audit(run: Run, extracted: Sequence[BatchDescriptor], stopped_by: SyncError | None) -> AuditReport | None:
    """Balance the undo; the error that stopped it is the caller's to raise.

    Raises:
        RunUnbalanced: A customer has no outcome, or failed, although nothing stopped the undo.
    """
    failed = [] if stopped_by is None else [type(stopped_by).__name__]
    try:
        return audit_run(run.as_task("audit"), extracted=extracted, failed_tasks=failed)
    except RunUnbalanced:
        if stopped_by is None:
            raise
    return None


def _kept(left: Sequence[LeftOf]) -> list[LeftOf]:
    return [each for each in left if each.is_kept]


def _impossible(left: Sequence[LeftOf]) -> list[LeftOf]:
    return [each for each in left if not each.is_kept]
