"""Values of the ERP's rows as the connector file's rules name them: what to select, and how a row is read. Pure.

A reader is made once for a connector and then called for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from customer_sync.sources.acumatica.field_table import Form
from customer_sync.sources.acumatica.field_types import Moment, type_of
from customer_sync.sources.acumatica.selection import Row, Selection
from customer_sync.sources.acumatica.value_rule import FieldSource, ValueRule

_TRUE = frozenset({"true", "1", "yes", "y"})

Read = Callable[[Row], Any]
T = TypeVar("T")


def record_maker(
    selection: Selection,
    record: type[T],
    fields: Mapping[str, tuple[Form, ValueRule | None]],
    given: Sequence[str] = (),
) -> Callable[..., T]:
    """Compile a function that makes a record of a row: ``make(row, *given)``.

    All plain fields of the contract come from one look at the row; what needs more, such as a second source, a detail
    row or a converter, is worked out one by one. The function is generated, as ``dataclasses`` generates theirs: going
    over a table for every row takes half as long again.

    Args:
        selection: Holds every field that is named.
        record: Makes the record from keyword arguments.
        fields: Argument -> its form and where it is read from; ``None`` = nowhere, which suits an id only: every answer
            has one of its own.
        given: Further arguments, which the caller hands over.
    """
    paths: list[str] = []
    tools: dict[str, Any] = {"record": record, "text_of": text_of, "moment_of": moment_of}
    arguments = [f"{name}={name}" for name in given]
    for name, (form, rule) in fields.items():
        if rule is None:
            arguments.append(f"{name}=text_of(row.id)")
            continue
        path = plain_path(rule)
        kind = type_of(path)
        is_first = bool(path) and kind in _WAYS[form].types
        value = f"v{len(paths)}"
        if is_first:
            paths.append(path)
        if not is_first or len(rule.sources) > 1:
            tools[f"read_{name}"] = _WAYS[form].reader(selection, rule)
        first = _TEXT if kind is str and form in {"text", "id"} else _WAYS[form].expression
        found = [first.format(value)] if is_first else []
        found += [f"read_{name}(row)"] if f"read_{name}" in tools else []
        found += ["text_of(row.id)"] if form == "id" else []
        arguments.append(f"{name}={' or '.join(found)}")
    names = "".join(f"v{number}, " for number in range(len(paths)))
    tools["columns"] = selection.columns(paths)
    if issubclass(record, tuple):
        # A named tuple, made of a plain one as it makes itself: by name it takes twice the time.
        places: Sequence[str] = record._fields  # type: ignore[attr-defined]
        tools |= {"new": tuple.__new__, "rest": record._field_defaults}  # type: ignore[attr-defined]
        values = dict(each.split("=", 1) for each in arguments)
        made = f"new(record, ({', '.join(values.get(name, f'rest[{name!r}]') for name in places)},))"
    else:
        made = f"record({', '.join(arguments)})"
    text = f"""
def make({", ".join(("row", *given))}):
    {names or "_"} = columns(row)
    return {made}
"""
    exec(text, tools)  # noqa: S102 - made of the names of our own tables, nothing of a file or an answer
    make: Callable[..., T] = tools["make"]
    return make


def plain_path(rule: ValueRule) -> str:
    """Give the path of a rule's first source where that is a field read without conversion, else ``""``."""
    source = rule.sources[0]
    is_plain = not source.detail and not source.custom and all(name == "trim" for name in rule.convert)
    return source.field if is_plain else ""


def selection_of(entity: str, rules: Iterable[ValueRule]) -> Selection:
    """Everything that some rules need of an entity."""
    paths: dict[str, None] = {}
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
    expected = tuple(value.casefold() for value in source.where.values())

    def read(row: Row) -> Any:
        for *facts, value in rows_of(row):
            if tuple(text_of(fact).casefold() for fact in facts) == expected:
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


def unused_reader(selection: Selection, rules: Mapping[str, ValueRule | None]) -> Callable[[Row], dict[str, int]]:
    """Make a function that counts, for each field that takes the first of several values, those that are not taken.

    Args:
        selection: Holds every field that the rules name.
        rules: The model's name of each field -> where it is read from.
    """
    texts = {
        name: text_reader(selection, rule.model_copy(update={"convert": ("trim",)}))
        for name, rule in rules.items()
        if rule is not None and "first" in rule.convert
    }
    if not texts:
        return lambda _row: {}

    def read(row: Row) -> dict[str, int]:
        found = {name: len({value.casefold() for value in _several(text(row))}) - 1 for name, text in texts.items()}
        return {name: number for name, number in found.items() if number > 0}

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


def _stamp_reader(selection: Selection, rule: ValueRule) -> Callable[[Row], datetime | None]:
    read = _source_reader(selection, rule.sources[0])
    return lambda row: moment_of(read(row))


def _converter(name: str) -> Callable[[str], str]:
    if name.startswith("cut:"):
        length = int(name.removeprefix("cut:"))
        return lambda text: text[:length]
    return {"first": _first, "upper": str.upper, "lower": str.lower, "digits": _digits}[name]


def _first(text: str) -> str:
    """The first of several values in one field, as people write e-mail addresses side by side."""
    return next(iter(_several(text)), "")


def _several(text: str) -> list[str]:
    return [part for each in text.replace(";", ",").split(",") if (part := each.strip())]


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


class _Way(NamedTuple):
    """How values of one form are read.

    Attributes:
        types: Types of fields that need no more than a look.
        expression: What is made of such a value, in the generated function.
        reader: Makes a function for all others.
    """

    types: tuple[Any, ...]
    expression: str
    reader: Callable[[Selection, ValueRule], Read]


_TEXT: Final = '({0}.strip() if {0} else "")'
_WAYS: Final[Mapping[Form, _Way]] = {
    "text": _Way((str, int), "text_of({0})", text_reader),
    "id": _Way((str,), "text_of({0})", text_reader),
    "flag": _Way((bool,), "{0}", flag_reader),
    "stamp": _Way((Moment,), "moment_of({0})", _stamp_reader),
}
