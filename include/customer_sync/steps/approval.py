"""A person's answer to the run's plan: what was shown is applied, or nothing is. (task: guard)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from customer_sync.errors import PlanRefused
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.batch import BatchDescriptor
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.planning.plan_facts import question_of
from customer_sync.planning.undo import UNDO_MODE
from customer_sync.reporting.log_entry import closing_entry
from customer_sync.run import Run
from customer_sync.steps.guard import PlanSummary

_NAMED = 10
"""So many customers are named in a refusal."""


def ask_for_approval(run: Run, summary: PlanSummary, *, link: str) -> tuple[str, str, timedelta]:
    """Note that a person is asked, and put the question.

    Args:
        run: The run.
        summary: The settled plan, with the reasons why a person is asked.
        link: Address of the plan, row by row.

    Returns:
        Subject, body (Markdown), and how long an answer is waited for.
    """
    wait = timedelta(minutes=run.connector.approval.timeout_minutes)
    now = utc_now()
    _note(
        run,
        state="waiting",
        why=summary.why_ask,
        untouched=summary.facts.untouched,
        adoptions=summary.adoptions,
        asked_at_utc=now.isoformat(),
        until_utc=(now + wait).isoformat(),
    )
    subject, body = question_of(
        summary.facts, connector=run.connector.id, why=summary.why_ask, link=link, answer_until=now + wait
    )
    return subject, body, wait


def approve_plan(
    run: Run, approved: Sequence[BatchDescriptor], present: Sequence[BatchDescriptor], *, by: str
) -> list[str]:
    """Take a yes: the plan that was shown must still be the one that load will find.

    Args:
        run: The run.
        approved: The batches that were shown.
        present: The batches that transform holds now.
        by: Who said yes.

    Returns:
        What to tell in the log.

    Raises:
        PlanRefused: The plan was made anew meanwhile, or another run wrote to its customers.
    """
    digests = {descriptor.key: descriptor.digest for descriptor in present}
    changed = [descriptor.label for descriptor in approved if digests.get(descriptor.key) != descriptor.digest]
    keys = [descriptor.key for descriptor in approved]
    written = run.ledger.plans.written_by_others(run.run_id, keys, _NAMED)
    problem = ""
    if changed:
        problem = f"the plan of {', '.join(changed[:_NAMED])} was made anew while the answer was awaited"
    elif written:
        problem = f"another run wrote to customers of this plan while the answer was awaited ({', '.join(written)})"
    if problem:
        _note(run, state="outdated", by=by, answered_at_utc=utc_now().isoformat())
        raise PlanRefused(
            f"{by} approved a plan that does not fit any more: {problem}. {_untouched(run)} "
            "Clear transform and the tasks after it, so that the plan is made and shown anew."
        )
    _note(run, state="approved", by=by, answered_at_utc=utc_now().isoformat())
    return [f"Approved by {by}: the plan is applied as it was shown."]


def reject_plan(run: Run, shown: Sequence[BatchDescriptor], *, by: str | None, at: datetime | None = None) -> str:
    """Take a no, or silence for one: every customer of the plan is skipped, and comes back with the next run.

    Args:
        run: The run.
        shown: The batches that were shown.
        by: Who said no; ``None`` when the time ran out.
        at: When; by default now.

    Returns:
        The sentence that says so.
    """
    reason = Reason.APPROVAL_TIMED_OUT if by is None else Reason.PLAN_REJECTED
    said = f"nobody answered within {run.connector.approval.timeout_minutes} minutes" if by is None else f"no by {by}"
    keys = [descriptor.key for descriptor in shown]
    entries = [
        closing_entry(
            each.customer_id, each.name, Outcome.SKIPPED, [reason], words=run.words, message=f"not applied: {said}"
        )
        for each in run.ledger.plans.customers(run.run_id, keys)
    ]
    with run.ledger.write() as connection:
        run.record(connection, entries)
        run.ledger.plans.skip(connection, run.run_id, keys, str(reason))
        run.ledger.directory.take_back(connection, run.run_id)
    answered = (at or utc_now()).isoformat()
    _note(run, state="timed_out" if by is None else "rejected", by=by or "", answered_at_utc=answered)
    run.sink(f"{len(entries)} customers skipped: {said}", entries)
    return f"The plan was not approved ({said}). {_untouched(run)} {what_follows_a_no(run)}"


def what_follows_a_no(run: Run) -> str:
    """What becomes of the customers of a plan that was not approved, in a sentence."""
    row = run.ledger.runs.get(run.run_id) or {}
    if row.get("mode") == UNDO_MODE:
        return "The run that was to be taken back stays as it is; trigger its undo again to have it planned anew."
    return "The next run plans its customers again."


def _untouched(run: Run) -> str:
    """What was left as it was, as the question noted it."""
    known = (run.ledger.runs.get(run.run_id) or {}).get("approval") or {}
    return str(known.get("untouched") or "Nothing was written.")


def _note(run: Run, **facts: Any) -> None:
    known = (run.ledger.runs.get(run.run_id) or {}).get("approval") or {}
    with run.ledger.write() as connection:
        run.ledger.runs.update(connection, run.run_id, approval={**known, **facts})
