"""Ordered tables and look-up indexes: what keeps lists and look-ups of a large store fast."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

Key = TypeVar("Key", bound="Hashable")
SortKey = tuple[Any, int]


class Stamped(Protocol):
    """A record that knows when it was changed last."""

    updated_at: int


Row = TypeVar("Row", bound=Stamped)


class Index(Generic[Key]):
    """Ids by some value; ids of one value keep the order in which they came."""

    def __init__(self) -> None:
        self._ids: dict[Key, dict[int, None]] = {}

    def add(self, key: Key, row_id: int) -> None:
        """Note that a record has this value."""
        self._ids.setdefault(key, {})[row_id] = None

    def remove(self, key: Key, row_id: int) -> None:
        """Forget that a record has this value."""
        ids = self._ids[key]
        del ids[row_id]
        if not ids:
            del self._ids[key]

    def ids(self, key: Key) -> list[int]:
        """Ids of the records with this value."""
        return list(self._ids.get(key, ()))

    def count(self, key: Key) -> int:
        """How many records have this value."""
        return len(self._ids.get(key, ()))


class Order:
    """Ids in the order of some value, then of the id; kept sorted under every write."""

    def __init__(self) -> None:
        self._keys: list[SortKey] = []

    def add(self, value: Any, row_id: int) -> None:
        """Put a record in its place."""
        insort(self._keys, (value, row_id))

    def remove(self, value: Any, row_id: int) -> None:
        """Take a record out."""
        del self._keys[bisect_left(self._keys, (value, row_id))]

    def fill(self, pairs: Iterable[SortKey]) -> None:
        """Take many records at once in place of the present ones."""
        self._keys = sorted(pairs)

    def ids(self, *, descending: bool) -> Iterator[int]:
        """All ids in order."""
        keys = reversed(self._keys) if descending else iter(self._keys)
        return (row_id for _, row_id in keys)

    def cut(self, offset: int, limit: int, *, descending: bool) -> list[int]:
        """One page of ids."""
        if not descending:
            return [row_id for _, row_id in self._keys[offset : offset + limit]]
        end = len(self._keys) - offset
        return [row_id for _, row_id in reversed(self._keys[max(0, end - limit) : max(0, end)])]


class Table(Generic[Row]):
    """Records by id, and their order by `updated_at`. Ids are counted up and never used again.

    Source: docs/api/better_b2b.md#statement-37.
    """

    def __init__(self, first_id: int) -> None:
        self.rows: dict[int, Row] = {}
        self.by_updated = Order()
        self.next_id = first_id

    def __len__(self) -> int:
        return len(self.rows)

    def take_id(self) -> int:
        """A fresh id."""
        taken = self.next_id
        self.next_id += 1
        return taken

    def add(self, row_id: int, row: Row) -> None:
        """Store a new record."""
        self.rows[row_id] = row
        self.by_updated.add(row.updated_at, row_id)

    def remove(self, row_id: int) -> Row:
        """Drop a record and give it back."""
        row = self.rows.pop(row_id)
        self.by_updated.remove(row.updated_at, row_id)
        return row

    def touch(self, row_id: int, updated_at: int) -> None:
        """Move a record's stamp."""
        row = self.rows[row_id]
        self.by_updated.remove(row.updated_at, row_id)
        row.updated_at = updated_at
        self.by_updated.add(updated_at, row_id)

    def fill(self, rows: dict[int, Row], next_id: int) -> None:
        """Take many records at once in place of the present ones."""
        self.rows = rows
        self.by_updated.fill((row.updated_at, row_id) for row_id, row in rows.items())
        self.next_id = next_id
