"""From the ERP's rows to our records: what to select, and how a row becomes a Customer, Contact or Location."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from customer_sync.model.customer import BillingContact, Contact, Customer, Location, PostalAddress
from customer_sync.settings.connector import Connector
from customer_sync.settings.value_rule import ValueRule
from customer_sync.sources.acumatica.selection import Row
from customer_sync.sources.acumatica.values import (
    ADDRESS_FIELDS,
    RowColumns,
    flag_reader,
    moment_of,
    moment_text,
    selection_of,
    text_of,
    text_reader,
)

_PERSON = ("Attention", "FirstName", "LastName", "Phone1", "Phone2")
_CUSTOMER_TEXTS = (
    "name",
    "email",
    "type",
    "customer_class",
    "status",
    "connection_type",
    "reference_id",
    "terms",
    "phone",
    "attention",
)


class ContactHead(NamedTuple):
    """What is looked at before a contact is read; ``owner`` is the CustomerID of its business account."""

    owner: str
    key: str
    modified_at_utc: datetime | None
    is_person: bool


class LocationHead(NamedTuple):
    """What is looked at before a location is read; ``owner`` is the CustomerID of its customer."""

    owner: str
    key: str
    modified_at_utc: datetime | None


class CustomerReader:
    """Selection and conversion of customers."""

    def __init__(self, connector: Connector) -> None:
        fields = connector.source.customer
        rules = [getattr(fields, name) for name in type(fields).model_fields if name != "extra_fields"]
        fixed = ["CustomerID", "LastModifiedDateTime", "NoteID", "PrimaryContactID", "BillingAddressOverride"]
        fixed += ["BillingContactOverride", *(f"BillingContact/{name}" for name in _PERSON)]
        fixed += [f"{part}/Address/{name}" for part in ("MainContact", "BillingContact") for name in ADDRESS_FIELDS]
        self.selection = selection_of("Customer", fixed, [*rules, *fields.extra_fields.values()])
        read = self.selection.getter
        main_address = [f"MainContact/Address/{name}" for name in ADDRESS_FIELDS]
        texts = [getattr(fields, name) for name in _CUSTOMER_TEXTS]
        self._row = RowColumns(
            self.selection,
            ["CustomerID", "NoteID", *main_address, *texts],
            ["LastModifiedDateTime", "BillingAddressOverride", "BillingContactOverride"],
        )
        self._enabled = flag_reader(self.selection, fields.enabled)
        self._extra = {name: text_reader(self.selection, rule) for name, rule in fields.extra_fields.items()}
        self._id, self._primary = read("CustomerID"), read("PrimaryContactID")
        self._modified = read("LastModifiedDateTime")
        self._billing_address = RowColumns(
            self.selection, [f"BillingContact/Address/{name}" for name in ADDRESS_FIELDS]
        )
        self._person = RowColumns(self.selection, [f"BillingContact/{name}" for name in _PERSON])

    def key(self, row: Row) -> str:
        """The row's CustomerID."""
        return text_of(self._id(row))

    def primary_contact_id(self, row: Row) -> str:
        """ContactID of the customer's primary contact, ``""`` if it has none."""
        return text_of(self._primary(row))

    def modified_at_utc(self, row: Row) -> datetime | None:
        """The row's stamp."""
        return moment_of(self._modified(row))

    def to_customer(self, row: Row, contacts: Iterable[Contact], locations: Iterable[Location]) -> Customer:
        """Make the record, with its contacts and locations."""
        key, note, line1, line2, city, state, postal_code, country, *rest = self._row(row)
        name, email, kind, customer_class, status, connection_type, reference_id, terms, phone, attention, *rest = rest
        stamp, has_address, has_contact = rest
        main = PostalAddress(line1=line1, line2=line2, city=city, state=state, postal_code=postal_code, country=country)
        billing = BillingContact(
            attention=attention,
            phone=phone,
            address=_address(self._billing_address(row)) if has_address is True else main,
        )
        return Customer(
            customer_id=key,
            record_id=note or text_of(row.id),
            name=name,
            email=email,
            customer_type=kind,
            customer_class=customer_class,
            status=status,
            enabled=self._enabled(row),
            connection_type=connection_type,
            reference_id=reference_id,
            terms=terms,
            phone=phone,
            attention=attention,
            address=main,
            billing=self._billed_person(row, billing.address) if has_contact is True else billing,
            contacts=tuple(contacts),
            locations=tuple(locations),
            extra_fields={name: value for name, read in self._extra.items() if (value := read(row))},
            modified_at_utc=moment_text(moment_of(stamp)),
        )

    def _billed_person(self, row: Row, address: PostalAddress) -> BillingContact:
        attention, first_name, last_name, phone1, phone2 = self._person(row)
        return BillingContact(
            attention=attention, first_name=first_name, last_name=last_name, phone=phone1 or phone2, address=address
        )


class ContactReader:
    """Selection and conversion of contacts."""

    def __init__(self, connector: Connector) -> None:
        fields = connector.source.contact
        rules = [fields.email, fields.first_name, fields.last_name, fields.phone]
        if connector.contacts.opt_in_required:
            rules += [fields.enabled, fields.connection_type]
        if fields.is_primary:
            rules.append(fields.is_primary)
        fixed = ["ContactID", "BusinessAccount", "LastModifiedDateTime", "Active", "Status", "Type"]
        self.selection = selection_of("Contact", fixed, rules)
        self._head = self.selection.columns(["BusinessAccount", "ContactID", "LastModifiedDateTime", "Type"])
        has_switches = connector.contacts.opt_in_required
        wanted: list[str | ValueRule] = [
            "Status",
            fields.email,
            fields.first_name,
            fields.last_name,
            fields.phone,
        ]
        wanted += [fields.connection_type] if has_switches else []
        self._row = RowColumns(self.selection, wanted, ["ContactID", "LastModifiedDateTime", "Active"])
        self._enabled = flag_reader(self.selection, fields.enabled) if has_switches else None
        self._is_primary = flag_reader(self.selection, fields.is_primary) if fields.is_primary else None

    def head(self, row: Row) -> ContactHead:
        """Whose the row is, and whether it is a contact person, not another kind (docs/api/acumatica.md#contact)."""
        account, contact_id, stamp, kind = self._head(row)
        is_person = kind is None or kind == "Contact" or text_of(kind).casefold() in {"", "contact"}
        return ContactHead(account or "", str(contact_id), moment_of(stamp), is_person)

    def to_contact(self, row: Row, primary_contact_id: str) -> Contact:
        """Make the record."""
        status, email, first_name, last_name, phone, *connection_type, number, stamp, active = self._row(row)
        contact_id = text_of(number)
        by_field = self._is_primary(row) if self._is_primary else None
        return Contact(
            contact_id=contact_id,
            active=active is not False and status.casefold() != "inactive",
            email=email,
            first_name=first_name,
            last_name=last_name,
            phone=phone,
            enabled=self._enabled(row) if self._enabled else None,
            connection_type=connection_type[0] if connection_type else "",
            is_primary=by_field is True if self._is_primary else bool(contact_id) and contact_id == primary_contact_id,
            modified_at_utc=moment_text(moment_of(stamp)),
        )


class LocationReader:
    """Selection and conversion of locations."""

    def __init__(self, connector: Connector) -> None:
        fields = connector.source.location
        rules = [fields.name, fields.phone, fields.attention]
        has_switches = connector.locations.opt_in_required
        if has_switches:
            rules += [fields.enabled, fields.connection_type]
        fixed = ["Customer", "LocationID", "LastModifiedDateTime", "Active", "Status", "Default"]
        fixed += [f"LocationContact/{name}" for name in ("FirstName", "LastName")]
        address = [f"LocationContact/Address/{name}" for name in ADDRESS_FIELDS]
        self.selection = selection_of("CustomerLocation", [*fixed, *address], rules)
        self._head = self.selection.columns(["Customer", "LocationID", "LastModifiedDateTime"])
        wanted = ["LocationID", "Status", "LocationContact/FirstName", "LocationContact/LastName", *address]
        wanted_rules = [
            fields.name,
            fields.phone,
            fields.attention,
            *([fields.connection_type] if has_switches else []),
        ]
        self._row = RowColumns(self.selection, [*wanted, *wanted_rules], ["Active", "Default"])
        self._enabled = flag_reader(self.selection, fields.enabled) if has_switches else None

    def head(self, row: Row) -> LocationHead:
        """Whose the row is."""
        customer, location_id, stamp = self._head(row)
        return LocationHead(customer or "", str(location_id), moment_of(stamp))

    def to_location(self, row: Row) -> Location:
        """Make the record."""
        location_id, status, first_name, last_name, *rest = self._row(row)
        name, phone, attention, *connection_type, is_active, is_default = rest[len(ADDRESS_FIELDS) :]
        return Location(
            location_id=location_id,
            name=name,
            active=is_active is not False and status.casefold() != "inactive",
            is_default=is_default is True,
            attention=attention,
            first_name=first_name,
            last_name=last_name,
            phone=phone,
            address=_address(rest),
            enabled=self._enabled(row) if self._enabled else None,
            connection_type=connection_type[0] if connection_type else "",
        )


def _address(texts: list[str]) -> PostalAddress:
    line1, line2, city, state, postal_code, country = texts[: len(ADDRESS_FIELDS)]
    return PostalAddress(line1=line1, line2=line2, city=city, state=state, postal_code=postal_code, country=country)
