"""Fills the ERP's tables with the seeded world (docs/api/acumatica.md#statement-34)."""

from __future__ import annotations

import contextlib
import gc
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.rows import (
    DEFAULT_SITE_ID,
    Address,
    Attribute,
    Card,
    Contact,
    Customer,
    Location,
    PaymentInstruction,
    Salesperson,
    Site,
)
from sandbox.acumatica.tables import Database
from sandbox.ordinary import first_contact_id
from sandbox.people import world
from sandbox.world_records import CONNECTION_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.world_records import PostalAddress, WorldContact, WorldCustomer, WorldLocation

WEB_STORE = "WEBSTORE"
"""The attribute that says of a customer what its commerce tab says, for connectors that do without the extension."""
_FIRST_ACCOUNT_ID = 8000
_CARD_IDS_FROM = 50_000_000  # billing and location contacts; real contacts stay below
_CARDS_PER_CUSTOMER = 20


def seeded_database(seed: int, customers: int, shape: str = "varied") -> Database:
    """A database with the first `customers` customers of a seed's world, varied or uniform."""
    database = Database(seed)
    with _gc_paused():
        # The many customers of a measurement have no attributes: nothing that is measured reads them.
        with_attributes = shape != "uniform"
        made = [_customer(seed, source, with_attributes=with_attributes) for source in world(seed, customers, shape)]
        database.customers.fill(made)
        database.contacts.fill(contact for customer in made for contact in customer.contacts)
        database.locations.fill(location for customer in made for location in customer.locations)
    database.next_customer_number = customers + 1
    database.next_account_id = _FIRST_ACCOUNT_ID + customers + 1
    database.next_contact_id = first_contact_id(customers + 1)
    return database


@contextlib.contextmanager
def _gc_paused() -> Iterator[None]:
    """Millions of rows are made and none is dropped: walking them again and again would double the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Ids:
    """GUIDs of one customer's rows: heads that count up before one tail, as the database's own are."""

    def __init__(self, seed: int, number: int) -> None:
        bits = random.Random(seed * 15_485_863 + number).getrandbits(128)  # noqa: S311  # repeatable ids, no secret
        text = f"{bits:032x}"
        self._tail = f"-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
        self._head = int(text[:8], 16)

    def __call__(self) -> str:
        self._head = (self._head + 1) & 0xFFFFFFFF
        return f"{self._head:08x}{self._tail}"


def _customer(seed: int, source: WorldCustomer, *, with_attributes: bool) -> Customer:
    new_id = _Ids(seed, source.number)
    main = Card(new_id(), _filled({"Email": source.email, "Phone1": source.phone1, "Phone2": source.phone2}), 0)
    main.contact_id = first_contact_id(source.number)
    main.values["WebSite"] = f"https://{source.domain}"
    values: dict[str, Any] = {
        "CustomerName": source.name,
        "CustomerClass": source.customer_class,
        "CustomerType": source.customer_type or None,
        "Terms": source.terms,
        "CreditLimit": Decimal(source.credit_limit).quantize(Decimal("0.0001")),
    }
    if source.status != "Active":
        values["Status"] = source.status
    if source.primary_contact_id is not None:
        values["PrimaryContactID"] = source.primary_contact_id
    account_id = _FIRST_ACCOUNT_ID + source.number
    address = _address(new_id(), source.address)
    customer = Customer(
        new_id(),
        values,
        source.modified_ms,
        key=source.customer_id,
        account_id=account_id,
        main=main,
        address=address,
    )
    customer.created_ms = source.created_ms
    customer.sites = [_site(new_id(), source.connection_type, enabled=source.enabled)]
    if source.other_site is not None:
        site_id, code, active = source.other_site
        customer.sites.append(Site(new_id(), {"SiteID": site_id, "ConnectionType": code, "Active": active}))
    if source.billing_address is not None:
        customer.billing_address = _address(new_id(), source.billing_address)
        card_id = _CARD_IDS_FROM + source.number * _CARDS_PER_CUSTOMER
        customer.billing = Card(new_id(), {"Email": source.billing_email, "Attention": "Accounts Payable"}, card_id)
    customer.contacts = [_contact(new_id, customer, contact) for contact in source.contacts]
    customer.locations = [
        _location(new_id, customer, location, source, index) for index, location in enumerate(source.locations)
    ]
    _add_details(new_id, customer, source)
    if with_attributes:
        is_on = source.enabled and source.connection_type == CONNECTION_TYPE
        values = {"AttributeID": WEB_STORE, "AttributeDescription": "In the web store", "Value": "1" if is_on else "0"}
        customer.details.setdefault("Attributes", []).append(Attribute(new_id(), values))
    return customer


def _add_details(new_id: _Ids, customer: Customer, source: WorldCustomer) -> None:
    """Attributes, salespersons and payment instructions on some customers, so that every detail can be read."""
    if source.number % 5 == 0:
        values = {"AttributeID": "INDUSTRY", "AttributeDescription": "Industry", "Value": "TOOLS"}
        customer.details["Attributes"] = [Attribute(new_id(), {**values, "ValueDescription": "Tools and hardware"})]
    if source.number % 7 == 0:
        values = {"SalespersonID": "SP0001", "Name": "House account", "LocationID": "MAIN"}
        customer.details["Salespersons"] = [Salesperson(new_id(), {**values, "Default": True})]
    if source.number % 11 == 0:
        values = {"PaymentMethod": "CHECK", "Description": "Remittance name", "PaymentInstructionsID": "1"}
        customer.details["PaymentInstructions"] = [PaymentInstruction(new_id(), {**values, "Value": source.name})]


def _contact(new_id: _Ids, customer: Customer, source: WorldContact) -> Contact:
    values = _filled(
        {
            "FirstName": source.first_name,
            "LastName": source.last_name,
            "Email": source.email,
            "Phone1": source.phone,
            "JobTitle": source.job_title,
        }
    )
    if not source.active:
        values["Active"] = False
    contact = Contact(new_id(), values, source.modified_ms, source.contact_id, customer)
    contact.created_ms = customer.created_ms
    contact.sites = [_site(new_id(), source.connection_type, enabled=source.enabled)]
    if source.address is not None:
        contact.address = _address(new_id(), source.address)
    return contact


def _location(new_id: _Ids, customer: Customer, source: WorldLocation, owner: WorldCustomer, index: int) -> Location:
    values = _filled({"PriceClass": owner.price_class, "TaxZone": owner.address.state})
    if source.name != "Primary Location":
        values["LocationName"] = source.name
    if source.is_default:
        values["Default"] = True
    if not source.active:
        values["Active"] = False
    location = Location(new_id(), values, source.modified_ms, source.location_id, customer)
    location.created_ms = customer.created_ms
    location.sites = [_site(new_id(), owner.connection_type, enabled=source.enabled)]
    if source.address is not None:
        location.address = _address(new_id(), source.address)
    own = _filled({"Attention": source.attention, "Email": source.email, "Phone1": source.phone})
    if own:
        location.card = Card(new_id(), own, _CARD_IDS_FROM + owner.number * _CARDS_PER_CUSTOMER + 1 + index)
    return location


def _site(row_id: str, connection_type: str, *, enabled: bool) -> Site:
    values: dict[str, Any] = {"SiteID": DEFAULT_SITE_ID, "Active": enabled}
    if connection_type:
        values["ConnectionType"] = connection_type
    return Site(row_id, values)


def _address(row_id: str, source: PostalAddress) -> Address:
    values = {
        "AddressLine1": source.line1,
        "AddressLine2": source.line2,
        "City": source.city,
        "State": source.state,
        "PostalCode": source.postal_code,
        "Country": source.country,
    }
    return Address(row_id, _filled(values))


def _filled(values: dict[str, str]) -> dict[str, Any]:
    """Only the texts that say something; an empty one is no value."""
    return {name: text for name, text in values.items() if text}
