"""From the ERP's rows to our records: what to select and how a row is read, compiled once from the field tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar, get_type_hints

from customer_sync.model.customer import BillingContact, Contact, Customer, Location, PostalAddress
from customer_sync.settings.connector import Connector
from customer_sync.settings.section import Section
from customer_sync.sources.acumatica.field_table import CONTACT, CUSTOMER, DEFAULT_LOCATION, LOCATION, SHIPPING, Field
from customer_sync.sources.acumatica.section import reads_locations, rule_of, section_of
from customer_sync.sources.acumatica.selection import Row, Selection
from customer_sync.sources.acumatica.value_rule import ValueRule
from customer_sync.sources.acumatica.values import moment_text, record_maker, selection_of, text_reader, unused_reader

T = TypeVar("T")


class CustomerHead(NamedTuple):
    """What is looked at before a customer is read; the billing parts override the main ones where they are its own."""

    customer_id: str
    modified_at_utc: datetime | None
    created_at_utc: datetime | None
    has_own_billing_contact: bool | None
    has_own_billing_address: bool | None
    primary_contact_id: str = ""


class ContactHead(NamedTuple):
    """What is looked at before a contact is read; ``customer_id`` is its business account, ``kind`` its type."""

    customer_id: str
    contact_id: str
    kind: str
    modified_at_utc: datetime | None
    active: bool | None
    status: str
    is_primary: bool | None = None

    @property
    def is_person(self) -> bool:
        """Whether it is a contact, not an employee, a lead or the address of a record."""
        return self.kind == "Contact" or self.kind.casefold() in {"", "contact"}


class LocationHead(NamedTuple):
    """What is looked at before a location is read."""

    customer_id: str
    modified_at_utc: datetime | None
    active: bool | None
    status: str = ""
    is_default: bool | None = None


class _ShippingHead(NamedTuple):
    """What is looked at before a shipping address is read."""

    has_own_contact: bool | None
    has_own_address: bool | None
    name: str = ""


class _Table:
    """The fields of one entity that a connector reads, each with its rule."""

    def __init__(self, fields: Iterable[Field], places: Section, *, with_switches: bool) -> None:
        rules = {each: rule_of(places, each) for each in fields if with_switches or not each.is_switch}
        self._rules = {each: rule for each, rule in rules.items() if rule is not None or each.form == "id"}

    def rules(self) -> list[ValueRule]:
        """Where everything is read from."""
        return [rule for rule in self._rules.values() if rule is not None]

    def named(self, prefix: str = "") -> dict[str, ValueRule | None]:
        """The model's name of each field, behind a prefix, and where it is read from."""
        return {f"{prefix}{each.name}": rule for each, rule in self._rules.items()}

    def maker(
        self, selection: Selection, record: type[T], part: str = "", given: Sequence[str] = ()
    ) -> Callable[..., T]:
        """Compile a function that makes a record of those fields of a part that the record has."""
        missing = set(get_type_hints(record)) - set(given)
        own = {
            each.attribute: (each.form, rule)
            for each, rule in self._rules.items()
            if each.part == part and each.attribute in missing
        }
        return record_maker(selection, record, own, given)


class CustomerReader:
    """Selection and conversion of customers."""

    def __init__(self, connector: Connector) -> None:
        places = section_of(connector).customer
        table = _Table(CUSTOMER, places, with_switches=connector.eligibility.opt_in_required)
        self._shipping = None if reads_locations(connector) or not connector.locations.include else _Shipping(connector)
        shipping = self._shipping.rules if self._shipping else ()
        self.selection = selection_of("Customer", [*table.rules(), *places.extra_fields.values(), *shipping])
        self.head = table.maker(self.selection, CustomerHead)
        stamps = ("modified_at_utc", "created_at_utc")
        given = ("main_address", "billing", "contacts", "locations", "extra_fields", *stamps, "unused")
        self._customer = table.maker(self.selection, Customer, given=given)
        self._main_address = table.maker(self.selection, PostalAddress, "main_address")
        self._main_contact = table.maker(self.selection, BillingContact, given=("address",))
        self._billing_contact = table.maker(self.selection, BillingContact, "billing", given=("address",))
        self._billing_address = table.maker(self.selection, PostalAddress, "billing.address")
        self._extra = {name: text_reader(self.selection, rule) for name, rule in places.extra_fields.items()}
        self._unused = unused_reader(self.selection, {**table.named(), **places.extra_fields})
        if self._shipping:
            self._shipping.compile(self.selection)

    def to_customer(
        self, row: Row, head: CustomerHead, contacts: Sequence[Contact], locations: Sequence[Location]
    ) -> Customer:
        """Make the record, with its contacts and locations."""
        main_address = self._main_address(row)
        address = self._billing_address(row) if head.has_own_billing_address is True else main_address
        billing = self._billing_contact if head.has_own_billing_contact is True else self._main_contact
        extra_fields = {name: value for name, read in self._extra.items() if (value := read(row))}
        if self._shipping:
            locations = (self._shipping.to_location(row, self._main_contact(row, main_address)),)
        stamps = (moment_text(head.modified_at_utc), moment_text(head.created_at_utc))
        return self._customer(
            row,
            main_address,
            billing(row, address),
            tuple(contacts),
            tuple(locations),
            extra_fields,
            *stamps,
            self._unused(row),
        )


class _Shipping:
    """A customer's own shipping address as its only location, which is the default one.

    It is kept under the id that the ERP gives to every customer's default location, so that its address in the store
    stays when the feature of many locations is switched on. What is not overridden is the main contact's.
    """

    def __init__(self, connector: Connector) -> None:
        self._places = section_of(connector).location
        self._table = _Table(SHIPPING, self._places, with_switches=False)
        self.rules = [*self._table.rules(), *self._places.extra_fields.values()]

    def compile(self, selection: Selection) -> None:
        """Make the functions that read it, once the selection holds its fields."""
        self._head = self._table.maker(selection, _ShippingHead)
        self._own_contact = self._table.maker(selection, BillingContact, given=("address",))
        self._address = self._table.maker(selection, PostalAddress, "address")
        self._extra = {name: text_reader(selection, rule) for name, rule in self._places.extra_fields.items()}
        self._unused = unused_reader(selection, {**self._table.named("location."), **self._places.extra_fields})

    def to_location(self, row: Row, main: BillingContact) -> Location:
        """Make the record."""
        head = self._head(row)
        contact = self._own_contact(row, main.address) if head.has_own_contact is True else main
        return Location(
            location_id=DEFAULT_LOCATION,
            name=head.name,
            is_default=True,
            attention=contact.attention,
            first_name=contact.first_name,
            last_name=contact.last_name,
            phone=contact.phone,
            address=self._address(row) if head.has_own_address is True else main.address,
            extra_fields={name: value for name, read in self._extra.items() if (value := read(row))},
            unused=self._unused(row),
        )


class ContactReader:
    """Selection and conversion of contacts."""

    def __init__(self, connector: Connector) -> None:
        places = section_of(connector).contact
        table = _Table(CONTACT, places, with_switches=connector.contacts.opt_in_required)
        self.selection = selection_of("Contact", [*table.rules(), *places.extra_fields.values()])
        self._extra = {name: text_reader(self.selection, rule) for name, rule in places.extra_fields.items()}
        self.head = table.maker(self.selection, ContactHead)
        self._contact = table.maker(
            self.selection, Contact, given=("active", "is_primary", "modified_at_utc", "extra_fields", "unused")
        )
        self._unused = unused_reader(self.selection, {**table.named("contact."), **places.extra_fields})
        self._has_mark = places.is_primary is not None

    def to_contact(self, row: Row, head: ContactHead, primary_contact_id: str) -> Contact:
        """Make the record; primary is the contact that is marked, or else the one that its customer names."""
        is_named = bool(head.contact_id) and head.contact_id == primary_contact_id
        is_primary = head.is_primary is True if self._has_mark else is_named
        changed, extra_fields = moment_text(head.modified_at_utc), self._extras(row)
        return self._contact(row, _is_active(head), is_primary, changed, extra_fields, self._unused(row))

    def _extras(self, row: Row) -> dict[str, str]:
        return {name: value for name, read in self._extra.items() if (value := read(row))}


class LocationReader:
    """Selection and conversion of locations."""

    def __init__(self, connector: Connector) -> None:
        places = section_of(connector).location
        table = _Table(LOCATION, places, with_switches=connector.locations.opt_in_required)
        self.selection = selection_of("CustomerLocation", [*table.rules(), *places.extra_fields.values()])
        self._extra = {name: text_reader(self.selection, rule) for name, rule in places.extra_fields.items()}
        self.head = table.maker(self.selection, LocationHead)
        self._location = table.maker(
            self.selection, Location, given=("active", "is_default", "address", "extra_fields", "unused")
        )
        self._address = table.maker(self.selection, PostalAddress, "address")
        self._unused = unused_reader(self.selection, {**table.named("location."), **places.extra_fields})

    def to_location(self, row: Row, head: LocationHead) -> Location:
        """Make the record."""
        extra_fields = {name: value for name, read in self._extra.items() if (value := read(row))}
        is_default, address = head.is_default is True, self._address(row)
        return self._location(row, _is_active(head), is_default, address, extra_fields, self._unused(row))


def _is_active(head: ContactHead | LocationHead) -> bool:
    return head.active is not False and head.status.casefold() != "inactive"


def selections(connector: Connector) -> list[Selection]:
    """Everything that a connector reads, one selection for each entity."""
    found = [CustomerReader(connector).selection]
    if connector.contacts.include:
        found.append(ContactReader(connector).selection)
    if reads_locations(connector):
        found.append(LocationReader(connector).selection)
    return found
