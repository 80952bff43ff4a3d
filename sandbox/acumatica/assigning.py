"""Which stored value a sent field changes, and whose stamp moves with it.

Source: docs/api/acumatica.md#writing, #change-tracking and #commerce-tab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.acumatica.access import LOCATION_FIELDS, SITE_FIELDS
from sandbox.acumatica.contract import fields_of
from sandbox.acumatica.conversion import UnfitValueError, is_email
from sandbox.acumatica.rows import DEFAULT_SITE_ID, Address, Card, Contact, Customer, Location, Record, Row, Site
from sandbox.acumatica.selectors import complaint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.journal import Journal
    from sandbox.acumatica.tables import Database
    from sandbox.settings import Settings

_CARD_READ_ONLY = {"ContactID", "DisplayName", "AddressValidated"}


class Assigner:
    """Writes single fields into rows, through a journal.

    Args:
        database: Tables, for references.
        settings: Switches.
        journal: Where changes go.
    """

    def __init__(self, database: Database, settings: Settings, journal: Journal) -> None:
        self._database = database
        self._settings = settings
        self._journal = journal
        self._special: dict[str, dict[str, Callable[[Any, Any], None]]] = {
            "Customer": {
                "Email": self._account_email,
                "PrimaryContactID": self._primary_contact,
                "BillingContactOverride": self._billing_contact_override,
                "BillingAddressOverride": self._billing_address_override,
                "ShippingContactOverride": self._shipping_contact_override,
                "ShippingAddressOverride": self._shipping_address_override,
            },
            "Contact": {
                "BusinessAccount": self._business_account,
                "OverrideAccountAddress": self._contact_address_override,
                "IsPrimary": self._is_primary,
                "Status": self._status_as_active,
            },
            "CustomerLocation": {
                "AddressOverride": self._location_address_override,
                "ContactOverride": self._location_contact_override,
                "Default": self._default_location,
                "Status": self._status_as_active,
            },
        }

    def assign(self, entity: str, record: Record, name: str, value: Any) -> None:
        """Write one scalar field of a top-level record.

        Raises:
            UnfitValueError: The value is not acceptable; the text is for the client.
        """
        field = fields_of(entity)[name]
        if field.is_read_only:
            return
        self._check_selector(name, value)
        special = self._special[entity].get(name)
        if special is not None:
            special(record, value)
        elif name in SITE_FIELDS:
            self._site_field(record, SITE_FIELDS[name], value)
        elif isinstance(record, Customer) and name in LOCATION_FIELDS:
            location = record.default_location()
            if location is not None:
                self._plain(location, location, LOCATION_FIELDS[name], value)
        else:
            _check_listed(name, value, field.options)
            if name == "Email":
                _check_email(value)
            self._plain(record, record, name, value)

    def assign_card(self, card: Card, owner: Record | None, name: str, value: Any) -> None:
        """Write one scalar field of a linked contact; `owner` is the customer it belongs to."""
        if name in _CARD_READ_ONLY:
            return
        if name in ("FullName", "CompanyName"):
            if isinstance(owner, Customer):
                self._plain(owner, owner, "CustomerName", value)
            else:
                self._linked(card, owner, "FullName", value)
            return
        if name == "Email":
            _check_email(value)
        self._linked(card, owner, name, value)

    def assign_address(self, address: Address, owner: Record | None, name: str, value: Any) -> None:
        """Write one field of an address; `owner` is the customer it belongs to.

        Raises:
            UnfitValueError: A selector does not know the value.
        """
        self._check_selector(name, value, address.get("Country") or "")
        self._linked(address, owner, name, value)

    def assign_detail(self, row: Row, owner: Record, name: str, value: Any) -> None:
        """Write one field of a detail row."""
        if row.get(name) == value and not self._settings["equal_values_move_stamp"]:
            return
        self._journal.set_value(row, name, value)
        if self._settings["touch_parent_on_detail_change"]:
            self._journal.touch(owner)

    def _check_selector(self, name: str, value: Any, country: str = "") -> None:
        text = complaint(name, value, self._settings["selectors"], country)
        if text is not None:
            raise UnfitValueError(text)

    def touches_parent(self) -> bool:
        """Whether a changed detail row moves its record's stamp."""
        return bool(self._settings["touch_parent_on_detail_change"])

    def _plain(self, row: Row, stamped: Record, name: str, value: Any) -> None:
        if row.get(name) == value:
            if self._settings["equal_values_move_stamp"]:
                self._journal.touch(stamped)
            return
        self._journal.set_value(row, name, value)
        self._journal.touch(stamped)

    def _linked(self, row: Row, owner: Record | None, name: str, value: Any) -> None:
        """A value of a linked row: by default no stamp moves."""
        if row.get(name) == value:
            return
        self._journal.set_value(row, name, value)
        if owner is not None and (
            not isinstance(owner, Customer) or self._settings["linked_edits_move_customer_stamp"]
        ):
            self._journal.touch(owner)

    def _account_email(self, customer: Customer, value: Any) -> None:
        _check_email(value)
        self._linked(customer.main, customer, "Email", value)

    def _primary_contact(self, customer: Customer, value: Any) -> None:
        if value is not None and all(contact.contact_id != value for contact in customer.contacts):
            raise UnfitValueError("'Primary Contact' cannot be found in the system.")
        self._plain(customer, customer, "PrimaryContactID", value)

    def _is_primary(self, contact: Contact, value: Any) -> None:
        customer = contact.customer
        if customer is None:
            return
        is_now = customer.values.get("PrimaryContactID") == contact.contact_id
        if bool(value) != is_now:
            self._plain(customer, customer, "PrimaryContactID", contact.contact_id if value else None)

    def _site_field(self, record: Record, name: str, value: Any) -> None:
        site = record.default_site()
        if site is None:
            if not value:
                return
            site = Site(self._database.new_id(), {"SiteID": DEFAULT_SITE_ID})
            self._journal.replace_list(record, "sites", [*record.sites, site])
        self._plain(site, record, name, bool(value) if name == "Active" else value)

    def _business_account(self, contact: Contact, value: Any) -> None:
        former = contact.customer
        if (former.key if former else None) == value:
            return
        owner = self._database.customer(value) if value is not None else None
        if value is not None and owner is None:
            raise UnfitValueError("'Business Account' cannot be found in the system.")
        if owner is former:
            return
        if former is not None:
            self._journal.replace_list(former, "contacts", [each for each in former.contacts if each is not contact])
        if owner is not None:
            contacts = sorted([*owner.contacts, contact], key=lambda each: each.contact_id)
            self._journal.replace_list(owner, "contacts", contacts)
        self._journal.set_attribute(contact, "customer", owner)
        self._journal.touch(contact)

    def _status_as_active(self, record: Record, value: Any) -> None:
        if value not in ("Active", "Inactive"):
            raise UnfitValueError("'Status' has a value that is not in the list.")
        self._plain(record, record, "Active", value == "Active")

    def _default_location(self, location: Location, value: Any) -> None:
        if not value:
            return  # there is always one default; it changes by making another one the default
        for other in location.customer.locations:
            if other is not location and other.get("Default"):
                self._plain(other, other, "Default", value=False)
        self._plain(location, location, "Default", value=True)

    def _billing_contact_override(self, customer: Customer, value: Any) -> None:
        self._override_card(customer, customer, "billing", is_own=bool(value))

    def _billing_address_override(self, customer: Customer, value: Any) -> None:
        self._override_address(customer, customer, "billing_address", is_own=bool(value))

    def _shipping_contact_override(self, customer: Customer, value: Any) -> None:
        location = customer.default_location()
        if location is not None:
            self._location_contact_override(location, value)

    def _shipping_address_override(self, customer: Customer, value: Any) -> None:
        location = customer.default_location()
        if location is not None:
            self._location_address_override(location, value)

    def _location_contact_override(self, location: Location, value: Any) -> None:
        self._override_card(location, location.customer, "card", is_own=bool(value))

    def _location_address_override(self, location: Location, value: Any) -> None:
        self._override_address(location, location.customer, "address", is_own=bool(value))

    def _contact_address_override(self, contact: Contact, value: Any) -> None:
        self._override_address(contact, contact.customer, "address", is_own=bool(value))

    def _override_card(self, record: Record, customer: Customer, name: str, *, is_own: bool) -> None:
        """Give a record its own contact, starting from the main one, or take it away."""
        if (getattr(record, name) is not None) == is_own:
            return
        card = None
        if is_own:
            card = Card(self._database.new_id(), dict(customer.main.values), self._database.new_contact_id())
        self._journal.set_attribute(record, name, card)
        self._journal.touch(record)

    def _override_address(self, record: Record, customer: Customer | None, name: str, *, is_own: bool) -> None:
        """Give a record its own address, starting from the main one, or take it away."""
        if (getattr(record, name) is not None) == is_own:
            return
        address = None
        if is_own:
            address = Address(self._database.new_id(), dict(customer.main_address.values) if customer else {})
        self._journal.set_attribute(record, name, address)
        self._journal.touch(record)


def _check_listed(name: str, value: Any, options: tuple[str, ...]) -> None:
    if name == "Status" and value not in options:
        raise UnfitValueError("'Status' has a value that is not in the list.")


def _check_email(value: Any) -> None:
    # People keep several addresses in one field (docs/api/acumatica.md#customer).
    several = [each for part in (value or "").replace(";", ",").split(",") if (each := part.strip())]
    if value is not None and not (several and all(map(is_email, several))):
        raise UnfitValueError("The e-mail address is not valid.")
