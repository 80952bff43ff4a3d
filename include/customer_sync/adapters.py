"""Finds the adapters that a connector names and opens them: the one place where core and adapters meet.

An adapter is an entry point of the group ``customer_sync.sources`` or ``customer_sync.targets``, under the name
that ``source.kind`` or ``target.kind`` gives in the connector file. It is called with the connection, the
connector, and the budgets that it shares with other tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.settings.connection import ConnectionFields
from customer_sync.settings.connector import Connector

if TYPE_CHECKING:
    from customer_sync.sources.acumatica.client import AcumaticaClient
    from customer_sync.targets.better_b2b.client import BetterB2BClient

SOURCES: Final = "customer_sync.sources"
"""Group of the entry points of systems that customers come from."""
TARGETS: Final = "customer_sync.targets"
"""Group of the entry points of stores that companies are kept in."""


def open_source(connector: Connector, connection: ConnectionFields, ledger: Ledger) -> AcumaticaClient:
    """Open the connector's source; nothing is sent yet.

    Args:
        connector: Names the adapter, and the licence whose requests and sessions are counted.
        connection: Address and secrets.
        ledger: Holds the budgets that all tasks and machines share.

    Raises:
        ConfigError: There is no such adapter, or a field of the connection is missing or wrong.
    """
    budget = f"{connector.source.kind}:{connector.erp_budget}"
    opened: AcumaticaClient = _find(SOURCES, connector.source.kind, "open_source")(
        connection, connector, schedule=ledger.schedule(budget), seat=ledger.seat(budget, connector.erp.seats)
    )
    return opened


def open_target(connector: Connector, connection: ConnectionFields, ledger: Ledger) -> BetterB2BClient:
    """Open the connector's target; nothing is sent yet.

    Args:
        connector: Names the adapter, and the store whose requests are counted.
        connection: Address and secrets.
        ledger: Holds the budget that all tasks and machines share.

    Raises:
        ConfigError: There is no such adapter, or a field of the connection is missing or wrong.
    """
    schedule = ledger.schedule(f"{connector.target.kind}:{connector.store_budget}")
    opened: BetterB2BClient = _find(TARGETS, connector.target.kind, "open_target")(
        connection, connector, schedule=schedule
    )
    return opened


def _find(group: str, kind: str, function: str) -> Callable[..., Any]:
    for entry in entry_points(group=group, name=kind):
        found: Callable[..., Any] = entry.load()
        return found
    # Where the folders are on the path and nothing is installed, the shipped adapters are found by their place.
    try:
        return getattr(import_module(f"{group}.{kind}.connection"), function)  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(f"{group}.{kind}"):
            raise
    known = ", ".join(sorted({entry.name for entry in entry_points(group=group)})) or "none"
    side = group.rpartition(".")[2].removesuffix("s")
    raise ConfigError(
        f"No installed package offers the {side} {kind!r} (installed: {known}): correct {side}.kind in the connector "
        f"file, or install the package whose entry points of the group {group} have it.",
        setting=f"{side}.kind",
    )
