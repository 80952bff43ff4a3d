"""Which fields a body sent, as a selection: the answer to a write holds them whatever `$select` asks.

Source: docs/api/acumatica.md#write-answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.acumatica.contract import Endpoint


def sent_paths(endpoint: Endpoint, entity: str, body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Paths of the fields that a body holds, and the parts to expand for them; unknown names are left out."""
    contract = endpoint.entities[entity]
    paths: list[str] = []
    parts: list[str] = []
    for name, value in body.items():
        field = contract.fields.get(name)
        if field is None or value is None:
            continue
        if field.kind == "scalar":
            paths.append(name)
            continue
        parts.append(name)
        rows = value if isinstance(value, list) else [value]
        if field.kind == "detail":
            # A row is shown whole: which one was meant is seen by its fields.
            paths.append(name)
            continue
        for row in rows:
            if isinstance(row, dict):
                below, parts_below = sent_paths(endpoint, field.type, row)
                paths += [f"{name}/{each}" for each in below]
                parts += [f"{name}/{each}" for each in parts_below]
    return paths, parts


def sent_custom(body: dict[str, Any]) -> list[str]:
    """The custom fields that a body holds, as `View.Field`."""
    custom = body.get("custom")
    views = custom.items() if isinstance(custom, dict) else ()
    return [f"{view}.{name}" for view, fields in views if isinstance(fields, dict) for name in fields]


def joined(text: str, names: Iterable[str]) -> str:
    """A comma list with more names, each once."""
    listed = [each.strip() for each in text.split(",") if each.strip()]
    return ",".join(dict.fromkeys((*listed, *names)))
