"""Changes of one write with the way back, so that a refused write leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.rows import Record, Row
    from sandbox.acumatica.tables import Table

_ABSENT = object()


class Journal:
    """Makes changes and remembers how to undo them.

    Attributes:
        touched: Records whose own row was saved, in order.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self.touched: dict[str, Record] = {}

    def touch(self, record: Record) -> None:
        """Note that the record's own row is saved, so its stamp moves."""
        self.touched[record.id] = record

    def set_value(self, row: Row, name: str, value: Any) -> None:
        """Change one value of a row; what equals the usual value is not stored."""
        former = row.values.get(name, _ABSENT)
        if value == row.usual.get(name):
            row.values.pop(name, None)
        else:
            row.values[name] = value

        def undo() -> None:
            if former is _ABSENT:
                row.values.pop(name, None)
            else:
                row.values[name] = former

        self._undo.append(undo)

    def set_attribute(self, holder: Any, name: str, value: Any) -> None:
        """Change an attribute of a row or of the database."""
        former = getattr(holder, name)
        setattr(holder, name, value)
        self._undo.append(lambda: setattr(holder, name, former))

    def replace_list(self, holder: Any, name: str, items: list[Any]) -> None:
        """Put a new list in the place of an old one."""
        self.set_attribute(holder, name, items)

    def add(self, table: Table[Any], record: Record) -> None:
        """Add a record to its table."""
        table.add(record)
        self._undo.append(lambda: table.remove(record))

    def remove(self, table: Table[Any], record: Record) -> None:
        """Remove a record from its table."""
        table.remove(record)
        self._undo.append(lambda: table.add(record))

    def stamp(self, table: Table[Any], record: Record, moment_ms: int) -> None:
        """Move a record's stamp."""
        former = record.modified_ms
        table.stamp(record, moment_ms)
        self._undo.append(lambda: table.stamp(record, former))

    def roll_back(self) -> None:
        """Undo everything, latest first."""
        while self._undo:
            self._undo.pop()()
        self.touched.clear()
