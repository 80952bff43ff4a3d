"""One call to the store, and one crawl through a paged list: what all families of calls share."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec

from customer_sync.http.exchange import Exchange
from customer_sync.http.pacing import Pacer, RequestCounter, RequestUse
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.targets.better_b2b.answers import Envelope, read_envelope
from customer_sync.targets.better_b2b.budget import read_budget
from customer_sync.targets.better_b2b.settings import SYSTEM, BetterB2BSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

Query = tuple[tuple[str, str], ...]

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
        counter: Counts requests; a new one by default.
    """

    def __init__(
        self,
        transport: Transport,
        settings: BetterB2BSettings,
        *,
        pacer: Pacer | None = None,
        retry: RetryPolicy | None = None,
        counter: RequestCounter | None = None,
    ) -> None:
        self.settings = settings
        self.pacer = pacer or Pacer(settings.requests_per_minute, share=settings.budget_share)
        self._transport = transport
        self._exchange = Exchange(
            transport,
            pacer=self.pacer,
            retry=retry or RetryPolicy(total_s=600.0),
            counter=counter or RequestCounter(),
            on_answer=self._observe,
            secrets=(settings.token,),
        )
        self._headers = _auth_headers(settings)

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

    def _get_record(self, path: str, from_wire: Callable[[Mapping[str, Any]], T]) -> T:
        return self._call("GET", path, lambda request, envelope: from_wire(envelope.record(request)))

    def _get_rows(self, path: str, from_wire: Callable[[Mapping[str, Any]], T]) -> list[T]:
        return self._call("GET", path, lambda request, envelope: [from_wire(row) for row in envelope.rows(request)])

    def _crawl(
        self,
        path: str,
        from_wire: Callable[[Mapping[str, Any]], T],
        id_of: Callable[[T], int],
        query: Query = (),
        page_size: int | None = None,
    ) -> Iterator[T]:
        """Read a whole paged list, each id once.

        Records that others create, change or delete during the crawl shift the pages, so that rows repeat
        or slip through. Repeated ones are dropped. When fewer ids were seen than the store counts,
        or its count sank on the way, the list is read again, at most three times in all.
        """
        seen: set[int] = set()
        for _ in range(_CRAWL_PASSES):
            counts: list[int] = []
            for counted, records in self._pages(path, from_wire, query, page_size or self.settings.page_size):
                counts.append(counted)
                for record in records:
                    if id_of(record) not in seen:
                        seen.add(id_of(record))
                        yield record
            has_sunk = any(before > after for before, after in pairwise(counts))
            if len(seen) >= counts[-1] and not has_sunk:
                return
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

    def _observe(self, answer: HttpResponse) -> None:
        budget = read_budget(answer.headers)
        self.pacer.observe(
            allocated=budget.allocated,
            window_s=budget.window_s,
            remaining=budget.remaining,
            resets_after_s=budget.resets_after_s,
        )


def ignore_content(_: HttpRequest, __: Envelope) -> None:
    """Read an answer of which only the success matters."""


def time_bounds(*, min_created_s: int | None = None, min_modified_s: int | None = None) -> Query:
    """Make the query for records created or modified since, in Unix seconds (docs/api/better_b2b.md#time-filters)."""
    bounds = (("minCreated", min_created_s), ("minModified", min_modified_s))
    return tuple((name, str(int(bound))) for name, bound in bounds if bound is not None)


def _auth_headers(settings: BetterB2BSettings) -> dict[str, str]:
    if settings.auth_style == "authtoken":
        # Must not be combined with X-Store-Hash (docs/api/better_b2b.md#sign-in).
        return {"Accept": "application/json", "authToken": settings.token}
    return {"Accept": "application/json", "X-Auth-Token": settings.token, "X-Store-Hash": settings.store_hash}
