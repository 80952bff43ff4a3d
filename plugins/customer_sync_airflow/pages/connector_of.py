"""The connector file behind a row of the log, each read once per request."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector


def known_connectors() -> Callable[[str], Connector | None]:
    """A look-up by id; it gives ``None`` for a file that is gone or wrong."""

    @cache
    def look_up(connector_id: str) -> Connector | None:
        try:
            return find_connector(connector_id)
        except ConfigError:
            return None

    return look_up
