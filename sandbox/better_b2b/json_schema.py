"""The words of JSON Schema that the store's documents use."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
NULL: Schema = {"type": "null"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
INTEGERS: Schema = {"type": "array", "items": INTEGER}
EMAIL: Schema = {"type": "string", "format": "email"}
# Integers as observed; strings when the twin is switched to the vendor's own schema.
NUMBER_OR_TEXT: Schema = {"type": ["integer", "string"]}


def ref(name: str) -> Schema:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def rows(items: Schema, longest: int | None = None) -> Schema:
    """An array."""
    return {"type": "array", "items": items} | ({} if longest is None else {"maxItems": longest})


def text(longest: int, shortest: int = 0) -> Schema:
    """A string with bounds."""
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def answer(**properties: Schema) -> Schema:
    """An object that always has exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def form(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object that a client sends; unknown keys are ignored."""
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})
