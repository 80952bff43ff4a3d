"""The whole state of the ERP as JSON and back, in the contract's field names."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.acumatica.collation import folded
from sandbox.acumatica.contract import fields_of
from sandbox.acumatica.rows import DETAIL_ROWS, Address, Card, Contact, Customer, Location, Record, Row, Site
from sandbox.acumatica.tables import Database

if TYPE_CHECKING:
    from collections.abc import Callable

_COUNTERS = ("next_customer_number", "next_contact_id", "next_account_id", "ids_given")
RowT = TypeVar("RowT", bound=Row)
_DECIMALS = frozenset(
    name
    for entity in ("Customer", "CustomerSalesPerson")
    for name, field in fields_of(entity).items()
    if field.type == "DecimalValue"
)
_STORED_ROW = ("id", "created_ms", "modified_ms", "note")


def dumped(database: Database) -> dict[str, Any]:
    """Everything as JSON: customers with their linked parts, contacts and locations beside them."""
    return {
        "seed": database.seed,
        "counters": {name: getattr(database, name) for name in _COUNTERS},
        "customers": [_customer_out(customer) for customer in database.customers],
        "contacts": [_contact_out(contact) for contact in database.contacts],
        "locations": [_location_out(location) for location in database.locations],
        "deleted": database.deleted,
    }


def restored(state: dict[str, Any]) -> Database:
    """A database from what `dumped` gave."""
    database = Database(state["seed"])
    for name in _COUNTERS:
        setattr(database, name, state["counters"][name])
    database.deleted = list(state["deleted"])
    customers = {folded(saved["CustomerID"]): _customer_in(saved) for saved in state["customers"]}
    contacts = [_contact_in(saved, customers) for saved in state["contacts"]]
    locations = [_location_in(saved, customers) for saved in state["locations"]]
    for contact in sorted(contacts, key=lambda each: each.contact_id):
        if contact.customer is not None:
            contact.customer.contacts.append(contact)
    for location in locations:
        location.customer.locations.append(location)
    database.customers.fill(customers.values())
    database.contacts.fill(contacts)
    database.locations.fill(locations)
    return database


def _row_out(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {"id": row.id, **row.values}


def _card_out(card: Card | None) -> dict[str, Any] | None:
    return None if card is None else {"id": card.id, "ContactID": card.contact_id, **card.values}


def _record_out(record: Record) -> dict[str, Any]:
    shown: dict[str, Any] = {name: getattr(record, name) for name in _STORED_ROW}
    shown["values"] = record.values
    shown["SiteAssociations"] = [_row_out(site) for site in record.sites]
    shown["details"] = {name: [_row_out(row) for row in rows] for name, rows in record.details.items()}
    return shown


def _customer_out(customer: Customer) -> dict[str, Any]:
    return {
        "CustomerID": customer.key,
        "BAccountID": customer.account_id,
        "Email": customer.main.values.get("Email"),
        "EnableKensiumCommerce": bool((site := customer.default_site()) and site.get("Active")),
        "CommerceReferenceID": site.get("CommerceReferenceID") if site else None,
        "MainContact": _card_out(customer.main),
        "MainAddress": _row_out(customer.main_address),
        "BillingContact": _card_out(customer.billing),
        "BillingAddress": _row_out(customer.billing_address),
        **_record_out(customer),
    }


def _contact_out(contact: Contact) -> dict[str, Any]:
    owner = contact.customer.key if contact.customer else None
    shown = {"ContactID": contact.contact_id, "BusinessAccount": owner, "Address": _row_out(contact.address)}
    return {**shown, **_record_out(contact)}


def _location_out(location: Location) -> dict[str, Any]:
    shown = {"Customer": location.customer.key, "LocationID": location.code}
    parts = {"LocationContact": _card_out(location.card), "Address": _row_out(location.address)}
    return {**shown, **parts, **_record_out(location)}


def _values_in(saved: dict[str, Any]) -> dict[str, Any]:
    return {
        name: Decimal(str(value)).quantize(Decimal("0.0001")) if name in _DECIMALS and value is not None else value
        for name, value in saved.items()
        if name != "id"
    }


def _row_in(make: Callable[[str, dict[str, Any]], RowT], saved: dict[str, Any]) -> RowT:
    return make(saved["id"], _values_in(saved))


def _address_in(saved: dict[str, Any] | None) -> Address | None:
    return None if saved is None else _row_in(Address, saved)


def _card_in(saved: dict[str, Any] | None) -> Card | None:
    if saved is None:
        return None
    values = {name: value for name, value in saved.items() if name not in ("id", "ContactID")}
    return Card(saved["id"], values, saved["ContactID"])


def _record_in(record: Record, saved: dict[str, Any]) -> None:
    record.created_ms, record.modified_ms, record.note = saved["created_ms"], saved["modified_ms"], saved["note"]
    record.sites = [_row_in(Site, row) for row in saved["SiteAssociations"]]
    record.details = {
        name: [_row_in(DETAIL_ROWS[name], row) for row in rows] for name, rows in saved["details"].items()
    }


def _customer_in(saved: dict[str, Any]) -> Customer:
    main, address = _card_in(saved["MainContact"]), _address_in(saved["MainAddress"])
    if main is None or address is None:
        raise ValueError(f"the state of customer {saved['CustomerID']} lacks its main contact or address")
    customer = Customer(
        saved["id"],
        _values_in(saved["values"]),
        saved["modified_ms"],
        key=saved["CustomerID"],
        account_id=saved["BAccountID"],
        main=main,
        address=address,
    )
    _record_in(customer, saved)
    customer.billing = _card_in(saved["BillingContact"])
    customer.billing_address = _address_in(saved["BillingAddress"])
    return customer


def _contact_in(saved: dict[str, Any], customers: dict[str, Customer]) -> Contact:
    owner = customers[folded(saved["BusinessAccount"])] if saved["BusinessAccount"] else None
    contact = Contact(saved["id"], _values_in(saved["values"]), saved["modified_ms"], saved["ContactID"], owner)
    _record_in(contact, saved)
    contact.address = _address_in(saved["Address"])
    return contact


def _location_in(saved: dict[str, Any], customers: dict[str, Customer]) -> Location:
    owner = customers[folded(saved["Customer"])]
    location = Location(saved["id"], _values_in(saved["values"]), saved["modified_ms"], saved["LocationID"], owner)
    _record_in(location, saved)
    location.card = _card_in(saved["LocationContact"])
    location.address = _address_in(saved["Address"])
    return location
