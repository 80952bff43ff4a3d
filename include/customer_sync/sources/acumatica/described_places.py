"""The places of a tenant that a setting could name, each with its values in the records that were looked at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from customer_sync.discovery.description import Kind, Place
from customer_sync.sources.acumatica.discovery import EndpointSchema
from customer_sync.sources.acumatica.field_types import LINKED
from customer_sync.sources.acumatica.sampling import Sampled, is_linked, parts_of
from customer_sync.sources.acumatica.vocabulary import STOCK, STOCK_VIEWS

_KINDS: Final[Mapping[str, Kind]] = {
    "String": "text",
    "Boolean": "flag",
    "Int": "number",
    "Short": "number",
    "Long": "number",
    "Byte": "number",
    "Decimal": "number",
    "Double": "number",
    "DateTime": "moment",
    "Guid": "id",
}
_FIELD_TYPE: Final = re.compile(r"^(?:Custom)?(\w+?)(?:Value|Field)$")
_READABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}(?:/[A-Za-z][A-Za-z0-9_]{0,63})*")
_SELECTOR: Final = re.compile(r"(?:ID|CD|Code|Key|Site|Name|Channel|Type)$")
_SELECTOR_FIRST: Final = re.compile(r"(?:ID|CD)$")
_MOST_SELECTED: Final = 12
Column = tuple[Any, ...]


class _Detail(NamedTuple):
    """A detail: its name, its type's fields, and its rows in each record."""

    name: str
    fields: Mapping[str, str]
    rows: Sequence[Sequence[Mapping[str, Any]]]


def places_of(schema: EndpointSchema, entity: str, custom: Mapping[str, str], sampled: Sampled | None) -> list[Place]:
    """All places of an entity.

    Args:
        schema: What the endpoint says of itself.
        entity: Its name.
        custom: Custom fields, ``View.Field`` -> kind.
        sampled: Records; ``None``: none were looked at.
    """
    rows = sampled.rows if sampled is not None else None
    asked = frozenset(sampled.custom) if sampled is not None else frozenset[str]()
    places = list(_scalars(schema, entity, "", rows))
    links, details = parts_of(schema, entity)
    for link in links:
        places += _scalars(schema, entity, link, rows)
    for name in details:
        places += _detail_places(schema, entity, name, rows)
    places += [_custom(name, kind, rows if name in asked else None) for name, kind in custom.items()]
    return places


def _scalars(schema: EndpointSchema, entity: str, link: str, rows: Sequence[Any] | None) -> Iterator[Place]:
    kind = schema.entities[entity][link].removesuffix("[]") if link else entity
    labels = schema.labels.get(kind, {})
    for name, type_name in schema.entities.get(kind, {}).items():
        if type_name.endswith("[]") or is_linked(schema, type_name):
            continue
        path = f"{link}/{name}" if link else name
        yield Place(
            value=path,
            name=_without_view(name),
            standing="linked" if link else "plain",
            part=link,
            label=labels.get(name, ""),
            kind=_kind(type_name),
            is_known=name in STOCK and (not link or link in LINKED),
            is_readable=_READABLE.fullmatch(path) is not None,
            column=None if rows is None else tuple(_scalar(_below(row, link).get(name)) for row in rows),
        )


def _without_view(name: str) -> str:
    """``DefContact_Email`` is the column ``Email`` of a view of the screen; its view is no part of its meaning."""
    view, has_view, column = name.partition("_")
    return column if has_view and view in STOCK_VIEWS else name


def _custom(path: str, type_name: str, rows: Sequence[Any] | None) -> Place:
    view, _, name = path.partition(".")
    is_own = name.startswith(("Usr", "Attribute")) or view not in STOCK_VIEWS
    return Place(
        value={"custom": path},
        name=name,
        standing="custom",
        kind=_kind(type_name),
        is_known=not is_own,
        column=None if rows is None else tuple(_scalar(_below(_below(row, "custom"), view).get(name)) for row in rows),
    )


def _detail_places(schema: EndpointSchema, entity: str, name: str, rows: Sequence[Any] | None) -> Iterator[Place]:
    fields = schema.entities.get(schema.entities[entity][name].removesuffix("[]"), {})
    values = [(each, _kind(kind)) for each, kind in fields.items() if not kind.endswith("[]")]
    if rows is None:
        # The attributes of a record are rows that nobody has seen.
        if "Value" not in fields:
            yield from (
                Place({"detail": name, "field": each}, each, "detail", name, kind=kind) for each, kind in values
            )
        return
    detail = _Detail(name, fields, [_rows(row.get(name)) for row in rows])
    selector = _selector_of(detail)
    if selector is None:
        if any(detail.rows):
            for each, kind in values:
                column = tuple(_scalar(held[0].get(each)) if held else None for held in detail.rows)
                yield Place({"detail": name, "field": each}, each, "detail", name, kind=kind, column=column)
        return
    for selected in _selected(detail, selector):
        picked = [_pick(held, selector, selected) for held in detail.rows]
        yield from _picked_places(detail, selector, selected, picked)


def _picked_places(
    detail: _Detail, selector: str, selected: str, picked: Sequence[Mapping[str, Any]]
) -> Iterator[Place]:
    names_values = "Value" in detail.fields
    label = next((text for row in picked if (text := str(_scalar(row.get(f"{selector[:-2]}Description")) or ""))), "")
    for each, kind in detail.fields.items():
        if each == selector or kind.endswith("[]") or (names_values and each != "Value"):
            continue
        yield Place(
            value={"detail": detail.name, "where": {selector: selected}, "field": each},
            name=selected if names_values else each,
            standing="detail",
            part=detail.name,
            label=label if names_values else "",
            kind="text" if names_values else _kind(kind),
            column=tuple(_scalar(row.get(each)) for row in picked),
        )


def _selector_of(detail: _Detail) -> str | None:
    """The field that tells a detail's rows apart and is the same in many records: an id before anything else."""
    names = [each for each, kind in detail.fields.items() if _SELECTOR.search(each) and _kind(kind) in {"text", ""}]
    for each in sorted(names, key=lambda name: not _SELECTOR_FIRST.search(name)):
        found = [[str(_scalar(row.get(each)) or "") for row in held] for held in detail.rows if held]
        counted = Counter(text for texts in found for text in texts)
        tells_apart = all(len(set(texts)) == len(texts) for texts in found)
        if found and tells_apart and "" not in counted and (len(counted) <= _MOST_SELECTED or "Value" in detail.fields):
            return each
    return None


def _selected(detail: _Detail, selector: str) -> list[str]:
    return sorted({str(_scalar(row.get(selector))) for held in detail.rows for row in held})


def _pick(held: Sequence[Mapping[str, Any]], selector: str, selected: str) -> Mapping[str, Any]:
    return next((row for row in held if str(_scalar(row.get(selector))) == selected), {})


def _kind(type_name: str) -> Kind:
    found = _FIELD_TYPE.match(type_name)
    return _KINDS.get(found[1], "") if found else ""


def _below(row: Any, name: str) -> Mapping[str, Any]:
    part = row.get(name) if name and isinstance(row, dict) else row
    return part if isinstance(part, dict) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _scalar(value: Any) -> Any:
    """The value of ``{"value": x}``; nothing for what is empty."""
    inner = value.get("value") if isinstance(value, dict) else value
    return inner if isinstance(inner, str | int | float | bool) and inner != "" else None
