"""Every setting of a connector file with the texts that people read of it, from the sections themselves."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from customer_sync.settings.adapter_kind import SOURCES, TARGETS, find_adapter
from customer_sync.settings.connector import Connector
from customer_sync.settings.section import Section
from customer_sync.settings.source_section import SourceSection
from customer_sync.settings.target_section import TargetSection

_WIDE: Final = 10_000
TERMS: Final = "<terms id>"
"""Stands in a path for the name of an entry that people choose."""


class Setting(NamedTuple):
    """One setting.

    Attributes:
        path: Its place in the file, such as ``store.key_field`` or ``terms.<terms id>.days``.
        default: What holds where the file says nothing, as it stands in a file.
        is_required: Whether the file must say it.
        accepted: What it takes, in words.
        says: What it means, in Markdown.
        example: A value that is accepted.
    """

    path: str
    default: Any
    is_required: bool
    accepted: str
    says: str
    example: Any


def described_settings(connector: Connector) -> list[Setting]:
    """Every setting of a connector's file in the file's order; defaults as this kind of source and target has them.

    Args:
        connector: A connector at its defaults; its adapters' sections are described.
    """
    bare = Connector.model_validate(
        {"id": connector.id, "source": {"kind": connector.source.kind}, "target": {"kind": connector.target.kind}}
    )
    sections: dict[type[BaseModel], type[BaseModel]] = {
        SourceSection: find_adapter(SOURCES, connector.source.kind),
        TargetSection: find_adapter(TARGETS, connector.target.kind),
    }
    return list(_walk(Connector, "", bare, sections))


def in_a_file(value: Any) -> Any:
    """A value as it stands in a file: sections and tuples as mappings and lists, a value rule in its shortest form."""
    if isinstance(value, Section):
        short = getattr(value, "in_a_file", None)
        return short() if short is not None else value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, dict):
        return {in_a_file(key): in_a_file(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [in_a_file(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def yaml_text(value: Any) -> str:
    """A value on one line, as YAML that may also stand inside of braces."""
    text = yaml.safe_dump([in_a_file(value)], default_flow_style=True, width=_WIDE, allow_unicode=True, sort_keys=False)
    return text.rstrip("\n")[1:-1]


def _walk(
    model: type[BaseModel], prefix: str, held: Any, sections: dict[type[BaseModel], type[BaseModel]]
) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        value = getattr(held, name, None) if held is not None else field.get_default()
        described = _described(model, name)
        if described is not None and described.description:
            says, example = described.description, (described.examples or [None])[0]
            accepted = _accepted(described)
            if described is not field and get_origin(_plain(field.annotation)) is Literal:
                accepted = f"{_words(_plain(field.annotation), field)}, or {accepted}"
            yield Setting(path, in_a_file(value), field.is_required(), accepted, says, example)
        elif (entry := _entries(field)) is not None:
            yield from _walk(entry, f"{path}.{TERMS}.", None, sections)
        elif (section := _section(field)) is not None:
            yield from _walk(sections.get(section, section), f"{path}.", value, sections)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = _plain(field.annotation)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _entries(field: FieldInfo) -> type[BaseModel] | None:
    kind = _plain(field.annotation)
    values = get_args(kind)[1:] if get_origin(kind) is dict else ()
    return next((each for each in values if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _described(model: type[BaseModel], name: str) -> FieldInfo | None:
    """The field with its texts; where an adapter narrows a field, they are those of what it narrows."""
    for base in model.__mro__:
        field = base.model_fields.get(name) if issubclass(base, BaseModel) else None
        if field is not None and field.description:
            return field
    return None


def _accepted(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "accepted" in extra:
        return str(extra["accepted"])
    kind, or_null = _plain(field.annotation), ""
    if get_origin(kind) in {Union, types.UnionType}:
        kind, or_null = _plain(get_args(kind)[0]), ", or null"
    return _words(kind, field) + or_null


def _words(kind: Any, field: FieldInfo) -> str:
    if kind is bool:
        return "true, false"
    if get_origin(kind) is Literal:
        return ", ".join(str(each) for each in get_args(kind))
    if kind in {int, float}:
        return _bounds(field)
    if kind is str:
        longest = _rule(field, "max_length")
        return f"text of at most {longest}" if longest else "text"
    if get_origin(kind) is tuple:
        what = "number" if _plain(get_args(kind)[0]) is int else "text"
        return f"a list of at least one {what}" if _rule(field, "min_length") else f"a list of {what}s"
    # What is left is the adapter's way to name a place.
    return "a value"


def _bounds(field: FieldInfo) -> str:
    least, most, above = (_rule(field, name) for name in ("ge", "le", "gt"))
    if above is not None:
        return f"above {above:g}, up to {most:g}" if most is not None else f"above {above:g}"
    if most is not None:
        return f"{least:g} to {most:g}" if least is not None else f"up to {most:g}"
    return f"{least:g} or more" if least is not None else "a number"


def _rule(field: FieldInfo, name: str) -> Any:
    return next((getattr(rule, name) for rule in field.metadata if getattr(rule, name, None) is not None), None)


def _plain(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind
