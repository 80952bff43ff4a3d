"""Finds the adapters that a connector names and opens them: the one place where core and adapters meet.

``source.kind`` and ``target.kind`` in the connector file name them. Each is called with the connection, the
connector, and the budgets that it shares with other tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from customer_sync.ledger import Ledger
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector

if TYPE_CHECKING:
    from customer_sync.sources.port import Source
    from customer_sync.targets.port import Target


def open_source(
    connector: Connector, connection: ConnectionFields, ledger: Ledger, name: str = "another process"
) -> Source:
    """Open the connector's source; nothing is sent yet.

    Args:
        connector: Names the adapter, and the licence whose requests and sessions are counted.
        connection: Address and secrets.
        ledger: Holds the budgets that all tasks and machines share.
        name: Who opens it, for those who wait for its seat.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    budget = f"{connector.source.kind}:{connector.erp_budget}"
    opener: Callable[..., Source] = resolve_name(connector.source.opener)
    seat = ledger.seat(budget, connector.erp.seats, name)
    connection = replace(connection, tokens=ledger.tokens)
    return opener(connection, connector, schedule=ledger.schedule(budget), seat=seat)


def open_target(connector: Connector, connection: ConnectionFields, ledger: Ledger) -> Target:
    """Open the connector's target; nothing is sent yet.

    Args:
        connector: Names the adapter, and the store whose requests are counted.
        connection: Address and secrets.
        ledger: Holds the budget that all tasks and machines share.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    schedule = ledger.schedule(f"{connector.target.kind}:{connector.store_budget}")
    connection = replace(connection, tokens=ledger.tokens)
    opener: Callable[..., Target] = resolve_name(connector.target.opener)
    return opener(connection, connector, schedule=schedule)
