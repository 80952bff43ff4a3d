"""What to read of an entity: the query that asks for it, the type that decodes it, the getters that take it out.

All three are built once from the same paths, so they cannot disagree. Rows are decoded straight
from bytes into structs of just the selected fields: ten times faster than dictionaries or pydantic
(docs/performance.md#choices).
"""

import keyword
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from customer_sync.errors import ConfigError
from customer_sync.sources.acumatica.field_types import DETAIL_TYPES, FIELD_TYPES, KEY_FIELDS, LINKED, AnyScalar

Row = Any
"""A decoded row: a struct with ``id`` and the selected fields; read it with getters."""
Getter = Callable[[Row], Any]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Selection:
    """Fields of one entity.

    Args:
        entity: ``Customer``, ``Contact``, ``CustomerLocation`` or one of an extended endpoint.
        fields: Paths such as ``CustomerID``, ``MainContact/Address/City`` or
            ``SiteAssociations/SiteID`` (a field of a detail row). Order and repetition do not matter.
        custom: Custom fields such as ``CurrentCustomer.UsrKNEnableCommerce``, in the entity's own
            views (docs/api/acumatica.md#custom-fields).

    Raises:
        ConfigError: A path is no path.
    """

    entity: str
    fields: tuple[str, ...]
    custom: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for path in (self.entity, *self.fields):
            if not all(_NAME.fullmatch(part) for part in path.split("/")):
                raise ConfigError(
                    f"{path!r} is not a field of the ERP: write names joined by '/', such as MainContact/Email.",
                    setting="fields",
                )
        for path in self.custom:
            view, dot, name = path.partition(".")
            if not (dot and _NAME.fullmatch(view) and _NAME.fullmatch(name)):
                raise ConfigError(
                    f"{path!r} is not a custom field: write View.Field, such as CurrentCustomer.UsrKNEnableCommerce.",
                    setting="custom",
                )
        clash = set(self.fields) & set(self.expansions)
        if clash:
            raise ConfigError(f"{min(clash)!r} is both a field and a part with fields: name its fields only.")

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The entity's key, ``()`` for an entity that is not known here."""
        return KEY_FIELDS.get(self.entity, ())

    @cached_property
    def expansions(self) -> tuple[str, ...]:
        """Every level to expand, each named separately: ``MainContact``, ``MainContact/Address``.

        Source: docs/api/acumatica.md#expand.
        """
        levels = dict.fromkeys(
            "/".join(parts[:depth])
            for parts in (path.split("/") for path in self.fields)
            for depth in range(1, len(parts))
        )
        return tuple(levels)

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """``$select``, ``$expand`` and ``$custom``; those that would be empty are left out."""
        options = (
            ("$select", tuple(dict.fromkeys(self.fields))),
            ("$expand", self.expansions),
            ("$custom", tuple(dict.fromkeys(self.custom))),
        )
        return tuple((name, ",".join(values)) for name, values in options if values)

    @cached_property
    def row_type(self) -> type[msgspec.Struct]:
        """The struct that one row decodes into."""
        extra: list[tuple[str, Any, Any]] = [("id", str | None, None)]
        if self.custom:
            views = _tree(self.custom, ".")
            custom = _struct("Custom", views, kinds=_Kinds({}, views))
            extra.append(("custom", custom | None, custom()))
        return _struct(self.entity, _tree(self.fields), extra)

    def with_fields(self, *paths: str) -> "Selection":
        """Return this selection with more fields, those already there once."""
        return Selection(self.entity, tuple(dict.fromkeys((*self.fields, *paths))), self.custom)

    def without(self, expansions: Sequence[str]) -> "Selection":
        """Return this selection without the fields below the given parts."""
        prefixes = tuple(f"{part}/" for part in expansions)
        kept = tuple(path for path in self.fields if not path.startswith(prefixes))
        return Selection(self.entity, kept, self.custom)

    def getter(self, path: str) -> Getter:
        """Make a function that takes one selected field out of a row.

        Args:
            path: One of ``fields``, or one of ``custom``.

        Returns:
            For a scalar: its value, or ``None`` when it is empty, null or absent, or its part is. For a
            field of a detail: a list with one value per detail row, in order.

        Raises:
            ConfigError: The path was not selected; an unselected field would always seem empty.
        """
        return _compile(self._names(path))

    def columns(self, paths: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
        """Make a function that takes several scalar fields out of a row in one call, in the order of the paths.

        What :meth:`getter` gives for each, at a fifth of the time: all attributes are looked up by one
        ``operator.attrgetter``, and only a row in which a part came as ``null`` is read field by field.

        Args:
            paths: Of ``fields`` or of ``custom``; none may lie in a detail.

        Raises:
            ConfigError: A path was not selected.
        """
        if not paths:
            return lambda _row: ()
        named = [self._names(path) for path in paths]
        getters = [_compile(names) for names in named]
        dotted = [".".join((*map(_attribute_of, names), "value")) for names in named]
        at_once = attrgetter(*dotted)
        is_one = len(dotted) == 1

        def read(row: Row) -> tuple[Any, ...]:
            try:
                return (at_once(row),) if is_one else at_once(row)
            except AttributeError:
                return tuple([getter(row) for getter in getters])

        return read

    @staticmethod
    def part_of(row: Row, path: str) -> Any:
        """Take one of the expansions out of a row: a struct, a list of them or ``None``; below a detail, of one row."""
        part = row
        for name in path.split("/"):
            if isinstance(part, list):
                part = next((each for each in part if getattr(each, _attribute(name)) is not None), None)
            part = None if part is None else getattr(part, _attribute(name))
        return part

    @cached_property
    def parts(self) -> Callable[[Row], Sequence[Any]]:
        """A function that takes all expansions out of a row, as :meth:`part_of` does with each."""
        dotted = [".".join(map(_attribute, part.split("/"))) for part in self.expansions]
        at_once = attrgetter(*dotted) if dotted else None

        def read(row: Row) -> Sequence[Any]:
            try:
                return () if at_once is None else (at_once(row),) if len(dotted) == 1 else at_once(row)
            except AttributeError:
                return [self.part_of(row, part) for part in self.expansions]

        return read

    def _names(self, path: str) -> tuple[str, ...]:
        if path in self.custom:
            view, _, name = path.partition(".")
            return ("custom", view, name)
        if path not in self.fields:
            raise ConfigError(f"{path!r} is not among the fields read from {self.entity}: add it to the selection.")
        return tuple(path.split("/"))

    def detail_getter(self, part: str, names: Sequence[str]) -> Callable[[Row], list[tuple[Any, ...]]]:
        """Make a function that takes several fields out of every row of a detail.

        Args:
            part: The detail, such as ``SiteAssociations``.
            names: Its fields, in the order to return.

        Returns:
            A function giving one tuple per detail row; an empty list when there are none.
        """
        getters = [self.getter(f"{part}/{name}") for name in names]

        def get(row: Row) -> list[tuple[Any, ...]]:
            columns = [getter(row) for getter in getters]
            if columns and not isinstance(columns[0], list):
                # The part came as one linked entity, or not at all.
                return [] if all(value is None for value in columns) else [tuple(columns)]
            return list(zip(*columns, strict=True))

        return get


def _attribute(name: str) -> str:
    # Struct fields must be identifiers that no struct method or keyword uses.
    return f"{name}_" if keyword.iskeyword(name) or name == "id" else name


def _attribute_of(name: str) -> str:
    return name if name == "custom" else _attribute(name)


def _compile(names: tuple[str, ...]) -> Getter:
    first = attrgetter(_attribute_of(names[0]))
    if len(names) == 1:

        def get_value(row: Row) -> Any:
            scalar = first(row)
            return None if scalar is None else scalar.value

        return get_value
    rest = _compile(names[1:])

    def get_below(row: Row) -> Any:
        part = first(row)
        if part is None:
            return None
        return [rest(item) for item in part] if isinstance(part, list) else rest(part)

    return get_below


class _Branch(dict[str, Any]):
    """Field name → what is below it; an empty one is a scalar."""


def _tree(paths: Sequence[str], separator: str = "/") -> _Branch:
    root = _Branch()
    for path in paths:
        branch = root
        for name in path.split(separator):
            branch = branch.setdefault(name, _Branch())
    return root


class _Kinds(NamedTuple):
    """What is known of the fields below a part: types of scalars, and the parts of which there is one."""

    scalars: Mapping[str, Any]
    linked: Collection[str]


_OF_CONTRACT: Final = _Kinds(FIELD_TYPES, LINKED)
_IN_DETAILS: Final = _Kinds(DETAIL_TYPES, LINKED)


def _struct(
    name: str, branch: _Branch, extra: Sequence[tuple[str, Any, Any]] = (), kinds: _Kinds = _OF_CONTRACT
) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        name,
        [*extra, *(_field(key, below, kinds) for key, below in branch.items())],
        rename={_attribute(key): key for key in branch},
        gc=False,
        frozen=True,
    )


def _field(name: str, below: _Branch, kinds: _Kinds) -> tuple[str, Any, Any]:
    """Attribute, type and default; what is absent is an empty part, so that looking below it needs no question."""
    attribute = _attribute(name)
    if not below:
        scalar = _scalar_type(kinds.scalars.get(name, AnyScalar))
        return attribute, scalar | None, scalar()
    is_linked = name in kinds.linked
    row = _struct(name, below, kinds=kinds if is_linked else _IN_DETAILS)
    if is_linked:
        return attribute, row | None, row()
    # A part that is not known to be single may be a detail, which comes as a list.
    return attribute, row | list[row] | None, None  # type: ignore[valid-type]  # the struct is made at run time


def _scalar_type(value_type: Any) -> type[msgspec.Struct]:
    """``{"value": x}``, ``{"value": null}`` and ``{}`` are all a scalar (docs/api/acumatica.md#json)."""
    found = _SCALARS.get(value_type)
    if found is None:
        found = msgspec.defstruct("Scalar", [("value", value_type | None, None)], gc=False, frozen=True)
        _SCALARS[value_type] = found
    return found


_SCALARS: Final[dict[Any, type[msgspec.Struct]]] = {}
