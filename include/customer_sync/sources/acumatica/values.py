"""Values of the ERP's rows as the connector file's rules name them: what to select, and how a row is read. Pure.

A row is read once: all of its texts come from one call (``Selection.columns``), and only rules that
need more (a second source, a detail row, a converter) are worked out one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from customer_sync.settings.value_rule import FieldSource, ValueRule
from customer_sync.sources.acumatica.fields import FIELD_TYPES
from customer_sync.sources.acumatica.selection import Row, Selection

ADDRESS_FIELDS = ("AddressLine1", "AddressLine2", "City", "State", "PostalCode", "Country")
"""Fields of an address, in the order of ``PostalAddress``."""

_TRUE = frozenset({"true", "1", "yes", "y"})

Read = Callable[[Row], Any]


class RowColumns:
    """Reads all that is wanted of a row in one call: texts, then values as they are.

    Args:
        selection: Holds every field that is named.
        texts: What is read as text, trimmed, ``""`` where there is nothing: a path where that is always read from
            there, or a rule of the connector file.
        values: Paths of fields that are taken as they come, ``None`` where there is nothing.
    """

    def __init__(self, selection: Selection, texts: Sequence[str | ValueRule], values: Sequence[str] = ()) -> None:
        paths: list[str] = []
        self._computed: list[tuple[int, Callable[[Row], str]]] = []
        self._second: list[tuple[int, Callable[[Row], str]]] = []
        for position, item in enumerate(texts):
            path = item if isinstance(item, str) else _plain_path(item)
            if path and FIELD_TYPES.get(path.rpartition("/")[2]) is str:
                paths.append(path)
                if isinstance(item, ValueRule) and len(item.sources) > 1:
                    self._second.append((position, text_reader(selection, item)))
            else:
                read = _field_as_text(selection, item) if isinstance(item, str) else text_reader(selection, item)
                self._computed.append((position, read))
        self._text_count = len(paths)
        self._columns = selection.columns([*paths, *values])

    def __call__(self, row: Row) -> list[Any]:
        """The texts and then the values, each in the order in which they were wanted."""
        read = self._columns(row)
        texts: list[Any] = [text.strip() if text else "" for text in read[: self._text_count]]
        for position, compute in self._computed:
            texts.insert(position, compute(row))
        for position, compute in self._second:
            if not texts[position]:
                texts[position] = compute(row)
        texts += read[self._text_count :]
        return texts


def _plain_path(rule: ValueRule) -> str:
    """The path of a rule's first source where that is a field taken as it is, else ``""``."""
    source = rule.sources[0]
    is_plain = not source.detail and not source.custom and all(name == "trim" for name in rule.convert)
    return source.field if is_plain else ""


def _field_as_text(selection: Selection, path: str) -> Callable[[Row], str]:
    get = selection.getter(path)
    return lambda row: text_of(get(row))


def selection_of(entity: str, fixed: Iterable[str], rules: Iterable[ValueRule]) -> Selection:
    """Everything that some fixed paths and some rules need of an entity."""
    paths = dict.fromkeys(fixed)
    custom: dict[str, None] = {}
    for rule in rules:
        for source in rule.sources:
            if source.custom:
                custom[source.custom] = None
            elif source.detail:
                paths.update(dict.fromkeys(f"{source.detail}/{name}" for name in (*source.where, source.field)))
            else:
                paths[source.field] = None
    return Selection(entity, tuple(paths), tuple(custom))


def _source_reader(selection: Selection, source: FieldSource) -> Read:
    if source.custom:
        return selection.getter(source.custom)
    if not source.detail:
        return selection.getter(source.field)
    rows_of = selection.detail_getter(source.detail, [*source.where, source.field])
    wanted = tuple(value.casefold() for value in source.where.values())

    def read(row: Row) -> Any:
        for *facts, value in rows_of(row):
            if tuple(text_of(fact).casefold() for fact in facts) == wanted:
                return value
        return None

    return read


def text_reader(selection: Selection, rule: ValueRule) -> Callable[[Row], str]:
    """Make a function that reads a rule's text: the first source that holds something, converted."""
    reads = [_source_reader(selection, source) for source in rule.sources]
    converters = [_converter(name) for name in rule.convert if name != "trim"]

    def read(row: Row) -> str:
        text = ""
        for get in reads:
            text = text_of(get(row))
            if text:
                break
        for convert in converters:
            text = convert(text)
        return text

    return read


def flag_reader(selection: Selection, rule: ValueRule) -> Callable[[Row], bool | None]:
    """Make a function that reads a switch; ``None`` where the ERP holds no value."""
    reads = [_source_reader(selection, source) for source in rule.sources]

    def read(row: Row) -> bool | None:
        for get in reads:
            value = get(row)
            if value is not None and value != "":
                return value if isinstance(value, bool) else text_of(value).casefold() in _TRUE
        return None

    return read


def _converter(name: str) -> Callable[[str], str]:
    if name.startswith("cut:"):
        length = int(name.removeprefix("cut:"))
        return lambda text: text[:length]
    return {"upper": str.upper, "lower": str.lower, "digits": _digits}[name]


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def text_of(value: Any) -> str:
    """A value as text, trimmed; ``""`` for nothing."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def moment_of(value: Any) -> datetime | None:
    """A stamp in UTC, ``None`` where the value is none."""
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def moment_text(value: datetime | None) -> str:
    """A stamp in UTC as ISO 8601 with ``+00:00``, ``""`` for none; ``isoformat`` takes ten times as long."""
    return f"{msgspec.to_builtins(value)[:-1]}+00:00" if value else ""
