"""Comparing two JSON values in shape: names and kinds of values, never the values themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

ABSENT: Final = "absent"
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ShapeDifference(NamedTuple):
    """Where two shapes differ, and the kind of value on each side."""

    path: str
    ours: str
    recorded: str


def kind_of(value: Any) -> str:
    """The kind of a value: ``text``, ``moment``, ``guid``, ``number``, ``flag``, ``nothing``, ``object``, ``list``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "moment" if _MOMENT.fullmatch(value) else "guid" if _GUID.fullmatch(value) else "text"
    return "list" if isinstance(value, list) else "object"


def shape_differences(ours: Any, recorded: Any, path: str = "") -> Iterator[ShapeDifference]:
    """Where two values differ in shape.

    A scalar of the ERP (``{"value": …}`` or ``{}``) is one value; nothing fits every value but an empty text, and an
    empty list every list, since what a field may hold beside nothing does not show.
    """
    if _is_scalar(ours) and _is_scalar(recorded):
        ours, recorded = ours.get("value"), recorded.get("value")
        if ours is None or recorded is None:
            return
    kinds = kind_of(ours), kind_of(recorded)
    if {_blank(ours), _blank(recorded)} == {"nothing", "empty text"}:
        yield ShapeDifference(path or "(whole)", _blank(ours), _blank(recorded))
    elif "nothing" in kinds and kinds not in {("nothing", "object"), ("nothing", "list")}:
        return
    elif kinds[0] != kinds[1]:
        yield ShapeDifference(path or "(whole)", *kinds)
    elif isinstance(recorded, dict):
        yield from _by_name(ours, recorded, path)
    elif isinstance(recorded, list) and ours and recorded:
        yield from shape_differences(_merged(ours), _merged(recorded), f"{path}[]")


def _by_name(ours: dict[str, Any], recorded: dict[str, Any], path: str) -> Iterator[ShapeDifference]:
    for name in sorted({*ours, *recorded}):
        below = f"{path}/{name}" if path else name
        if name not in ours:
            yield ShapeDifference(below, ABSENT, _kind_within(recorded[name]))
        elif name not in recorded:
            yield ShapeDifference(below, _kind_within(ours[name]), ABSENT)
        else:
            yield from shape_differences(ours[name], recorded[name], below)


def _blank(value: Any) -> str:
    return "nothing" if value is None else "empty text" if value == "" else ""


def _is_scalar(value: Any) -> bool:
    return isinstance(value, dict) and set(value) <= {"value"}


def _kind_within(value: Any) -> str:
    return kind_of(value.get("value")) if _is_scalar(value) else kind_of(value)


def _merged(rows: list[Any]) -> Any:
    """One row with the fields of all; the first that holds something counts."""
    if not all(isinstance(row, dict) for row in rows):
        return rows[0]
    merged: dict[str, Any] = {}
    for row in rows:
        merged |= {name: value for name, value in row.items() if merged.get(name) in (None, {}, [], "")}
    return merged
