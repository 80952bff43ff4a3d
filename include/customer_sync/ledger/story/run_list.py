"""Runs of some connectors, the newest first, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import run
from customer_sync.ledger.story.batches import outcomes_of


class RunPosition(NamedTuple):
    """The place of a run in the order."""

    started_at_utc: datetime
    connector_id: str
    run_id: str


def list_runs(
    engine: sa.Engine, connectors: Iterable[str], *, after: RunPosition | None = None, limit: int = 25
) -> list[dict[str, Any]]:
    """Runs, each with ``outcomes``: customers by what became of them, ``""`` for those without an outcome yet."""
    c = run.c
    query = sa.select(run).where(c.connector_id.in_(sorted(connectors)))
    if after is not None:
        here = sa.tuple_(c.started_at_utc, c.connector_id, c.run_id)
        there = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(after, here.clauses, strict=True)))
        query = query.where(here < there)
    ordered = query.order_by(c.started_at_utc.desc(), c.connector_id.desc(), c.run_id.desc())
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(ordered.limit(limit)).mappings()]
        for row in rows:
            row["outcomes"] = (row["summary"] or {}).get("outcomes") or _counted(connection, row)
    return rows


def _counted(connection: sa.Connection, row: dict[str, Any]) -> dict[str, int]:
    """The counts of a run that has no summary yet."""
    counts: dict[str, int] = {}
    for became in outcomes_of(connection, row["connector_id"], row["run_id"]):
        for outcome, _ in became:
            counts[outcome] = counts.get(outcome, 0) + 1
    return counts
