"""The endpoints and their entities, from the published contract.

Source: docs/api/acumatica.md#discovery, #customer and #commerce-tab.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

CONTRACT_VERSION = "4"
DATE_TIME = "DateTimeValue"

CUSTOM_TYPES = {
    "StringValue": "CustomStringField",
    "BooleanValue": "CustomBooleanField",
    "IntValue": "CustomIntField",
    "ShortValue": "CustomShortField",
    "LongValue": "CustomLongField",
    "DecimalValue": "CustomDecimalField",
    "DoubleValue": "CustomDoubleField",
    DATE_TIME: "CustomDateTimeField",
    "GuidValue": "CustomGuidField",
    "ByteValue": "CustomByteField",
}
TOP_LEVEL = ("Customer", "Contact", "CustomerLocation")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity: all that the twin's answers, screens, writes and documents know of it.

    Attributes:
        name: Contract name.
        type: Value type, or the entity it leads to.
        kind: `scalar`, `link` or `detail`.
        view: View under which `$custom` reads it; empty when none does.
        column: Column of the view.
        usual: What a row holds unless something else is declared.
        is_read_only: Keys and what only the system writes.
        options: What the screen offers; empty is anything.
        is_extension: Whether it is outside the system contract and so listed by `$adHocSchema`.
    """

    name: str
    type: str
    kind: str
    view: str
    column: str
    usual: Any
    is_read_only: bool
    options: tuple[str, ...]
    is_extension: bool

    @property
    def custom_type(self) -> str:
        """Its type among custom fields, such as `CustomStringField`."""
        return CUSTOM_TYPES[self.type]


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity of an endpoint, fields in contract order."""

    name: str
    fields: dict[str, Field]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint version with its entities."""

    name: str
    version: str
    entities: dict[str, Entity]

    @property
    def is_system(self) -> bool:
        """Whether it belongs to the product (anonymous callers see only these)."""
        return self.name == "Default"


@cache
def _document() -> dict[str, Any]:
    text = (Path(__file__).parent / "contract_24.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return content


def keys_of(entity: str) -> list[str]:
    """Key fields of a top-level entity in path order."""
    keys: list[str] = _document()["keys"][entity]
    return keys


def screen_of(entity: str) -> str:
    """Screen id of a top-level entity."""
    screen: str = _document()["screens"][entity]
    return screen


def actions_of(entity: str) -> list[str]:
    """Named actions of a top-level entity."""
    actions: list[str] = _document()["actions"][entity]
    return actions


def linked_fields(place: str) -> list[str]:
    """Fields that a linked contact maps, by its place (`MainContact`, `Contacts[].Contact` …)."""
    fields: list[str] = _document()["linked_contact_fields"][place]
    return fields


@cache
def fields_of(entity: str) -> dict[str, Field]:
    """Every field of an entity on the extended endpoint, by name in contract order."""
    return {**_section("entities").get(entity, {}), **_section("extension").get(entity, {})}


@cache
def usual_values(entity: str) -> dict[str, Any]:
    """What a row of an entity holds unless something else is said; a name that is missing has no value."""
    return {name: field.usual for name, field in fields_of(entity).items() if field.usual is not None}


@cache
def custom_fields(entity: str) -> dict[tuple[str, str], Field]:
    """Fields readable by `$custom`, by view and column, those outside the system contract first."""
    fields = sorted(fields_of(entity).values(), key=lambda field: not field.is_extension)
    return {(field.view, field.column): field for field in fields if field.view}


@cache
def endpoints() -> dict[tuple[str, str], Endpoint]:
    """The endpoints that the twin serves, by name and version."""
    plain = {name: Entity(name, fields) for name, fields in _section("entities").items()}
    later = {
        **plain,
        **{name: Entity(name, {**plain[name].fields, **added}) for name, added in _section("added_in_25").items()},
    }
    extended = {**plain, **{name: Entity(name, fields_of(name)) for name in _section("extension")}}
    older = (
        Endpoint("Default", version, _without(plain, lacking)) for version, lacking in _document()["older"].items()
    )
    all_endpoints = (
        *older,
        Endpoint("Default", "24.200.001", plain),
        Endpoint("Default", "25.200.001", later),
        Endpoint("KNCommerce", "24.200.001", extended),
    )
    return {(endpoint.name, endpoint.version): endpoint for endpoint in all_endpoints}


def _without(entities: dict[str, Entity], lacking: dict[str, list[str]]) -> dict[str, Entity]:
    """The entities as an older endpoint has them."""
    return {
        name: Entity(name, {each: field for each, field in entity.fields.items() if each not in lacking.get(name, ())})
        for name, entity in entities.items()
    }


@cache
def _section(section: str) -> dict[str, dict[str, Field]]:
    is_extension = section == "extension"
    return {
        entity: {name: _field(name, declared, is_extension=is_extension) for name, declared in fields.items()}
        for entity, fields in _document()[section].items()
    }


def _field(name: str, declared: dict[str, Any], *, is_extension: bool) -> Field:
    type_name: str = declared["type"]
    is_scalar = type_name.endswith("Value") and type_name != "AttributeValue"
    view, _, column = declared.get("column", "").partition(".")
    return Field(
        name=name,
        type=type_name.removesuffix("[]"),
        kind="detail" if type_name.endswith("[]") else "scalar" if is_scalar else "link",
        view=view,
        column=column,
        usual=declared.get("usual"),
        is_read_only=declared.get("read_only", False),
        options=tuple(declared.get("options", ())),
        is_extension=is_extension,
    )
