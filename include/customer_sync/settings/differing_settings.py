"""In which settings two connector files differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from customer_sync.settings.connector import Connector


def differing_settings(one: Connector, other: Connector) -> tuple[str, ...]:
    """The paths of the settings in which two connectors differ, defaults filled in, in the file's order.

    Args:
        one: A connector.
        other: Another one.
    """
    return tuple(_differing("", one.model_dump(mode="json"), other.model_dump(mode="json")))


def _differing(path: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            yield from _differing(f"{path}.{name}" if path else name, one.get(name), other.get(name))
    elif one != other:
        yield path
