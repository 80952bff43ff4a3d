"""All personal values of both twins, to be searched for where none may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.integration.twin_world import World

SHORTEST = 7
"""Shorter words may be part of others."""


def personal_values(world: World) -> set[str]:
    """E-mails, phones and names of everybody in the ERP and in the store."""
    found: set[str] = set()
    for record in [*_records(world.erp_state()), *_records(world.store_state())]:
        for name, value in record.items():
            if isinstance(value, str) and ("email" in name.casefold() or "phone" in name.casefold()):
                found.add(value.strip())
        full = (record.get("FirstName"), record.get("LastName")), (record.get("firstName"), record.get("lastName"))
        found.update(f"{first} {last}" for first, last in full if first and last)
        found.update(str(record[name]) for name in ("CustomerName", "companyName") if record.get(name))
    return {value for value in found if len(value) >= SHORTEST and value.strip(" .")}


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _records(each)
    elif isinstance(value, list):
        for each in value:
            yield from _records(each)
