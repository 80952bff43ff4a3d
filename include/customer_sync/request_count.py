"""How many requests a step used, added to the run's book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from customer_sync.run import Run
from http_transport.pacing import RequestUse


class CountsRequests(Protocol):
    """A client that knows how many requests it sent so far."""

    def requests_used(self) -> RequestUse:
        """What was used since the client was made."""


@contextmanager
def counting_requests(run: Run, **clients: CountsRequests) -> Iterator[None]:
    """Add what the clients use inside the block to the run's usage, also when the block fails.

    Args:
        run: The run.
        **clients: System (``acumatica``, ``better_b2b``) -> its client.
    """
    before = {system: client.requests_used() for system, client in clients.items()}
    try:
        yield
    finally:
        after = {system: client.requests_used() for system, client in clients.items()}
        used = {
            system: {
                "requests": after[system].total - before[system].total,
                "refused": after[system].refused - before[system].refused,
            }
            for system in clients
        }
        with run.ledger.write() as connection:
            run.ledger.runs.add_usage(connection, run.run_id, used)
