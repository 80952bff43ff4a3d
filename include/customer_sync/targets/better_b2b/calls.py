"""One call to the store, and one crawl through a paged list: what all families of calls share."""

import logging
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

import msgspec

from customer_sync.errors import ContractError, NotFound
from customer_sync.http.exchange import Exchange
from customer_sync.http.pacing import Pacer, RequestCounter, RequestUse
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.server_clock import ServerClock
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.targets.better_b2b.answers import Envelope, read_envelope
from customer_sync.targets.better_b2b.budget import read_budget
from customer_sync.targets.better_b2b.records import required_id
from customer_sync.targets.better_b2b.settings import BULK_ROWS_MAX, SYSTEM, BetterB2BSettings
from customer_sync.targets.better_b2b.wire import to_wire

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = TypeVar("Row")

Query = tuple[tuple[str, str], ...]


class New(NamedTuple):
    """How records of one kind are created.

    Attributes:
        shape: Shape of the request for one (``wire.SHAPES``).
        bulk_shape: Shape of a row of the request for several.
        ids: Names under which the answer for one holds its id.
        read_ids: Reads the ids of the rows that were sent from the answer for several; ``None`` where it does not
            say which is which.
    """

    shape: str
    bulk_shape: str
    ids: tuple[str, str]
    read_ids: Callable[[Envelope, Sequence[Mapping[str, Any]]], list[int | None] | None]


_EFFECTS: Final[Mapping[str, Effect]] = {
    "GET": Effect.READ,
    # PUT and DELETE may simply be repeated (docs/api/better_b2b.md#order-of-writes).
    "PUT": Effect.REPEATABLE_WRITE,
    "DELETE": Effect.REPEATABLE_WRITE,
    "POST": Effect.WRITE,
}
_CRAWL_PASSES: Final = 3
# Answers that arrive together are recorded in one commit, which costs more than a few that wait.
_IN_FLIGHT_UNPACED: Final = 12
# From an answer to the next request of the same thread: the answer is recorded first.
_TURNAROUND_S: Final = 0.03


class StoreCalls:
    """The store's transport, credentials and pace; safe to use from several threads.

    Args:
        transport: Sends requests to the store's host.
        settings: Credentials and sizes.
        pacer: Shared by every client of the same store; a new one by default.
        retry: When to try again; the default bounds five failures and ten minutes, because a
            used-up budget alone can take a minute to come back.
    """

    def __init__(
        self,
        transport: Transport,
        settings: BetterB2BSettings,
        *,
        pacer: Pacer | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.settings = settings
        self.pacer = pacer or Pacer(settings.rules.requests_per_minute, share=settings.rules.share)
        self._transport = transport
        self._exchange = Exchange(
            transport,
            pacer=self.pacer,
            retry=retry or RetryPolicy(total_s=600.0),
            counter=RequestCounter(),
            on_answer=self._observe,
            secrets=(settings.token,),
            longest_work_s=settings.longest_work_s or settings.read_timeout_s,
        )
        self._headers = _auth_headers(settings)
        self._server_clock = ServerClock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def useful_in_flight(self) -> int:
        """Return how many requests at once keep the pace busy: pace times latency, and one that waits for its turn.

        More would only wait longer (Little's law); without a pace, as many as are worth one commit.
        """
        per_second = self.pacer.requests_per_minute / 60
        if not per_second:
            return _IN_FLIGHT_UNPACED
        return math.ceil(per_second * (self._exchange.latency_s + _TURNAROUND_S)) + 1

    def requests_used(self) -> RequestUse:
        """Return how many requests this client has used so far."""
        return self._exchange.counter.snapshot()

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[HttpRequest, Envelope], T],
        *,
        query: Query = (),
        body: Any = None,
    ) -> T:
        rows = body if isinstance(body, list) else ()
        request = HttpRequest(
            method,
            self.settings.api_prefix.rstrip("/") + path,
            query=query,
            headers=self._headers if body is None else {**self._headers, "Content-Type": "application/json"},
            body=None if body is None else msgspec.json.encode(body),
            system=SYSTEM,
            read_timeout_s=self.settings.read_timeout_s,
        )

        def read_answer(answer: HttpResponse) -> T:
            wait_s = self.settings.rate_limit_wait_s
            return read(request, read_envelope(request, answer, rows, wait_s))

        return self._exchange.run(lambda: request, _EFFECTS[method], read_answer)

    def _get_record(self, path: str, from_wire: Callable[[Mapping[str, Any]], T]) -> T | None:
        try:
            return self._call("GET", path, lambda request, envelope: from_wire(envelope.record(request)))
        except NotFound:
            return None

    def _get_rows(self, path: str, from_wire: Callable[[Mapping[str, Any]], T]) -> list[T]:
        return self._call("GET", path, lambda request, envelope: [from_wire(row) for row in envelope.rows(request)])

    def _create(self, path: str, new: New, payloads: Sequence[Mapping[str, Any]]) -> list[int | None]:
        """Create one record by itself, or up to ten in one request.

        Returns:
            Their ids in the order of the payloads; ``None`` where all were stored but the answer does not say which
            is which, so look each up.

        Raises:
            RecordRejected: Some were refused; ``row_errors`` says which where the store does.
            AmbiguousWriteError: Any of them may exist now.
            ValueError: A field is unknown, or there are none or more than ten.
        """
        if len(payloads) == 1:
            return self._call(
                "POST",
                path,
                lambda request, envelope: [required_id(envelope.record(request), *new.ids)],
                body=to_wire(new.shape, payloads[0]),
            )
        rows = [to_wire(new.bulk_shape, payload) for payload in bulk_rows(payloads)]
        unknown: list[int | None] = [None] * len(rows)
        return self._call(
            "POST", f"{path}/bulk", lambda _, envelope: new.read_ids(envelope, rows) or unknown, body=rows
        )

    def _put(self, path: str, body: Any) -> None:
        self._call("PUT", path, _ignore_content, body=body)

    def _delete(self, path: str) -> None:
        """Delete a record; one that is gone already counts as deleted."""
        try:
            self._call("DELETE", path, _ignore_content)
        except NotFound:
            return

    def _crawl(
        self,
        path: str,
        from_wire: Callable[[Mapping[str, Any]], T],
        id_of: Callable[[T], Hashable],
        query: Query = (),
        page_size: int | None = None,
    ) -> Iterator[T]:
        """Read a whole paged list, each id once.

        Records that others create, change or delete during the crawl shift the pages, so that rows repeat
        or slip through. Repeated ones are dropped. When fewer ids were seen than the store counts,
        or its count sank on the way, the list is read again, at most three times in all. A page without
        an id that is new to its reading ends that reading, whatever the store counts.

        Raises:
            ContractError: Every reading ended so: the store shows the same page again and again.
        """
        seen: set[Hashable] = set()
        repeats = 0
        for _ in range(_CRAWL_PASSES):
            counts: list[int] = []
            read_now: set[Hashable] = set()
            for counted, records in self._pages(path, from_wire, query, page_size or self.settings.page_size):
                counts.append(counted)
                ids = {id_of(record) for record in records}
                if records and ids <= read_now:
                    repeats += 1
                    break
                read_now |= ids
                for record in records:
                    if id_of(record) not in seen:
                        seen.add(id_of(record))
                        yield record
            has_sunk = any(before > after for before, after in pairwise(counts))
            if len(seen) >= counts[-1] and not has_sunk:
                return
        if repeats == _CRAWL_PASSES:
            raise ContractError(
                f"{SYSTEM} shows the same records of {path} page after page and counts {counts[-1]:,} of them, of "
                f"which {len(seen):,} came: the list cannot be read completely. Ask the store's support whether "
                "'offset' has an effect there.",
                system=SYSTEM,
                operation=f"GET {path}",
            )
        log.warning(
            "%s counts %d records under %s and showed %d in %d readings: others may be changing it now.",
            SYSTEM,
            counts[-1],
            path,
            len(seen),
            _CRAWL_PASSES,
        )

    def _pages(
        self, path: str, from_wire: Callable[[Mapping[str, Any]], T], query: Query, limit: int
    ) -> Iterator[tuple[int, Sequence[T]]]:
        offset = 0
        while True:
            page = (*query, ("limit", str(limit)), ("offset", str(offset)))

            def read(request: HttpRequest, envelope: Envelope) -> tuple[int | None, list[T]]:
                return envelope.total_count, [from_wire(row) for row in envelope.rows(request)]

            total, records = self._call("GET", path, read, query=page)
            yield total or 0, records
            offset += len(records)
            if not records or (offset >= total if total is not None else len(records) < limit):
                return

    def now_utc(self) -> datetime | None:
        """The store's own time, as of its last answer; ``None`` before one, and where its answers bear no date."""
        return self._server_clock.now_utc()

    def _observe(self, answer: HttpResponse) -> None:
        self._server_clock.observe(answer)
        budget = read_budget(answer.headers)
        self.pacer.observe(
            allocated=budget.allocated,
            window_s=budget.window_s,
            remaining=budget.remaining,
            resets_after_s=budget.resets_after_s,
        )


def _ignore_content(_: HttpRequest, __: Envelope) -> None:
    """Read an answer of which only the success matters."""


def bulk_rows(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows of a bulk call.

    Raises:
        ValueError: There are none, or more than ten (the store would answer 413).
    """
    if not 1 <= len(rows) <= BULK_ROWS_MAX:
        raise ValueError(f"A bulk call takes 1 to {BULK_ROWS_MAX} rows, not {len(rows)}.")
    return rows


def numbers(**named: int | None) -> Query:
    """Make a query of those numbers that are given.

    ``minCreated`` and ``minModified`` are Unix seconds (docs/api/better_b2b.md#time-filters).
    """
    return tuple((name, str(number)) for name, number in named.items() if number is not None)


def _auth_headers(settings: BetterB2BSettings) -> dict[str, str]:
    if settings.auth_style == "authtoken":
        # Must not be combined with X-Store-Hash (docs/api/better_b2b.md#sign-in).
        return {"Accept": "application/json", "authToken": settings.token}
    return {"Accept": "application/json", "X-Auth-Token": settings.token, "X-Store-Hash": settings.store_hash}
