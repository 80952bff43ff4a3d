"""The steps of a reconciliation, one function per task of its DAG: compare, repair, close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa

from acumatica.client import AcumaticaClient
from better_b2b.client import BetterB2BClient
from customer_sync.batch import Batch, BatchDescriptor, batch_label, pack, unpack
from customer_sync.contract_gate import check_contract
from customer_sync.errors import RunUnbalanced
from customer_sync.ledger import CustomerOutcome
from customer_sync.ledger.clock import utc_now
from customer_sync.log_entry import closing_entry, operation_entry
from customer_sync.outcome import LogEntry, Outcome, Reason
from customer_sync.plan import REMOVALS
from customer_sync.reconcile.difference import Standing
from customer_sync.reconcile.repair import Policy, RepairItem, action_of, plan_repair, state_hash
from customer_sync.reconcile.request import ReconcileRequest
from customer_sync.reconcile.shown import difference_entry, difference_row
from customer_sync.reconcile.spool import temporary_spool
from customer_sync.reconcile.survey import Census, Survey
from customer_sync.reconcile.suspects import Finding, Suspects
from customer_sync.request_count import counting_requests
from customer_sync.run import Run
from customer_sync.steps.load import load_batch

BATCH = 100
"""Customers of one repair batch; each is read again before it is repaired."""

_repairs = msgspec.json.Decoder(Batch[RepairItem])


@dataclass(frozen=True)
class ReconcileReport:
    """A reconciliation in numbers.

    Attributes:
        standings: Customers by standing; they add up to all that ERP, ledger or store know.
        classes: Differences by class.
        outcomes: Repaired customers by outcome.
        facts: What else was counted.
        lines: The summary in words.
    """

    standings: dict[str, int]
    classes: dict[str, int]
    outcomes: dict[str, int]
    facts: dict[str, Any]
    lines: list[str] = field(default_factory=list)


def compare_sides(
    run: Run, erp: AcumaticaClient, store: BetterB2BClient, request: ReconcileRequest
) -> Iterator[tuple[str, BatchDescriptor]]:
    """Compare ERP, ledger and store; write down what differs; plan the repairs that the policy allows.

    Args:
        run: The run.
        erp: The ERP's client.
        store: The store's client.
        request: The run's params.

    Yields:
        Batches of planned repairs and their descriptors; none where nothing is to be repaired.

    Raises:
        ContractError: An answer does not fit, so that nothing may be concluded from it.
    """
    policy = request.policy(run.connector)
    _begin(run, request, policy)
    with counting_requests(run, acumatica=erp, better_b2b=store), temporary_spool() as spool:
        check_contract(run, erp)
        survey = Survey(run, erp, store, spool)
        survey.read()
        survey.compare()
        items = (item for finding in survey.confirm() if (item := _book(run, finding, policy)) is not None)
        number = 0
        while part := list(islice(items, BATCH)):
            yield _pack(run, part, number)
            number += 1
        homeless = list(survey.homeless())
        with run.ledger.write() as connection:
            rows = [difference_row(each, "", run.connector.masking, action_of(each.kind, {})) for each in homeless]
            run.ledger.differences.append(connection, run.run_id, rows)
    with run.ledger.write() as connection:
        run.ledger.runs.update(connection, run.run_id, summary=_summary(survey.census))


def _begin(run: Run, request: ReconcileRequest, policy: Policy) -> None:
    repairs = ", ".join(f"{kind}={action}" for kind, action in policy.items()) or "report only"
    with run.ledger.write() as connection:
        run.ledger.runs.begin(
            connection,
            run.run_id,
            mode="reconcile",
            dry_run=request.dry_run,
            moves_watermark=False,
            window={"why": repairs, "since": {}, "until": "", "interval": [], "resume_after": ""},
            stamps=None,
            resume_after="",
            plan_hash="",
        )
        run.ledger.differences.forget(connection, run.run_id)


def _book(run: Run, finding: Finding, policy: Policy) -> RepairItem | None:
    """Write one customer's differences into ledger and log; plan its repair."""
    masking, name = run.connector.masking, finding.erp.name
    differences = finding.comparison.differences
    item = plan_repair(finding.erp, finding.ledger, finding.comparison, policy, run.connector)
    entries: list[LogEntry] = []
    rows = []
    for each in differences:
        action = action_of(each.kind, policy)
        rows.append(difference_row(each, name, masking, action))
        entries.append(difference_entry(each, name, masking, action))
    if item is not None:
        entries += [
            operation_entry(item.customer_id, name, operation, masking, verb="planned")
            for operation in item.plan.operations
        ]
    with run.ledger.write() as connection:
        run.ledger.differences.append(connection, run.run_id, rows)
        run.book(connection, entries)
    run.sink(f"{finding.erp.customer_id}: {len(differences)} differences", entries)
    return item


def _pack(run: Run, items: Sequence[RepairItem], number: int) -> tuple[str, BatchDescriptor]:
    ids = [item.customer_id for item in items]
    batch = Batch(key=f"repair_{number:03d}", label=batch_label(ids), items=tuple(items))
    with run.ledger.write() as connection:
        run.ledger.runs.add_customers(connection, run.run_id, batch.key, ids)
    content, descriptor = pack(batch)
    operations = [operation for item in items for operation in item.plan.operations]
    return content, msgspec.structs.replace(
        descriptor,
        plan_sum=str(sum(item.repair_hash() for item in items) % 2**128),
        operations=len(operations),
        withdrawn=sum(1 for item in items if item.plan.kind == "unenroll" and item.is_written),
        removed=sum(1 for operation in operations if operation.action in REMOVALS),
    )


def _summary(census: Census) -> dict[str, Any]:
    return {
        "standings": {str(name): count for name, count in census.standings.items() if count},
        "foreign": dict(census.foreign),
        "sizes": census.sizes,
        "suspects": census.suspects,
        "rechecked": census.rechecked,
        "payment_read": census.payment_read,
        "payment_unread": census.payment_unread,
    }


def apply_repairs(
    run: Run, content: Any, descriptor: BatchDescriptor, *, store: BetterB2BClient, erp: AcumaticaClient
) -> dict[str, int]:
    """Repair one batch: read every customer again, and repair those of which the plan still holds.

    The ledger takes over the store's real values, then the plan is loaded like any other:
    intents, lease, confirmations and outcomes are those of the sync.

    Args:
        run: The run.
        content: What compare planned.
        descriptor: What guard passed on.
        store: The store's client.
        erp: The ERP's client.

    Returns:
        Customers by outcome.

    Raises:
        BatchDamaged: The batch did not arrive whole.
        LeaseLost: Another attempt took over.
        TransientApiError: The store or the ERP is out of reach.
    """
    batch: Batch[Any] = unpack(content, descriptor, _repairs)
    items: list[RepairItem] = list(batch.items)
    begun = run.ledger.intents.begun(run.run_id, [item.customer_id for item in items])
    # What an earlier attempt of this task began is gone on with from the ledger, not judged again.
    holding = begun | _as_planned(run, [item for item in items if item.customer_id not in begun], store, erp)
    changed = [item for item in items if item.customer_id not in holding]
    held = [item for item in items if item.customer_id in holding]
    with run.ledger.write() as connection:
        for item in held:
            if item.customer_id not in begun:
                _put_link(run, connection, item)
    kept = [item for item in held if not item.is_written]
    _close(run, changed, Outcome.FAILED, (str(Reason.CHANGED_SINCE_PLAN),), "not what was planned any more")
    _close(run, kept, Outcome.UNCHANGED, (), "the ledger took over what the store holds")
    counts: Counter[str] = Counter()
    counts.update({str(Outcome.FAILED): len(changed), str(Outcome.UNCHANGED): len(kept)})
    written = [item.plan for item in held if item.is_written]
    if written:
        plans, described = pack(Batch(key=batch.key, label=batch.label, items=tuple(written)))
        counts.update(load_batch(run, plans, described, store=store, erp=erp).outcomes)
    return {outcome: count for outcome, count in counts.items() if count}


def _as_planned(run: Run, items: Sequence[RepairItem], store: BetterB2BClient, erp: AcumaticaClient) -> set[str]:
    """Customers of which ERP and store still hold what they held when the repair was planned."""
    suspects = Suspects(run, erp, store, is_customer=lambda owner: bool(run.ledger.links.load_hashes([owner])))
    with counting_requests(run, acumatica=erp, better_b2b=store):
        found = suspects.read([item.customer_id for item in items])
    return {
        item.customer_id
        for item in items
        if (finding := found.get(item.customer_id)) is not None
        and state_hash(finding.erp, finding.comparison) == item.state_hash
    }


def _put_link(run: Run, connection: sa.Connection, item: RepairItem) -> None:
    key, plan = item.customer_id, item.plan
    if item.link is None:
        run.ledger.links.drop_company(connection, key)
        return
    email = plan.desired.company_email if plan.desired else str(item.link.fields.get("company_email", ""))
    run.ledger.links.replace(connection, key, item.link, record_id=plan.record_id, email=email)


def _close(run: Run, items: Sequence[RepairItem], outcome: Outcome, reasons: tuple[str, ...], message: str) -> None:
    """Give customers that nothing is written for their outcome."""
    if not items:
        return
    entries = [
        closing_entry(
            item.customer_id,
            item.plan.name,
            outcome,
            reasons,
            message=message,
            store_id=str(item.plan.company_id or ""),
            action="adopt" if outcome is Outcome.UNCHANGED else "",
        )
        for item in items
    ]
    with run.ledger.write() as connection:
        run.book(connection, entries, [CustomerOutcome(item.customer_id, outcome, reasons) for item in items])
    run.sink(f"{len(items)} customers: {message}", entries)


def close_reconciliation(run: Run, *, failed_tasks: Sequence[str]) -> ReconcileReport:
    """Balance a reconciliation and write its summary.

    Args:
        run: The run.
        failed_tasks: Readable names of task instances that ended otherwise than they should.

    Returns:
        The reconciliation in numbers.

    Raises:
        RunUnbalanced: A task failed, or a repaired customer has no outcome; the summary is written all the same.
    """
    row = run.ledger.runs.get(run.run_id)
    if row is None or not row["summary"]:
        raise RunUnbalanced(f"Run {run.run_id} never finished its comparison: read the log of the task compare.")
    left = run.ledger.runs.without_outcome(run.run_id)
    if left and row["dry_run"]:
        entries = [
            closing_entry(key, "", Outcome.PLANNED, message="dry run: see the planned operations") for key in left
        ]
        with run.ledger.write() as connection:
            run.book(connection, entries, [CustomerOutcome(key, Outcome.PLANNED) for key in left])
        left = {}
    report = _report(run, row)
    problems = (
        [f"Not successful: {', '.join(failed_tasks[:20])}. Read their logs, then clear them."] if failed_tasks else []
    )
    if left:
        problems.append(f"{len(left)} repairs have no outcome: {', '.join(list(left)[:20])}.")
    with run.ledger.write() as connection:
        summary = {**row["summary"], "classes": report.classes, "outcomes": report.outcomes}
        state = "failed" if problems else "success"
        run.ledger.runs.update(connection, run.run_id, state=state, ended_at_utc=utc_now(), summary=summary)
    run.sink("\n".join(report.lines), [])
    if problems:
        raise RunUnbalanced(" ".join(problems))
    return report


def _report(run: Run, row: dict[str, Any]) -> ReconcileReport:
    facts = row["summary"]
    standings = {str(name): facts["standings"].get(str(name), 0) for name in Standing}
    classes = run.ledger.differences.counts(run.run_id)
    outcomes = run.ledger.runs.outcome_counts(run.run_id)
    shown = {**{f"{name} customers": count for name, count in standings.items()}}
    lines = [
        "Reconciliation",
        *(f"  {name:<26}{count:>9}" for name, count in shown.items() if count),
        f"  {'sum':<26}{sum(standings.values()):>9}",
        "  differences: " + (_counted(classes) or "none"),
        "  not ours, never touched: " + (_counted(facts["foreign"]) or "nothing"),
        f"  payment settings: read of {facts['payment_read']} companies, not read of {facts['payment_unread']}",
        f"  read again before accused: {facts['rechecked']} of {facts['suspects']}",
    ]
    if outcomes:
        lines.append(f"  repaired customers: {_counted(outcomes)}")
    return ReconcileReport(standings, classes, outcomes, facts, lines)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)
