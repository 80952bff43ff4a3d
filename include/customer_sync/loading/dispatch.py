"""Send writes: intents first, several requests in flight, every answer settled in the ledger.

Source: docs/reliability.md#the-protocol.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa

from customer_sync.errors import (
    AmbiguousWriteError,
    BatchTooLarge,
    ConfigError,
    ContractError,
    NotFound,
    RecordRejected,
    SyncError,
    TransientApiError,
)
from customer_sync.ledger import IntendedWrite, Lease
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.doubt import Doubt, Doubts, End, confirmed, passed_on, refused
from customer_sync.machine import Call, Calls, machine
from customer_sync.model.operation import CREATIONS
from customer_sync.run import Run

_TOGETHER_S = 0.002
"""How long answers that are there wait for another one, in seconds."""


class Write(Protocol):
    """One request, for one or several customers.

    ``send`` makes the request; while it waits for the answer, others are sent and settled
    (:mod:`customer_sync.calls_in_flight`).
    """

    @property
    def parts(self) -> Sequence[Part]:
        """The operations; empty for a request that only reads."""

    def send(self) -> Any:
        """Make the request and return the answer."""

    def confirm(self, connection: sa.Connection, answer: Any, /) -> None:
        """Write what the store holds now into the ledger, and into each load's ``applied``."""

    def may_be_done(self, error: SyncError) -> bool:
        """Whether it may have been done, in whole or in part, though writes are to be tried instead.

        Its intents then stay open until those are answered. Of what was looked for in the store this is known.
        """

    def refused(self, error: SyncError) -> Iterable[Write]:
        """The server said no and stored nothing that the error names. Returns writes to try instead."""

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """The outcome is unknown: read back, or sent again where that does no harm.

        Returns:
            Writes to try instead; ``None``: nothing could be learned, the intents stay open.
        """


class ReadBack:
    """A request that only reads, sent beside writes; it needs no intent, and a failure of it is the load's."""

    parts: Sequence[Part] = ()

    def may_be_done(self, error: SyncError) -> bool:  # noqa: ARG002 - as the protocol has it
        """Nothing was to be done."""
        return False

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Nothing was written; the load stops with the error."""
        raise error

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Nothing was written; the load stops with the error."""
        raise error


Follow = Callable[[Write], Iterable[Write]]
"""Makes the writes that a confirmed write allows, in memory only."""


class _Waiting(NamedTuple):
    """A write that is to be sent, and the requests that it repeats."""

    write: Write
    doubts: Doubts = ()


_Running = dict[Call, tuple[Write, list[int], Doubts]]


class _Settled(NamedTuple):
    """A write whose call is done, the intents of its operations, and the requests that it repeats."""

    write: Write
    intents: list[int]
    doubts: Doubts
    call: Call


class IdleTask(Protocol):
    """What can be done while all requests that may be in flight are."""

    def offer(self, loads: Iterable[CustomerLoad]) -> None:
        """Name customers for whom a write was confirmed."""

    def close_some(self) -> bool:
        """Do some of it, for some hundredths of a second; returns whether there may be more."""


class Dispatcher:
    """Performs writes for one load task.

    Args:
        run: The run.
        lease: Checked in every transaction.
        concurrency: Most requests in flight.
        in_flight: How many requests the pace can keep busy now; never more than ``concurrency`` are sent at once.
        idle_task: What is done while nothing but answers is to be awaited.
    """

    def __init__(
        self,
        run: Run,
        lease: Lease,
        concurrency: int,
        in_flight: Callable[[], int] | None = None,
        idle_task: IdleTask | None = None,
    ) -> None:
        self._run = run
        self._lease = lease
        self._concurrency = concurrency
        self._in_flight = in_flight or (lambda: concurrency)
        self._idle_task = idle_task
        self.writes_sent = 0

    def perform(self, writes: Iterable[Write], then: Follow | None = None) -> None:
        """Send all writes and those that follow from confirmations, refusals and unknown outcomes.

        All answers that are there are settled in one transaction, in which the intents of the
        next writes are opened too: one commit serves several requests. Requests in flight when
        an error stops the load are awaited and settled first, so that no answer is lost.

        Args:
            writes: What to send.
            then: Makes further writes of each confirmed one.

        Raises:
            TransientApiError: A system is out of reach beyond the client's own retries.
            PermanentApiError: The account may not do this.
            LeaseLost: Another attempt took over.
        """
        queue = deque(map(_Waiting, writes))
        running: _Running = {}
        stopped_by: SyncError | None = None
        with machine().calls() as calls:
            while (queue and stopped_by is None) or running:
                try:
                    if stopped_by is None:
                        self._use_the_wait(calls, running)
                except SyncError as error:
                    stopped_by = error
                settled = [_Settled(*running.pop(call), call) for call in _answered(calls, len(running))]
                try:
                    answered = self._settle_failures(settled, queue)
                except SyncError as error:
                    stopped_by = stopped_by or error
                    answered = [each for each in settled if each.call.failure is None]
                try:
                    self._exchange(answered, queue if stopped_by is None else deque(), then, calls, running)
                except SyncError as error:
                    stopped_by = stopped_by or error
        if stopped_by is not None:
            raise stopped_by

    def _use_the_wait(self, calls: Calls, running: _Running) -> None:
        """Do something else until an answer is there or nothing else is left."""
        while self._idle_task and running and not calls.poll():
            if not self._idle_task.close_some():
                return

    def _exchange(
        self,
        answered: Sequence[_Settled],
        queue: deque[_Waiting],
        then: Follow | None,
        calls: Calls,
        running: _Running,
    ) -> None:
        """Confirm what was answered and open the intents of what goes next, in one transaction; then send that."""
        if not answered and not self._has_sendable(queue, running):
            return
        ledger = self._run.ledger
        free = max(0, self._limit() - len(running))
        with ledger.write() as connection:
            self._lease.confirm(connection)
            for write, _, doubts, call in answered:
                write.confirm(connection, call.answer)
                _enqueue(queue, then(write) if then else ())
                self._end(connection, confirmed(doubts))
            ledger.intents.confirm(
                connection, {each: _made(settled) for settled in answered for each in settled.intents}
            )
            fresh = _take(queue, free)
            requests = [_intended(write) for write, _ in fresh if write.parts]
            intents = deque(ledger.intents.open(connection, self._run.run_id, self._run.try_number, requests))
        if self._idle_task:
            self._idle_task.offer(load for write, *_ in answered for load, _ in write.parts)
        for write, doubts in fresh:
            running[calls.submit(write.send)] = (write, [intents.popleft()] if write.parts else [], doubts)
            self.writes_sent += bool(write.parts)

    def _has_sendable(self, queue: deque[_Waiting], running: _Running) -> bool:
        while queue and _is_moot(queue[0].write):
            queue.popleft()
        return bool(queue) and len(running) < self._limit()

    def _limit(self) -> int:
        return max(1, min(self._concurrency, self._in_flight()))

    def _settle_failures(self, settled: Sequence[_Settled], queue: deque[_Waiting]) -> list[_Settled]:
        """Settle what was not answered with yes, one by one; returns the others.

        Raises:
            SyncError: The first error that stops the load, after all were settled.
        """
        stopped_by: SyncError | None = None
        for each in settled:
            error = each.call.failure
            if error is None:
                continue
            try:
                queue.extend(self._settle_failure(each, error))
            except SyncError as stopping:
                stopped_by = stopped_by or stopping
        if stopped_by is not None:
            raise stopped_by
        return [each for each in settled if each.call.failure is None]

    def _settle_failure(self, settled: _Settled, error: BaseException) -> list[_Waiting]:
        write, intents, doubts, _ = settled
        if isinstance(error, RecordRejected | NotFound | BatchTooLarge):
            follow = list(write.refused(error))
            if not follow:
                self._close(intents, "refused", refused(doubts))
                return []
            # A refused bulk write says nothing of most of its rows: they are sent again one by one.
            return self._instead(settled, error, follow, "split")
        if isinstance(error, AmbiguousWriteError | ContractError):
            found = write.unknown(error)
            return [] if found is None else self._instead(settled, error, list(found), "abandoned")
        if isinstance(error, ConfigError) or (isinstance(error, TransientApiError) and error.refused):
            # Refused outright or never sent: the server did nothing, so there is nothing to read back.
            self._close(intents, "abandoned")
        raise error

    def _instead(self, settled: _Settled, error: SyncError, follow: list[Write], end: End) -> list[_Waiting]:
        """What is sent in place of a write, which is closed now unless it may have been done."""
        write, intents, doubts, _ = settled
        passed_on(doubts, len(follow))
        if follow and write.may_be_done(error):
            doubts = (*doubts, Doubt(intents, end, len(follow)))
        else:
            self._close(intents, end)
        return [_Waiting(each, doubts) for each in follow]

    def _close(self, intents: Sequence[int], state: str, ended: Sequence[Doubt] = ()) -> None:
        with self._run.ledger.write() as connection:
            self._run.ledger.intents.settle(connection, intents, state)
            self._end(connection, ended)

    def _end(self, connection: sa.Connection, ended: Sequence[Doubt]) -> None:
        for doubt in ended:
            self._run.ledger.intents.settle(connection, doubt.intents, doubt.end)


def _answered(calls: Calls, in_flight: int) -> list[Call]:
    """The calls that are done, with those that follow at once until it is half of them: they share a commit."""
    done = calls.wait()
    while 2 * len(done) < in_flight and (more := calls.wait(_TOGETHER_S)):
        done += more
    return done


def _made(settled: _Settled) -> Sequence[int | None] | None:
    """The ids of the records that a write made, ``None`` where it made none."""
    made: Sequence[int | None] = settled.call.answer
    return made if settled.write.parts[0].operation.action in CREATIONS else None


def _intended(write: Write) -> list[IntendedWrite]:
    return [
        IntendedWrite(load.customer_id, operation, load.access_ended_at_utc(operation), load.plan.record_id)
        for load, operation in write.parts
    ]


def _enqueue(queue: deque[_Waiting], writes: Iterable[Write]) -> None:
    """Writes go behind those that wait, reading back before them: others wait for what it shows."""
    for write in writes:
        if isinstance(write, ReadBack):
            queue.appendleft(_Waiting(write))
        else:
            queue.append(_Waiting(write))


def _take(queue: deque[_Waiting], most: int) -> list[_Waiting]:
    fresh: list[_Waiting] = []
    while queue and len(fresh) < most:
        waiting = queue.popleft()
        if not _is_moot(waiting.write):
            fresh.append(waiting)
    return fresh


def _is_moot(write: Write) -> bool:
    """Whether every customer of a write was stopped meanwhile."""
    return bool(write.parts) and all(load.is_moot(operation) for load, operation in write.parts)
