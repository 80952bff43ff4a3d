"""Mappings of contract fields to the screens' own, beside the twin's contract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from real.differences import Difference, Tally
from real.folder import FieldMapping
from real.read_erp import Value
from sandbox.acumatica.contract import Endpoint, Entity, endpoints

PART: Final = "endpoints"
_INSTANCE: Final = re.compile(r": \d+(?=\.)|\$value$")


def try_mappings(mappings: list[FieldMapping]) -> Tally:
    """Compare types and columns of every endpoint that the twin serves."""
    tally = Tally()
    served = endpoints()
    for mapping in mappings:
        tally.tried["field mappings"] += 1
        name, _, version = mapping.endpoint.partition("_")
        endpoint = served.get((name, version))
        if endpoint is not None:
            tally.differences += [
                Difference(PART, mapping.file, f"{name}/{version}", *each) for each in _compared(endpoint, mapping)
            ]
    return tally


def _compared(endpoint: Endpoint, mapping: FieldMapping) -> Iterator[Value]:
    for name, recorded in mapping.entities.items():
        if name in endpoint.entities:
            for field, ours, theirs in _of_entity(endpoint.entities[name], recorded):
                yield f"mapping {name}/{field}", ours, theirs


def _of_entity(entity: Entity, recorded: Mapping[str, Any]) -> Iterator[Value]:
    types, columns = recorded.get("types", {}), recorded.get("mapping", {})
    for name, field in entity.fields.items():
        kind = f"{field.type}[]" if field.kind == "detail" else field.type
        if types.get(name, "absent") != kind:
            yield name, kind, types.get(name, "absent")
        column = f"{field.view}.{field.column}"
        if field.view and isinstance(columns.get(name), str) and _plain(columns[name]) != column:
            yield name, column, columns[name]


def _plain(column: str) -> str:
    """A column without the number of the view's instance and without the mark of a value."""
    return _INSTANCE.sub("", column)
