"""Give every customer of a load its outcome, its log lines and its quarantine rows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

import msgspec

from customer_sync.gc_paused import uncollected
from customer_sync.ledger import ConfirmedWrite, CustomerOutcome
from customer_sync.loading.customer_load import Work
from customer_sync.model.company import STATUS_APPROVED, STATUS_INACTIVE, attempt_hash, content_hash
from customer_sync.model.operation import Action
from customer_sync.model.outcome import Finding, LogEntry, Outcome, Reason
from customer_sync.reporting.log_entry import closing_entry, finding_entry, operation_entry
from customer_sync.run import Run

_AT_ONCE = 40
"""Customers that are booked while the store works: some hundredths of a second."""


class Closing:
    """Books the outcomes of a load's customers: of the finished ones while others wait for the store, the rest at last.

    Booking takes longer than the pace leaves between two requests. Done at the end of a batch, it
    would keep the store waiting; done in between, it costs no time at all.

    Args:
        run: The run.
        works: The customers of the load.
        label: The batch's name, for the log.
    """

    def __init__(self, run: Run, works: Sequence[Work], label: str) -> None:
        self._run = run
        self._works = works
        self._label = label
        self._waiting: deque[Work] = deque()
        self._closed: set[str] = set()
        self._entries: list[LogEntry] = []
        self._counts: Counter[str] = Counter()

    def offer(self, works: Iterable[Work]) -> None:
        """Name customers for whom a write was confirmed: they may be finished now."""
        self._waiting.extend(works)

    def close_some(self) -> bool:
        """Book some of those that are finished.

        Returns:
            Whether there may be more.
        """
        found: dict[str, Work] = {}
        while self._waiting and len(found) < _AT_ONCE:
            work = self._waiting.popleft()
            if work.customer_id not in self._closed and _is_finished(work):
                found[work.customer_id] = work
        if found:
            self._close(list(found.values()))
        return bool(self._waiting)

    @uncollected()
    def finish(self) -> dict[str, int]:
        """Book every customer that is finished or stopped; the others keep none. Returns customers by outcome."""
        self._close([work for work in self._works if work.customer_id not in self._closed])
        left = len(self._works) - len(self._closed)
        told = [f"{count} {name}" for name, count in sorted(self._counts.items())]
        told += [f"{left} not finished"] if left else []
        self._run.sink(f"{self._label}: {', '.join(told) or 'nothing to do'}", self._entries)
        return dict(self._counts)

    def _close(self, works: Sequence[Work]) -> None:
        run = self._run
        ids = [work.customer_id for work in works]
        done = run.ledger.intents.confirmed(run.run_id, ids)
        made = run.ledger.links.made_by(run.run_id, ids)
        entries: list[LogEntry] = []
        outcomes: list[CustomerOutcome] = []
        whole: list[Work] = []
        quarantined: list[tuple[str, Finding]] = []
        for work in works:
            writes = done.get(work.customer_id, [])
            outcome = _outcome(work, writes, is_made=work.customer_id in made)
            if outcome is None:
                continue
            outcomes.append(CustomerOutcome(work.customer_id, outcome, _reasons(work)))
            entries.extend(_entries(run, work, outcome, writes))
            quarantined.extend((work.customer_id, finding) for finding in _quarantine(work))
            if outcome not in {Outcome.FAILED, Outcome.QUARANTINED} and work.plan.kind == "sync":
                whole.append(work)
        digests = [
            (work.customer_id, {"content_hash": "" if work.held_back else content_hash(work.desired)}) for work in whole
        ]
        settled = [outcome.customer_id for outcome in outcomes]
        with run.ledger.write() as connection:
            run.ledger.links.update_companies(connection, digests)
            held = _still_held(run, works, settled)
            run.ledger.quarantine.replace(connection, run.run_id, settled, [*held, *quarantined])
            run.book(connection, entries, outcomes)
        self._closed.update(settled)
        self._entries += entries
        self._counts.update(str(outcome.outcome) for outcome in outcomes)


def _is_finished(work: Work) -> bool:
    """Whether nothing is left to be done or to be learned for a customer of whom nothing went wrong."""
    applied = work.applied
    if work.plan.kind != "sync" or work.problem is not None or applied is None or not applied.parts_known:
        return False
    return applied.status == STATUS_APPROVED and not work.remaining() and not work.remaining_reference()


def _outcome(work: Work, writes: Sequence[ConfirmedWrite], *, is_made: bool) -> Outcome | None:
    if work.problem:
        return work.problem.outcome
    if work.remaining() or (work.plan.kind == "sync" and work.remaining_reference()):
        return None
    if work.plan.kind == "unenroll":
        return Outcome.DEACTIVATED if writes or work.is_deleted else Outcome.FILTERED
    if is_made:
        return Outcome.CREATED
    if any(write.action == Action.SET_STATUS for write in writes) and _was_inactive(work):
        return Outcome.REACTIVATED
    return Outcome.UPDATED if writes else Outcome.UNCHANGED


def _was_inactive(work: Work) -> bool:
    return any(
        operation.action is Action.SET_STATUS and operation.before.get("status") == STATUS_INACTIVE
        for operation in work.plan.operations
    )


def _reasons(work: Work) -> tuple[str, ...]:
    if work.problem:
        return (str(work.problem.reason),)
    return work.plan.reasons


def _entries(run: Run, work: Work, outcome: Outcome, writes: Sequence[ConfirmedWrite]) -> list[LogEntry]:
    plan = work.plan
    entries = [finding_entry(work.customer_id, plan.name, finding) for finding in work.findings]
    confirmed = {(write.action, write.key) for write in writes}
    for operation in plan.operations:
        if (str(operation.action), operation.key) in confirmed:
            done = msgspec.structs.replace(operation, store_id=operation.store_id or work.store_id_of(operation))
            entries.append(operation_entry(work.customer_id, plan.name, done, run.connector.masking, verb="done"))
    summary = ", ".join(f"{count} x {action}" for action, count in Counter(write.action for write in writes).items())
    found = "found in the store and linked" if outcome is Outcome.CREATED else "nothing to do"
    message = work.problem.message if work.problem else summary or found
    entries.append(
        closing_entry(
            work.customer_id,
            plan.name,
            outcome,
            _reasons(work),
            message=message,
            store_id=str(work.company_id or plan.company_id or ""),
            field=work.problem.field if work.problem else "",
        )
    )
    return entries


def _quarantine(work: Work) -> list[Finding]:
    rows = list(work.findings)
    if work.problem and work.problem.outcome is Outcome.QUARANTINED:
        rows.append(
            Finding(
                reason=work.problem.reason,
                field=work.problem.field,
                detail=work.problem.message,
                hash=attempt_hash(work.desired, work.plan.erp_reference) if work.plan.desired else "",
            )
        )
    return rows


def _still_held(run: Run, works: Sequence[Work], settled: Sequence[str]) -> list[tuple[str, Finding]]:
    """Contacts that stayed in quarantine all along: the plan held them back."""
    kept = {work.customer_id: set(work.plan.held_back) for work in works if work.plan.held_back}
    rows = run.ledger.quarantine.load(key for key in settled if key in kept)
    return [
        (
            customer_id,
            Finding(
                reason=Reason(row.reason),
                entity=row.entity,
                key=row.key,
                field=row.field,
                detail=row.detail,
                hash=row.content_hash,
            ),
        )
        for customer_id, found in rows.items()
        for row in found
        if f"contact:{row.key}" in kept[customer_id] and row.entity == "contact"
    ]
