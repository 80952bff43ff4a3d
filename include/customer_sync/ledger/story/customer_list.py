"""Customers as they are now, page by page: all of them, or those that need a person.

Nothing is counted or skipped: each view walks one index or a few in the order of the customers' numbers, and what is
shown beside a number is looked up for the customers of the page alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import (
    customer_state,
    known_customer,
    quarantine,
    set_aside,
    story,
    unfinished,
)
from customer_sync.ledger.story.customer_search import is_named
from customer_sync.ledger.story.lines import shapes_with
from customer_sync.ledger.story.log_facets import load_kinds
from customer_sync.model.company import CompanyStatus
from customer_sync.model.outcome import SETTLED_BY_RUNS


class View(StrEnum):
    """Which customers are shown."""

    ATTENTION = "attention"
    ALL = "all"
    IN_STORE = "in_store"
    CLOSED = "closed"
    NOT_FOR_STORE = "not_for_store"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, kw_only=True)
class CustomerFilter:
    """What is looked for.

    Attributes:
        connectors: Ids of the connectors that may be seen; nothing else is ever found.
        view: Which customers of these.
        text: Part of a number; a company's id; part of a name or a whole e-mail, as ``by_name`` allows.
        by_name: Connectors whose customers may be found by name and e-mail.
    """

    connectors: frozenset[str]
    view: View = View.ALL
    text: str = ""
    by_name: frozenset[str] = frozenset()


class CustomerKey(NamedTuple):
    """A customer, and its place in the order."""

    connector_id: str
    customer_id: str


class KeyPage(NamedTuple):
    """Some customers, and whether there are more behind and before them."""

    keys: list[CustomerKey]
    has_more: bool
    has_before: bool


MOST_COUNTED = 1000
"""So many customers that need attention are counted; a person needs no larger number."""


def find_customers(
    engine: sa.Engine,
    wanted: CustomerFilter,
    *,
    after: CustomerKey | None = None,
    before: CustomerKey | None = None,
    limit: int = 50,
) -> KeyPage:
    """A page of customers, by connector and number; behind a place, or before one."""
    backwards = before is not None
    with engine.connect() as connection:
        found = _walk(connection, wanted, before if backwards else after, limit + 1, backwards=backwards)
    keys, has_next = found[:limit], len(found) > limit
    if backwards:
        return KeyPage(keys[::-1], has_more=True, has_before=has_next)
    return KeyPage(keys, has_more=has_next, has_before=after is not None)


def iter_customers(engine: sa.Engine, wanted: CustomerFilter, page: int = 500) -> Iterator[list[CustomerKey]]:
    """All of them, a page at a time; each page is a short transaction of its own."""
    after: CustomerKey | None = None
    while True:
        found = find_customers(engine, wanted, after=after, limit=page)
        if found.keys:
            yield found.keys
        if not found.has_more:
            return
        after = found.keys[-1]


def count_attention(engine: sa.Engine, connectors: Iterable[str]) -> int:
    """How many customers need a person, at most :data:`MOST_COUNTED` and one."""
    wanted = CustomerFilter(connectors=frozenset(connectors), view=View.ATTENTION)
    return len(find_customers(engine, wanted, limit=MOST_COUNTED + 1).keys)


def _walk(
    connection: sa.Connection, wanted: CustomerFilter, start: CustomerKey | None, limit: int, *, backwards: bool
) -> list[CustomerKey]:
    if not wanted.connectors:
        return []
    parts = []
    for table, *conditions in _sources(connection, wanted):
        c = table.c
        query = sa.select(c.connector_id, c.customer_id).where(
            c.connector_id.in_(sorted(wanted.connectors)), *conditions
        )
        if start is not None:
            here = sa.tuple_(c.connector_id, c.customer_id)
            there = sa.tuple_(sa.literal(start.connector_id), sa.literal(start.customer_id))
            query = query.where(here < there if backwards else here > there)
        parts.append(_ordered(query.distinct(), c, limit, backwards=backwards))
    found = sa.union(*(sa.select(part.subquery()) for part in parts)).subquery()
    rows = connection.execute(_ordered(sa.select(found), found.c, limit, backwards=backwards))
    return [CustomerKey(*row) for row in rows]


def _ordered(query: sa.Select[Any], columns: Any, limit: int, *, backwards: bool) -> sa.Select[Any]:
    order = (columns.connector_id, columns.customer_id)
    return query.order_by(*(column.desc() if backwards else column for column in order)).limit(limit)


def _sources(connection: sa.Connection, wanted: CustomerFilter) -> list[tuple[Any, ...]]:
    """The tables that a view is read from, each with its conditions."""
    tables = list(_tables_of_view(connection, wanted))
    if not wanted.text:
        return tables
    return [
        (table, *conditions, is_named(connection, table, wanted.text, wanted.connectors, wanted.by_name))
        for table, *conditions in tables
    ]


def _tables_of_view(connection: sa.Connection, wanted: CustomerFilter) -> Iterator[tuple[Any, ...]]:
    match wanted.view:
        case View.ALL:
            yield from ((table,) for table in (known_customer, customer_state, unfinished))
        case View.IN_STORE:
            yield (customer_state, customer_state.c.status == int(CompanyStatus.APPROVED))
        case View.CLOSED:
            yield (customer_state, customer_state.c.status != int(CompanyStatus.APPROVED))
        case View.SET_ASIDE:
            yield (set_aside,)
        case View.NOT_FOR_STORE:
            known = known_customer
            yield (
                known,
                known.c.rows_reasons.is_not(None),
                *(~_has(table, known) for table in (customer_state, quarantine, unfinished)),
            )
        case View.ATTENTION:
            yield from _needing_attention(connection, sorted(wanted.connectors))


def _needing_attention(connection: sa.Connection, connectors: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Who waits for a person: in quarantine, failed, or with a part that the last decision left out."""
    yield (quarantine, ~_has(set_aside, quarantine))
    yield (unfinished, unfinished.c.attempts > 0, ~_has(set_aside, unfinished))
    kinds = [
        number
        for number, kind in load_kinds(connection, connectors).items()
        if kind.level in ("warning", "error") and not SETTLED_BY_RUNS.issuperset(kind.reasons.split(","))
    ]
    shapes = shapes_with(connection, connectors, kinds) if kinds else []
    if shapes:
        newer = story.alias("newer")
        is_followed = sa.exists().where(
            newer.c.connector_id == story.c.connector_id,
            newer.c.customer_id == story.c.customer_id,
            newer.c.id > story.c.id,
        )
        # Found by their shapes, of which few have a finding, in a form that no index of customers offers: a walk in the
        # order of the customers would look at every story that there is.
        found = sa.select(
            (story.c.connector_id + "").label("connector_id"), (story.c.customer_id + "").label("customer_id")
        )
        left_out = found.where(story.c.shape_id.in_(shapes), story.c.customer_id + "" != "", ~is_followed).subquery()
        yield (left_out, ~_has(set_aside, left_out))


def _has(table: Any, of: Any) -> sa.ColumnElement[bool]:
    """Whether a customer has a row in a table."""
    return sa.exists().where(table.c.connector_id == of.c.connector_id, table.c.customer_id == of.c.customer_id)
