"""The connector log: append-only rows about what happened to whom, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import connector_log, log_count, log_customer
from customer_sync.ledger.storage.statement import chunks, insert, upsert
from customer_sync.ledger.story.log_facets import LogKind, put_kinds
from customer_sync.model.outcome import LogEntry


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
            kinds = [self._kind(entry) for entry in part]
            numbers = {kind: kind.id for kind in set(kinds)}
            put_kinds(connection, numbers)
            insert(
                connection,
                connector_log,
                [
                    {
                        "logged_at_utc": now,
                        "kind_id": numbers[kind],
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
                        "reasons": kind.reasons,
                        "field": entry.field[:100],
                        "store_id": entry.store_id,
                        "message": entry.message,
                        "next_step": entry.next_step,
                        "changes": entry.changes,
                    }
                    for entry, kind in zip(part, kinds, strict=True)
                ],
            )
            _count(connection, run_id, now, Counter(numbers[kind] for kind in kinds))
            self._know(connection, part)

    def rows(self, *, run_id: str = "", customer_id: str = "", limit: int | None = 100) -> list[dict[str, Any]]:
        """The newest rows first, of a run and/or a customer; ``limit`` ``None`` gives all."""
        log = connector_log.c
        query = sa.select(connector_log).where(log.connector_id == self._connector_id)
        if run_id:
            query = query.where(log.run_id == run_id)
        if customer_id:
            query = query.where(log.customer_id == customer_id)
        query = query.order_by(log.logged_at_utc.desc(), log.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _kind(self, entry: LogEntry) -> LogKind:
        reasons = ",".join(entry.reasons)[:500]
        return LogKind(self._connector_id, entry.entity, entry.action, entry.outcome, entry.level, reasons)

    def _know(self, connection: sa.Connection, entries: Sequence[LogEntry]) -> None:
        """Keep whom the log knows: the newest name, where one was given."""
        names: dict[str, str] = {}
        for entry in entries:
            customer_id = entry.customer_id[:200]
            names[customer_id] = entry.customer_name[:250] or names.get(customer_id, "")
        known: dict[str, str] = {}
        for part in chunks(names):
            query = sa.select(log_customer.c.customer_id, log_customer.c.name).where(
                log_customer.c.connector_id == self._connector_id, log_customer.c.customer_id.in_(part)
            )
            known.update((row[0], row[1]) for row in connection.execute(query))
        rows = [
            {
                "connector_id": self._connector_id,
                "customer_id": customer_id,
                "name": name,
                "search": f"{customer_id} {name}".casefold(),
            }
            for customer_id, name in sorted(names.items())
            if customer_id not in known or (name and name != known[customer_id])
        ]
        upsert(connection, log_customer, rows)


def full_hour(moment: datetime) -> datetime:
    """The beginning of the hour: rows of the log are counted by it."""
    return moment.replace(minute=0, second=0, microsecond=0)


def _count(connection: sa.Connection, run_id: str, now: datetime, kinds: Counter[int]) -> None:
    hour = full_hour(now)
    rows = [
        {"run_id": run_id, "kind_id": kind_id, "hour_utc": hour, "day_utc": hour.date(), "rows": count}
        for kind_id, count in kinds.items()
    ]
    if rows:
        insert(connection, log_count, rows)
