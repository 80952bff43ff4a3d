"""Customers of the seeded world that show one edge case each, under the same ids for every seed number.

`EDGE_CASES` is the table for tests, demos and documents; where a case has a reason code of the product
(docs/errors.md#reasons), the code comes first.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.ordinary import first_contact_id, ordinary_customer, some_address
from sandbox.places import COUNTRIES
from sandbox.world_records import PostalAddress, WorldContact, WorldCustomer, WorldLocation

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """One customer with an edge case.

    Attributes:
        number: Its number in the world.
        customer_id: Its key.
        shows: What it shows.
        change: What makes it one, laid over an ordinary, plain customer.
    """

    number: int
    customer_id: str
    shows: str
    change: Callable[[WorldCustomer, int], None]


_MADE: list[EdgeCase] = []


def _edge_case(
    number: int, shows: str, customer_id: str | None = None
) -> Callable[[Callable[[WorldCustomer, int], None]], Callable[[WorldCustomer, int], None]]:
    """Enter an edge case into the table."""

    def enter(change: Callable[[WorldCustomer, int], None]) -> Callable[[WorldCustomer, int], None]:
        _MADE.append(EdgeCase(number, customer_id or f"C{number:06d}", shows, change))
        return change

    return enter


def _plainly(number: int, shows: str, **values: object) -> None:
    """Enter an edge case that is only other values in fields of the customer."""

    def change(customer: WorldCustomer, _seed: int) -> None:
        for name, value in values.items():
            setattr(customer, name, value)

    _edge_case(number, shows)(change)


_plainly(6, "type_not_b2b, class_not_selected: class RETAIL", customer_class="RETAIL", customer_type="B2C")
_plainly(7, "type_not_b2b, class_not_selected: class WEB", customer_class="WEB", customer_type="")
_plainly(8, "class B2B, but CustomerType B2C: eligible by class, not by type", customer_type="B2C")
_plainly(9, "type_not_b2b by class, although CustomerType is B2B", customer_class="RETAIL")
_plainly(10, "email_missing", email="")
_plainly(11, "email_invalid: no @", email="accounts(at)firm.example")
_plainly(12, "email_invalid: two addresses in one field", email="ap@firm12.example; office@firm12.example")
_plainly(13, "not_enabled: the tick is off", enabled=False)
_plainly(14, "connection_type_mismatch: another code", connection_type="BCM")
_plainly(15, "connection_type_mismatch: ticked, but no code", connection_type="")
_plainly(16, "status_on_hold", status="On Hold")
_plainly(17, "status_inactive", status="Inactive")
_plainly(18, "status Credit Hold, which syncs", status="Credit Hold")
_plainly(19, "status One-Time, which syncs", status="One-Time")
_plainly(20, "name_missing: the name is three blanks", name="   ")
_plainly(21, "phone_missing: neither Phone1 nor Phone2", phone1="", phone2="")
_plainly(22, "only Phone2", phone1="", phone2="+1 (555) 010-2222")
_plainly(35, "terms_not_mapped: PREPAY", terms="PREPAY")
_plainly(42, "no location at all", locations=[])
_plainly(
    48,
    "four reasons at once: type_not_b2b, email_missing, not_enabled, status_inactive",
    customer_class="RETAIL",
    customer_type="B2C",
    email="",
    enabled=False,
    status="Inactive",
)
_plainly(50, "a second site association of another connector", other_site=("SHOP2", "BCM", True))
_plainly(57, "Account Email in capitals", email="Orders@FIRM57.EXAMPLE")
_plainly(60, "markup and quotes in the name", name='O\'Brien & "Sons" <Ltd> {{7*7}}')


@_edge_case(23, "country_missing")
def _no_country(customer: WorldCustomer, _seed: int) -> None:
    customer.address = PostalAddress("12 Mill Road", "", "Nowhere", "", "12345", "")


@_edge_case(24, "country_unknown: ZZ")
def _unknown_country(customer: WorldCustomer, _seed: int) -> None:
    customer.address = PostalAddress("12 Mill Road", "", "Nowhere", "", "12345", "ZZ")


@_edge_case(25, "state_unknown: US with state QQ")
def _unknown_state(customer: WorldCustomer, _seed: int) -> None:
    customer.address = PostalAddress("12 Mill Road", "", "Albany", "QQ", "12207", "US")


@_edge_case(26, "contact_not_enabled: the second contact's tick is off")
def _contact_not_enabled(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].enabled = False


@_edge_case(27, "contact_inactive: the second contact")
def _contact_inactive(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].active = False


@_edge_case(28, "contact_name_missing: the second contact has neither first nor last name")
def _contact_without_name(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].first_name = customer.contacts[1].last_name = ""


@_edge_case(29, "contact_email_missing: the second contact")
def _contact_without_email(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].email = ""


@_edge_case(30, "contact_email_invalid: the second contact")
def _contact_with_bad_email(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].email = "buyer@@firm30.example"


@_edge_case(31, "contact_email_duplicate: two contacts of one customer, letters of other case")
def _two_contacts_one_email(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].email = customer.contacts[0].email.upper()


@_edge_case(32, "location_inactive: the second location")
def _location_inactive(customer: WorldCustomer, _seed: int) -> None:
    _second_location(customer).active = False


@_edge_case(33, "location_address_incomplete: the second location has no street and no city")
def _location_incomplete(customer: WorldCustomer, _seed: int) -> None:
    _second_location(customer).address = PostalAddress(country=customer.address.country)


@_edge_case(34, "location_country_unknown: the second location is in XK1")
def _location_abroad(customer: WorldCustomer, _seed: int) -> None:
    _second_location(customer).address = PostalAddress("1 Far Road", "", "Farcity", "", "1000", "XK1")


@_edge_case(36, "one Account Email with C000037: email_duplicate where the store wants it unique")
def _shares_email(customer: WorldCustomer, _seed: int) -> None:
    customer.email = "shared@twofirms.example"


@_edge_case(37, "one Account Email with C000036, in other case")
def _shares_email_too(customer: WorldCustomer, _seed: int) -> None:
    customer.email = "Shared@twofirms.example"


@_edge_case(38, "contacts, but no primary contact")
def _no_primary(customer: WorldCustomer, _seed: int) -> None:
    customer.primary_contact_id = None


@_edge_case(39, "no contact at all (no_admin_contact where the connector refuses the fallback)")
def _no_contact(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts = []
    customer.primary_contact_id = None


@_edge_case(40, "its first contact is also a contact of C000041, by e-mail")
def _contact_twice(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[0].email = "consultant@agency.example"


@_edge_case(41, "its second contact is also a contact of C000040, by e-mail")
def _contact_twice_too(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].email = "consultant@agency.example"


@_edge_case(43, "twelve locations")
def _many_locations(customer: WorldCustomer, seed: int) -> None:
    dice = _dice(seed, customer)
    for index in range(len(customer.locations), 12):
        place = some_address(dice, COUNTRIES[index % 2])
        customer.locations.append(WorldLocation(f"L{index:02d}", f"Branch {index}", is_default=False, address=place))


@_edge_case(44, "twelve contacts")
def _many_contacts(customer: WorldCustomer, _seed: int) -> None:
    first_id = first_contact_id(customer.number)
    for index in range(len(customer.contacts) + 1, 13):
        email = f"buyer{index}@{customer.domain}"
        customer.contacts.append(WorldContact(first_id + index, f"Buyer{index}", "Marsh", email, "+1 (555) 010-4400"))


@_edge_case(45, "a name of 240 accented letters")
def _long_name(customer: WorldCustomer, _seed: int) -> None:
    customer.name = ("Établissements Gérôme-Désirée Überländer & Çelik " * 6)[:240].strip().ljust(240, "é")


@_edge_case(46, "a key with blanks", customer_id="ACME WEST 46")
def _key_with_blanks(_customer: WorldCustomer, _seed: int) -> None:
    return


@_edge_case(47, "a key with a slash, which a path cannot carry", customer_id="NORTH/SOUTH47")
def _key_with_slash(_customer: WorldCustomer, _seed: int) -> None:
    return


@_edge_case(49, "own billing contact and billing address")
def _own_billing(customer: WorldCustomer, seed: int) -> None:
    customer.billing_email = f"billing@{customer.domain}"
    customer.billing_address = some_address(_dice(seed, customer), COUNTRIES[1])


@_edge_case(51, "contact_not_enabled: the second contact has another connection type")
def _contact_elsewhere(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].connection_type = "BCM"


@_edge_case(52, "contact_inactive: the primary contact, so another becomes the admin")
def _primary_inactive(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[0].active = False


@_edge_case(53, "contact_not_enabled: all contacts, so the account itself becomes the admin")
def _no_contact_enabled(customer: WorldCustomer, _seed: int) -> None:
    for contact in customer.contacts:
        contact.enabled = False


@_edge_case(54, "the primary contact's e-mail is the Account Email")
def _contact_is_account(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[0].email = customer.email


@_edge_case(55, "its second contact's e-mail belongs to a plain shopper of the seeded store")
def _contact_is_shopper(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].email = "shopper@plainshop.example"


@_edge_case(56, "email_in_use: its second contact's e-mail belongs to a user of another company of the seeded store")
def _contact_elsewhere_in_store(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].email = "taken@othercompany.example"


@_edge_case(58, "contact_name_missing: the second contact has only a last name")
def _contact_half_named(customer: WorldCustomer, _seed: int) -> None:
    customer.contacts[1].first_name = ""


@_edge_case(59, "a state in a country whose addresses carry none: GB, Kent")
def _needless_state(customer: WorldCustomer, _seed: int) -> None:
    customer.address = PostalAddress("3 Castle Street", "", "Canterbury", "Kent", "CT1 2QT", "GB")


EDGE_CASES: dict[str, EdgeCase] = {entry.customer_id: entry for entry in sorted(_MADE, key=lambda entry: entry.number)}
"""Edge cases by key, in order of their numbers."""

EDGE_CASE_NUMBERS: dict[int, EdgeCase] = {entry.number: entry for entry in EDGE_CASES.values()}
"""The same by number."""


def edge_case_customer(seed: int, number: int) -> WorldCustomer:
    """A customer of the table as the seed's world has it."""
    entry = EDGE_CASE_NUMBERS[number]
    customer = ordinary_customer(seed, number, is_plain=True)
    customer = replace(customer, customer_id=entry.customer_id)
    entry.change(customer, seed)
    return customer


def _second_location(customer: WorldCustomer) -> WorldLocation:
    if len(customer.locations) < 2:  # noqa: PLR2004  # the default one and another
        place = replace(customer.address)
        customer.locations.append(WorldLocation("EAST", "East warehouse", is_default=False, address=place))
    return customer.locations[1]


def _dice(seed: int, customer: WorldCustomer) -> random.Random:
    return random.Random(seed * 7_919 + customer.number)  # noqa: S311  # repeatable data, no secret
