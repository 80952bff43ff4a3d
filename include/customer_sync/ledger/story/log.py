"""The connector log: append-only lines about what happened to whom, and why, kept as stories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import log_count, log_customer, story
from customer_sync.ledger.storage.statement import chunks, insert, upsert
from customer_sync.ledger.story.lines import Told, as_line, put_stories, take_planned, told_lines
from customer_sync.ledger.story.log_facets import LogKind, put_kinds
from customer_sync.model.outcome import LogEntry


class Log:
    """The connector log of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def append(
        self,
        connection: sa.Connection,
        run_id: str,
        task: str,
        try_number: int,
        entries: Iterable[LogEntry],
        *,
        in_place_of: str = "",
    ) -> None:
        """Add lines; names must be masked already.

        Args:
            connection: A writing transaction.
            run_id: The run.
            task: The step that says it.
            try_number: The attempt.
            entries: What is said.
            in_place_of: A step of the same run that planned for the same customers: what it said of operations goes,
                what else it said is kept with the new lines.
        """
        listed = list(entries)
        now = utc_now()
        kinds = [self._kind(entry) for entry in listed]
        numbers = {kind: kind.id for kind in set(kinds)}
        put_kinds(connection, numbers)
        hour = full_hour(now)
        counts = Counter((hour, numbers[kind]) for kind in kinds)
        told: dict[str, Told] = {}
        for entry, kind in zip(listed, kinds, strict=True):
            customer_id = entry.customer_id[:200]
            before = told.get(customer_id)
            name = entry.customer_name[:250] or (before.name if before else "")
            lines = before.lines if before else []
            lines.append(as_line(entry, numbers[kind]))
            told[customer_id] = Told(name, lines)
        if in_place_of:
            kept, gone = take_planned(connection, self._connector_id, run_id, in_place_of, told)
            for customer_id, lines in kept.items():
                told[customer_id].lines[:0] = lines
                counts.update((hour, line.kind_id) for line in lines)
            for (moment, kind_id), count in gone.items():
                counts[full_hour(moment), kind_id] -= count
        common = {"logged_at_utc": now, "run_id": run_id, "task": task, "try_number": try_number}
        for part in chunks(told, 1000):
            put_stories(connection, self._connector_id, common, {key: told[key] for key in part})
        _count(connection, run_id, counts)
        self._know(connection, {key: each.name for key, each in told.items()})

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

    def _know(self, connection: sa.Connection, names: Mapping[str, str]) -> None:
        """Keep whom the log knows: the newest name, where one was given."""
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


def _count(connection: sa.Connection, run_id: str, counts: Mapping[tuple[datetime, int], int]) -> None:
    """Count lines by hour and kind; lines that went count against the hour in which they were said."""
    rows = [
        {"run_id": run_id, "kind_id": kind_id, "hour_utc": hour, "day_utc": hour.date(), "rows": count}
        for (hour, kind_id), count in counts.items()
        if count
    ]
    if rows:
        insert(connection, log_count, rows)
