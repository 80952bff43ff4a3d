"""One table per entity: where each fact of the model is read from, how, and in which words people see it.

Reader, selection, contract check, the words of remedies, the masking of excerpts, the section ``source`` of connector
files and the field tables of the docs come from here. A new plain field is one line in the model and one here.

Source: docs/api/acumatica.md#customer, #contact and #location; the screens Customers, Contacts and Customer Locations.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from customer_sync.redaction import Kind

Form = Literal["text", "id", "flag", "stamp"]


class Field(NamedTuple):
    """One fact.

    Attributes:
        name: The model's name, with the part that it belongs to: ``phone``, ``main_address.city``.
        paths: Where it is read from by default; the first that holds something counts. None: only where the file says.
        words: What people see of it.
        setting: Its name in the section ``source`` of a connector file; ``""`` = always read from ``paths``.
        form: ``text`` trimmed; ``id`` the same, else the id that the API gives the record; ``flag`` a switch, ``None``
            where there is none; ``stamp`` a moment in UTC.
        mask: What kind of personal value it is.
        is_switch: Whether it says that the record belongs into the store; of contacts and locations such fields are
            read only where the connector demands them.
        is_needed: Whether a customer or a person cannot be judged without it; the others may be named ``null``.
        instead: What to name where an endpoint older than 23.200.001 lacks the first of ``paths``.
    """

    name: str
    paths: tuple[str, ...]
    words: str
    setting: str = ""
    form: Form = "text"
    mask: Kind | None = None
    is_switch: bool = False
    is_needed: bool = False
    instead: str = ""

    @property
    def part(self) -> str:
        """The part of the record that it belongs to, ``""`` for the record itself."""
        return self.name.rpartition(".")[0]

    @property
    def attribute(self) -> str:
        """Its name within its part."""
        return self.name.rpartition(".")[2]


def _address(part: str, path: str, place: str) -> tuple[Field, ...]:
    return (
        Field(f"{part}.line1", (f"{path}/AddressLine1",), f"Address Line 1 {place}", mask="name"),
        Field(f"{part}.line2", (f"{path}/AddressLine2",), f"Address Line 2 {place}", mask="name"),
        Field(f"{part}.city", (f"{path}/City",), f"City {place}"),
        Field(f"{part}.state", (f"{path}/State",), f"State {place}"),
        Field(f"{part}.postal_code", (f"{path}/PostalCode",), f"Postal Code {place}"),
        Field(f"{part}.country", (f"{path}/Country",), f"Country {place}"),
    )


def _phones(name: str, path: str, place: str, setting: str = "") -> Field:
    return Field(name, (f"{path}Phone1", f"{path}Phone2"), f"Phone 1 or Phone 2{place}", setting, mask="phone")


def _switches(enabled: str, connection_type: str) -> tuple[Field, ...]:
    """What says that a record belongs into the store, in the words that people see of it."""
    return (
        Field("enabled", ("EnableKensiumCommerce",), enabled, "enabled", form="flag", is_switch=True),
        Field("connection_type", ("ConnectionType",), connection_type, "connection_type", is_switch=True),
    )


_TOP: Final = "at the top of the Customers form"
_GENERAL: Final = "on the General tab"
_BILLING: Final = "on the Billing tab"
_LOCATION: Final = "of the location"
_ATTENTION_OF_LOCATION: Final = ("LocationContact/Attention", "LocationContact/FullName")

CUSTOMER: Final = (
    Field("customer_id", ("CustomerID",), "Customer ID"),
    Field("record_id", ("NoteID",), "the record's own id", "record_id", form="id", instead="null"),
    Field("name", ("CustomerName",), f"Customer Name {_TOP}", "name", mask="name", is_needed=True),
    Field(
        "email",
        ("Email",),
        "Account Email on the customer's General tab",
        "email",
        mask="email",
        is_needed=True,
        instead="MainContact/Email",
    ),
    Field("customer_type", ("CustomerClass",), f"Customer Class {_GENERAL}", "type", is_needed=True),
    Field("customer_class", ("CustomerClass",), f"Customer Class {_GENERAL}", "customer_class"),
    Field("status", ("Status",), f"Customer Status {_TOP}", "status", is_needed=True),
    *_switches("Enable Kensium Commerce Framework on the customer's Kensium Commerce tab", "the Site Association"),
    Field("reference_id", ("CommerceReferenceID",), "Commerce Reference ID", "reference_id"),
    Field("terms", ("Terms",), "Terms on the Financial tab", "terms"),
    _phones("phone", "MainContact/", " of the main contact", "phone"),
    Field("attention", ("MainContact/Attention",), f"Attention {_GENERAL}", "attention", mask="name"),
    Field("modified_at_utc", ("LastModifiedDateTime",), "the time of its last change", form="stamp"),
    Field("created_at_utc", ("CreatedDateTime",), "the time when it was made", form="stamp"),
    *_address("main_address", "MainContact/Address", _GENERAL),
    Field("billing.attention", ("BillingContact/Attention",), f"Attention {_BILLING}", mask="name"),
    Field("billing.first_name", ("BillingContact/FirstName",), f"First Name {_BILLING}", mask="name"),
    Field("billing.last_name", ("BillingContact/LastName",), f"Last Name {_BILLING}", mask="name"),
    _phones("billing.phone", "BillingContact/", f" {_BILLING}"),
    *_address("billing.address", "BillingContact/Address", _BILLING),
    Field("has_own_billing_contact", ("BillingContactOverride",), f"Override {_BILLING}, contact", form="flag"),
    Field("has_own_billing_address", ("BillingAddressOverride",), f"Override {_BILLING}, address", form="flag"),
    Field(
        "primary_contact_id",
        ("PrimaryContactID",),
        f"Primary Contact {_GENERAL}",
        "primary_contact_id",
        instead="PrimaryContact/ContactID",
    ),
)

CONTACT: Final = (
    Field("contact_id", ("ContactID",), "Contact ID"),
    Field("customer_id", ("BusinessAccount",), "Business Account"),
    Field("email", ("Email",), "Email", "email", mask="email", is_needed=True),
    Field("first_name", ("FirstName",), "First Name", "first_name", mask="name", is_needed=True),
    Field("last_name", ("LastName",), "Last Name", "last_name", mask="name", is_needed=True),
    _phones("phone", "", "", "phone"),
    *_switches("the contact's Kensium Commerce switches", "the contact's Site Association"),
    Field("is_primary", (), "the mark of the primary contact", "is_primary", form="flag"),
    Field("active", ("Active",), "Active", form="flag"),
    Field("status", ("Status",), "Status"),
    Field("kind", ("Type",), "Type"),
    Field("modified_at_utc", ("LastModifiedDateTime",), "the time of its last change", form="stamp"),
)

LOCATION: Final = (
    Field("location_id", ("LocationID",), "Location ID"),
    Field("customer_id", ("Customer",), "Customer"),
    Field("name", ("LocationName",), f"Location Name {_LOCATION}", "name", mask="name"),
    _phones("phone", "LocationContact/", f" {_LOCATION}", "phone"),
    Field(
        "attention",
        _ATTENTION_OF_LOCATION,
        f"Attention {_LOCATION}",
        "attention",
        mask="name",
        instead="LocationContact/Attention",
    ),
    Field("first_name", ("LocationContact/FirstName",), f"First Name {_LOCATION}", mask="name"),
    Field("last_name", ("LocationContact/LastName",), f"Last Name {_LOCATION}", mask="name"),
    *_address("address", "LocationContact/Address", _LOCATION),
    *_switches("the location's Kensium Commerce switches", "the location's Site Association"),
    Field("active", ("Active",), "Active", form="flag"),
    Field("status", ("Status",), "Status", "status", instead="null"),
    Field("is_default", ("Default",), "Default", "is_default", form="flag", instead="null"),
    Field("modified_at_utc", ("LastModifiedDateTime",), "the time of its last change", form="stamp"),
)

_SHIPPING: Final = "on the Shipping tab"
DEFAULT_LOCATION: Final = "MAIN"
"""LocationID that the ERP itself gives to every customer's default location."""

SHIPPING: Final = (
    Field("name", ("LocationName",), f"Location Name {_SHIPPING}", "name", mask="name"),
    _phones("phone", "ShippingContact/", f" {_SHIPPING}", "phone"),
    Field("attention", ("ShippingContact/Attention",), f"Attention {_SHIPPING}", "attention", mask="name"),
    Field("first_name", ("ShippingContact/FirstName",), f"First Name {_SHIPPING}", mask="name"),
    Field("last_name", ("ShippingContact/LastName",), f"Last Name {_SHIPPING}", mask="name"),
    *_address("address", "ShippingContact/Address", _SHIPPING),
    Field("has_own_contact", ("ShippingContactOverride",), f"Override {_SHIPPING}, contact", form="flag"),
    Field("has_own_address", ("ShippingAddressOverride",), f"Override {_SHIPPING}, address", form="flag"),
)
"""A customer's own shipping address, read where the feature of many locations is off."""

WORDS: Final = {
    f"{prefix}{field.name}": field.words
    for prefix, table in (("", CUSTOMER), ("contact.", CONTACT), ("location.", LOCATION))
    for field in table
} | {"contacts": "the Contacts tab"}
"""Neutral field -> what people see of it."""

INSTEAD: Final = {
    (entity, path): f"{section}.{field.setting}: {field.instead}"
    for entity, section, table in (
        ("Customer", "source.customer", CUSTOMER),
        ("Contact", "source.contact", CONTACT),
        ("CustomerLocation", "source.location", LOCATION),
    )
    for field in table
    if field.instead
    for path in field.paths
    if path != field.instead
}
"""Entity and field -> what a connector file names where an older endpoint lacks it."""

MASKS: Final = {
    path.rpartition("/")[2]: field.mask
    for table in (CUSTOMER, CONTACT, LOCATION)
    for field in table
    if field.mask
    for path in field.paths
}
"""Field of the ERP -> what kind of personal value it holds."""
