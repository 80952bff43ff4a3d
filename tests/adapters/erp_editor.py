"""A client that changes an ERP as a person at its screens would; the product itself only ever updates."""

from collections.abc import Mapping
from typing import Any

import msgspec

from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.pages import decode_json

# An entity holds these as plain values, not as {"value": …}.
_PLAIN = frozenset({"id", "delete", "rowNumber", "custom", "value", "type"})


class ErpEditor(AcumaticaClient):
    """Updates and adds records; fields are plain values."""

    def edit(self, entity: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change a record that exists."""
        return self.put(entity, _wrapped(fields))

    def add(self, entity: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Make a record."""
        body = msgspec.json.encode(_wrapped(fields))
        headers = {"Content-Type": "application/json"}
        made: dict[str, Any] = self._call("PUT", f"{self._endpoint}/{entity}", decode_json, body=body, headers=headers)
        return made

    def change_id(self, customer_id: str, new: str) -> None:
        """Give a customer another number."""
        order = {"entity": _wrapped({"CustomerID": customer_id}), "parameters": _wrapped({"CustomerID": new})}
        headers = {"Content-Type": "application/json"}
        body, address = msgspec.json.encode(order), f"{self._endpoint}/Customer/ChangeID"
        self._call("POST", address, lambda _request, _answer: None, body=body, headers=headers)

    def delete(self, entity: str, key: str) -> None:
        """Delete a record."""
        self._call("DELETE", f"{self._endpoint}/{entity}/{key}", lambda _request, _answer: None)


def _wrapped(item: Any) -> Any:
    """Wrap scalars as ``{"value": x}``, in linked parts and detail rows too."""
    if isinstance(item, Mapping):
        return {name: value if name in _PLAIN else _wrapped(value) for name, value in item.items()}
    if isinstance(item, list | tuple):
        return [_wrapped(row) for row in item]
    return {"value": item}
