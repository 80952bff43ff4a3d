"""The endpoints and their entities, from the published contract.

Source: docs/api/acumatica.md#discovery, #customer and #commerce-tab.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CONTRACT_VERSION = "4"
DATE_TIME = "DateTimeValue"

# The fields of the Kensium Commerce tab on the extended endpoint, and what they are as extension fields of the row
# (docs/api/acumatica.md#commerce-tab): contract name, contract type, extension field, its custom type.
KN_FIELDS = (
    ("EnableKensiumCommerce", "BooleanValue", "UsrKNEnableCommerce", "CustomBooleanField"),
    ("ConnectionType", "StringValue", "UsrKNConnectionType", "CustomStringField"),
    ("CommerceReferenceID", "StringValue", "UsrKNCommerceRefID", "CustomStringField"),
)
KN_EXTRA_FIELDS = {
    "Customer": ("CustomerType", "StringValue", "UsrKNCustomerType", "CustomStringField"),
    "Contact": ("IsPrimary", "BooleanValue", "UsrKNIsPrimary", "CustomBooleanField"),
}
KN_VIEWS = {"Customer": "CurrentCustomer", "Contact": "ContactCurrent", "CustomerLocation": "LocationCurrent"}
KN_SITE_FIELDS = {
    "SiteID": "StringValue",
    "ConnectionType": "StringValue",
    "Active": "BooleanValue",
    "CommerceReferenceID": "StringValue",
    "LastSyncDateTime": DATE_TIME,
    "LastSyncStatus": "StringValue",
    "LastSyncMessage": "StringValue",
}
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
    """One field of an entity.

    Attributes:
        name: Contract name.
        type: Value type, or the entity it leads to.
        kind: `scalar`, `link` or `detail`.
    """

    name: str
    type: str
    kind: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of a view that can be read with `$custom`.

    Attributes:
        view: View.
        name: Field of the view.
        type: Custom type, such as `CustomStringField`.
        field: Contract name under which the value is stored.
        is_extension: Whether it is outside the system contract and so listed by `$adHocSchema`.
    """

    view: str
    name: str
    type: str
    field: str
    is_extension: bool


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
    content: dict[str, Any] = json.loads((Path(__file__).parent / "contract_24.json").read_text(encoding="utf-8"))
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
def custom_fields(entity: str) -> dict[tuple[str, str], CustomField]:
    """Fields readable by `$custom`, by view and field: extension fields, and contract fields under their view."""
    found: dict[tuple[str, str], CustomField] = {}
    view = KN_VIEWS.get(entity)
    if view is not None:
        extra = (KN_EXTRA_FIELDS[entity],) if entity in KN_EXTRA_FIELDS else ()
        for name, _, extension, custom_type in (*KN_FIELDS, *extra):
            found[view, extension] = CustomField(view, extension, custom_type, name, is_extension=True)
    for name, place in _document()["mapping"].get(entity, {}).items():
        owner, _, column = place.partition(".")
        type_name = _document()["entities"][entity][name]
        found[owner, column] = CustomField(owner, column, CUSTOM_TYPES[type_name], name, is_extension=False)
    return found


@cache
def endpoints() -> dict[tuple[str, str], Endpoint]:
    """The endpoints that the twin serves, by name and version."""
    plain = _entities()
    later = {
        **plain,
        "Address": _with(plain["Address"], dict.fromkeys(_document()["address_fields_added_25"], "StringValue")),
    }
    site = Entity("KNSiteAssociation", {name: _field(name, kind) for name, kind in KN_SITE_FIELDS.items()})
    extended = {**plain, **{name: _with_kn(plain[name]) for name in TOP_LEVEL}, site.name: site}
    all_endpoints = (
        Endpoint("Default", "23.200.001", plain),
        Endpoint("Default", "24.200.001", plain),
        Endpoint("Default", "25.200.001", later),
        Endpoint("KNCommerce", "24.200.001", extended),
    )
    return {(endpoint.name, endpoint.version): endpoint for endpoint in all_endpoints}


def _entities() -> dict[str, Entity]:
    return {
        name: Entity(name, {field: _field(field, type_name) for field, type_name in fields.items()})
        for name, fields in _document()["entities"].items()
    }


def _field(name: str, type_name: str) -> Field:
    if type_name.endswith("[]"):
        return Field(name, type_name[:-2], "detail")
    return Field(name, type_name, "scalar" if type_name.endswith("Value") and type_name != "AttributeValue" else "link")


def _with(entity: Entity, added: dict[str, str]) -> Entity:
    return Entity(entity.name, {**entity.fields, **{name: _field(name, kind) for name, kind in added.items()}})


def _with_kn(entity: Entity) -> Entity:
    added = {name: type_name for name, type_name, _, _ in KN_FIELDS}
    if entity.name in KN_EXTRA_FIELDS:
        name, type_name, _, _ = KN_EXTRA_FIELDS[entity.name]
        added[name] = type_name
    return _with(entity, {**added, "SiteAssociations": "KNSiteAssociation[]"})
