"""What a filter of the connector log means: which kinds of rows, which customers, and how many rows these are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import known_customer, log_count, story
from customer_sync.ledger.story.customer_search import is_named
from customer_sync.ledger.story.lines import shapes_with
from customer_sync.ledger.story.log_facets import LogKind, all_kinds_are, load_kinds

FEW_CUSTOMERS = 1000
"""Up to so many customers a text may mean before rows are read by time and compared one by one."""


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
        text: Part of a customer's number, in any case, its company's id, or its name and e-mail as ``by_name`` allows.
        by_name: Connectors whose customers may be found by their names and e-mails.
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
    by_name: frozenset[str] = frozenset()

    def facets(self) -> dict[str, str]:
        """The conditions on what a row says."""
        names = ("outcome", "reason", "action", "level", "entity")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


@dataclass(frozen=True)
class Scope:
    """A filter, looked up: which kinds and customers it means.

    Attributes:
        wanted: The filter.
        kinds: The kinds that match.
        shapes: The shapes of stories that have a line of these kinds.
        all_kinds: Whether these are all that the rows in question can have.
        customers: The customers meant, as (connector, customer); ``None`` for all, or where they are many.
        many_customers: Whether the text means more customers than are worth naming.
    """

    wanted: LogFilter
    kinds: dict[int, LogKind]
    shapes: tuple[int, ...]
    all_kinds: bool
    customers: tuple[tuple[str, str], ...] | None
    many_customers: bool


def look_up(connection: sa.Connection, wanted: LogFilter) -> Scope | None:
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
    shapes = () if is_all else tuple(shapes_with(connection, wanted.connectors, kinds))
    if customers is not None and len(customers) > FEW_CUSTOMERS:
        return Scope(wanted, kinds, shapes, is_all, None, many_customers=True)
    return Scope(wanted, kinds, shapes, is_all, customers, many_customers=False)


def find_scope(engine: sa.Engine, wanted: LogFilter) -> Scope | None:
    """Look a filter up; ``None`` when nothing can match."""
    with engine.connect() as connection:
        return look_up(connection, wanted)


def _customers(connection: sa.Connection, wanted: LogFilter) -> Iterable[tuple[str, str]]:
    known = known_customer.c
    meant = is_named(connection, known_customer, wanted.text, wanted.connectors, wanted.by_name)
    query = sa.select(known.connector_id, known.customer_id).where(known.connector_id.in_(sorted(wanted.connectors)))
    return [(row[0], row[1]) for row in connection.execute(query.where(meant).limit(FEW_CUSTOMERS + 1))]


def is_meant(connection: sa.Connection, wanted: LogFilter) -> sa.ColumnElement[bool]:
    """The condition that a row's customer is one that the filter's text means."""
    known = known_customer.c
    return sa.exists().where(
        known.connector_id == story.c.connector_id,
        known.customer_id == story.c.customer_id,
        is_named(connection, known_customer, wanted.text, wanted.connectors, wanted.by_name),
    )


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
