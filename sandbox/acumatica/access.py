"""What each contract field of a row reads: plain values, and those that come from other rows.

`Customer.Email` is the main contact's, delivery settings are the default location's, the commerce tick is the default
site's association row (docs/api/acumatica.md#customer, #change-tracking and #commerce-tab).
Dates are milliseconds here; the projection writes
them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.contract import fields_of
from sandbox.acumatica.rows import Address, Card, Contact, Customer, Location, Record

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCATION_COLUMNS = {field.column: name for name, field in fields_of("CustomerLocation").items()}
# Customer fields that are stored on the default location, and their names there: both are one column of its table.
LOCATION_FIELDS = {
    name: _LOCATION_COLUMNS[field.column]
    for name, field in fields_of("Customer").items()
    if field.view == "DefLocation"
}
# Fields of a record that are the default site's association row, and their names there.
SITE_FIELDS = {
    "EnableKensiumCommerce": "Active",
    "ConnectionType": "ConnectionType",
    "CommerceReferenceID": "CommerceReferenceID",
}


@dataclass(slots=True)
class EffectiveCard:
    """A linked contact as it is shown at one place: whose values, whose address, under which name.

    Attributes:
        card: The contact that holds the values.
        address: The effective address.
        name: The name that full-name fields show.
    """

    card: Card
    address: Address
    name: str | None

    @property
    def id(self) -> str:
        """Id of the contact that holds the values."""
        return self.card.id


def main_card(customer: Customer) -> EffectiveCard:
    """The main contact with the main address."""
    return EffectiveCard(customer.main, customer.main_address, customer.values.get("CustomerName"))


def billing_card(customer: Customer) -> EffectiveCard:
    """The billing contact: own parts where they override, else the main ones."""
    address = customer.billing_address or customer.main_address
    return EffectiveCard(customer.billing or customer.main, address, customer.values.get("CustomerName"))


def location_card(location: Location) -> EffectiveCard:
    """A location's contact: own parts where they override, else the customer's main ones."""
    customer = location.customer
    address = location.address or customer.main_address
    name = location.card.get("FullName") if location.card else None
    return EffectiveCard(location.card or customer.main, address, name or customer.values.get("CustomerName"))


def shipping_card(customer: Customer) -> EffectiveCard:
    """The default location's contact, or the main one when there is no location."""
    location = customer.default_location()
    return location_card(location) if location is not None else main_card(customer)


def contact_address(contact: Contact) -> Address | None:
    """A contact's effective address."""
    if contact.address is not None:
        return contact.address
    return contact.customer.main_address if contact.customer is not None else None


def display_name(contact: Contact) -> str | None:
    """`Last, First`, as the ERP shows a person."""
    parts = [part for part in (contact.values.get("LastName"), contact.values.get("FirstName")) if part]
    return ", ".join(parts) or None


def _from_location(field: str) -> Callable[[Any], Any]:
    usual = Location.usual.get(field)

    def read(customer: Customer) -> Any:
        location = customer.default_location()
        return usual if location is None else location.get(field)

    return read


def _from_site(field: str) -> Callable[[Any], Any]:
    nothing = False if field == "Active" else None

    def read(record: Record) -> Any:
        site = record.default_site()
        return nothing if site is None else site.get(field)

    return read


def _overrides_address(customer: Customer) -> bool:
    location = customer.default_location()
    return location is not None and location.address is not None


def _overrides_contact(customer: Customer) -> bool:
    location = customer.default_location()
    return location is not None and location.card is not None


def _is_primary(contact: Contact) -> bool:
    return contact.customer is not None and contact.customer.values.get("PrimaryContactID") == contact.contact_id


_COMMON: dict[str, Callable[[Any], Any]] = {
    "NoteID": lambda record: record.id,
    "LastModifiedDateTime": lambda record: record.modified_ms,
    **{name: _from_site(field) for name, field in SITE_FIELDS.items()},
}
_CARD: dict[str, Callable[[Any], Any]] = {
    "ContactID": lambda card: card.card.contact_id,
    "CompanyName": lambda card: card.name,
    "FullName": lambda card: card.name,
    "DisplayName": lambda card: card.name,
    "AddressValidated": lambda card: card.address.get("Validated"),
}
COMPUTED: dict[str, dict[str, Callable[[Any], Any]]] = {
    "Customer": {
        **_COMMON,
        **{name: _from_location(field) for name, field in LOCATION_FIELDS.items()},
        "BAccountID": lambda customer: customer.account_id,
        "CustomerID": lambda customer: customer.key,
        "CreatedDateTime": lambda customer: customer.created_ms,
        "Email": lambda customer: customer.main.values.get("Email"),
        "BillingAddressOverride": lambda customer: customer.billing_address is not None,
        "BillingContactOverride": lambda customer: customer.billing is not None,
        "ShippingAddressOverride": _overrides_address,
        "ShippingContactOverride": _overrides_contact,
    },
    "Contact": {
        **_COMMON,
        "ContactID": lambda contact: contact.contact_id,
        "BusinessAccount": lambda contact: contact.customer.key if contact.customer else None,
        "CompanyName": lambda contact: contact.customer.values.get("CustomerName") if contact.customer else None,
        "DisplayName": display_name,
        "FullName": display_name,
        "Status": lambda contact: "Active" if contact.get("Active") else "Inactive",
        "OverrideAccountAddress": lambda contact: contact.address is not None,
        "AddressValidated": lambda contact: bool((found := contact_address(contact)) and found.get("Validated")),
        "IsPrimary": _is_primary,
    },
    "CustomerLocation": {
        **_COMMON,
        "Customer": lambda location: location.customer.key,
        "LocationID": lambda location: location.code,
        "CreatedDateTime": lambda location: location.created_ms,
        "Status": lambda location: "Active" if location.get("Active") else "Inactive",
        "AddressOverride": lambda location: location.address is not None,
        "ContactOverride": lambda location: location.card is not None,
    },
    "Card": _CARD,
    "CustomerContact": {
        "ContactID": lambda contact: contact.contact_id,
        "LastModifiedDateTime": lambda contact: contact.modified_ms,
    },
}
LINKS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "Customer": {
        "MainContact": main_card,
        "BillingContact": billing_card,
        "ShippingContact": shipping_card,
        "PrimaryContact": lambda customer: customer.primary_contact(),
        "CreditVerificationRules": lambda customer: customer,
    },
    "Contact": {"Address": contact_address},
    "CustomerLocation": {"LocationContact": location_card},
    "Card": {"Address": lambda card: card.address},
    "CustomerContact": {"Contact": lambda contact: contact},
}


def reader(place: str, field: str) -> Callable[[Any], Any]:
    """How a scalar field is read from a row at a place (an entity name, or `Card` for linked contacts)."""
    computed = COMPUTED.get(place, {}).get(field)
    if computed is not None:
        return computed
    if place == "Card":
        return lambda card: card.card.get(field)
    return lambda row: row.get(field)
