"""Finding the adapter that a connector file names: ``source.kind`` and ``target.kind``."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any, Final

SOURCES: Final = "customer_sync.sources"
"""Entry point group of sources, and the package of those that ship with the product."""

TARGETS: Final = "customer_sync.targets"
"""Entry point group of stores, and the package of those that ship with the product."""

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@cache
def find_adapter(group: str, kind: str) -> Any:
    """Load the class of an adapter's section of the connector file.

    Adapters that ship with the product are found by the name of their folder: that takes no look at what else is
    installed, which the DAG processor would pay for at every parse, and works from a checkout too. All others are
    found by an entry point that names the class.

    Args:
        group: Where to look, such as :data:`SOURCES`.
        kind: The adapter's name.

    Raises:
        ValueError: There is no such adapter; the message names those that there are.
    """
    if _KIND.fullmatch(kind) and find_spec(f"{group}.{kind}"):
        return import_module(f"{group}.{kind}.section").SECTION
    installed = entry_points(group=group)
    if kind in installed.names:
        return installed[kind].load()
    known = ", ".join(sorted(installed.names)) or "none"
    raise ValueError(f"kind '{kind[:60]}' names no adapter that is installed (there are: {known})")


def section_class(group: str, default_kind: str, value: Any) -> Any:
    """The class of a section of the connector file, or of what is to become one; ``None`` where it names no adapter."""
    if value is not None and not isinstance(value, dict):
        return type(value)
    try:
        return find_adapter(group, str((value or {}).get("kind", default_kind)))
    except ValueError:
        return None


def validate_section(group: str, default_kind: str, value: Any) -> Any:
    """Have the adapter that a section of the connector file names validate it."""
    if not isinstance(value, dict):
        return value
    return find_adapter(group, str(value.get("kind", default_kind))).model_validate(value)
