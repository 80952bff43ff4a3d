"""The connector file behind a row of the log, each read once per request."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector
from customer_sync.settings.run_rules import Masking


def readable_connectors(named: frozenset[str]) -> Callable[[str], Connector | None]:
    """The same look-up, for who may read names: nothing is masked in what is shown of these connectors."""
    look_up = known_connectors()

    def readable(connector_id: str) -> Connector | None:
        connector = look_up(connector_id)
        if connector is None or connector_id not in named:
            return connector
        return connector.model_copy(update={"masking": Masking(emails=False, names=False, phones=False)})

    return readable


def known_connectors() -> Callable[[str], Connector | None]:
    """A look-up by id; it gives ``None`` for a file that is gone or wrong."""

    @cache
    def look_up(connector_id: str) -> Connector | None:
        try:
            return find_connector(connector_id)
        except ConfigError:
            return None

    return look_up
