"""The first and the last step of a reconciliation: compare (or match), and close. ``applying.py`` is between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from customer_sync.errors import RunUnbalanced
from customer_sync.ledger import CustomerOutcome
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.story.plans import PlannedCustomer
from customer_sync.model.batch import Batch, BatchDescriptor, batch_label, pack
from customer_sync.model.difference import Difference, RepairAction, Standing
from customer_sync.model.operation import REMOVALS
from customer_sync.model.outcome import LogEntry, Outcome
from customer_sync.reconcile.adopt.match_list import read_matches, write_matches
from customer_sync.reconcile.adopt.takeover import Takeover
from customer_sync.reconcile.compare.recheck import RecheckedCustomer
from customer_sync.reconcile.compare.spool import temporary_spool
from customer_sync.reconcile.compare.survey import Census, Survey
from customer_sync.reconcile.repair.plan_repair import Policy, RepairItem, action_of, plan_repair
from customer_sync.reconcile.report.masked_rows import difference_entry, difference_row
from customer_sync.reconcile.request import ReconcileRequest
from customer_sync.reporting.log_entry import closing_entry
from customer_sync.reporting.request_count import counting_requests
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.steps.contract_gate import check_contract
from customer_sync.targets.port import Target

BATCH = 100
"""Customers of one repair batch; each is read again before it is repaired."""

RUN_MODES = {"compare": "reconcile", "adopt": "adopt", "shadow": "shadow"}
"""Mode of the params -> mode of the run in the ledger."""


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
    run: Run,
    source: Source,
    target: Target,
    request: ReconcileRequest,
    *,
    decisions: str | None = None,
    keep_list: Callable[[str], None] = lambda _list: None,
) -> Iterator[tuple[str, BatchDescriptor]]:
    """Compare ERP, ledger and store; write down what differs; plan the repairs that the policy allows.

    In mode ``adopt`` companies are matched instead, and their adoption planned; in mode
    ``shadow`` every field is compared, and nothing planned.

    Args:
        run: The run.
        source: The ERP.
        target: The store.
        request: The run's params.
        decisions: Mode ``adopt``: the list of matches with a person's decisions, as CSV.
        keep_list: Mode ``adopt``: receives the list of matches as CSV.

    Yields:
        Batches of planned repairs and their descriptors; none where nothing is to be repaired.

    Raises:
        ContractError: An answer does not fit, so that nothing may be concluded from it.
    """
    policy = request.policy(run.connector)
    _begin(run, request, policy)
    with counting_requests(run, source=source, target=target), temporary_spool() as spool:
        check_contract(run, source)
        survey = Survey(run, source, target, spool)
        survey.read()
        if request.mode == "compare":
            yield from _packed(run, _found(run, survey, policy))
            facts = _summary(survey.census)
        elif request.mode == "adopt":
            takeover = Takeover(run, spool, target)
            chosen = None if decisions is None else read_matches(decisions)
            matches = takeover.match(chosen)
            keep_list(write_matches(matches))
            yield from _packed(run, takeover.adoptions(matches))
            facts = _summary(survey.census) | {"matches": takeover.counts(matches)}
        else:
            facts = _summary(survey.census) | {"agreement": Takeover(run, spool, target).agreement()}
    with run.ledger.write() as connection:
        run.ledger.runs.update(connection, run.run_id, summary=facts)


def _found(run: Run, survey: Survey, policy: Policy) -> Iterator[RepairItem]:
    """Compare, record every confirmed difference, and hand on the repairs that the policy allows."""
    for waits in survey.compare():
        _report_only(run, waits)
    for finding in survey.confirm():
        _report_only(run, finding.comparison.waits)
        item = _record(run, finding, policy) if finding.comparison.differences else None
        if item is not None:
            yield item
    _report_only(run, list(survey.homeless()))


def _report_only(run: Run, differences: Sequence[Difference]) -> None:
    """Write down what no repair is for."""
    if differences:
        rows = [difference_row(each, "", run.connector, RepairAction.REPORT) for each in differences]
        with run.ledger.write() as connection:
            run.ledger.differences.append(connection, run.run_id, rows)


def _packed(run: Run, items: Iterator[RepairItem]) -> Iterator[tuple[str, BatchDescriptor]]:
    number = 0
    while part := list(islice(items, BATCH)):
        yield pack_repairs(run, part, number)
        number += 1


def _begin(run: Run, request: ReconcileRequest, policy: Policy) -> None:
    repairs = ", ".join(f"{kind}={action}" for kind, action in policy.items()) or "report only"
    with run.ledger.write() as connection:
        run.ledger.runs.begin(
            connection,
            run.run_id,
            mode=RUN_MODES[request.mode],
            dry_run=request.dry_run,
            moves_watermark=False,
            window={"why": repairs, "since": {}, "until": "", "interval": [], "resume_after": ""},
            stamps=None,
            resume_after="",
            plan_hash="",
        )
        run.ledger.differences.forget(connection, run.run_id)


def _record(run: Run, finding: RecheckedCustomer, policy: Policy) -> RepairItem | None:
    """Write one customer's differences into ledger and log; plan its repair."""
    name = finding.erp.name
    differences = finding.comparison.differences
    item = plan_repair(finding.erp, finding.ledger, finding.comparison, policy, run.connector)
    entries: list[LogEntry] = []
    rows = []
    for each in differences:
        action = action_of(each.kind, policy)
        rows.append(difference_row(each, name, run.connector, action))
        entries.append(difference_entry(each, name, run.connector, action))
    with run.ledger.write() as connection:
        run.ledger.differences.append(connection, run.run_id, rows)
        run.record(connection, entries)
    run.sink(f"{finding.erp.customer_id}: {len(differences)} differences", entries)
    return item


def pack_repairs(run: Run, items: Sequence[RepairItem], number: int) -> tuple[str, BatchDescriptor]:
    """Book one batch of repairs as planned; returns it, with the descriptor that guard judges."""
    ids = [item.customer_id for item in items]
    batch = Batch(key=f"repair_{number:03d}", label=batch_label(ids), items=tuple(items))
    planned = [
        PlannedCustomer(
            customer_id=item.customer_id,
            name=item.plan.name,
            kind=item.plan.kind,
            operations=len(item.plan.operations),
            plan_hash=f"{item.repair_hash():032x}",
        )
        for item in items
    ]
    packed = [item.plan.packed_operations() for item in items]
    with run.ledger.write() as connection:
        run.ledger.runs.add_customers(connection, run.run_id, batch.key, ids)
        run.ledger.plans.replace(connection, run.run_id, batch.key, planned, packed)
    content, digest = pack(batch)
    operations = [operation for item in items for operation in item.plan.operations]
    return content, BatchDescriptor(
        key=batch.key,
        label=batch.label,
        count=len(items),
        digest=digest,
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
        "to_recheck": census.to_recheck,
        "rechecked": census.rechecked,
        "reasons": dict(census.reasons),
        "payment_read": census.payment_read,
        "payment_unread": census.payment_unread,
    }


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
            closing_entry(key, "", Outcome.PLANNED, words=run.words, message="dry run: see the planned operations")
            for key in left
        ]
        with run.ledger.write() as connection:
            run.record(connection, entries, [CustomerOutcome(key, Outcome.PLANNED) for key in left])
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
    lines = ["Reconciliation", *(f"  {name:<26}{count:>9}" for name, count in standings.items() if count)]
    if row["mode"] == RUN_MODES["compare"]:
        lines += [
            f"  {'sum':<26}{sum(standings.values()):>9}",
            "  differences: " + (_counted(classes) or "none"),
            "  not ours, never touched: " + (_counted(facts["foreign"]) or "nothing"),
            f"  payment settings: read of {facts['payment_read']} companies, not read of {facts['payment_unread']}",
            f"  rechecked: {facts['rechecked']} of {facts['to_recheck']} customers that differed at first",
        ]
    if "matches" in facts:
        lines.append(f"  matches: {_counted(facts['matches']) or 'none'}")
    for each in facts.get("agreement", [])[:10]:
        lines.append(
            f"  agreement {each['agreement']:7.2%}  {each['entity']} {each['field']}: {each['different']} differ"
        )
    if outcomes:
        lines.append(f"  repaired or adopted customers: {_counted(outcomes)}")
    return ReconcileReport(standings, classes, outcomes, facts, lines)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)
