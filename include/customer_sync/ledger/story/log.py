"""The connector log: append-only lines about what happened to whom, and why, kept as stories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import log_count, log_customer, story
from customer_sync.ledger.storage.statement import chunks, insert, upsert
from customer_sync.ledger.story.lines import put_stories, told_lines
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
            common = {"logged_at_utc": now, "run_id": run_id, "task": task, "try_number": try_number}
            told = [(entry, numbers[kind]) for entry, kind in zip(part, kinds, strict=True)]
            put_stories(connection, self._connector_id, common, told)
            _count(connection, run_id, now, Counter(numbers[kind] for kind in kinds))
            self._know(connection, part)

    def rows(self, *, run_id: str = "", customer_id: str = "", limit: int | None = 100) -> list[dict[str, Any]]:
        """The newest rows first, of a run and/or a customer; ``limit`` ``None`` gives all."""
        query = sa.select(story).where(story.c.connector_id == self._connector_id)
        if run_id:
            query = query.where(story.c.run_id == run_id)
        if customer_id:
            query = query.where(story.c.customer_id == customer_id)
        query = query.order_by(story.c.logged_at_utc.desc(), story.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            found = told_lines(connection, self._connector_id, query)
        return sorted(found, key=lambda row: (row["logged_at_utc"], row["id"]), reverse=True)[:limit]

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
