"""Differences that reconciliations found, values masked as configured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import difference
from customer_sync.ledger.storage.statement import PARAMETER_CHUNK, chunks


class Differences:
    """The differences of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def forget(self, connection: sa.Connection, run_id: str) -> None:
        """Drop what an earlier attempt of a run found."""
        connection.execute(sa.delete(difference).where(self._of(run_id)))

    def append(self, connection: sa.Connection, run_id: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows; values must be masked already."""
        now = utc_now()
        for part in chunks(rows):
            common = {"connector_id": self._connector_id, "run_id": run_id, "seen_at_utc": now}
            connection.execute(sa.insert(difference), [{**common, **row} for row in part])

    def counts(self, run_id: str) -> dict[str, int]:
        """Number of differences of a run by class."""
        query = sa.select(difference.c.kind, sa.func.count()).where(self._of(run_id)).group_by(difference.c.kind)
        with self._engine.connect() as connection:
            return dict(connection.execute(query).all())

    def pages(self, run_id: str, size: int = PARAMETER_CHUNK) -> Iterator[list[dict[str, Any]]]:
        """The differences of a run in the order in which they were found, ``size`` at a time."""
        after = 0
        while True:
            query = sa.select(difference).where(self._of(run_id), difference.c.id > after)
            with self._engine.connect() as connection:
                found = connection.execute(query.order_by(difference.c.id).limit(size)).mappings().all()
            if not found:
                return
            yield [dict(row) for row in found]
            after = found[-1]["id"]

    def _of(self, run_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(difference.c.connector_id == self._connector_id, difference.c.run_id == run_id)
