"""Give every customer of a load its outcome, its log lines and its quarantine rows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from customer_sync.gc_paused import gc_paused
from customer_sync.ledger import CustomerOutcome
from customer_sync.loading.applied_parts import save
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.batch import BatchDescriptor
from customer_sync.model.company import CompanyStatus, attempt_hash, content_hash
from customer_sync.model.operation import CREATIONS, Action, ConfirmedWrite, Operation, StatusOperation
from customer_sync.model.outcome import MENDED_IN_STORE, WAITS, WAITS_FOR_EMAIL, Finding, LogEntry, Outcome, Reason
from customer_sync.reporting.log_entry import (
    closing_entry,
    done_in_words,
    earlier_entry,
    finding_entry,
    found_entry,
    operation_entry,
    uncleared_findings,
    undone_in_words,
)
from customer_sync.run import Run

_AT_ONCE = 40
"""Customers that are recorded while the store works: some hundredths of a second."""


class OutcomeRecorder:
    """Books the outcomes of a load's customers: of the finished ones while others wait for the store, the rest at last.

    Booking takes longer than the pace leaves between two requests. Done at the end of a batch, it
    would keep the store waiting; done in between, it costs no time at all.

    Args:
        run: The run.
        loads: The customers of the load.
        descriptor: Names the batch.
    """

    def __init__(self, run: Run, loads: Sequence[CustomerLoad], descriptor: BatchDescriptor) -> None:
        self._run = run
        self._loads = loads
        self._descriptor = descriptor
        # What an earlier attempt of this run had confirmed; what this one has is in the loads.
        self._earlier = run.ledger.intents.confirmed(run.run_id, [load.customer_id for load in loads])
        # Customers of other batches may have to give something up for these; their own load books them.
        self._own = frozenset(map(id, loads))
        self._waiting: deque[CustomerLoad] = deque()
        self._closed: set[str] = set()
        self._done: set[str] = set()
        self._entries: list[LogEntry] = []
        self._counts: Counter[str] = Counter()

    def offer(self, loads: Iterable[CustomerLoad]) -> None:
        """Name customers for whom a write was confirmed: they may be finished now."""
        self._waiting.extend(load for load in loads if id(load) in self._own)

    def close_some(self) -> bool:
        """Book some of those that are finished.

        Returns:
            Whether there may be more.
        """
        found: dict[str, CustomerLoad] = {}
        while self._waiting and len(found) < _AT_ONCE:
            load = self._waiting.popleft()
            if load.customer_id not in self._closed and _is_finished(load):
                found[load.customer_id] = load
        if found:
            self._close(list(found.values()))
        return bool(self._waiting)

    @gc_paused()
    def finish(self) -> dict[str, int]:
        """Book every customer that is finished or stopped; the others keep none. Returns customers by outcome."""
        run, descriptor = self._run, self._descriptor
        self._close([load for load in self._loads if load.customer_id not in self._closed])
        with run.ledger.write() as connection:
            run.ledger.plans.drop(connection, run.run_id, descriptor.key, self._done)
        left = len(self._loads) - len(self._closed)
        told = [f"{count} {name}" for name, count in sorted(self._counts.items())]
        told += [f"{left} not finished"] if left else []
        run.sink(f"{descriptor.label}: {', '.join(told) or 'nothing to do'}", self._entries)
        return dict(self._counts)

    def _close(self, loads: Sequence[CustomerLoad]) -> None:
        run = self._run
        ids = [load.customer_id for load in loads]
        made = run.ledger.links.made_by(run.run_id, ids)
        entries: list[LogEntry] = []
        outcomes: list[CustomerOutcome] = []
        whole: list[CustomerLoad] = []
        quarantined: list[tuple[str, Finding]] = []
        for load in loads:
            mine = [*load.done, *load.found]
            writes = [*self._earlier.get(load.customer_id, []), *map(_confirmed, mine)]
            outcome = _outcome(load, writes, linked=made.get(load.customer_id))
            if outcome is None:
                continue
            outcomes.append(CustomerOutcome(load.customer_id, outcome, _reasons(load)))
            load.findings += uncleared_findings(load.uncleared(), run.connector)
            entries.extend(_entries(run, load, outcome, writes))
            quarantined.extend((load.customer_id, finding) for finding in _quarantine(load))
            if outcome not in {Outcome.FAILED, Outcome.QUARANTINED, Outcome.DEACTIVATED} and load.plan.kind == "sync":
                whole.append(load)
        digests = {
            load.customer_id: "" if load.held_back or load.uncleared() else content_hash(load.desired) for load in whole
        }
        settled = [outcome.customer_id for outcome in outcomes]
        closed = set(settled)
        new = [load for load in loads if load.is_being_made and load.customer_id in closed]
        known = digests.keys() - {load.customer_id for load in new}
        # Who gets no company keeps nobody else from an e-mail until something changes.
        without = [
            load.customer_id for load in loads if load.customer_id in closed and load.problem and not load.applied
        ]
        with run.ledger.write() as connection:
            save(run, connection, new, digests)
            run.ledger.links.put_hashes(connection, {key: digests[key] for key in known})
            held = _still_held(run, loads, settled)
            run.ledger.quarantine.replace(connection, run.run_id, settled, [*held, *quarantined])
            run.ledger.directory.drop_claims(connection, without)
            run.record(connection, entries, outcomes, in_place_of=("transform", "guard"))
        self._closed.update(settled)
        self._done.update(each.customer_id for each in outcomes if each.outcome is not Outcome.FAILED)
        self._entries += entries
        self._counts.update(str(outcome.outcome) for outcome in outcomes)


def _confirmed(operation: Operation) -> ConfirmedWrite:
    if operation.action in CREATIONS:
        return ConfirmedWrite(str(operation.action), operation.key)
    return ConfirmedWrite(str(operation.action), operation.key, operation.before, operation.values)


def _is_finished(load: CustomerLoad) -> bool:
    """Whether nothing is left to be done or to be learned for a customer of whom nothing went wrong."""
    applied, desired = load.applied, load.plan.desired
    if desired is None or applied is None or len(applied.addresses) < len(desired.addresses):
        return False
    if load.plan.kind != "sync" or load.problem is not None or not applied.parts_known:
        return False
    return applied.status == CompanyStatus.APPROVED and not load.remaining() and not load.remaining_reference()


def _outcome(load: CustomerLoad, writes: Sequence[ConfirmedWrite], *, linked: bool | None) -> Outcome | None:
    """What became of a customer; ``linked`` says whether this run made or adopted its company, if it did."""
    if load.problem and load.problem.outcome is not Outcome.QUARANTINED:
        return load.problem.outcome
    if load.remaining() or load.remaining_reference():
        return None
    if load.problem or load.plan.outcome == Outcome.QUARANTINED or _waits_as_a_whole(load):
        return Outcome.QUARANTINED
    if load.is_deleted or _is_deleted_by(writes) or _stopped_trading(load, writes):
        return Outcome.DEACTIVATED
    return _outcome_of_writes(load, writes, linked=linked)


def _outcome_of_writes(load: CustomerLoad, writes: Sequence[ConfirmedWrite], *, linked: bool | None) -> Outcome:
    if linked is not None and load.plan.kind == "sync":
        return Outcome.CREATED if linked else Outcome.ADOPTED
    if any(write.action == Action.SET_STATUS for write in writes) and _was_inactive(load):
        return Outcome.REACTIVATED
    if writes:
        return Outcome.UPDATED
    if load.plan.kind != "sync":
        return Outcome.FILTERED
    return Outcome.WAITING if load.held_back or load.uncleared() else Outcome.UNCHANGED


def _waits_as_a_whole(load: CustomerLoad) -> bool:
    """Whether the company itself is what waits, or was not made since everybody who could be its admin does."""
    if load.plan.kind != "sync":
        return False
    return load.applied is None or any(part.startswith("customer:") for part in load.held_back)


def _is_deleted_by(writes: Sequence[ConfirmedWrite]) -> bool:
    """Whether this attempt or an earlier one deleted the company."""
    return any(write.action == Action.DELETE_COMPANY for write in writes)


def _stopped_trading(load: CustomerLoad, writes: Sequence[ConfirmedWrite]) -> bool:
    is_inactive = load.applied is not None and load.applied.status == CompanyStatus.INACTIVE
    return is_inactive and any(write.action == Action.SET_STATUS for write in writes)


def _was_inactive(load: CustomerLoad) -> bool:
    return load.plan.was_inactive or any(
        isinstance(operation, StatusOperation) and operation.old == CompanyStatus.INACTIVE for operation in load.done
    )


def _reasons(load: CustomerLoad) -> tuple[str, ...]:
    if load.problem:
        return (str(load.problem.reason),)
    if load.plan.reasons:
        return load.plan.reasons
    return tuple(dict.fromkeys(str(finding.reason) for finding in _why_it_waits(load)))


def _why_it_waits(load: CustomerLoad) -> list[Finding]:
    """What keeps the customer as a whole waiting; empty where only parts do."""
    if not _waits_as_a_whole(load):
        return []
    return [each for each in load.findings if each.entity == "customer"] or load.findings


def _entries(run: Run, load: CustomerLoad, outcome: Outcome, writes: Sequence[ConfirmedWrite]) -> list[LogEntry]:
    plan = load.plan
    entries = [
        finding_entry(load.customer_id, plan.name, finding, run.words) for finding in (*load.findings, *load.notes)
    ]
    entries += [
        operation_entry(load.customer_id, plan.name, operation, run.connector, verb="done") for operation in load.done
    ]
    if len(writes) > len(load.done) + len(load.found):
        by_this_attempt = {(str(operation.action), operation.key) for operation in (*load.done, *load.found)}
        entries += [
            earlier_entry(load.customer_id, plan.name, write, run.connector)
            for write in writes
            if (write.action, write.key) not in by_this_attempt
        ]
    entries += [found_entry(load.customer_id, plan.name, operation) for operation in load.found]
    summary = done_in_words(writes)
    adopted = f"found in the store, its own by {load.adopted_by or 'what an earlier attempt found'}"
    found = {Outcome.ADOPTED: adopted, Outcome.WAITING: WAITS}.get(outcome, "")
    why = "; ".join(finding.detail for finding in _why_it_waits(load))
    told = (why, found, summary) if outcome is Outcome.ADOPTED else (why, summary or found)
    message = load.problem.message if load.problem else "; ".join(filter(None, told)) or "nothing to do"
    if plan.undoes and not load.problem:
        message = undone_in_words(plan.undoes, message)
    entries.append(
        closing_entry(
            load.customer_id,
            plan.name,
            outcome,
            _reasons(load),
            words=run.words,
            message=message,
            store_id=str(load.company_id or plan.company_id or ""),
            field=load.problem.field if load.problem else "",
        )
    )
    return entries


def _quarantine(load: CustomerLoad) -> list[Finding]:
    rows = list(load.findings)
    if load.problem and load.problem.outcome is Outcome.QUARANTINED:
        rows.append(
            Finding(
                reason=load.problem.reason,
                field=load.problem.field,
                detail=load.problem.message,
                hash=_attempt(load, load.problem.reason),
            )
        )
    return rows


def _attempt(load: CustomerLoad, reason: Reason) -> str:
    """What was tried; ``""`` where the store has to change for another try, which no change of the source shows."""
    if load.plan.desired is None or reason in MENDED_IN_STORE:
        return ""
    return attempt_hash(load.desired, load.plan.erp_reference)


def _still_held(run: Run, loads: Sequence[CustomerLoad], settled: Sequence[str]) -> list[tuple[str, Finding]]:
    """Parts that stayed in quarantine all along: the plan held them back, or the customer waits as a whole."""
    kept = {
        load.customer_id: None if load.plan.kind == "access" else load.held_back.intersection(load.plan.held_back)
        for load in loads
        if load.plan.held_back or load.plan.kind == "access"
    }
    rows = run.ledger.quarantine.load(key for key in settled if key in kept)
    return [
        (customer_id, row.finding())
        for customer_id, found in rows.items()
        for row in found
        # Who would follow an admin, and waits for the e-mail, the load has judged anew.
        if (row.reason not in WAITS_FOR_EMAIL if (parts := kept[customer_id]) is None else row.part in parts)
    ]
