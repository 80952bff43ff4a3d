"""Find rows of the connector log by filter, page by page; the effort does not grow with the log.

Paging is by position (time and id of the last row), never by number of rows skipped.
A filter on what a row says selects kinds (``log_kinds``), and each kind's newest rows
are one short walk through an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.log_kinds import LogKind, all_kinds_are, load_kinds
from customer_sync.ledger.schema import connector_log, log_count, log_customer
from customer_sync.ledger.statement import PARAMETER_CHUNK, chunks

Order = Literal["newest", "oldest", "customer", "customer_desc"]
"""By time, or by customer and then in the order of writing."""

FEW_CUSTOMERS = 1000
"""Up to so many customers a text may mean before rows are read by time and compared one by one."""

FEW_ROWS = 20_000
"""Up to so many rows are sorted by customer after they were found; more are read in the customers' order."""

_KINDS_PER_STATEMENT = 100
_log = connector_log.c


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """What is looked for; empty means everything.

    Attributes:
        connectors: Ids of the connectors that may be seen; nothing else is ever found.
        since: First moment, inclusive.
        until: Last moment, exclusive.
        outcome: What became of the customer.
        reason: A reason code, also where it is one of several.
        action: An operation, such as ``create_user``.
        level: ``info``, ``warning`` …
        entity: ``customer``, ``contact``, ``location`` …
        run_id: One run's rows.
        customer_id: One customer's rows.
        text: Part of a customer's id or (masked) name, in any case.
    """

    connectors: frozenset[str]
    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    reason: str = ""
    action: str = ""
    level: str = ""
    entity: str = ""
    run_id: str = ""
    customer_id: str = ""
    text: str = ""

    def facets(self) -> dict[str, str]:
        """The conditions on what a row says."""
        names = ("outcome", "reason", "action", "level", "entity")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


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
        scope = _scope(connection, wanted)
        found = _ids(connection, scope, walked, before if backwards else after, limit + 1) if scope else []
        rows = _rows(connection, found[:limit])
    has_next = len(found) > limit
    if backwards:
        return LogPage(rows[::-1], has_more=True, has_before=has_next)
    return LogPage(rows, has_more=has_next, has_before=after is not None)


def iter_log(
    engine: sa.Engine, wanted: LogFilter, *, order: Order = "newest", page: int = 2000
) -> Iterator[list[dict[str, Any]]]:
    """All matching rows, a page at a time; each page is a short transaction of its own."""
    after: Position | None = None
    while True:
        found = search_log(engine, wanted, order=order, after=after, limit=page)
        if found.rows:
            yield found.rows
        if not found.has_more:
            return
        after = position_of(found.rows[-1])


@dataclass(frozen=True)
class Scope:
    """A filter, looked up: which kinds and customers it means.

    Attributes:
        wanted: The filter.
        kinds: The kinds that match.
        all_kinds: Whether these are all that the rows in question can have.
        customers: The customers meant, as (connector, customer); ``None`` for all, or where they are many.
        many_customers: Whether the text means more customers than are worth naming.
    """

    wanted: LogFilter
    kinds: dict[int, LogKind]
    all_kinds: bool
    customers: tuple[tuple[str, str], ...] | None
    many_customers: bool


def _scope(connection: sa.Connection, wanted: LogFilter) -> Scope | None:
    """Look a filter up; ``None`` when nothing can match."""
    visible = load_kinds(connection, wanted.connectors)
    kinds = {number: kind for number, kind in visible.items() if kind.matches(wanted.facets())}
    if wanted.run_id:
        counted = sa.select(log_count.c.kind_id).where(log_count.c.run_id == wanted.run_id).distinct()
        of_run = set(connection.execute(counted).scalars())
        kinds = {number: kind for number, kind in kinds.items() if number in of_run}
        is_all = of_run == set(kinds)
    else:
        is_all = all_kinds_are(connection, kinds)
    customers: tuple[tuple[str, str], ...] | None = None
    if wanted.customer_id:
        customers = tuple((connector, wanted.customer_id) for connector in sorted(wanted.connectors))
    elif wanted.text:
        customers = tuple(_customers(connection, wanted))
    if not kinds or customers == ():
        return None
    if customers is not None and len(customers) > FEW_CUSTOMERS:
        return Scope(wanted, kinds, is_all, None, many_customers=True)
    return Scope(wanted, kinds, is_all, customers, many_customers=False)


def find_scope(engine: sa.Engine, wanted: LogFilter) -> Scope | None:
    """Look a filter up; ``None`` when nothing can match."""
    with engine.connect() as connection:
        return _scope(connection, wanted)


def _pattern(text: str) -> str:
    escaped = text.casefold().strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _customers(connection: sa.Connection, wanted: LogFilter) -> Iterable[tuple[str, str]]:
    query = (
        sa.select(log_customer.c.connector_id, log_customer.c.customer_id)
        .where(
            log_customer.c.connector_id.in_(sorted(wanted.connectors)),
            log_customer.c.search.like(_pattern(wanted.text), escape="\\"),
        )
        .limit(FEW_CUSTOMERS + 1)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


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
    """The condition that a row stands behind a position."""
    if position is None:
        return []
    values: tuple[Any, ...] = (position.logged_at, position.id)
    if order not in ("newest", "oldest"):
        values = (position.connector_id, position.customer_id, position.id)
    columns = _columns(order, is_walked=is_walked)
    place = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(values, columns, strict=True)))
    row = sa.tuple_(*columns)
    return [row < place if _is_descending(order) else row > place]


def _ordered(query: sa.Select[Any], order: Order, *, is_walked: bool) -> sa.Select[Any]:
    columns = _columns(order, is_walked=is_walked)
    return query.order_by(*(column.desc() if _is_descending(order) else column.asc() for column in columns))


def _ids(connection: sa.Connection, scope: Scope, order: Order, start: Position | None, limit: int) -> list[int]:
    """Ids of the rows of a page, in order."""
    by_time = order in ("newest", "oldest")
    # Where many rows match, a page is soon full when the customers are walked in their order.
    is_walked = by_time or (scope.customers is None and count_rows(connection, scope) > FEW_ROWS)
    base = _base(connection, scope).where(*_start(order, start, is_walked=is_walked))
    if scope.customers is not None:
        parts = list(_by_customer(base, scope))
    elif by_time or not is_walked:
        parts = [base] if scope.all_kinds else [base.where(_log.kind_id == number) for number in scope.kinds]
    else:
        parts = [_by_kind_at_hand(base, scope)]
    found: list[Any] = []
    for group in chunks(parts, _KINDS_PER_STATEMENT):
        found.extend(connection.execute(_merged(group, order, limit, is_walked=is_walked)))
    return [row.id for row in sorted(found, key=_key_of(order), reverse=_is_descending(order))[:limit]]


def _base(connection: sa.Connection, scope: Scope) -> sa.Select[Any]:
    """Rows with everything but the kinds and the customers of a scope."""
    columns = (_log.id, _log.logged_at_utc, _log.connector_id, _log.customer_id)
    base = sa.select(*columns).where(*_times(connection, scope.wanted))
    if scope.wanted.run_id:
        base = base.where(_log.run_id == scope.wanted.run_id)
    if scope.many_customers:
        base = base.where(_is_meant(scope.wanted))
    return base


def _by_kind_at_hand(query: sa.Select[Any], scope: Scope) -> sa.Select[Any]:
    """Look at the kinds of rows that are found by something else; the sum hides the index of kinds."""
    return query if scope.all_kinds else query.where((_log.kind_id + 0).in_(list(scope.kinds)))


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
        for part in chunks(customers, PARAMETER_CHUNK):
            mine = base.where(_log.connector_id == connector, _log.customer_id.in_(part))
            yield _by_kind_at_hand(mine, scope)


def _times(connection: sa.Connection, wanted: LogFilter) -> list[sa.ColumnElement[bool]]:
    since, until = wanted.since, wanted.until
    if wanted.run_id:
        # The run's own times bound the walk through a kind's rows.
        times = (sa.func.min(_log.logged_at_utc), sa.func.max(_log.logged_at_utc))
        first, last = (
            connection.execute(sa.select(time).where(_log.run_id == wanted.run_id)).scalar_one() for time in times
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


def _is_meant(wanted: LogFilter) -> sa.ColumnElement[bool]:
    known = log_customer.c
    return sa.exists().where(
        known.connector_id == _log.connector_id,
        known.customer_id == _log.customer_id,
        known.search.like(_pattern(wanted.text), escape="\\"),
    )


def _rows(connection: sa.Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(ids):
        for row in connection.execute(sa.select(connector_log).where(_log.id.in_(part))).mappings():
            found[row["id"]] = dict(row)
    return [found[number] for number in ids if number in found]


def counted(scope: Scope) -> list[sa.ColumnElement[bool]]:
    """Conditions on ``log_count`` that mean a scope's kinds, run and (by whole hours) times."""
    conditions: list[sa.ColumnElement[bool]] = []
    if scope.wanted.run_id:
        conditions.append(log_count.c.run_id == scope.wanted.run_id)
    if not scope.all_kinds:
        conditions.append(log_count.c.kind_id.in_(list(scope.kinds)))
    if scope.wanted.since is not None:
        hour = scope.wanted.since.replace(minute=0, second=0, microsecond=0)
        conditions.append(log_count.c.hour_utc >= hour)
    if scope.wanted.until is not None:
        conditions.append(log_count.c.hour_utc < scope.wanted.until)
    return conditions


def count_rows(connection: sa.Connection, scope: Scope) -> int:
    """How many rows have a scope's kinds, run and times, by whole hours; customers are not looked at."""
    query = sa.select(sa.func.coalesce(sa.func.sum(log_count.c.rows), 0)).where(*counted(scope))
    return int(connection.execute(query).scalar_one())
