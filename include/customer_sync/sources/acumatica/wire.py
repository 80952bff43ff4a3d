"""Plain values → the ERP's JSON for writing (docs/api/acumatica.md#json and #writing)."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

# An entity holds these as plain values, not as {"value": …}.
_PLAIN: Final = frozenset({"id", "delete", "rowNumber", "custom", "value", "type"})


def to_entity_body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap scalars as ``{"value": x}``, in linked parts and detail rows too.

    Args:
        fields: Field → scalar, mapping (a part, or a value already wrapped) or list of mappings (detail
            rows). ``id``, ``delete`` and ``custom`` stay as they are.

    Returns:
        A new dictionary for the request body.
    """
    return {name: item if name in _PLAIN else _wrapped(item) for name, item in fields.items()}


def _wrapped(item: Any) -> Any:
    if isinstance(item, Mapping):
        return to_entity_body(item)
    if isinstance(item, list | tuple):
        return [_wrapped(row) for row in item]
    if isinstance(item, Decimal):
        # A JSON number in the ERP's contract; exact for every amount that it can hold.
        return {"value": float(item)}
    if isinstance(item, dt.datetime):
        return {"value": item.astimezone(dt.UTC).isoformat()}
    return {"value": item}
