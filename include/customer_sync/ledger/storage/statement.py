"""Statements that differ between SQLite and PostgreSQL, in one place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib import import_module
from itertools import islice
from typing import Any, Self, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

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


class Prepared:
    """A statement that is made once; its values come with each execution.

    To make a statement anew, and to find out that it was compiled before, takes SQLAlchemy longer than to execute it.

    Args:
        build: Makes it; its arguments stand for the values. In an ``UPDATE`` they are not named as columns.
        names: Names of the arguments, where the function does not say them.
    """

    def __init__(self, build: Callable[..., Any], names: Sequence[str] = ()) -> None:
        self._build = build
        self._names = tuple(names or inspect.signature(build).parameters)

    @cached_property
    def _statement(self) -> Any:
        return self._build(*map(sa.bindparam, self._names))

    def __call__(self, connection: sa.Connection, *values: Any) -> sa.CursorResult[*tuple[Any, ...]]:
        """Execute it with these values, in the order of the arguments."""
        return connection.execute(self._statement, dict(zip(self._names, values, strict=True)))


class _Keys(sa.types.TypeDecorator[Sequence[Any]]):
    """A list of texts or numbers as JSON."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Any] | None, dialect: sa.Dialect) -> str:  # noqa: ARG002 - as its base
        keys = [key.replace("\0", "\ufffd") if isinstance(key, str) else key for key in value or ()]
        return msgspec.json.encode(keys).decode()


class _Among(FunctionElement[bool]):
    """Whether a column holds one of the texts or numbers of a JSON list."""

    inherit_cache = True
    type = sa.Boolean()

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002 - as its base
        """Stand in a condition as it is.

        Where a database has no booleans, SQLAlchemy compares with 1 else, and SQLite then uses no index for the keys.
        """
        return self


@compiles(_Among, "sqlite")
def _among_in_sqlite(element: _Among, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - both were compiled by SQLAlchemy


@compiles(_Among, "postgresql")
def _among_in_postgresql(element: _Among, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    kind = "bigint" if isinstance(element.clauses.clauses[0].type, sa.Integer) else "text"
    # An array, not a join with a set of unknown size: so the column's index is used.
    return f"{column} = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST({keys} AS jsonb))::{kind}))"


def among(column: sa.ColumnElement[Any], keys: Iterable[Any] | sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """Whether a column holds one of some keys: one parameter, whatever their number.

    SQLAlchemy writes a list out into as many parameters as it has, anew for each execution: a twelfth of a first load.
    """
    if isinstance(keys, sa.BindParameter):
        return _Among(column, sa.bindparam(keys.key, type_=_Keys()))
    return _Among(column, sa.bindparam(None, list(keys), type_=_Keys(), unique=True))


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
