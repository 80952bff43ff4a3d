"""Undo a run without Airflow: plan, guard, the load of the sync, and set aside. (docs/architecture.md#undo)"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from customer_sync.errors import ConfigError, RunUnbalanced
from customer_sync.ledger import CustomerOutcome
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.batch import Batch, BatchDescriptor, unpack
from customer_sync.model.operation import CustomerPlan
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.planning.window import RunRequest
from customer_sync.reconcile.reconciliation import BATCH, pack_repairs
from customer_sync.reconcile.repair.plan_repair import RepairItem
from customer_sync.reconcile.undo.present_state import LeftOf, PresentState
from customer_sync.reporting.log_entry import closing_entry
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.steps.guard import settle_plan
from customer_sync.steps.load import load_plans
from customer_sync.targets.port import Target

UNDO_MODE = "undo"
"""Mode of such a run in the ledger."""

_items = msgspec.json.Decoder(Batch[RepairItem])


class UndoRequest(BaseModel):
    """What a person asks of an undo.

    Attributes:
        undo_run: The run that is taken back.
        delete_created: Whether companies that it made are deleted, not deactivated.
        dry_run: Plan alone.
        plan_hash: The plan that was seen; it is asked for where a guard trips.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    undo_run: str = Field(min_length=1, max_length=250)
    delete_created: bool = False
    dry_run: bool = False
    plan_hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")


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
        ConfigError: The ledger knows no such run, or that run planned only.
        TransientApiError: The ERP or the store is out of reach.
    """
    run = _by_undo_rules(run, request)
    _check(run, request)
    with source:
        reader = PresentState(run, source, target, request.undo_run)
        plans: list[CustomerPlan] = []
        left: list[LeftOf] = []
        for part in _parts(reader):
            planned = reader.plan(part)
            plans += planned.plans
            left += planned.left
    total = sum(_item(plan).repair_hash() for plan in plans) % 2**128
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
        ConfigError: The ledger knows no such run, or that run planned only.
        PlanRefused: A guard wants the plan's hash, or the plan is another one by now.
        RunUnbalanced: A customer has no outcome, or failed.
        SyncError: The ERP or the store is out of reach.
    """
    run = _by_undo_rules(run, request)
    undone_mode = _check(run, request)
    _begin(run, request)
    left: list[LeftOf] = []
    try:
        with source, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            reader = PresentState(run.as_task("extract"), source, target, request.undo_run)
            descriptors = []
            for content, descriptor in _planned(run.as_task("transform"), reader, left):
                (folder / descriptor.key).write_text(content, encoding="utf-8")
                descriptors.append(descriptor)
            summary = settle_plan(
                run.as_task("guard"),
                descriptors,
                RunRequest(dry_run=request.dry_run, plan_hash=request.plan_hash),
                # Who names the hash has read this very plan: that is the yes that a guard wants.
                can_ask=request.plan_hash is not None,
            )
            for descriptor in summary.descriptors:
                content = (folder / descriptor.key).read_text(encoding="utf-8")
                load_undo(
                    run.as_task("load"), content, descriptor, reader, target=target, source=source, mode=undone_mode
                )
    except BaseException:
        with run.ledger.write() as connection:
            run.ledger.runs.update(connection, run.run_id, state="failed", ended_at_utc=utc_now())
        raise
    return _close(run.as_task("audit"), request, left)


def load_undo(
    run: Run,
    content: str,
    descriptor: BatchDescriptor,
    reader: PresentState,
    *,
    target: Target,
    source: Source,
    mode: str,
) -> None:
    """Load one batch of an undo: plan its customers once more, and write for those of whom the plan still holds.

    Args:
        run: The run.
        content: The batch as it was planned.
        descriptor: What guard passed on.
        reader: Reads what is there now.
        target: The store.
        source: The ERP.
        mode: Mode of the run that is undone: who is undone from an undo is taken back into the sync.
    """
    batch: Batch[RepairItem] = unpack(content, descriptor.label, descriptor.digest, _items)
    plans = {item.customer_id: item.plan for item in batch.items if item.customer_id not in descriptor.withheld}
    begun = run.ledger.intents.begun(run.run_id, plans)
    # What an earlier attempt began is gone on with from the ledger, not planned again.
    now = {each.customer_id: each for each in reader.plan([key for key in plans if key not in begun]).plans}
    held = [plan for key, plan in plans.items() if key in begun or _is_same(plan, now.get(key))]
    _mark(run, [plan.customer_id for plan in held])
    _refuse_changed(run, [plan for plan in plans.values() if plan not in held])
    if held:
        load_plans(run, held, descriptor, target=target, source=source)
    # Once more: the write-back moved the customer's stamp, which is no change of its source.
    _mark(run, [plan.customer_id for plan in held], back=mode == UNDO_MODE)


def _mark(run: Run, customer_ids: Sequence[str], *, back: bool = False) -> None:
    with run.ledger.write() as connection:
        if back:
            run.ledger.set_aside.drop(connection, customer_ids)
            return
        for customer_id in customer_ids:
            run.ledger.set_aside.put(connection, customer_id, "undone")


def _is_same(planned: CustomerPlan, now: CustomerPlan | None) -> bool:
    return now is not None and now.plan_hash() == planned.plan_hash()


def _refuse_changed(run: Run, plans: Sequence[CustomerPlan]) -> None:
    reasons = (str(Reason.CHANGED_SINCE_PLAN),)
    entries = [
        closing_entry(
            plan.customer_id,
            plan.name,
            Outcome.FAILED,
            reasons,
            words=run.words,
            message="changed since the undo was planned; plan it once more",
            store_id=str(plan.company_id or ""),
        )
        for plan in plans
    ]
    with run.ledger.write() as connection:
        run.record(connection, entries, [CustomerOutcome(plan.customer_id, Outcome.FAILED, reasons) for plan in plans])


def _by_undo_rules(run: Run, request: UndoRequest) -> Run:
    """The same run under the policy of an undo: what a run made goes, whatever the connector does with leavers."""
    customer = "delete" if request.delete_created else "deactivate"
    policy = run.connector.policy.model_copy(update={"customer": customer, "contact": "delete", "location": "delete"})
    return Run(
        run.connector.model_copy(update={"policy": policy}),
        run.ledger,
        run.run_id,
        run.try_number,
        run.task,
        run.sink,
        run.url,
    )


def _check(run: Run, request: UndoRequest) -> str:
    """The mode of the run that is undone.

    Raises:
        ConfigError: There is nothing that could be undone.
    """
    row = run.ledger.runs.get(request.undo_run)
    if row is None:
        raise ConfigError(
            f"The ledger of {run.connector.id} knows no run {request.undo_run!r}: the page Runs lists them. "
            f"What ended more than {run.connector.retention.undo_days} days ago (retention.undo_days) cannot be.",
            setting="undo_run",
        )
    if row["dry_run"]:
        raise ConfigError(f"Run {request.undo_run} was a dry run and wrote nothing.", setting="undo_run")
    return str(row["mode"])


def _begin(run: Run, request: UndoRequest) -> None:
    with run.ledger.write() as connection:
        run.ledger.runs.begin(
            connection,
            run.run_id,
            mode=UNDO_MODE,
            dry_run=request.dry_run,
            moves_watermark=False,
            window={
                "why": f"undo of run {request.undo_run}",
                "since": {},
                "until": "",
                "interval": [],
                "resume_after": "",
            },
            stamps=None,
            resume_after="",
            plan_hash="",
        )


def _parts(reader: PresentState) -> Iterator[list[str]]:
    customers = list(reader.writes)
    for start in range(0, len(customers), BATCH):
        yield customers[start : start + BATCH]


def _planned(run: Run, reader: PresentState, left: list[LeftOf]) -> Iterator[tuple[str, BatchDescriptor]]:
    """Plan batch by batch; what stays is told before anything is written."""
    for number, part in enumerate(_parts(reader)):
        planned = reader.plan(part)
        left += planned.left
        items = [_item(plan) for plan in planned.plans]
        if items:
            yield pack_repairs(run, items, number)


def _item(plan: CustomerPlan) -> RepairItem:
    return RepairItem(plan=plan, evidence="undo")


def _kept(left: Sequence[LeftOf]) -> list[LeftOf]:
    return [each for each in left if each.is_kept]


def _impossible(left: Sequence[LeftOf]) -> list[LeftOf]:
    return [each for each in left if not each.is_kept]


def _close(run: Run, request: UndoRequest, left: Sequence[LeftOf]) -> UndoReport:
    ledger = run.ledger
    open_ones = list(ledger.runs.without_outcome(run.run_id))
    if request.dry_run:
        with ledger.write() as connection:
            run.record(connection, (), [CustomerOutcome(key, Outcome.PLANNED) for key in open_ones])
        open_ones = []
    bad = {str(Outcome.FAILED), str(Outcome.QUARANTINED)}
    became = [(key, outcome) for key, _, outcome, _ in ledger.runs.customers(run.run_id) if outcome]
    done = [key for key, outcome in became if outcome not in bad]
    failed = [key for key, outcome in became if outcome in bad]
    outcomes = {name: count for name, count in ledger.runs.outcome_counts(run.run_id).items() if name}
    with ledger.write() as connection:
        ledger.runs.update(
            connection,
            run.run_id,
            state="failed" if open_ones or failed else "success",
            ended_at_utc=utc_now(),
            summary={"outcomes": outcomes, "kept": len(_kept(left)), "impossible": len(_impossible(left))},
        )
    if open_ones or failed:
        named = ", ".join([*open_ones, *failed][:20])
        raise RunUnbalanced(f"The undo did not finish for {len(open_ones) + len(failed)} customers: {named}.")
    row = ledger.runs.get(run.run_id) or {}
    undone = [] if request.dry_run else done
    return UndoReport(undone, _kept(left), _impossible(left), row.get("plan_hash") or "", outcomes)
