"""Customers as they are now, page by page: all of them, or those that need a person.

Nothing is counted or skipped: each view walks one index or a few in the order of the customers' numbers, and what is
shown beside a number is looked up for the customers of the page alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import (
    customer_state,
    has_finding,
    is_closed,
    known_customer,
    quarantine,
    set_aside,
    unfinished,
)
from customer_sync.ledger.story.customer_search import is_named
from customer_sync.model.company import CompanyStatus


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
    """The customers behind a place, connector by connector: of one alone the order is that of an index."""
    found: list[CustomerKey] = []
    for connector_id in sorted(wanted.connectors, reverse=backwards):
        if start is not None and (
            connector_id > start.connector_id if backwards else connector_id < start.connector_id
        ):
            continue
        place = start.customer_id if start is not None and start.connector_id == connector_id else None
        query = _of_connector(connection, wanted, connector_id, place, limit - len(found), backwards=backwards)
        found.extend(CustomerKey(connector_id, customer_id) for customer_id in connection.execute(query).scalars())
        if len(found) >= limit:
            break
    return found


def _of_connector(
    connection: sa.Connection,
    wanted: CustomerFilter,
    connector_id: str,
    start: str | None,
    limit: int,
    *,
    backwards: bool,
) -> sa.Select[Any]:
    parts = []
    for table, *conditions in _tables_of_view(wanted.view):
        c = table.c
        query = sa.select(c.customer_id).where(c.connector_id == connector_id, *conditions)
        if start is not None:
            query = query.where(c.customer_id < start if backwards else c.customer_id > start)
        if wanted.text:
            # Whoever has a name is among those that are known: of the others in that view the number alone is asked.
            is_told_elsewhere = wanted.view is View.ALL and table is not known_customer
            by_name = frozenset() if is_told_elsewhere else wanted.by_name
            query = query.where(is_named(connection, table, wanted.text, [connector_id], by_name))
        parts.append(_ordered(query.distinct(), c.customer_id, limit, backwards=backwards))
    found = sa.union(*(sa.select(part.subquery()) for part in parts)).subquery()
    return _ordered(sa.select(found), found.c.customer_id, limit, backwards=backwards)


def _ordered(query: sa.Select[Any], column: Any, limit: int, *, backwards: bool) -> sa.Select[Any]:
    return query.order_by(column.desc() if backwards else column).limit(limit)


def _tables_of_view(view: View) -> Iterator[tuple[Any, ...]]:
    match view:
        case View.ALL:
            yield from ((table,) for table in (known_customer, customer_state, unfinished))
        case View.IN_STORE:
            yield (customer_state, customer_state.c.status == int(CompanyStatus.APPROVED))
        case View.CLOSED:
            yield (customer_state, is_closed(customer_state))
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
            yield from _needing_attention()


def _needing_attention() -> Iterator[tuple[Any, ...]]:
    """Who waits for a person: in quarantine, failed, or with a part that the last decision left out."""
    yield (quarantine, ~_has(set_aside, quarantine))
    yield (unfinished, unfinished.c.attempts > 0, ~_has(set_aside, unfinished))
    yield (known_customer, has_finding(known_customer), ~_has(set_aside, known_customer))


def _has(table: Any, of: Any) -> sa.ColumnElement[bool]:
    """Whether a customer has a row in a table."""
    return sa.exists().where(table.c.connector_id == of.c.connector_id, table.c.customer_id == of.c.customer_id)
