"""`GET /entity` and `$adHocSchema` (docs/api/acumatica.md#discovery and #ad-hoc-schema)."""

from __future__ import annotations

from typing import Any

from sandbox.acumatica.contract import Endpoint, custom_fields, endpoints

BUILD = "25.201.0213"
ATTRIBUTES = ("INDUSTRY", "WEBSTORE")
"""Attributes of the customers' classes."""
_NO_ID = "00000000-0000-0000-0000-000000000000"


def endpoint_list(base_url: str, *, is_anonymous: bool, as_array: bool) -> Any:
    """The list of endpoints; anonymous callers see system endpoints only."""
    shown = [
        {
            "name": endpoint.name,
            "version": endpoint.version,
            "href": f"{base_url}/entity/{endpoint.name}/{endpoint.version}/",
        }
        for endpoint in endpoints().values()
        if endpoint.is_system or not is_anonymous
    ]
    if as_array:
        return shown
    return {"version": {"acumaticaBuildVersion": BUILD, "databaseVersion": BUILD}, "endpoints": shown}


def ad_hoc_schema(endpoint: Endpoint, entity: str) -> dict[str, Any]:
    """An empty record with every field that is not in the contract, by view and with its type."""
    contract = endpoint.entities[entity]
    empty: dict[str, Any] = {name: {} for name, field in contract.fields.items() if field.kind == "scalar"}
    custom: dict[str, dict[str, Any]] = {}
    for (view, name), found in custom_fields(entity).items():
        # Beside the extension fields the recorded answer lists the key's own column
        # (docs/api/acumatica.md#ad-hoc-schema).
        if found.is_extension or name == "AcctCD":
            custom.setdefault(view, {})[name] = {"type": found.custom_type, "value": None}
    if entity == "Customer":
        # Attributes are user-defined fields of the screen as well (docs/api/acumatica.md#ad-hoc-schema).
        for attribute in ATTRIBUTES:
            custom["CurrentCustomer"][f"Attribute{attribute}"] = {"type": "CustomStringField", "value": None}
    return {
        "id": _NO_ID,
        "rowNumber": 1,
        "note": {"value": ""},
        **empty,
        "custom": custom,
        "_workflowActions": [],
    }
