"""Step six: balance the run. (task: audit)

Extracted equals the sum of outcomes, every write is confirmed, every batch's tasks
are green; else the run fails and says what is missing. Then the watermarks move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from customer_sync.errors import RunUnbalanced
from customer_sync.ledger import CustomerOutcome
from customer_sync.ledger.coordination.watermarks import MAPPING, RESUME_AFTER
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.batch import BatchDescriptor
from customer_sync.model.outcome import LogEntry, Outcome, Reason
from customer_sync.planning.undo import UNDO_MODE
from customer_sync.reporting.log_entry import closing_entry
from customer_sync.reporting.report_place import reports_directory
from customer_sync.reporting.request_count import HOLDERS, PLACES
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.steps.approval import what_follows_a_no

_PART = 2000
"""Customers that are closed in one transaction."""


@dataclass(frozen=True)
class AuditReport:
    """A run's balance.

    Attributes:
        extracted: Customers that were read.
        outcomes: Customers by outcome; they add up to ``extracted``.
        reasons: How often each reason code decided an outcome.
        intents: Writes by state: ``confirmed``, ``refused``, ``abandoned``, ``open``.
        lines: The summary as a table in text.
        seconds: From the start of extract to the audit.
    """

    extracted: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    intents: dict[str, int]
    seconds: float
    lines: list[str] = field(default_factory=list)


def audit_run(run: Run, *, extracted: Sequence[BatchDescriptor] | None, failed_tasks: Sequence[str]) -> AuditReport:
    """Balance a run, write its summary, and move the watermarks when it is green.

    Args:
        run: The run.
        extracted: What extract returned; ``None`` when it did not succeed.
        failed_tasks: Readable names of task instances that ended otherwise than they should.

    Returns:
        The balance.

    Raises:
        RunUnbalanced: Customers without an outcome, failed tasks, or writes without an
            answer; the message names them. The summary is written all the same.
    """
    row = run.ledger.runs.get(run.run_id)
    if row is None:
        raise RunUnbalanced(f"Run {run.run_id} never started to extract: read the log of the task extract.")
    missing = _close_the_rest(run, is_dry=row["dry_run"], is_failed=bool(failed_tasks) or extracted is None)
    if not row["dry_run"]:
        with run.ledger.write() as connection:
            run.ledger.runs.refresh_unfinished(connection, run.run_id)
    report = _report(run, row)
    _, handed_on = run.ledger.runs.handed_on(run.run_id)
    problems = _problems(run, report, row, extracted, failed_tasks, missing, handed_on)
    if row["mode"] == UNDO_MODE and not row["dry_run"]:
        problems += _left_undone(run)
    compared = _compare_with_push(run, row)
    with run.ledger.write() as connection:
        run.ledger.runs.update(
            connection,
            run.run_id,
            state="failed" if problems else "success",
            ended_at_utc=utc_now(),
            summary={
                "outcomes": report.outcomes,
                "reasons": report.reasons,
                "intents": report.intents,
                "problems": problems,
                **compared,
                **_left_by_undo(row),
            },
        )
        # A second audit of a run that was green moves nothing: an earlier one's commit may have gone unanswered.
        if not problems and row["moves_watermark"] and row["state"] != "success":
            _move_watermarks(run, connection, row)
            run.ledger.push.settle(connection, row["started_at_utc"])
    run.sink("\n".join(["Summary", *report.lines, *_report_files(run)]), [])
    if problems:
        raise RunUnbalanced(" ".join(problems))
    return report


def _left_undone(run: Run) -> list[str]:
    """Of an undo nobody is taken up by the next run: who failed is named."""
    bad = (Outcome.FAILED, Outcome.QUARANTINED)
    failed = [key for key, _, outcome, _ in run.ledger.runs.customers(run.run_id) if outcome in bad]
    if not failed:
        return []
    named = ", ".join(failed[:20])
    return [f"{len(failed)} customers were not taken back: {named}. Their lines say why; then undo the run once more."]


def _left_by_undo(row: dict[str, Any]) -> dict[str, int]:
    """What guard counted of an undo: values that stay since they changed, and such as cannot be had again."""
    return {name: count for name, count in (row["summary"] or {}).items() if name in ("kept", "impossible")}


def _compare_with_push(run: Run, row: dict[str, Any]) -> dict[str, dict[str, int]]:
    """How many changes of a scheduled run's window no push notification had told of; nothing where none are taken."""
    since_utc = run.ledger.runs.last_good_start(before_utc=row["started_at_utc"])
    if not run.connector.push.enabled or row["mode"] != "incremental" or not row["moves_watermark"] or not since_utc:
        return {}
    overlap = timedelta(minutes=run.connector.window_overlap_minutes)
    return {"push": run.ledger.push.compare(run.run_id, since_utc - overlap)}


def _close_the_rest(run: Run, *, is_dry: bool, is_failed: bool) -> list[str]:
    """Customers that no task closed: planned in a dry run, else failed. Returns those that no failure explains."""
    reasons = (str(Reason.BATCH_FAILED),)
    closed: list[str] = []
    # In parts: of a long dry run it is everybody.
    while rest := run.ledger.runs.without_outcome(run.run_id, _PART):
        planned = run.ledger.plans.among(run.run_id, rest) if is_dry else set()
        entries: list[LogEntry] = []
        outcomes: list[CustomerOutcome] = []
        for key in rest:
            if key in planned:
                entries.append(
                    closing_entry(
                        key, "", Outcome.PLANNED, words=run.words, message="dry run: see the planned operations"
                    )
                )
                outcomes.append(CustomerOutcome(key, Outcome.PLANNED))
                continue
            said = "a task of its batch did not finish"
            entries.append(closing_entry(key, "", Outcome.FAILED, reasons, words=run.words, message=said))
            outcomes.append(CustomerOutcome(key, Outcome.FAILED, reasons))
            if not is_failed:
                closed.append(key)
        with run.ledger.write() as connection:
            run.record(connection, entries, outcomes)
    return closed


def _report(run: Run, row: dict[str, Any]) -> AuditReport:
    outcomes = run.ledger.runs.outcome_counts(run.run_id)
    reasons = run.ledger.runs.reason_counts(run.run_id)
    intents = run.ledger.intents.counts(run.run_id)
    seconds = (utc_now() - row["started_at_utc"]).total_seconds()
    ordered = {str(key): outcomes[str(key)] for key in Outcome if outcomes.get(str(key))}
    lines = [
        f"  {'extracted':<14}{row['extracted']:>9}",
        *(f"  {name:<14}{count:>9}" for name, count in ordered.items()),
        f"  {'sum':<14}{sum(ordered.values()):>9}",
        "  writes: " + (", ".join(f"{count} {state}" for state, count in sorted(intents.items())) or "none"),
        "  requests: " + (_usage_in_words(run.connector, row["usage"] or {}) or "none"),
        f"  mode {row['mode']} ({row['window'].get('why', '')}), {seconds:.1f} s",
    ]
    if reasons:
        lines.append("  reasons: " + ", ".join(f"{code} {count}" for code, count in list(reasons.items())[:15]))
    oldest = min(run.ledger.runs.unfinished().values(), default=None)
    if oldest is not None:
        lines.append(f"  oldest unfinished customer since {oldest.isoformat(timespec='seconds')}")
    return AuditReport(row["extracted"], ordered, reasons, intents, seconds, lines)


def _report_files(run: Run) -> list[str]:
    """Write the report where one is wanted; the libraries it needs are loaded only then."""
    directory = reports_directory()
    if directory is None or not run.leaves_files:
        return []
    from customer_sync.reporting.run_report import write_report  # noqa: PLC0415 - see above

    return [f"  report: {path}" for path in write_report(run, directory)]


def _usage_in_words(connector: Connector, usage: dict[str, dict[str, int]]) -> str:
    names = {each.kind: each.label for each in (connector.source, connector.target)}
    names |= {f"{connector.target.kind}{PLACES}": f"{connector.target.label} about countries and states"}
    names |= {f"{connector.target.kind}{HOLDERS}": f"{connector.target.label} about who has an e-mail"}
    return ", ".join(
        f"{numbers['requests']} to {names.get(system, system)} ({numbers['refused']} refused)"
        for system, numbers in sorted(usage.items())
    )


def _problems(
    run: Run,
    report: AuditReport,
    row: dict[str, Any],
    extracted: Sequence[BatchDescriptor] | None,
    failed_tasks: Sequence[str],
    missing: Sequence[str],
    handed_on: int,
) -> list[str]:
    problems = _refusal(run, row)
    if extracted is None:
        problems.append("extract did not succeed, so nothing is known to be complete: read its log.")
    elif sum(batch.count for batch in extracted) != handed_on:
        told = sum(batch.count for batch in extracted)
        problems.append(
            f"extract reported {told} customers, the ledger holds {handed_on}: clear the run from extract on."
        )
    if failed_tasks:
        problems.append(f"Not successful: {', '.join(failed_tasks[:20])}. Read their logs, then clear them.")
    if missing:
        problems.append(f"{len(missing)} customers have no outcome: {', '.join(missing[:20])}.")
    total = sum(report.outcomes.values())
    if total != row["extracted"]:
        problems.append(f"{row['extracted']} customers were extracted, {total} outcomes were written.")
    if report.intents.get("open") and not failed_tasks:
        problems.append(f"{report.intents['open']} writes have no answer; the next run reads them back.")
    return problems


def _refusal(run: Run, row: dict[str, Any]) -> list[str]:
    """That a person said no, or nobody answered: then nothing was loaded, and that comes first."""
    approval = row["approval"] or {}
    said = {
        "rejected": f"The plan was rejected by {approval.get('by')}",
        "timed_out": "The plan was not approved in time",
        "outdated": "The approved plan did not fit any more",
    }.get(approval.get("state", ""))
    return [f"{said}: nothing was loaded. {what_follows_a_no(run)}"] if said else []


def _move_watermarks(run: Run, connection: Any, row: dict[str, Any]) -> None:
    """Move each stream's watermark to the largest stamp seen; a read that was cut off keeps its place instead."""
    marks = run.ledger.watermarks.load()
    seen: dict[str, str] = row["stamps"] or {}
    streams = run.connector.source.streams
    pending = {name: marks.get(f"pending_{name}", "") for name in streams}
    # Kept with a place to go on from, too: a change of the rules then starts the long read afresh. It is the one that
    # the run began with: what the run itself found changed has not been applied to those whom it had passed by.
    fingerprint = {MAPPING: row["window"]["mapping"]} if row["mode"] == "full" else {}
    if row["resume_after"]:
        first = {f"pending_{name}": pending[name] or seen.get(name, "") for name in streams}
        values = {name: value for name, value in first.items() if value}
        run.ledger.watermarks.put(connection, run.run_id, {**values, **fingerprint, RESUME_AFTER: row["resume_after"]})
        return
    # A full run has seen everything as it is now: it sets the watermarks anew, downwards too.
    known = {} if row["mode"] == "full" else marks
    moved = {
        name: pending[name] or max(seen.get(name, ""), known.get(name, "")) or marks[name]
        for name in streams
        if pending[name] or seen.get(name) or marks.get(name)
    }
    run.ledger.watermarks.put(connection, run.run_id, {**moved, **fingerprint})
    if row["mode"] == "full" and not row["window"].get("resume_after"):
        run.ledger.emails.give_up_older(connection, run.run_id)
        run.ledger.directory.drop_older(connection, run.run_id)
    run.ledger.watermarks.drop(connection, RESUME_AFTER, *(f"pending_{stream}" for stream in streams))
