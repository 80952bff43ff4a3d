"""How many customers came to which outcome, over time: the counts behind the chart of the connector log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import log_count, log_kind, story
from customer_sync.ledger.storage.statement import chunks
from customer_sync.ledger.story.lines import EVERYBODY, kinds_in
from customer_sync.ledger.story.log_scope import Scope, counted

HOURLY_UP_TO = timedelta(days=3)
"""Longer spans are counted by day."""

MOST_ROWS = 50_000
"""More rows of single customers are not counted for a chart."""


class LogCounts(NamedTuple):
    """Counts over time.

    Attributes:
        step: One hour or one day.
        counts: (start of the step, word) -> rows. The words are outcomes, or levels where no row has an outcome.
        by_level: Whether the words are levels.
        total: Rows that match, parts included; whole hours where the filter begins or ends within one.
    """

    step: timedelta
    counts: dict[tuple[datetime, str], int]
    by_level: bool
    total: int


def count_over_time(engine: sa.Engine, scope: Scope | None) -> LogCounts | None:
    """Count a scope's rows over time.

    Args:
        engine: The ledger's database.
        scope: What is counted; ``None`` counts nothing.

    Returns:
        The counts; ``None`` when a text means too many customers to count.
    """
    if scope is None:
        return LogCounts(timedelta(days=1), {}, by_level=False, total=0)
    if scope.many_customers:
        return None
    by_level = not any(kind.outcome for kind in scope.kinds.values())
    with engine.connect() as connection:
        if scope.customers is not None:
            return _of_customers(connection, scope, by_level=by_level)
        span = sa.select(sa.func.min(log_count.c.hour_utc), sa.func.max(log_count.c.hour_utc)).where(*counted(scope))
        first, last = connection.execute(span).one()
        if first is None:
            return LogCounts(timedelta(days=1), {}, by_level=by_level, total=0)
        is_hourly = last - first <= HOURLY_UP_TO
        counts, total = _sums(connection, scope, is_hourly=is_hourly, by_level=by_level)
    return LogCounts(timedelta(hours=1) if is_hourly else timedelta(days=1), counts, by_level=by_level, total=total)


def _sums(
    connection: sa.Connection, scope: Scope, *, is_hourly: bool, by_level: bool
) -> tuple[dict[tuple[datetime, str], int], int]:
    time: sa.Column[Any] = log_count.c.hour_utc if is_hourly else log_count.c.day_utc
    word = log_kind.c.level if by_level else log_kind.c.outcome
    query = (
        sa.select(time, word, sa.func.sum(log_count.c.rows))
        .join(log_kind, log_kind.c.kind_id == log_count.c.kind_id)
        .where(*counted(scope))
        .group_by(time, word)
    )
    counts: dict[tuple[datetime, str], int] = {}
    total = 0
    for moment, name, rows in connection.execute(query):
        total += int(rows)
        if name:
            counts[(_start_of(moment), name)] = int(rows)
    return counts, total


def _start_of(moment: datetime | date) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _of_customers(connection: sa.Connection, scope: Scope, *, by_level: bool) -> LogCounts | None:
    log = story.c
    rows: list[tuple[datetime, int]] = []
    for part in chunks(scope.customers or ()):
        meant = {customer for _, customer in part}
        query = sa.select(log.logged_at_utc, log.customer_id, log.lines).where(
            log.connector_id.in_({connector for connector, _ in part}),
            log.customer_id.in_([*meant, *([EVERYBODY] if scope.wanted.run_id else [])]),
            *([log.run_id == scope.wanted.run_id] if scope.wanted.run_id else []),
            *([log.logged_at_utc >= scope.wanted.since] if scope.wanted.since else []),
            *([log.logged_at_utc < scope.wanted.until] if scope.wanted.until else []),
        )
        found = connection.execute(query.limit(MOST_ROWS + 1))
        rows.extend((moment, kind) for moment, key, lines in found for kind in kinds_in(key, lines, meant))
        if len(rows) > MOST_ROWS:
            return None
    return _bucketed(((moment, scope.kinds[kind]) for moment, kind in rows if kind in scope.kinds), by_level=by_level)


def _bucketed(rows: Iterable[tuple[datetime, Any]], *, by_level: bool) -> LogCounts:
    listed = list(rows)
    times = [moment for moment, _ in listed]
    step = timedelta(hours=1) if not times or max(times) - min(times) <= HOURLY_UP_TO else timedelta(days=1)
    counts: Counter[tuple[datetime, str]] = Counter()
    for moment, kind in listed:
        hour = moment.replace(minute=0, second=0, microsecond=0)
        start = hour if step == timedelta(hours=1) else hour.replace(hour=0)
        word = kind.level if by_level else kind.outcome
        if word:
            counts[(start, word)] += 1
    return LogCounts(step, dict(counts), by_level=by_level, total=len(listed))
