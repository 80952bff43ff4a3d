"""Watermarks: per change stream the largest stamp seen, never the clock; and what else a connector remembers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import watermark
from customer_sync.ledger.storage.statement import Prepared, among, upsert

MAPPING = "mapping_fingerprint"
RESUME_AFTER = "resume_after"
FOREIGN_COMPANIES = "foreign_companies"
BULK_KEYS = "keys_in_bulk"
KEPT = "kept"
LOST = "lost"
"""What became of the keys of companies that were made in one request."""


class Watermarks:
    """Named values of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def load(self) -> dict[str, str]:
        """All values by name; stamps are ISO 8601 in UTC."""
        with self._engine.connect() as connection:
            return dict(_all(connection, self._connector_id).all())

    def is_fresh(self, name: str, value: str, age: timedelta) -> bool:
        """Whether a value stands as given and was written no longer ago than ``age``."""
        query = sa.select(watermark.c.value, watermark.c.moved_at_utc).where(
            watermark.c.connector_id == self._connector_id, watermark.c.name == name
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return row is not None and row[0] == value and utc_now() - row[1] <= age

    def put(self, connection: sa.Connection, run_id: str, values: dict[str, str]) -> None:
        """Write some values."""
        now = utc_now()
        rows = [
            {"connector_id": self._connector_id, "name": name, "value": value, "moved_at_utc": now, "run_id": run_id}
            for name, value in values.items()
        ]
        upsert(connection, watermark, rows)

    def drop(self, connection: sa.Connection, *names: str) -> None:
        """Forget some values."""
        _drop(connection, self._connector_id, names)


_c = watermark.c


@Prepared
def _all(connector_id: Any) -> sa.Select[Any]:
    return sa.select(_c.name, _c.value).where(_c.connector_id == connector_id)


@Prepared
def _drop(connector_id: Any, names: Any) -> sa.Delete:
    return sa.delete(watermark).where(_c.connector_id == connector_id, among(_c.name, names))
