"""Finds the adapters that a connector names and opens them: the one place where core and adapters meet.

``source.kind`` and ``target.kind`` in the connector file name them. Each is called with the connection, the
connector, and the budgets that it shares with other tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.settings.connection import ConnectionFields
from customer_sync.settings.connector import Connector

if TYPE_CHECKING:
    from customer_sync.sources.port import Source
    from customer_sync.targets.port import Target

TARGETS: Final = "customer_sync.targets"
"""Group of the entry points of stores that companies are kept in."""


def open_source(connector: Connector, connection: ConnectionFields, ledger: Ledger) -> Source:
    """Open the connector's source; nothing is sent yet.

    Args:
        connector: Names the adapter, and the licence whose requests and sessions are counted.
        connection: Address and secrets.
        ledger: Holds the budgets that all tasks and machines share.

    Raises:
        ConfigError: There is no such adapter, or a field of the connection is missing or wrong.
    """
    budget = f"{connector.source.kind}:{connector.erp_budget}"
    opener: Callable[..., Source] = resolve_name(connector.source.opener)
    seat = ledger.seat(budget, connector.erp.seats)
    return opener(connection, connector, schedule=ledger.schedule(budget), seat=seat)


def open_target(connector: Connector, connection: ConnectionFields, ledger: Ledger) -> Target:
    """Open the connector's target; nothing is sent yet.

    Args:
        connector: Names the adapter, and the store whose requests are counted.
        connection: Address and secrets.
        ledger: Holds the budget that all tasks and machines share.

    Raises:
        ConfigError: There is no such adapter, or a field of the connection is missing or wrong.
    """
    schedule = ledger.schedule(f"{connector.target.kind}:{connector.store_budget}")
    opened: Target = _find_target(connector.target.kind)(connection, connector, schedule=schedule)
    return opened


def _find_target(kind: str) -> Callable[..., Target]:
    """The function that opens a store of that kind; those that ship are found by the name of their folder."""
    if find_spec(f"{TARGETS}.{kind}"):
        shipped: Callable[..., Target] = resolve_name(f"{TARGETS}.{kind}.connection:open_target")
        return shipped
    installed = entry_points(group=TARGETS)
    if kind in installed.names:
        found: Callable[..., Target] = installed[kind].load()
        return found
    raise ConfigError(
        f"No installed package offers the target {kind!r} (installed: {', '.join(sorted(installed.names)) or 'none'}): "
        f"correct target.kind in the connector file, or install the package that has it among its entry points of the "
        f"group {TARGETS}.",
        setting="target.kind",
    )
