"""The connector log: append-only rows about what happened to whom, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.clock import utc_now
from customer_sync.ledger.schema import connector_log
from customer_sync.ledger.statement import chunks
from customer_sync.outcome import LogEntry


class Log:
    """The connector log of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def append(
        self, connection: sa.Connection, run_id: str, task: str, try_number: int, entries: Iterable[LogEntry]
    ) -> None:
        """Add rows; names must be masked already."""
        now = utc_now()
        for part in chunks(entries, 1000):
            connection.execute(
                sa.insert(connector_log),
                [
                    {
                        "logged_at_utc": now,
                        "connector_id": self._connector_id,
                        "run_id": run_id,
                        "task": task,
                        "try_number": try_number,
                        "customer_id": entry.customer_id[:200],
                        "customer_name": entry.customer_name[:250],
                        "entity": entry.entity,
                        "record_key": entry.key[:450],
                        "action": entry.action,
                        "outcome": entry.outcome,
                        "level": entry.level,
                        "reasons": ",".join(entry.reasons)[:500],
                        "field": entry.field[:100],
                        "store_id": entry.store_id,
                        "message": entry.message,
                        "next_step": entry.next_step,
                        "changes": entry.changes,
                    }
                    for entry in part
                ],
            )

    def rows(self, *, run_id: str = "", customer_id: str = "", limit: int | None = 100) -> list[dict[str, Any]]:
        """The newest rows first, of a run and/or a customer; ``limit`` ``None`` gives all."""
        query = sa.select(connector_log).where(connector_log.c.connector_id == self._connector_id)
        if run_id:
            query = query.where(connector_log.c.run_id == run_id)
        if customer_id:
            query = query.where(connector_log.c.customer_id == customer_id)
        with self._engine.connect() as connection:
            result = connection.execute(query.order_by(connector_log.c.id.desc()).limit(limit)).mappings()
            return [dict(row) for row in result]
