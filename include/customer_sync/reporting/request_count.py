"""How many requests a step used, added to the run's book."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from customer_sync.http.pacing import RequestUse
from customer_sync.run import Run


class CountsRequests(Protocol):
    """A client that knows how many requests it sent so far."""

    def requests_used(self) -> RequestUse:
        """What was used since the client was made."""


STATUS = "status_"
"""Prefix of the names under which the answers of each HTTP status are counted; status 0 means no answer."""


PLACES = "_places"
"""Ending of the name under which questions about countries and states are counted."""

HOLDERS = "_holders"
"""Ending of the name under which questions are counted who of the store has an e-mail that it refused."""


@contextmanager
def counting_requests(
    run: Run,
    *,
    source: CountsRequests | None = None,
    target: CountsRequests | None = None,
    places: CountsRequests | None = None,
    holders: Callable[[], int] | None = None,
) -> Iterator[None]:
    """Add what the systems are asked inside the block to the run's usage, also when the block fails.

    Args:
        run: The run.
        source: The session with the source, where one is used.
        target: The target, where one is used.
        places: The target, where it is asked what it calls countries and states: once a day, and counted apart.
        holders: How often the target was asked so far who has an e-mail; each took one request, and is counted apart.
    """
    kind = run.connector.target.kind
    named = ((run.connector.source.kind, source), (kind, target), (f"{kind}{PLACES}", places))
    clients = {kind: client for kind, client in named if client is not None}
    before = {system: client.requests_used() for system, client in clients.items()}
    asked_before = holders() if holders else 0
    try:
        yield
    finally:
        after = {system: client.requests_used() for system, client in clients.items()}
        used = {system: _difference(before[system], after[system]) for system in clients}
        if holders and (asked := holders() - asked_before):
            used |= {f"{kind}{HOLDERS}": _answered(asked), kind: _less(used[kind], _answered(asked))}
        with run.ledger.write() as connection:
            run.ledger.runs.add_usage(connection, run.run_id, used)


def _difference(before: RequestUse, after: RequestUse) -> dict[str, int]:
    statuses = {
        f"{STATUS}{status}": count - before.by_status.get(status, 0)
        for status, count in after.by_status.items()
        if count > before.by_status.get(status, 0)
    }
    return {"requests": after.total - before.total, "refused": after.refused - before.refused, **statuses}


def _answered(requests: int) -> dict[str, int]:
    """Requests that were answered with yes; what is sent again since it was refused stays with the others."""
    return {"requests": requests, "refused": 0, f"{STATUS}200": requests}


def _less(used: dict[str, int], others: dict[str, int]) -> dict[str, int]:
    return {name: count - others.get(name, 0) for name, count in used.items()}
