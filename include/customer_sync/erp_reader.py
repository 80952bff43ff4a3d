"""From the ERP's rows to our records: what to select, and how a row becomes a Customer, Contact or Location."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from acumatica.selection import Row, Selection
from customer_sync.connector import Connector, ValueRule
from customer_sync.customer import BillingContact, Contact, Customer, Location, PostalAddress
from customer_sync.field_source import FieldSource

_ADDRESS = ("AddressLine1", "AddressLine2", "City", "State", "PostalCode", "Country")
_PERSON = ("Attention", "FirstName", "LastName", "Phone1", "Phone2")
_TRUE = frozenset({"true", "1", "yes", "y"})

Read = Callable[[Row], Any]


class CustomerReader:
    """Selection and conversion of customers."""

    def __init__(self, connector: Connector) -> None:
        fields = connector.source.customer
        rules = [getattr(fields, name) for name in type(fields).model_fields if name != "extra_fields"]
        fixed = ["CustomerID", "LastModifiedDateTime", "NoteID", "PrimaryContactID", "BillingAddressOverride"]
        fixed += ["BillingContactOverride", *(f"BillingContact/{name}" for name in _PERSON)]
        fixed += [f"{part}/Address/{name}" for part in ("MainContact", "BillingContact") for name in _ADDRESS]
        self.selection = _selection("Customer", fixed, [*rules, *fields.extra_fields.values()])
        read = self.selection.getter
        self._texts = {
            name: _text_reader(self.selection, getattr(fields, name))
            for name in type(fields).model_fields
            if name not in {"extra_fields", "enabled"}
        }
        self._enabled = _flag_reader(self.selection, fields.enabled)
        self._extra = {name: _text_reader(self.selection, rule) for name, rule in fields.extra_fields.items()}
        self._id, self._note, self._primary = read("CustomerID"), read("NoteID"), read("PrimaryContactID")
        self._modified = read("LastModifiedDateTime")
        self._billing_address_override = read("BillingAddressOverride")
        self._billing_contact_override = read("BillingContactOverride")
        self._main_address = _address_reader(self.selection, "MainContact/Address")
        self._billing_address = _address_reader(self.selection, "BillingContact/Address")
        self._person = {name: read(f"BillingContact/{name}") for name in _PERSON}

    def key(self, row: Row) -> str:
        """The row's CustomerID."""
        return _text(self._id(row))

    def primary_contact_id(self, row: Row) -> str:
        """ContactID of the customer's primary contact, ``""`` if it has none."""
        return _text(self._primary(row))

    def modified_at_utc(self, row: Row) -> datetime | None:
        """The row's stamp."""
        return _moment(self._modified(row))

    def to_customer(self, row: Row, contacts: Iterable[Contact], locations: Iterable[Location]) -> Customer:
        """Make the record, with its contacts and locations."""
        texts = {name: read(row) for name, read in self._texts.items()}
        main = self._main_address(row)
        stamp = self.modified_at_utc(row)
        return Customer(
            customer_id=self.key(row),
            record_id=_text(self._note(row)) or _text(getattr(row, "id", None)),
            name=texts["name"],
            email=texts["email"],
            customer_type=texts["type"],
            customer_class=texts["customer_class"],
            status=texts["status"],
            enabled=self._enabled(row),
            connection_type=texts["connection_type"],
            reference_id=texts["reference_id"],
            terms=texts["terms"],
            phone=texts["phone"],
            attention=texts["attention"],
            address=main,
            billing=self._billing(row, main, texts),
            contacts=tuple(contacts),
            locations=tuple(locations),
            extra_fields={name: value for name, read in self._extra.items() if (value := read(row))},
            modified_at_utc=stamp.isoformat() if stamp else "",
        )

    def _billing(self, row: Row, main: PostalAddress, texts: dict[str, str]) -> BillingContact:
        address = self._billing_address(row) if self._billing_address_override(row) is True else main
        if self._billing_contact_override(row) is not True:
            return BillingContact(attention=texts["attention"], phone=texts["phone"], address=address)
        person = {name: _text(read(row)) for name, read in self._person.items()}
        return BillingContact(
            attention=person["Attention"],
            first_name=person["FirstName"],
            last_name=person["LastName"],
            phone=person["Phone1"] or person["Phone2"],
            address=address,
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
        self.selection = _selection("Contact", fixed, rules)
        read = self.selection.getter
        self._id, self._account, self._modified = (
            read("ContactID"),
            read("BusinessAccount"),
            read("LastModifiedDateTime"),
        )
        self._active, self._status, self._type = read("Active"), read("Status"), read("Type")
        self._texts = {
            name: _text_reader(self.selection, getattr(fields, name))
            for name in ("email", "first_name", "last_name", "phone")
        }
        has_switches = connector.contacts.opt_in_required
        self._enabled = _flag_reader(self.selection, fields.enabled) if has_switches else None
        self._connection = _text_reader(self.selection, fields.connection_type) if has_switches else None
        self._is_primary = _flag_reader(self.selection, fields.is_primary) if fields.is_primary else None

    def owner(self, row: Row) -> str:
        """CustomerID of the contact's business account."""
        return _text(self._account(row))

    def modified_at_utc(self, row: Row) -> datetime | None:
        """The row's stamp."""
        return _moment(self._modified(row))

    def is_person(self, row: Row) -> bool:
        """Whether the row is a contact person, not another kind (acumatica_rest.md section 8.2)."""
        return _text(self._type(row)).casefold() in {"", "contact"}

    def to_contact(self, row: Row, primary_contact_id: str) -> Contact:
        """Make the record."""
        contact_id = _text(self._id(row))
        stamp = self.modified_at_utc(row)
        by_field = self._is_primary(row) if self._is_primary else None
        return Contact(
            contact_id=contact_id,
            active=self._active(row) is not False and _text(self._status(row)).casefold() != "inactive",
            email=self._texts["email"](row),
            first_name=self._texts["first_name"](row),
            last_name=self._texts["last_name"](row),
            phone=self._texts["phone"](row),
            enabled=self._enabled(row) if self._enabled else None,
            connection_type=self._connection(row) if self._connection else "",
            is_primary=by_field is True if self._is_primary else bool(contact_id) and contact_id == primary_contact_id,
            modified_at_utc=stamp.isoformat() if stamp else "",
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
        fixed += [f"LocationContact/Address/{name}" for name in _ADDRESS]
        self.selection = _selection("CustomerLocation", fixed, rules)
        read = self.selection.getter
        self._customer, self._id, self._modified = read("Customer"), read("LocationID"), read("LastModifiedDateTime")
        self._active, self._status, self._default = read("Active"), read("Status"), read("Default")
        self._first, self._last = read("LocationContact/FirstName"), read("LocationContact/LastName")
        self._address = _address_reader(self.selection, "LocationContact/Address")
        self._texts = {
            name: _text_reader(self.selection, getattr(fields, name)) for name in ("name", "phone", "attention")
        }
        self._enabled = _flag_reader(self.selection, fields.enabled) if has_switches else None
        self._connection = _text_reader(self.selection, fields.connection_type) if has_switches else None

    def owner(self, row: Row) -> str:
        """CustomerID of the location's customer."""
        return _text(self._customer(row))

    def modified_at_utc(self, row: Row) -> datetime | None:
        """The row's stamp."""
        return _moment(self._modified(row))

    def to_location(self, row: Row) -> Location:
        """Make the record."""
        return Location(
            location_id=_text(self._id(row)),
            name=self._texts["name"](row),
            active=self._active(row) is not False and _text(self._status(row)).casefold() != "inactive",
            is_default=self._default(row) is True,
            attention=self._texts["attention"](row),
            first_name=_text(self._first(row)),
            last_name=_text(self._last(row)),
            phone=self._texts["phone"](row),
            address=self._address(row),
            enabled=self._enabled(row) if self._enabled else None,
            connection_type=self._connection(row) if self._connection else "",
        )


def _selection(entity: str, fixed: Iterable[str], rules: Iterable[ValueRule]) -> Selection:
    paths = dict.fromkeys(fixed)
    custom: dict[str, None] = {}
    for rule in rules:
        for source in rule.sources:
            if source.custom:
                custom[source.custom] = None
            elif source.detail:
                paths.update(dict.fromkeys(f"{source.detail}/{name}" for name in (*source.where, source.field)))
            else:
                paths[source.field] = None
    return Selection(entity, tuple(paths), tuple(custom))


def _source_reader(selection: Selection, source: FieldSource) -> Read:
    if source.custom:
        return selection.getter(source.custom)
    if not source.detail:
        return selection.getter(source.field)
    rows_of = selection.detail_getter(source.detail, [*source.where, source.field])
    wanted = tuple(value.casefold() for value in source.where.values())

    def read(row: Row) -> Any:
        for *facts, value in rows_of(row):
            if tuple(_text(fact).casefold() for fact in facts) == wanted:
                return value
        return None

    return read


def _text_reader(selection: Selection, rule: ValueRule) -> Callable[[Row], str]:
    reads = [_source_reader(selection, source) for source in rule.sources]
    converters = [_converter(name) for name in rule.convert if name != "trim"]

    def read(row: Row) -> str:
        text = next((found for get in reads if (found := _text(get(row)))), "")
        for convert in converters:
            text = convert(text)
        return text

    return read


def _flag_reader(selection: Selection, rule: ValueRule) -> Callable[[Row], bool | None]:
    reads = [_source_reader(selection, source) for source in rule.sources]

    def read(row: Row) -> bool | None:
        for get in reads:
            value = get(row)
            if value is not None and value != "":
                return value if isinstance(value, bool) else _text(value).casefold() in _TRUE
        return None

    return read


def _address_reader(selection: Selection, part: str) -> Callable[[Row], PostalAddress]:
    line1, line2, city, state, postal_code, country = (selection.getter(f"{part}/{name}") for name in _ADDRESS)

    def read(row: Row) -> PostalAddress:
        return PostalAddress(
            line1=_text(line1(row)),
            line2=_text(line2(row)),
            city=_text(city(row)),
            state=_text(state(row)),
            postal_code=_text(postal_code(row)),
            country=_text(country(row)),
        )

    return read


def _converter(name: str) -> Callable[[str], str]:
    if name.startswith("cut:"):
        length = int(name.removeprefix("cut:"))
        return lambda text: text[:length]
    return {"upper": str.upper, "lower": str.lower, "digits": _digits}[name]


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _moment(value: Any) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
