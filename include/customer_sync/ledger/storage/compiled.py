"""Statements that are compiled once and given to the driver with all of their rows at once.

SQLAlchemy makes the SQL and says how each value is stored; what it does beside that for every
execution and every row (cache keys, parameter dictionaries, one call per value) was most of the
ledger's time (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import TextWithoutNul

Build = Callable[[str], Any]
"""Makes the statement for a dialect's name; values are bound by name, lists are not."""

_Convert = Callable[[list[Any]], list[Any]]


class Compiled:
    """One statement, compiled for each dialect that it meets.

    Args:
        build: Makes the statement.
        columns: Names of the columns that an ``INSERT`` fills; those left out get their default.
    """

    def __init__(self, build: Build, columns: Sequence[str] = ()) -> None:
        self._build = build
        self._columns = list(columns) or None
        self._forms: dict[str, _Form] = {}

    def execute(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> sa.CursorResult[Any]:
        """Execute it once for each row of values."""
        form = self._form(connection.dialect)
        return connection.exec_driver_sql(form.sql, form.parameters(rows))

    def _form(self, dialect: sa.Dialect) -> _Form:
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._build(dialect.name), dialect, self._columns)
        return form


class _Form:
    def __init__(self, statement: Any, dialect: sa.Dialect, columns: list[str] | None) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self.sql: str = compiled.string
        self._is_positional = compiled.positiontup is not None
        self._names: list[str] = list(compiled.positiontup or compiled.binds)
        self._converters = [_converter(compiled.binds[name].type, dialect) for name in self._names]
        self._fixed = {name: _default(statement, name) for name in self._names if columns and name not in columns}

    def parameters(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """The rows as the driver takes them; converted column by column, where most need nothing."""
        columns = []
        for name, convert in zip(self._names, self._converters, strict=True):
            values = [self._fixed[name]] * len(rows) if name in self._fixed else list(map(itemgetter(name), rows))
            columns.append(convert(values) if convert else values)
        values_by_row = list(zip(*columns, strict=True))
        if self._is_positional:
            return values_by_row
        return [dict(zip(self._names, values, strict=True)) for values in values_by_row]


def _default(statement: Any, name: str) -> Any:
    default = statement.table.c[name].default
    if default is None or not default.is_scalar:
        raise ValueError(f"{statement.table.name}.{name} has no fixed default: give its value")
    return default.arg


def _converter(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> _Convert | None:
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    if process is None:
        return None
    if isinstance(kind, TextWithoutNul):
        return lambda values: list(map(process, values)) if "\0" in "".join(filter(None, values)) else values
    return lambda values: _each(process, values)


def _each(process: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    """Convert values; what comes several times in a row, such as the time of a write, is converted once."""
    made: list[Any] = []
    last, converted = object(), None
    for value in values:
        if value is not last:
            last, converted = value, process(value)
        made.append(converted)
    return made
