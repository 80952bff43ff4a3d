"""Writing the store's id of a customer into its record, in the form that the connector file names for it.

Source: docs/api/acumatica.md#writing, #custom-fields and #detail-rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from customer_sync.errors import ConfigError
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.value_rule import FieldSource
from customer_sync.sources.acumatica.values import text_of
from customer_sync.sources.port import Reference

_WHOLE: Final = frozenset({"CustomByteField", "CustomIntField", "CustomLongField", "CustomShortField"})
_NUMBERS: Final = _WHOLE | {"CustomDecimalField", "CustomDoubleField"}
TEXT: Final = "CustomStringField"
HOLD_A_REFERENCE: Final = _NUMBERS | {TEXT}
"""Kinds of custom fields that a company's id fits into."""


def write_reference(erp: AcumaticaClient, place: FieldSource, reference: Reference) -> None:
    """Send one PUT that names the record by its id and its key; an update only, never an insert.

    A reference in a detail row costs a read before, and one in a custom field the entity's schema once in a session.
    A 200 does not prove that the value was stored (docs/api/acumatica.md#silent-put); the next run reads it and
    writes again where it is missing.
    """
    body = {"CustomerID": {"value": reference.customer_id}, **_body(erp, place, reference)}
    if reference.record_id:
        body["id"] = reference.record_id
    erp.put("Customer", body, select=("CustomerID", "LastModifiedDateTime"))


def _body(erp: AcumaticaClient, place: FieldSource, reference: Reference) -> dict[str, Any]:
    if place.custom:
        view, name = place.custom.split(".", 1)
        kind = erp.custom_fields("Customer").get(place.custom, TEXT)
        return {"custom": {view: {name: {"type": kind, "value": _value(kind, place, reference.reference_id)}}}}
    if place.detail:
        return {place.detail: [_row(erp, place, reference)]}
    return _scalar(place.field, reference.reference_id)


def _value(kind: str, place: FieldSource, reference_id: str) -> str | int:
    """The id in the field's own type: a text in a number's field may be taken for none."""
    if kind not in _NUMBERS:
        return reference_id
    if not reference_id.isdecimal():
        raise ConfigError(
            f"The company's id {reference_id[:40]!r} is no number, and {place.custom} is a {kind}: name a text field "
            "as source.customer.reference_id.",
            setting="source.customer.reference_id",
        )
    return int(reference_id)


def _row(erp: AcumaticaClient, place: FieldSource, reference: Reference) -> dict[str, Any]:
    """The row that the rule reads from, by the id that this session has for it; a new one where there is none."""
    record = erp.record("Customer", reference.record_id or reference.customer_id, expand=(place.detail,))
    rows = record.get(place.detail)
    new = _scalar(place.field, reference.reference_id)
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("id") and _fits(row, place.where):
            return {"id": row["id"], **new}
    for name, value in place.where.items():
        new |= _scalar(name, value)
    return new


def _fits(row: Mapping[str, Any], where: Mapping[str, str]) -> bool:
    return all(_text(row, name).casefold() == value.casefold() for name, value in where.items())


def _text(row: Mapping[str, Any], path: str) -> str:
    part: Any = row
    for name in path.split("/"):
        part = part.get(name) if isinstance(part, dict) else None
    return text_of(part.get("value")) if isinstance(part, dict) else ""


def _scalar(path: str, value: str) -> dict[str, Any]:
    body: dict[str, Any] = {"value": value}
    for part in reversed(path.split("/")):
        body = {part: body}
    return body
