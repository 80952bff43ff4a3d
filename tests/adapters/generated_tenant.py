"""Tenants made at random from an endpoint's document, each with the right value of every setting of section ``source``.

Fields bear contract names, names of columns or labels of screens; switches hide in the contract, in custom fields, in
details or in attributes; decoys stand beside them. One seed makes one tenant.
"""

from __future__ import annotations

import copy
import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from customer_sync.http.transport import Headers, HttpRequest, HttpResponse

Row = dict[str, Any]

ROWS = 60
_HEAD = Headers([b"Content-Type: application/json", b"Set-Cookie: .ASPXAUTH=x", b"Date: Tue, 01 Dec 2026 05:00:00 GMT"])

NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Customer": {
        "CustomerName": ("AcctName", "AccountName", "CustomerName"),
        "Email": ("AccountEmail", "EMail", "Email"),
        "CustomerClass": ("CustomerClassID", "ClassID", "CustomerClass"),
        "Status": ("CustomerStatus", "Status"),
        "Terms": ("TermsID", "PaymentTerms", "Terms"),
        "PrimaryContactID": ("PrimaryContactID", "PrimaryContact_ID"),
        "NoteID": ("NoteID",),
    },
    "Contact": {
        "Email": ("EMail", "EmailAddress", "Email"),
        "FirstName": ("FirstName", "First_Name"),
        "LastName": ("LastName", "Last_Name"),
    },
    "CustomerLocation": {
        "LocationName": ("Descr", "LocationName", "LocationDescr"),
        "Default": ("IsDefault", "Default"),
        "Status": ("Status", "LocationStatus"),
    },
}
"""Entity -> contract name -> names that tenants give the field: of columns and of screens."""

SETTINGS: Mapping[str, tuple[str, str]] = {
    "customer.name": ("Customer", "CustomerName"),
    "customer.email": ("Customer", "Email"),
    "customer.customer_class": ("Customer", "CustomerClass"),
    "customer.status": ("Customer", "Status"),
    "customer.terms": ("Customer", "Terms"),
    "customer.primary_contact_id": ("Customer", "PrimaryContactID"),
    "customer.record_id": ("Customer", "NoteID"),
    "contact.email": ("Contact", "Email"),
    "contact.first_name": ("Contact", "FirstName"),
    "contact.last_name": ("Contact", "LastName"),
    "location.name": ("CustomerLocation", "LocationName"),
    "location.status": ("CustomerLocation", "Status"),
    "location.is_default": ("CustomerLocation", "Default"),
}
"""Setting -> the entity and the contract field that it names on a stock endpoint."""

_INSTEAD = {"customer.email": "MainContact/Email", "customer.primary_contact_id": "PrimaryContact/ContactID"}
_MAIN_NAMES = ("MainContact", "DefContact")
_FIXED: Mapping[str, Any] = {
    "contact.phone": ["Phone1", "Phone2"],
    "location.phone": ["LocationContact/Phone1", "LocationContact/Phone2"],
    "location.entity": "CustomerLocation",
}

_ATTRIBUTES_ON = ("WEBSTORE", "WEBENABLED", "B2BENABLED", "ECOMMERCE", "ENABLEWEB")
_CUSTOM_ON = ("UsrKNEnableCommerce", "UsrEnableKensiumCommerce", "UsrWebEnabled", "UsrEnableB2B", "UsrSyncToStore")
_CUSTOM_CONNECTION = ("UsrKNConnectionType", "UsrConnectionType", "UsrKNConnectorType")
_CUSTOM_REFERENCE = ("UsrKNCommerceRefID", "UsrCommerceReferenceID", "UsrWebID", "UsrStoreCompanyID")
_ATTRIBUTES_TYPE = ("CUSTTYPE", "B2BTYPE", "CUSTOMERTYPE")
_TERMS = ("30D", "NET30", "COD", "45D")


@dataclass
class Tenant:
    """A tenant: what it answers, and what is right.

    Attributes:
        labels: Setting below ``source`` -> the right value.
        unseen: Settings whose place no document shows.
    """

    document: dict[str, Any]
    custom: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    refuses_details: bool = False
    hides_details: bool = False
    requests: list[str] = field(default_factory=list)

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer a request as the site would."""
        self.requests.append(f"{request.method} {request.path}")
        path = unquote(request.path)
        if path.endswith(("/auth/login", "/auth/logout")):
            return HttpResponse(204, _HEAD)
        fixed = {
            "/Frames/Login.aspx": {},
            "/entity": {"endpoints": [{"name": "Tried", "version": "24.200.001"}], "version": {}},
            "/entity/Tried/24.200.001/swagger.json": self.document,
        }
        if path in fixed:
            return _json(fixed[path])
        *_, entity, last = path.split("/")
        if last == "$adHocSchema":
            return _json({"id": None, "custom": _views(self.custom.get(entity, {}))})
        query = dict(request.query)
        if last in self.rows:
            return self._list(last, query)
        row = next((each for each in self.rows.get(entity, []) if each["id"] == last), None)
        return _json(row) if row else _json({"message": "No entity satisfies the condition."}, 500)

    def close(self) -> None:
        """Nothing is open."""

    def _list(self, entity: str, query: Mapping[str, str]) -> HttpResponse:
        asked = query.get("$expand", "").split(",")
        details = [name for name, value in self.rows[entity][0].items() if isinstance(value, list)]
        if self.refuses_details and set(details) & set(asked):
            text = "Optimization cannot be performed. The following fields cause the error: " + ", ".join(details)
            return _json({"message": "An error has occurred.", "exceptionMessage": text}, 500)
        rows = self.rows[entity][: int(query.get("$top", "1000"))]
        if self.hides_details:
            rows = [{name: [] if name in details else value for name, value in row.items()} for row in rows]
        return _json(rows)


class _Maker:
    """Makes one tenant."""

    def __init__(self, document: Mapping[str, Any], seed: int) -> None:
        self.dice = random.Random(seed)
        self.tenant = Tenant(copy.deepcopy(dict(document)))
        body = self.tenant.document
        self.schemas = body.get("definitions") or body["components"]["schemas"]
        self.prefix = "#/definitions/" if "definitions" in body else "#/components/schemas/"
        self.values: dict[str, list[Row]] = {entity: [{} for _ in range(ROWS)] for entity in NAMES}

    def make(self) -> Tenant:
        self._rename()
        self._main_contact()
        self._switches()
        self._type()
        self._decoys()
        self.tenant.labels |= _FIXED
        self._fill()
        self.tenant.refuses_details = self.dice.random() < 0.2
        self.tenant.hides_details = not self.tenant.refuses_details and self.dice.random() < 0.2
        return self.tenant

    # -- the contract ------------------------------------------------------------------------------

    def fields(self, entity: str) -> dict[str, Any]:
        """The properties of an entity, to be changed."""
        schema = self.schemas[entity]
        found: dict[str, Any] = next((p["properties"] for p in schema.get("allOf", [schema]) if "properties" in p), {})
        return found

    def add(self, entity: str, name: str, kind: str = "StringValue") -> None:
        """A further field."""
        self.fields(entity)[name] = {"$ref": f"{self.prefix}{kind}"}

    def _rename(self) -> None:
        named: dict[tuple[str, str], str] = {}
        is_renamed = self.dice.random() < 0.7
        for entity, names in NAMES.items():
            fields = self.fields(entity)
            for name, others in names.items():
                if name in fields:
                    new = self.dice.choice(others) if is_renamed else name
                    fields[new] = fields.pop(name)
                    named[entity, name] = new
        for setting, place in SETTINGS.items():
            self.tenant.labels[setting] = named.get(place, _INSTEAD.get(setting))
        self.named = named

    def _main_contact(self) -> None:
        fields = self.fields("Customer")
        self.main = self.dice.choices(_MAIN_NAMES, (5, 1))[0]
        if self.main not in fields:
            fields[self.main] = fields.pop("MainContact")
        labels = self.tenant.labels
        labels["customer.phone"] = [f"{self.main}/Phone1", f"{self.main}/Phone2"]
        labels["customer.attention"] = f"{self.main}/Attention"
        if labels["customer.email"] == "MainContact/Email":
            labels["customer.email"] = f"{self.main}/{self.named['Contact', 'Email']}"
        location = [f"LocationContact/{name}" for name in ("Attention", "FullName") if name in self.fields("Contact")]
        labels["location.attention"] = location[0] if len(location) == 1 else location

    # -- switches ----------------------------------------------------------------------------------

    def _switches(self) -> None:
        {
            "contract": self._in_contract,
            "custom": self._in_custom_fields,
            "detail": self._in_a_detail,
            "attribute": self._in_attributes,
            "none": self._nowhere,
        }[self.dice.choice(("contract", "custom", "detail", "attribute", "none"))]()

    def _set(self, record: str, **places: Any) -> None:
        for name in ("enabled", "connection_type", *(("reference_id",) if record == "customer" else ())):
            self.tenant.labels[f"{record}.{name}"] = places.get(name)

    def _in_contract(self) -> None:
        names = self.dice.choice(
            (
                ("EnableKensiumCommerce", "ConnectionType", "CommerceReferenceID"),
                ("EnableKensiumCommerceFramework", "ConnectionType", "CommerceReferenceID"),
                ("EnableCommerce", "ConnectorType", "CommerceRefID"),
            )
        )
        for record, entity in (("customer", "Customer"), ("contact", "Contact"), ("location", "CustomerLocation")):
            self.add(entity, names[0], "BooleanValue")
            self.add(entity, names[1])
            self._column(entity, names[0], self._flag)
            self._column(entity, names[1], lambda: self.dice.choice(("KNB", "KNB", "BCM")))
            self._set(record, enabled=names[0], connection_type=names[1], reference_id=names[2])
        self.add("Customer", names[2])
        self._column("Customer", names[2], self._reference)

    def _in_custom_fields(self) -> None:
        views = {"Customer": "CurrentCustomer", "Contact": "ContactCurrent", "CustomerLocation": "LocationCurrent"}
        switch, connection = self.dice.choice(_CUSTOM_ON), self.dice.choice(_CUSTOM_CONNECTION)
        reference = self.dice.choice(_CUSTOM_REFERENCE)
        for record, entity in (("customer", "Customer"), ("contact", "Contact"), ("location", "CustomerLocation")):
            view = views[entity]
            self._custom(entity, f"{view}.{switch}", "CustomBooleanField", self._flag)
            self._custom(entity, f"{view}.{connection}", "CustomStringField", lambda: self.dice.choice(("KNB", "BCM")))
            self._set(
                record,
                enabled={"custom": f"{view}.{switch}"},
                connection_type={"custom": f"{view}.{connection}"},
                reference_id={"custom": f"{view}.{reference}"},
            )
        self._custom("Customer", f"CurrentCustomer.{reference}", "CustomStringField", self._reference)
        self.tenant.unseen |= {"customer.enabled", "customer.connection_type", "customer.reference_id"}
        self.tenant.unseen |= {"contact.enabled", "contact.connection_type"}
        self.tenant.unseen |= {"location.enabled", "location.connection_type"}

    def _in_a_detail(self) -> None:
        name = self.dice.choice(("SiteAssociations", "CommerceSites"))
        active = self.dice.choice(("Active", "Enabled", "EnableCommerce"))
        site = self.dice.choice(("B2BMAIN", "NORTH", "WEB"))
        kinds = {"SiteID": "StringValue", active: "BooleanValue", "ConnectionType": "StringValue"}
        kinds |= {"CommerceReferenceID": "StringValue", "LastSyncStatus": "StringValue"}
        properties = {each: {"$ref": f"{self.prefix}{kind}"} for each, kind in kinds.items()}
        self.schemas["SiteAssociationRow"] = {"type": "object", "properties": properties}
        self.fields("Customer")[name] = {"type": "array", "items": {"$ref": f"{self.prefix}SiteAssociationRow"}}
        for row in self.values["Customer"]:
            associated = {
                "SiteID": site,
                active: self._flag(),
                "ConnectionType": "KNB",
                "CommerceReferenceID": self._reference(),
                "LastSyncStatus": "Processed",
            }
            row[name] = [_wrapped(associated)] if self.dice.random() < 0.8 else []
        where = {"detail": name, "where": {"SiteID": site}}
        self._set(
            "customer",
            enabled={**where, "field": active},
            connection_type={**where, "field": "ConnectionType"},
            reference_id={**where, "field": "CommerceReferenceID"},
        )
        self._set("contact")
        self._set("location")
        self.tenant.unseen |= {"customer.enabled", "customer.connection_type", "customer.reference_id"}

    def _in_attributes(self) -> None:
        switch = self.dice.choice(_ATTRIBUTES_ON)
        on = self.dice.choice((("1", "0"), ("Yes", "No"), ("true", "false"), ("Y", "N")))
        self._attribute(switch, lambda: self.dice.choice(on), self.dice.choice(("Sell in web store", "")))
        self._set("customer", enabled=_attribute(switch))
        self._set("contact")
        self._set("location")
        self.tenant.unseen.add("customer.enabled")

    def _nowhere(self) -> None:
        for record in ("customer", "contact", "location"):
            self._set(record)

    # -- the type, and what is no setting ----------------------------------------------------------

    def _type(self) -> None:
        self.class_name = self.named["Customer", "CustomerClass"]
        way = self.dice.choice(("class", "class", "attribute", "custom"))
        self.class_values = ("B2B", "B2B", "RETAIL", "WEB") if way == "class" else ("DEALER", "RETAIL", "KEY")
        labels = self.tenant.labels
        labels["customer.type"] = self.class_name
        if way == "attribute":
            name = self.dice.choice(_ATTRIBUTES_TYPE)
            self._attribute(name, lambda: self.dice.choice(("B2B", "B2C")), "Type of customer")
            labels["customer.type"] = _attribute(name)
        elif way == "custom":
            place = "CurrentCustomer.UsrCustomerType"
            self._custom("Customer", place, "CustomStringField", lambda: self.dice.choice(("B2B", "B2C", "B2B")))
            labels["customer.type"] = {"custom": place}
        if way != "class":
            self.tenant.unseen.add("customer.type")

    def _decoys(self) -> None:
        chosen = self.dice.sample(_DECOYS, self.dice.randint(0, 5))
        for decoy in chosen:
            decoy(self)

    # -- values ------------------------------------------------------------------------------------

    def _fill(self) -> None:
        for entity, rows in self.values.items():
            custom = self.tenant.custom.get(entity, {})
            filled: list[Row] = []
            for number, own in enumerate(rows):
                row: Row = {"id": str(uuid.UUID(int=self.dice.getrandbits(128)))}
                row |= {name: {} for name in self.fields(entity) if name not in own}
                row |= _wrapped(self._usual(entity, number))
                row |= {name: value for name, value in own.items() if isinstance(value, list)}
                scalars = {name: value for name, value in own.items() if not isinstance(value, list)}
                row |= _wrapped({name: value for name, value in scalars.items() if name not in custom})
                row["custom"] = _views(custom, {name: scalars.get(name) for name in custom})
                filled.append(row)
            self.tenant.rows[entity] = filled

    def _usual(self, entity: str, number: int) -> Row:
        name = {old: new for (of, old), new in self.named.items() if of == entity}
        person = {
            self.named["Contact", "Email"]: f"buyer{number}@shop{number}.example",
            "Phone1": f"+1 555 010 {1000 + number}",
            "Phone2": "",
            "Attention": f"Mr Buyer {chr(65 + number % 26)}",
            "FullName": f"Firm {number} Ltd",
        }
        values: Row = {
            "Customer": {
                "CustomerID": f"C{number:06}",
                name.get("CustomerName", ""): f"Firm {number} Ltd",
                name.get("Email", ""): f"office{number}@firm{number}.example",
                self.class_name: self.dice.choice(self.class_values),
                name.get("Status", ""): self.dice.choice(("Active", "Active", "On Hold", "Inactive")),
                name.get("Terms", ""): self.dice.choice(_TERMS),
                name.get("PrimaryContactID", ""): 100_000 + number,
                name.get("NoteID", ""): str(uuid.UUID(int=number + 1)),
                "ShippingTerms": self.dice.choice(("FOB", "EXW")),
                "CustomerCategory": "Organization",
                self.main: _wrapped(person),
                "PrimaryContact": _wrapped({"ContactID": 100_000 + number}),
            },
            "Contact": {
                "ContactID": 100_000 + number,
                name.get("Email", ""): f"person{number}@firm{number}.example",
                name.get("FirstName", ""): self.dice.choice(("Ann", "Bo", "Cy")),
                name.get("LastName", ""): f"Buyer{chr(65 + number % 26)}",
                "Phone1": f"+1 555 011 {1000 + number}",
                "Active": True,
                "Status": "Active",
            },
            "CustomerLocation": {
                "LocationID": "MAIN" if number % 2 else "SITE2",
                name.get("LocationName", ""): f"Warehouse {number}",
                name.get("Status", ""): "Active",
                name.get("Default", ""): bool(number % 2),
                "LocationContact": _wrapped(person),
            },
        }[entity]
        return {key: value for key, value in values.items() if key in self.fields(entity)}

    def _column(self, entity: str, name: str, value: Callable[[], Any]) -> None:
        for row in self.values[entity]:
            row[name] = value()

    def _custom(self, entity: str, path: str, kind: str, value: Callable[[], Any]) -> None:
        self.tenant.custom.setdefault(entity, {})[path] = kind
        self._column(entity, path, value)

    def _attribute(self, name: str, value: Callable[[], Any], description: str = "") -> None:
        for row in self.values["Customer"]:
            attribute = {"AttributeID": name, "AttributeDescription": description or name.title(), "Value": value()}
            row.setdefault("Attributes", []).append(_wrapped(attribute))

    def _flag(self) -> bool:
        return self.dice.random() < 0.6

    def _reference(self) -> str:
        return str(self.dice.randint(10_000, 99_999_999)) if self.dice.random() < 0.3 else ""


def _decoy_fields(
    entity: str, *names: str, values: tuple[Any, ...], kind: str = "StringValue"
) -> Callable[[Any], None]:
    def add(maker: _Maker) -> None:
        for name in names:
            if name not in maker.fields(entity):
                maker.add(entity, name, kind)
                maker._column(entity, name, lambda: maker.dice.choice(values))

    return add


def _decoy_custom(entity: str, path: str, kind: str, *values: Any) -> Callable[[Any], None]:
    return lambda maker: maker._custom(entity, path, kind, lambda: maker.dice.choice(values))


def _decoy_attribute(name: str, *values: str) -> Callable[[Any], None]:
    return lambda maker: maker._attribute(name, lambda: maker.dice.choice(values))


_ON = (True, False)
_ADDRESSES = ("ap@firm.example", "bills@firm.example", "")
_DECOYS: tuple[Callable[[Any], None], ...] = (
    _decoy_fields("Customer", "SecondaryEmail", values=_ADDRESSES),
    _decoy_fields("Customer", "InvoiceEmail", "BillingEmail", values=_ADDRESSES),
    _decoy_fields("Customer", "OtherEmail", values=_ADDRESSES),
    _decoy_fields("Customer", "VendorTerms", values=("60D", "10D")),
    _decoy_fields("Customer", "BillingTerms", values=("60D", "10D")),
    _decoy_fields("Customer", "Type", values=("Customer", "Customer & Supplier")),
    _decoy_fields("Customer", "SyncStatus", values=("Processed", "Failed")),
    _decoy_fields("Customer", "LegalName", values=("Firm One Ltd", "Firm Two Ltd")),
    _decoy_fields("Contact", "PrivateEmail", values=_ADDRESSES),
    _decoy_fields("Contact", "EnableNewsletter", values=_ON, kind="BooleanValue"),
    _decoy_fields("CustomerLocation", "DefaultCarrier", values=("UPS", "DHL")),
    _decoy_custom("Customer", "CurrentCustomer.UsrWebNewsletter", "CustomBooleanField", *_ON),
    _decoy_custom("Customer", "CurrentCustomer.UsrEnableEDI", "CustomBooleanField", *_ON),
    _decoy_custom("Customer", "CurrentCustomer.UsrBankConnectionType", "CustomStringField", "SEPA", "ACH"),
    _decoy_custom("Customer", "CurrentCustomer.UsrStatus", "CustomStringField", "A", "B"),
    _decoy_custom("Customer", "CurrentCustomer.UsrAccountEmail2", "CustomStringField", *_ADDRESSES),
    _decoy_custom("Contact", "ContactCurrent.UsrWebVisitor", "CustomBooleanField", *_ON),
    _decoy_attribute("NEWSLETTER", "1", "0"),
    _decoy_attribute("INDUSTRY", "FOOD", "STEEL"),
    _decoy_attribute("TAXTYPE", "A", "B"),
    _decoy_attribute("ONLINECHAT", "1", "0"),
)


def make_tenant(document: Mapping[str, Any], seed: int) -> Tenant:
    """Make one tenant.

    Args:
        document: An endpoint's document; it is not changed.
        seed: The same makes the same.
    """
    return _Maker(document, seed).make()


def _attribute(name: str) -> dict[str, Any]:
    return {"detail": "Attributes", "where": {"AttributeID": name}, "field": "Value"}


def _wrapped(values: Mapping[str, Any]) -> Row:
    return {
        name: value if isinstance(value, dict | list) else {} if value in ("", None) else {"value": value}
        for name, value in values.items()
    }


def _views(custom: Mapping[str, str], values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    views: dict[str, Any] = {}
    for path, kind in custom.items():
        view, _, name = path.partition(".")
        views.setdefault(view, {})[name] = {"type": kind, "value": (values or {}).get(path)}
    return views


def _json(content: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, _HEAD, json.dumps(content).encode())
