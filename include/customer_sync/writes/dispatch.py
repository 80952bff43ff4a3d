"""Send writes: intents first, several requests in flight, every answer settled in the ledger. (DESIGN section 7)"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger import Lease
from customer_sync.outcome import Outcome, Reason
from customer_sync.plan import Operation
from customer_sync.run import Run
from customer_sync.writes.work import Work
from http_transport.errors import (
    AmbiguousWriteError,
    BatchTooLarge,
    ContractError,
    NotFound,
    PermanentApiError,
    RecordRejected,
    SyncError,
    TransientApiError,
)


class Write(ABC):
    """One request that writes, for one or several customers.

    ``send`` runs in a worker thread and makes the request; everything else runs in
    the thread that owns the ledger.
    """

    def __init__(self, parts: Sequence[tuple[Work, Operation]], *, is_repeat: bool = False) -> None:
        self.parts = list(parts)
        self.is_repeat = is_repeat

    @abstractmethod
    def send(self) -> Any:
        """Make the request and return the answer."""

    @abstractmethod
    def confirm(self, connection: sa.Connection, answer: Any) -> None:
        """Write what the store holds now into the ledger, and into each work's ``applied``."""

    def refused(self, error: SyncError) -> Iterable[Write]:
        """The server said no and stored nothing that the error names. Returns writes to try instead."""
        for work, operation in self.parts:
            refuse(work, operation, error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """The outcome is unknown: read back.

        Returns:
            Writes to try instead; the intents are then settled as ``abandoned`` (read
            back: not there) or were confirmed by a write among the returned ones.
            ``None``: nothing could be learned, the intents stay open.
        """
        for work, _ in self.parts:
            work.stop(Outcome.FAILED, Reason.OUTCOME_UNKNOWN, str(error))
        return None


@contextmanager
def reading_back() -> Iterator[None]:
    """Mark look-ups that follow a write in the same ``send``.

    When they fail, for whatever reason, the write was done all the same: its outcome
    is unknown, and must not pass for a write that the server refused.

    Raises:
        AmbiguousWriteError: In place of an error that says the server did nothing.
    """
    try:
        yield
    except (TransientApiError, PermanentApiError) as error:
        raise AmbiguousWriteError(
            f"The write was done, and reading back which records it made failed: {error.message}",
            system=error.system,
            operation=error.operation,
            status=error.status,
        ) from error


def refuse(work: Work, operation: Operation, error: SyncError) -> None:
    """Quarantine a customer for what the store said about one of its records."""
    texts = getattr(error, "texts", None) or [str(error)]
    fields = ", ".join(getattr(error, "field_errors", {}) or {})
    what = f"{operation.action} {operation.key}: {'; '.join(texts)[:400]}"
    work.stop(Outcome.QUARANTINED, Reason.REJECTED_BY_STORE, what, field=fields)


class Dispatcher:
    """Performs writes for one load task."""

    def __init__(self, run: Run, lease: Lease, concurrency: int) -> None:
        self._run = run
        self._lease = lease
        self._concurrency = concurrency
        self.writes_sent = 0

    def perform(self, writes: Iterable[Write]) -> None:
        """Send all writes and those that follow from refusals and unknown outcomes.

        Requests in flight when an error stops the load are awaited and settled first,
        so that no answer is lost.

        Raises:
            TransientApiError: A system is out of reach beyond the client's own retries.
            PermanentApiError: The account may not do this.
            LeaseLost: Another attempt took over.
        """
        queue = deque(writes)
        running: dict[Future[Any], tuple[Write, list[int]]] = {}
        stopped_by: SyncError | None = None
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="write") as pool:
            while (queue and stopped_by is None) or running:
                if stopped_by is None:
                    try:
                        self._submit(pool, queue, running)
                    except SyncError as error:
                        stopped_by = error
                        continue
                if not running:
                    continue
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    write, intents = running.pop(future)
                    try:
                        queue.extend(self._settle(write, intents, future))
                    except SyncError as error:
                        stopped_by = stopped_by or error
        if stopped_by is not None:
            raise stopped_by

    def _submit(
        self, pool: ThreadPoolExecutor, queue: deque[Write], running: dict[Future[Any], tuple[Write, list[int]]]
    ) -> None:
        fresh: list[Write] = []
        while queue and len(running) + len(fresh) < self._concurrency:
            write = queue.popleft()
            if any(work.problem is None for work, _ in write.parts):
                fresh.append(write)
        if not fresh:
            return
        with self._run.ledger.write() as connection:
            self._lease.confirm(connection)
            intents = [
                self._run.ledger.intents.open(
                    connection,
                    self._run.run_id,
                    self._run.try_number,
                    [(work.customer_id, operation) for work, operation in write.parts],
                )
                for write in fresh
            ]
        for write, ids in zip(fresh, intents, strict=True):
            running[pool.submit(write.send)] = (write, ids)
            self.writes_sent += 1

    def _settle(self, write: Write, intents: list[int], future: Future[Any]) -> list[Write]:
        ledger = self._run.ledger
        try:
            answer = future.result()
        except (RecordRejected, NotFound, BatchTooLarge) as error:
            follow = list(write.refused(error))
            # A refused bulk write says nothing of most of its rows: they are sent again one by one.
            self._close(intents, "split" if follow else "refused")
            return follow
        except (AmbiguousWriteError, ContractError) as error:
            found = write.unknown(error)
            if found is None:
                return []
            self._close(intents, "abandoned")
            return list(found)
        except TransientApiError as error:
            # Refused outright or never sent: the server did nothing, so there is nothing to read back.
            if error.refused:
                self._close(intents, "abandoned")
            raise
        with ledger.write() as connection:
            self._lease.confirm(connection)
            write.confirm(connection, answer)
            ledger.intents.settle(connection, intents, "confirmed")
        return []

    def _close(self, intents: list[int], state: str) -> None:
        with self._run.ledger.write() as connection:
            self._run.ledger.intents.settle(connection, intents, state)
