"""Statements that differ between SQLite and PostgreSQL, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from customer_sync.ledger.storage.compiled import Compiled

T = TypeVar("T")

PARAMETER_CHUNK = 500
"""Rows or keys of one statement; SQLite and PostgreSQL bound the number of parameters."""


def upsert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, keep: Iterable[str] = ()
) -> None:
    """Insert rows or replace those with the same primary key, except the columns in ``keep``."""
    if not rows:
        return
    _upsert(table, tuple(rows[0]), tuple(keep)).execute(connection, rows)


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name the same columns."""
    if rows:
        _insert(table, tuple(rows[0])).execute(connection, rows)


@lru_cache(maxsize=64)
def _insert(table: sa.Table, columns: tuple[str, ...]) -> Compiled:
    return Compiled(lambda _: sa.insert(table), columns)


@lru_cache(maxsize=64)
def _upsert(table: sa.Table, columns: tuple[str, ...], keep: tuple[str, ...]) -> Compiled:
    def build(dialect: str) -> Any:
        # The other database's dialect, with all of its drivers, is not worth importing.
        statement: Any = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
        keys = [column.name for column in table.primary_key]
        kept = {*keys, *keep}
        changes = {name: statement.excluded[name] for name in columns if name not in kept}
        if changes:
            return statement.on_conflict_do_update(index_elements=keys, set_=changes)
        return statement.on_conflict_do_nothing(index_elements=keys)

    return Compiled(build, columns)


def take_turns(connection: sa.Connection, name: str) -> None:
    """Let one transaction at a time go on from here, among all that give the same name.

    What is read afterwards and written in the same transaction cannot be overtaken. SQLite needs
    no more than its writing transaction, which is alone from its start.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def chunks(items: Iterable[T], size: int = PARAMETER_CHUNK) -> Iterator[list[T]]:
    """Cut a sequence into lists of at most ``size``."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
