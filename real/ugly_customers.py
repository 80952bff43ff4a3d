"""Ugly values as customers, contacts and locations of the ERP's twin: one customer per value, all else ordinary."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from real.folder import UglyValue
from real.twin_api import TwinApi, wrapped

ENDPOINT: Final = "/entity/KNCommerce/24.200.001"
_REFUSED: Final = 422
_PHONES_PER_CUSTOMER: Final = 3

Fields = dict[str, Any]


@dataclass
class UglyCustomer:
    """A customer of the ERP's twin.

    Attributes:
        customer_id: Its number.
        file: Where its values come from.
        subject: The values, for a report.
        placed: Neutral place -> the ugly value in it, as the ERP took it.
        refused: Places whose value the ERP refused, with what it said.
        wrong: What the ERP's twin answered where it neither took nor refused.
    """

    customer_id: str
    file: str
    subject: str
    placed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    wrong: str = ""


# Neutral place -> entity and path in the ERP's API.
PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "name": ("Customer", "CustomerName"),
    "email": ("Customer", "Email"),
    "phone": ("Customer", "MainContact/Phone1"),
    "attention": ("Customer", "MainContact/Attention"),
    "main_address.line1": ("Customer", "MainContact/Address/AddressLine1"),
    "main_address.line2": ("Customer", "MainContact/Address/AddressLine2"),
    "main_address.city": ("Customer", "MainContact/Address/City"),
    "main_address.state": ("Customer", "MainContact/Address/State"),
    "main_address.postal_code": ("Customer", "MainContact/Address/PostalCode"),
    "main_address.country": ("Customer", "MainContact/Address/Country"),
    "contact.first_name": ("Contact", "FirstName"),
    "contact.last_name": ("Contact", "LastName"),
    "contact.email": ("Contact", "Email"),
    "contact.phone": ("Contact", "Phone1"),
    "location.name": ("CustomerLocation", "LocationName"),
    "location.attention": ("CustomerLocation", "LocationContact/Attention"),
    "location.phone": ("CustomerLocation", "LocationContact/Phone1"),
    "location.line1": ("CustomerLocation", "LocationContact/Address/AddressLine1"),
    "location.line2": ("CustomerLocation", "LocationContact/Address/AddressLine2"),
    "location.city": ("CustomerLocation", "LocationContact/Address/City"),
    "location.state": ("CustomerLocation", "LocationContact/Address/State"),
    "location.postal_code": ("CustomerLocation", "LocationContact/Address/PostalCode"),
    "location.country": ("CustomerLocation", "LocationContact/Address/Country"),
}
_TEXT_PLACES: Final = (
    "name",
    "attention",
    "main_address.line1",
    "main_address.line2",
    "main_address.city",
    "main_address.postal_code",
    "contact.first_name",
    "contact.last_name",
    "location.name",
    "location.attention",
    "location.line1",
    "location.line2",
    "location.city",
    "location.postal_code",
)
_ADDRESS_PARTS: Final[Mapping[str, Sequence[str]]] = {
    "line1": ("road", "house_number", "house", "hotel", "building"),
    "line2": ("suburb", "neighbourhood", "village", "hamlet"),
    "city": ("city", "town", "municipality", "county", "village"),
    "state": ("state_code", "state", "region"),
    "postal_code": ("postcode",),
    "country": ("country_code", "country"),
}


def planned(values: Sequence[UglyValue]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """File, subject and places of each customer."""
    for value in values:
        if value.kind == "text":
            yield value.file, value.value, dict.fromkeys(_TEXT_PLACES, value.value)
        elif value.kind == "email":
            yield value.file, value.value, {"email": value.value, "contact.email": value.value}
        elif value.kind == "address":
            parts = _address(value.value)
            placed = {f"{place}.{part}": text for place in ("main_address", "location") for part, text in parts.items()}
            yield value.file, " ".join(parts.values()), placed
    phones = [value for value in values if value.kind == "phone"]
    for start in range(0, len(phones), _PHONES_PER_CUSTOMER):
        some = phones[start : start + _PHONES_PER_CUSTOMER]
        numbers = [each.value for each in some]
        places = ("phone", "contact.phone", "location.phone")
        yield some[0].file, ", ".join(numbers), dict(zip(places, numbers, strict=False))


def _address(components: Mapping[str, Any]) -> dict[str, str]:
    """An address of components as the fields of a form hold it."""
    found = {}
    for part, names in _ADDRESS_PARTS.items():
        texts = [str(components[name]) for name in names if components.get(name) not in (None, "")]
        text = " ".join(texts) if part in {"line1", "line2"} else next(iter(texts), "")
        if part == "country" and len(text) == 2:  # noqa: PLR2004 - a code
            text = text.upper()
        if text:
            found[part] = text
    return found


def make(twin: TwinApi, number: int, file: str, subject: str, placed: Mapping[str, str]) -> UglyCustomer:
    """Make a customer with a contact and a location; a value that the ERP refuses gives way to an ordinary one."""
    key = f"U{number:05d}"
    made = UglyCustomer(key, file, subject, dict(placed))
    host = f"ugly{number}.example.com"
    customer: Fields = {
        "CustomerID": key,
        "CustomerName": f"Plain {key}",
        "CustomerClass": "B2B",
        "Email": f"office@{host}",
        "EnableKensiumCommerce": True,
        "ConnectionType": "KNB",
        "MainContact": {"Phone1": "555 0100", "Address": _plain_address()},
    }
    contact: Fields = {
        "BusinessAccount": key,
        "FirstName": "Ada",
        "LastName": "Plain",
        "Email": f"ada@{host}",
        "Phone1": "555 0101",
        "Active": True,
        "EnableKensiumCommerce": True,
        "ConnectionType": "KNB",
    }
    location: Fields = {
        "Customer": key,
        "LocationID": "UGLY",
        "LocationName": "Plain location",
        "ContactOverride": True,
        "AddressOverride": True,
        "LocationContact": {"Attention": "Ada Plain", "Phone1": "555 0102", "Address": _plain_address()},
    }
    for entity, fields in (("Customer", customer), ("Contact", contact), ("CustomerLocation", location)):
        _put(twin, entity, fields, made)
        if made.wrong:
            break
    return made


def _plain_address() -> Fields:
    return {"AddressLine1": "1 Plain Way", "City": "Austin", "State": "TX", "PostalCode": "78701", "Country": "US"}


def _put(twin: TwinApi, entity: str, plain: Fields, made: UglyCustomer) -> None:
    """Write a record with its ugly values, without those that are refused."""
    while True:
        fields = json.loads(json.dumps(plain))
        mine = {place: PLACES[place][1] for place in made.placed if PLACES[place][0] == entity}
        for place, path in mine.items():
            _set(fields, path.split("/"), made.placed[place])
            _without_state_of_elsewhere(fields, path, place, made.placed)
        answer = twin.send("PUT", f"{ENDPOINT}/{entity}", json.dumps(wrapped(fields)).encode())
        if answer.status < 300:  # noqa: PLR2004 - an HTTP status
            return
        refused = _errors(answer.body) if answer.status == _REFUSED else {}
        gone = {place: refused[path] for place, path in mine.items() if path in refused}
        if not gone:
            made.wrong = f"{answer.status} {answer.body.decode('utf-8', 'replace')[:200]}"
            return
        made.refused |= gone
        for place in gone:
            del made.placed[place]


def _without_state_of_elsewhere(fields: Fields, path: str, place: str, placed: Mapping[str, str]) -> None:
    """The ordinary state belongs to the ordinary country."""
    if path.endswith("/Country"):
        prefix = place.rpartition(".")[0]
        if f"{prefix}.state" not in placed:
            _set(fields, path.replace("/Country", "/State").split("/"), "")


def _set(fields: Fields, path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        fields = fields.setdefault(name, {})
    fields[path[-1]] = value


def _errors(body: bytes) -> dict[str, str]:
    """Path -> what the ERP says of the field there."""

    def below(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            if path and isinstance(value.get("error"), str):
                yield path, value["error"]
            for name, item in value.items():
                yield from below(item, f"{path}/{name}" if path else name)

    return dict(below(json.loads(body), ""))
