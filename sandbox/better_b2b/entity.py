"""What a record's declaration says of its fields, and what follows from it: answers, limits and JSON schemas.

A record of `sandbox.better_b2b.records` declares each field once: its annotation gives name and type, `Shown` what
answers show of it, `Sent` what clients may write. A class variable is a field that answers show and nothing stores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from sandbox.better_b2b.json_schema import (
    BOOLEAN,
    INTEGER,
    INTEGER_OR_NULL,
    INTEGERS,
    NUMBER,
    STRING,
    TEXT_OR_NULL,
    Schema,
    text,
)

Call = Literal["create", "update"]
_ANSWERS: dict[Any, Schema] = {
    str: STRING,
    int: INTEGER,
    float: NUMBER,
    bool: BOOLEAN,
    str | None: TEXT_OR_NULL,
    int | None: INTEGER_OR_NULL,
}
_BODIES: dict[Any, Schema] = {**_ANSWERS, str | None: STRING, int | None: INTEGER, list[int]: INTEGERS}


@dataclass(frozen=True, slots=True)
class Sent:
    """Clients may write the field.

    Attributes:
        longest: Most characters; none is no limit.
        is_required: Whether a create without it is refused.
        only: The only call that takes it; none is both.
        schema: Schema in bodies, where type and limit do not say it.
    """

    longest: int | None = None
    is_required: bool = False
    only: Call | None = None
    schema: Schema | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What answers show of the field, where its type does not say it; no schema hides it."""

    schema: Schema | None = None


HIDDEN = Shown()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity.

    Attributes:
        name: Name in JSON.
        attribute: Name in Python.
        type: Type in Python.
        answer: Schema in answers; none when they do not show it.
        sent: How clients may write it; none when they may not.
    """

    name: str
    attribute: str
    type: Any
    answer: Schema | None
    sent: Sent | None

    @property
    def is_text(self) -> bool:
        """Whether it holds a text, or a text or nothing."""
        return self.type in (str, str | None)

    def body(self) -> Schema:
        """Schema in the bodies that clients send."""
        sent = self.sent or Sent()
        if sent.schema is not None:
            return sent.schema
        if sent.longest is not None:
            return text(sent.longest, int(sent.is_required))
        return _BODIES[self.type]


_FIELDS: dict[type[object], tuple[Field, ...]] = {}
_SHOWN_NAMES: dict[type[object], dict[str, str]] = {}


def fields_of(entity: type[object]) -> tuple[Field, ...]:
    """The fields of a record's class in the order of its answers."""
    known = _FIELDS.get(entity)
    if known is None:
        hints = get_type_hints(entity, include_extras=True)
        known = _FIELDS[entity] = tuple(_field(name, hint) for name, hint in hints.items())
    return known


def _shown_names(entity: type[object]) -> dict[str, str]:
    """Names in answers by attribute; kept, since every record of every list asks."""
    known = _SHOWN_NAMES.get(entity)
    if known is None:
        shown_fields = (field for field in fields_of(entity) if field.answer is not None)
        known = _SHOWN_NAMES[entity] = {field.attribute: field.name for field in shown_fields}
    return known


def _field(attribute: str, hint: Any) -> Field:
    if get_origin(hint) is ClassVar:
        (hint,) = get_args(hint)
    kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    shown_as = next((note for note in notes if isinstance(note, Shown)), None)
    sent = next((note for note in notes if isinstance(note, Sent)), None)
    first, *rest = attribute.split("_")
    name = first + "".join(part.title() for part in rest)
    return Field(name, attribute, kind, _ANSWERS[kind] if shown_as is None else shown_as.schema, sent)


def shown(record: Any, **computed: Any) -> dict[str, Any]:
    """A record as answers show it.

    Args:
        record: The record.
        **computed: Values of fields, by attribute, that differ from those stored.
    """
    names = _shown_names(type(record))
    view = {name: getattr(record, attribute) for attribute, name in names.items()}
    view.update({names[attribute]: value for attribute, value in computed.items()})
    return view


def answer_properties(entity: type[object]) -> dict[str, Schema]:
    """Schemas of the fields that answers show."""
    return {field.name: field.answer for field in fields_of(entity) if field.answer is not None}


def sent_fields(entity: type[object], call: Call) -> list[Field]:
    """The fields that a create or an update takes."""
    return [field for field in fields_of(entity) if field.sent is not None and field.sent.only in (None, call)]


def body_properties(entity: type[object], call: Call) -> dict[str, Schema]:
    """Schemas of the fields that a create or an update takes."""
    return {field.name: field.body() for field in sent_fields(entity, call)}


def required_names(entity: type[object]) -> tuple[str, ...]:
    """Names of the fields that a create must carry."""
    return tuple(field.name for field in fields_of(entity) if field.sent is not None and field.sent.is_required)


def longest_values(entity: type[object]) -> dict[str, int]:
    """Most characters by name, for the fields that have a limit."""
    return {field.name: field.sent.longest for field in fields_of(entity) if field.sent and field.sent.longest}
