"""Lists and single records of contract REST (docs/api/acumatica.md#urls, #lists and #json)."""

from __future__ import annotations

import random
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.collation import folded
from sandbox.acumatica.contract import keys_of
from sandbox.acumatica.errors import filter_not_supported, not_found, not_found_by_key
from sandbox.acumatica.filter_plan import Bounds, DetailPathError, bounds_of, compiled_filter
from sandbox.acumatica.filter_syntax import Node, parsed_filter
from sandbox.acumatica.rows import Contact, Customer, Location, Record
from sandbox.acumatica.tables import sort_key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.acumatica.contract import Endpoint
    from sandbox.acumatica.list_query import ListQuery
    from sandbox.acumatica.tables import Database, Table
    from sandbox.settings import Settings

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_STAMP_INDEX_PAYS_BELOW = 0.1  # share of the key span under which sorting the stamped rows is cheaper than a walk


class Reader:
    """Finds records for one session.

    Args:
        database: Tables.
        settings: Switches.
        classes: Customer classes that the user may see; none is all (restriction groups).
    """

    def __init__(self, database: Database, settings: Settings, classes: frozenset[str] | None) -> None:
        self._database = database
        self._settings = settings
        self._classes = classes

    def listed(self, endpoint: Endpoint, entity: str, query: ListQuery) -> list[Record]:
        """The records of a list, filtered, ordered and cut.

        Raises:
            ApiError: The filter is refused.
        """
        table = self._database.table(entity)
        node = parsed_filter(query.filter) if query.filter else None
        try:
            test = compiled_filter(endpoint, entity, node) if node is not None else None
        except DetailPathError as error:
            if self._settings["detail_path_filter"] == "empty":
                return []
            raise filter_not_supported(str(error)) from error
        found = (
            row for row in self._candidates(table, entity, node) if self.may_see(row) and (test is None or test(row))
        )
        return self._cut(found, query)

    def by_path(self, entity: str, keys: list[str]) -> Record:
        """One record by the path's key values, or by its id.

        Raises:
            ApiError: There is none that the user may see.
        """
        if len(keys) == 1 and "|" in keys[0]:
            keys = keys[0].split("|")
        record: Record | None = self.find(entity, keys)
        if record is None and len(keys) == 1 and _GUID.fullmatch(keys[0]):
            record = self._database.table(entity).with_id(keys[0])
        if record is None or not self.may_see(record):
            raise not_found() if self._settings["not_found_status"] == 404 else not_found_by_key()  # noqa: PLR2004
        return record

    def find(self, entity: str, keys: list[str]) -> Any:
        """One record by key values in the contract's order, or none."""
        if len(keys) != len(keys_of(entity)):
            return None
        if entity == "Contact":
            return self._database.contacts.at(int(keys[0])) if keys[0].strip().isdigit() else None
        parts = tuple(folded(key) for key in keys)
        return self._database.table(entity).at(parts if len(parts) > 1 else parts[0])

    def matching(self, endpoint: Endpoint, entity: str, text: str) -> list[Record]:
        """All visible records that a filter text finds (`PUT` with `$filter`)."""
        test = compiled_filter(endpoint, entity, parsed_filter(text))
        return [row for row in self._database.table(entity) if self.may_see(row) and test(row)]

    def may_see(self, record: Record) -> bool:
        """Whether the user's restriction groups let it be seen."""
        if self._classes is None:
            return True
        customer = record if isinstance(record, Customer) else _owner(record)
        return customer is None or customer.get("CustomerClass") in self._classes

    def _candidates(self, table: Table[Any], entity: str, node: Node | None) -> Iterable[Record]:
        """Rows that can match, in key order."""
        if node is None:
            return table
        bounds = bounds_of(entity, node)
        listed = self._looked_up(table, entity, bounds)
        if listed is not None:
            return listed
        start, end = table.key_span(bounds.low, bounds.high)
        if bounds.low_ms is not None or bounds.high_ms is not None:
            first, last = table.stamp_span(_whole(bounds.low_ms), _whole(bounds.high_ms, add=1))
            if last - first < (end - start) * _STAMP_INDEX_PAYS_BELOW:
                return table.stamped_between(first, last)
        return table.between(start, end)

    def _looked_up(self, table: Table[Any], entity: str, bounds: Bounds) -> list[Record] | None:
        """Rows by key, business account or id, when the filter names all that can match."""
        if bounds.ids is not None:
            return _in_key_order(table.with_id(row_id) for row_id in bounds.ids)
        customers = self._database.customers
        if bounds.accounts is not None:
            owners = (customers.at(key) for key in bounds.accounts if isinstance(key, str))
            return _in_key_order(contact for owner in owners if owner is not None for contact in owner.contacts)
        if bounds.keys is None:
            return None
        if entity == "CustomerLocation":
            owners = (customers.at(key) for key in bounds.keys if isinstance(key, str))
            return _in_key_order(location for owner in owners if owner is not None for location in owner.locations)
        return _in_key_order(table.at(key) for key in bounds.keys)

    def _cut(self, found: Iterable[Record], query: ListQuery) -> list[Record]:
        order = self._settings["list_order"]
        end = None if query.top is None else query.skip + query.top
        if order == "key":
            return list(islice(found, query.skip, end))
        rows = list(found)
        if order == "modified_desc":
            rows.sort(key=lambda row: row.modified_ms, reverse=True)
        else:
            random.SystemRandom().shuffle(rows)
        return rows[query.skip : end]


def _owner(record: Record) -> Customer | None:
    return record.customer if isinstance(record, Contact | Location) else None


def _in_key_order(rows: Iterable[Any]) -> list[Record]:
    present = [row for row in rows if row is not None]
    present.sort(key=sort_key_of)
    return present


def _whole(moment_ms: float | None, *, add: int = 0) -> int | None:
    return None if moment_ms is None else int(moment_ms // 1) + add
