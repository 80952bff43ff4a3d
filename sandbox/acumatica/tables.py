"""The ERP's tables with the indexes that make lists cheap: by key, by id, and by stamp."""

from __future__ import annotations

import random
import uuid
from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sandbox.acumatica.collation import folded
from sandbox.acumatica.rows import Contact, Customer, Location, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RecordT = TypeVar("RecordT", bound=Record)


def sort_key_of(record: Record) -> Any:
    """What a record is ordered by: its key under the database's collation."""
    if isinstance(record, Customer):
        return folded(record.key)
    if isinstance(record, Contact):
        return record.contact_id
    if isinstance(record, Location):
        return (folded(record.customer.key), folded(record.code))
    raise TypeError(type(record))


class Table(Generic[RecordT]):
    """One table, ordered by key, with an index on the stamp and one on the id."""

    def __init__(self) -> None:
        self._by_key: dict[Any, RecordT] = {}
        self._keys: list[Any] = []
        self._by_id: dict[str, RecordT] = {}
        self._stamps: list[tuple[int, Any]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[RecordT]:
        return (self._by_key[key] for key in self._keys)

    def fill(self, records: Iterable[RecordT]) -> None:
        """Take many records at once into an empty table."""
        self._by_key = {sort_key_of(record): record for record in records}
        self._keys = sorted(self._by_key)
        self._by_id = {record.id: record for record in self._by_key.values()}
        self._stamps = sorted((record.modified_ms, key) for key, record in self._by_key.items())

    def add(self, record: RecordT) -> None:
        """Take one record."""
        key = sort_key_of(record)
        self._by_key[key] = record
        insort(self._keys, key)
        self._by_id[record.id] = record
        insort(self._stamps, (record.modified_ms, key))

    def remove(self, record: RecordT) -> None:
        """Forget one record."""
        key = sort_key_of(record)
        del self._by_key[key]
        del self._keys[bisect_left(self._keys, key)]
        del self._by_id[record.id]
        del self._stamps[bisect_left(self._stamps, (record.modified_ms, key))]

    def stamp(self, record: RecordT, moment_ms: int) -> None:
        """Move a record's stamp."""
        key = sort_key_of(record)
        del self._stamps[bisect_left(self._stamps, (record.modified_ms, key))]
        record.modified_ms = moment_ms
        insort(self._stamps, (moment_ms, key))

    def at(self, key: Any) -> RecordT | None:
        """The record with this sort key."""
        return self._by_key.get(key)

    def with_id(self, row_id: str) -> RecordT | None:
        """The record with this id."""
        return self._by_id.get(row_id.lower())

    def key_span(self, low: Any, high: Any) -> tuple[int, int]:
        """Positions of the keys from `low` to `high`, both included; none is open.

        For tables with two-part keys the bounds are first parts.
        """
        start = 0 if low is None else bisect_left(self._keys, low, key=_first_part)
        end = len(self._keys) if high is None else bisect_right(self._keys, high, key=_first_part)
        return start, max(start, end)

    def between(self, start: int, end: int) -> Iterator[RecordT]:
        """Records by position in key order."""
        by_key = self._by_key
        return (by_key[key] for key in self._keys[start:end])

    def stamp_span(self, low_ms: int | None, high_ms: int | None) -> tuple[int, int]:
        """Positions in the stamp index from `low_ms` to `high_ms`, both included."""
        start = 0 if low_ms is None else bisect_left(self._stamps, low_ms, key=_moment)
        end = len(self._stamps) if high_ms is None else bisect_right(self._stamps, high_ms, key=_moment)
        return start, max(start, end)

    def stamped_between(self, start: int, end: int) -> list[RecordT]:
        """Records by position in the stamp index, in key order."""
        return [self._by_key[key] for key in sorted(key for _, key in self._stamps[start:end])]


def _first_part(key: Any) -> Any:
    return key[0] if isinstance(key, tuple) else key


def _moment(entry: tuple[int, Any]) -> int:
    return entry[0]


class Database:
    """All tables of the twin, and the counters that new records take their numbers from."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.customers: Table[Customer] = Table()
        self.contacts: Table[Contact] = Table()
        self.locations: Table[Location] = Table()
        self.deleted: list[dict[str, Any]] = []
        self.next_customer_number = 1
        self.next_contact_id = 1
        self.next_account_id = 1
        self.ids_given = 0

    def table(self, entity: str) -> Table[Any]:
        """The table behind a top-level entity."""
        tables: dict[str, Table[Any]] = {
            "Customer": self.customers,
            "Contact": self.contacts,
            "CustomerLocation": self.locations,
        }
        return tables[entity]

    def customer(self, key: str) -> Customer | None:
        """A customer by its key, as the database compares keys."""
        return self.customers.at(folded(key))

    def new_id(self) -> str:
        """A fresh GUID; the same seed and history give the same ids."""
        self.ids_given += 1
        dice = random.Random(f"{self.seed}/{self.ids_given}")  # noqa: S311  # repeatable ids, no secret
        return str(uuid.UUID(int=dice.getrandbits(128), version=4))

    def new_customer_key(self) -> str:
        """The next automatic customer number that is free."""
        while True:
            key = f"C{self.next_customer_number:06d}"
            self.next_customer_number += 1
            if self.customer(key) is None:
                return key

    def new_contact_id(self) -> int:
        """The next contact number."""
        self.next_contact_id += 1
        return self.next_contact_id - 1

    def new_account_id(self) -> int:
        """The next business account number."""
        self.next_account_id += 1
        return self.next_account_id - 1
