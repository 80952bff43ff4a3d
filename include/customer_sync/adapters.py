"""Finds the adapters that a connector names and opens them: the one place where core and adapters meet.

``source.kind`` and ``target.kind`` in the connector file name them. Each is called with the connection, the
connector, the budgets that it shares with other tasks, and, where somebody waits less than a run, ``retry``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING, NamedTuple

from customer_sync.http.retry import RetryPolicy
from customer_sync.ledger import Ledger
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector

if TYPE_CHECKING:
    from customer_sync.sources.port import Source
    from customer_sync.targets.port import Target


class Bounds(NamedTuple):
    """How long whoever opens a system is ready to wait, where that is less than a run.

    Attributes:
        retry: When to try again.
        answer_s: Longest wait for one answer, in seconds.
        seat_s: Longest wait for a seat that runs of ours hold, in seconds.
    """

    retry: RetryPolicy
    answer_s: float
    seat_s: float

    def connection(self, connection: ConnectionFields) -> ConnectionFields:
        """A connection whose time-out is no longer than that."""
        given = connection.extra.get("timeout")
        seconds = min(self.answer_s, given) if isinstance(given, int | float) and given > 0 else self.answer_s
        return replace(connection, extra={**connection.extra, "timeout": seconds})


def open_source(
    connector: Connector,
    connection: ConnectionFields,
    ledger: Ledger | None,
    name: str = "another process",
    bounds: Bounds | None = None,
) -> Source:
    """Open the connector's source; nothing is sent yet.

    Args:
        connector: Names the adapter, and the licence whose requests and sessions are counted.
        connection: Address and secrets.
        ledger: Holds the budgets that all tasks and machines share; ``None`` where it cannot be opened.
        name: Who opens it, for those who wait for its seat.
        bounds: How long to wait; by default as runs do.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    budget = f"{connector.source.kind}:{connector.erp_budget}"
    opener: Callable[..., Source] = resolve_name(connector.source.opener)
    shared: dict[str, object] = {"retry": bounds.retry} if bounds else {}
    if ledger is not None:
        wait_s = {"wait_s": bounds.seat_s} if bounds else {}
        shared |= {
            "schedule": ledger.schedule(budget),
            "seat": ledger.seat(budget, connector.erp.seats, name, **wait_s),
        }
        connection = replace(connection, tokens=ledger.tokens)
    return opener(bounds.connection(connection) if bounds else connection, connector, **shared)


def open_target(
    connector: Connector, connection: ConnectionFields, ledger: Ledger | None, bounds: Bounds | None = None
) -> Target:
    """Open the connector's target; nothing is sent yet.

    Args:
        connector: Names the adapter, and the store whose requests are counted.
        connection: Address and secrets.
        ledger: Holds the budget that all tasks and machines share; ``None`` where it cannot be opened.
        bounds: How long to wait; by default as runs do.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    opener: Callable[..., Target] = resolve_name(connector.target.opener)
    shared: dict[str, object] = {"retry": bounds.retry} if bounds else {}
    if ledger is not None:
        shared["schedule"] = ledger.schedule(f"{connector.target.kind}:{connector.store_budget}")
        connection = replace(connection, tokens=ledger.tokens)
    return opener(bounds.connection(connection) if bounds else connection, connector, **shared)
