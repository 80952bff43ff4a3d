"""When people lost their access to the store, and when the ERP withdrew it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import access_removal
from customer_sync.ledger.storage.statement import chunks, upsert

Cause = Literal["contact", "customer"]


class AccessRemoval(NamedTuple):
    """One person's loss of access; ``deactivated_at_utc`` is the ERP's stamp, ``None`` where it tells nothing."""

    customer_id: str
    user_key: str
    removed_at_utc: datetime
    deactivated_at_utc: datetime | None
    cause: Cause


class AccessRemovals:
    """The removals of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def put(self, connection: sa.Connection, run_id: str, removals: Sequence[AccessRemoval]) -> None:
        """Add removals; one that is known stays as it was first measured, before its record was edited again."""
        rows = [{"connector_id": self._connector_id, "run_id": run_id, **each._asdict()} for each in removals]
        for part in chunks(rows):
            upsert(connection, access_removal, part, keep=("deactivated_at_utc", "cause", "run_id"))

    def rows(self, since_utc: datetime | None = None) -> list[AccessRemoval]:
        """All removals, or those since a moment, oldest first."""
        c = access_removal.c
        columns = (c.customer_id, c.user_key, c.removed_at_utc, c.deactivated_at_utc, c.cause)
        query = sa.select(*columns).where(c.connector_id == self._connector_id)
        if since_utc is not None:
            query = query.where(c.removed_at_utc >= since_utc)
        with self._engine.connect() as connection:
            return [AccessRemoval(*row) for row in connection.execute(query.order_by(c.removed_at_utc, c.user_key))]
