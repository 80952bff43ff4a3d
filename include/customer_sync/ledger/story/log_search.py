"""Find lines of the connector log by filter, page by page; the effort does not grow with the log.

Paging is by position (time and number of the last line), never by number of lines skipped.
A filter on what a line says selects kinds (``log_kind``), these the shapes of stories that have such a line
(``story_shape``), and each shape's newest stories are one short walk through an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import story
from customer_sync.ledger.storage.statement import PARAMETER_CHUNK, chunks
from customer_sync.ledger.story.lines import EVERYBODY, customers_of, first_line_of, lines_of, story_of
from customer_sync.ledger.story.log_scope import LogFilter, Scope, count_rows, is_meant, look_up

Order = Literal["newest", "oldest", "customer", "customer_desc"]
"""By time, or by customer and then in the order of writing."""

FEW_ROWS = 20_000
"""Up to so many rows are sorted by customer after they were found; more are read in the customers' order."""

FIRST_PAGE = 200
"""So many rows a file begins with, so that whoever waits for it sees it come."""

_KINDS_PER_STATEMENT = 100
_log = story.c


class Position(NamedTuple):
    """The place of a row in the log's order."""

    logged_at: datetime
    id: int
    connector_id: str
    customer_id: str


class LogPage(NamedTuple):
    """Some rows, whether the order goes on after them, and whether there are rows before them."""

    rows: list[dict[str, Any]]
    has_more: bool
    has_before: bool


def position_of(row: dict[str, Any]) -> Position:
    """Where a row stands."""
    return Position(row["logged_at_utc"], row["id"], row["connector_id"], row["customer_id"])


def search_log(
    engine: sa.Engine,
    wanted: LogFilter,
    *,
    order: Order = "newest",
    after: Position | None = None,
    before: Position | None = None,
    limit: int = 50,
) -> LogPage:
    """One page of the log.

    Args:
        engine: The ledger's database.
        wanted: The filter.
        order: The order of the rows.
        after: Start behind this row.
        before: Give the rows that stand right before this row instead.
        limit: Most rows.
    """
    backwards = before is not None
    walked: Order = _REVERSED[order] if backwards else order
    with engine.connect() as connection:
        scope = look_up(connection, wanted)
        found = _lines(connection, scope, walked, before if backwards else after, limit + 1) if scope else []
    rows = found[:limit]
    has_next = len(found) > limit
    if backwards:
        return LogPage(rows[::-1], has_more=True, has_before=has_next)
    return LogPage(rows, has_more=has_next, has_before=after is not None)


def iter_log(
    engine: sa.Engine, wanted: LogFilter, *, order: Order = "newest", page: int = 2000
) -> Iterator[list[dict[str, Any]]]:
    """All matching rows, a page at a time, the first a small one; each page is a short transaction of its own."""
    after: Position | None = None
    while True:
        limit = page if after else min(page, FIRST_PAGE)
        found = search_log(engine, wanted, order=order, after=after, limit=limit)
        if found.rows:
            yield found.rows
        if not found.has_more:
            return
        after = position_of(found.rows[-1])


_REVERSED: dict[Order, Order] = {
    "newest": "oldest",
    "oldest": "newest",
    "customer": "customer_desc",
    "customer_desc": "customer",
}


def _columns(order: Order, *, is_walked: bool) -> tuple[sa.ColumnElement[Any], ...]:
    """What the rows are ordered by; unless the order itself is walked, in a form that no index offers.

    A database would else rather walk all customers in their order than sort the few rows that match.
    """
    if order in ("newest", "oldest"):
        return (_log.logged_at_utc, _log.id)
    if is_walked:
        return (_log.connector_id, _log.customer_id, _log.id)
    return (_log.connector_id + "", _log.customer_id + "", _log.id + 0)


def _is_descending(order: Order) -> bool:
    return order in ("newest", "customer_desc")


def _start(order: Order, position: Position | None, *, is_walked: bool) -> list[sa.ColumnElement[bool]]:
    """The condition that a story stands behind a position, or holds it: further lines of it may follow."""
    if position is None:
        return []
    story_id = story_of(position.id)
    values: tuple[Any, ...] = (position.logged_at, story_id)
    if order not in ("newest", "oldest"):
        values = (position.connector_id, position.customer_id, story_id)
    columns = _columns(order, is_walked=is_walked)
    place = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(values, columns, strict=True)))
    row = sa.tuple_(*columns)
    return [row <= place if _is_descending(order) else row >= place]


def _ordered(query: sa.Select[Any], order: Order, *, is_walked: bool) -> sa.Select[Any]:
    columns = _columns(order, is_walked=is_walked)
    return query.order_by(*(column.desc() if _is_descending(order) else column.asc() for column in columns))


def _lines(
    connection: sa.Connection, scope: Scope, order: Order, start: Position | None, limit: int
) -> list[dict[str, Any]]:
    """The lines of a page, in order."""
    found: dict[int, dict[str, Any]] = {}
    begin = start
    while True:
        ids = _story_ids(connection, scope, order, begin, limit + 1)
        stories = _stories(connection, ids)
        for row in stories:
            lines = [line for line in lines_of(row, scope.kinds) if _is_of(scope, line)]
            for line in reversed(lines) if _is_descending(order) else lines:
                if start is None or _is_behind(order, line, start):
                    found[line["id"]] = line
        # A story about many may be about none of those who are meant, and the first may be on the page before.
        if len(found) >= limit or len(ids) <= limit:
            return list(found.values())[:limit]
        last = stories[-1]
        begin = position_of({**last, "id": first_line_of(last["id"])})


def _is_of(scope: Scope, line: dict[str, Any]) -> bool:
    """Whether a line is about a customer of a scope."""
    if scope.customers is None or not line["customers"]:
        return True
    return any((line["connector_id"], each) in scope.customers for each in customers_of(line))


def _is_behind(order: Order, line: dict[str, Any], start: Position) -> bool:
    here = _place(order, *(line[name] for name in _PLACE))
    there = _place(order, start.logged_at, start.connector_id, start.customer_id, start.id)
    return here < there if _is_descending(order) else here > there


_PLACE = ("logged_at_utc", "connector_id", "customer_id", "id")


def _place(order: Order, logged_at: datetime, connector_id: str, customer_id: str, line_id: int) -> tuple[Any, ...]:
    return (logged_at, line_id) if order in ("newest", "oldest") else (connector_id, customer_id, line_id)


def _story_ids(connection: sa.Connection, scope: Scope, order: Order, start: Position | None, limit: int) -> list[int]:
    """Ids of the stories of a page, in order."""
    by_time = order in ("newest", "oldest")
    # Where many rows match, a page is soon full when the customers are walked in their order.
    is_walked = by_time or (scope.customers is None and count_rows(connection, scope) > FEW_ROWS)
    base = _base(connection, scope).where(*_start(order, start, is_walked=is_walked))
    if scope.customers is not None:
        parts = list(_by_customer(base, scope))
    elif by_time or not is_walked:
        parts = [base] if scope.all_kinds else [base.where(_log.shape_id == number) for number in scope.shapes]
    else:
        parts = [_by_shape_at_hand(base, scope)]
    found: list[Any] = []
    for group in chunks(parts, _KINDS_PER_STATEMENT):
        found.extend(connection.execute(_merged(group, order, limit, is_walked=is_walked)))
    return [row.id for row in sorted(found, key=_key_of(order), reverse=_is_descending(order))[:limit]]


def _base(connection: sa.Connection, scope: Scope) -> sa.Select[Any]:
    """Rows with everything but the kinds and the customers of a scope."""
    columns = (_log.id, _log.logged_at_utc, _log.connector_id, _log.customer_id)
    base = sa.select(*columns).where(_is_of_connectors(scope.wanted), *_times(connection, scope.wanted))
    if scope.wanted.run_id:
        base = base.where(_log.run_id == scope.wanted.run_id)
    if scope.many_customers:
        base = base.where(is_meant(connection, scope.wanted))
    return base


def _is_of_connectors(wanted: LogFilter) -> sa.ColumnElement[bool]:
    """Named in every query, whatever else narrows it.

    In a form that no index offers, or a page would be found by connector; and of which PostgreSQL expects that half of
    all rows meet it: it would else rather sort the whole log than walk it for the rows of a few connectors.
    """
    return sa.case((_log.connector_id.in_(sorted(wanted.connectors)), sa.true()), else_=sa.false())


def _by_shape_at_hand(query: sa.Select[Any], scope: Scope) -> sa.Select[Any]:
    """Look at the shapes of stories that are found by something else; the sum hides the index of shapes."""
    return query if scope.all_kinds else query.where((_log.shape_id + 0).in_(scope.shapes))


def _key_of(order: Order) -> Callable[[Any], Any]:
    if order in ("newest", "oldest"):
        return lambda row: (row.logged_at_utc, row.id)
    return lambda row: (row.connector_id, row.customer_id, row.id)


def _merged(
    parts: Sequence[sa.Select[Any]], order: Order, limit: int, *, is_walked: bool
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The first rows of several walks, each bounded by itself."""
    limited = [_ordered(part, order, is_walked=is_walked).limit(limit) for part in parts]
    if len(limited) == 1:
        return limited[0]
    return sa.union_all(*(sa.select(part.subquery()) for part in limited))


def _by_customer(base: sa.Select[Any], scope: Scope) -> Iterator[sa.Select[Any]]:
    of_connector: dict[str, list[str]] = {}
    for connector, customer in scope.customers or ():
        of_connector.setdefault(connector, []).append(customer)
    for connector, customers in of_connector.items():
        # What was said of many is looked into for one run only: it is all that a run without news says.
        meant = [*customers, *([EVERYBODY] if scope.wanted.run_id else [])]
        for part in chunks(meant, PARAMETER_CHUNK):
            mine = base.where(_log.connector_id == connector, _log.customer_id.in_(part))
            yield _by_shape_at_hand(mine, scope)


def _times(connection: sa.Connection, wanted: LogFilter) -> list[sa.ColumnElement[bool]]:
    since, until = wanted.since, wanted.until
    if wanted.run_id:
        # The run's own times bound the walk through a kind's rows. Another connector's run may have the same id.
        mine = _is_of_connectors(wanted)
        times = (sa.func.min(_log.logged_at_utc), sa.func.max(_log.logged_at_utc))
        first, last = (
            connection.execute(sa.select(time).where(_log.run_id == wanted.run_id, mine)).scalar_one() for time in times
        )
        if first is not None and last is not None:
            since = max(since, first) if since else first
            end = last + timedelta(microseconds=1)
            until = min(until, end) if until else end
    conditions: list[sa.ColumnElement[bool]] = []
    if since is not None:
        conditions.append(_log.logged_at_utc >= since)
    if until is not None:
        conditions.append(_log.logged_at_utc < until)
    return conditions


def _stories(connection: sa.Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(ids):
        for row in connection.execute(sa.select(story).where(_log.id.in_(part))).mappings():
            found[row["id"]] = dict(row)
    return [found[number] for number in ids if number in found]
