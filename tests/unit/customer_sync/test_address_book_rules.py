"""Which locations become addresses, with which flags, names and places."""

from typing import Any

import pytest

from customer_sync.model.company import Address
from customer_sync.model.customer import BillingContact, Customer
from customer_sync.model.outcome import Finding, Reason
from customer_sync.rules.address_book import build_addresses
from tests.unit.customer_sync.builders import a_connector, a_customer, a_location, an_address, places_for


def book_of(customer: Customer, **settings: Any) -> tuple[dict[str, Address], list[Finding]]:
    """Build the address book, by the part of the id that names the place."""
    findings: list[Finding] = []
    connector = a_connector(**settings)
    addresses = build_addresses(customer, connector, places_for(connector), findings)
    book = {address.external_id.split(":", 1)[1]: address for address in addresses}
    assert len(book) == len(addresses), "external ids must be unique"
    return book, findings


def flags(address: Address) -> tuple[bool, bool, bool, bool]:
    """Give the four flags."""
    return address.is_billing, address.is_shipping, address.is_default_billing, address.is_default_shipping


def test_flags_say_what_an_address_is_for() -> None:
    """Locations ship, the default location ships by default, the billing address bills by default."""
    book, findings = book_of(a_customer(locations=(a_location("MAIN", is_default=True), a_location("EAST"))))
    assert {key: flags(address) for key, address in book.items()} == {
        "EAST": (False, True, False, False),
        "MAIN": (False, True, False, True),
        "BILLING": (True, False, True, False),
    }
    assert findings == []


def test_several_values_in_one_field_of_a_location_are_told() -> None:
    """The address is made with the first; where it is left out for another reason only that is said."""
    locations = (
        a_location("MAIN", unused={"location.phone": 1}),
        a_location("EAST", active=False, unused={"location.phone": 1}),
    )
    book, findings = book_of(a_customer(locations=locations))
    assert book.keys() == {"MAIN", "BILLING"}
    assert [(each.reason, each.entity, each.key, each.field, each.detail) for each in findings] == [
        (Reason.LOCATION_INACTIVE, "location", "EAST", "location.active", ""),
        (Reason.VALUES_NOT_USED, "location", "MAIN", "location.phone", "1 more value"),
    ]


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({}, {}, None),
        ({"active": False}, {}, Reason.LOCATION_INACTIVE),
        ({}, {"opt_in_required": True}, Reason.LOCATION_NOT_ENABLED),
        ({"enabled": True, "connection_type": "knb"}, {"opt_in_required": True}, None),
        ({"enabled": True, "connection_type": "X"}, {"opt_in_required": True}, Reason.LOCATION_NOT_ENABLED),
        ({"enabled": False, "connection_type": "KNB"}, {"opt_in_required": True}, Reason.LOCATION_NOT_ENABLED),
        ({"enabled": False}, {"opt_in_required": False}, None),
        ({"address": an_address(line1="")}, {}, Reason.LOCATION_ADDRESS_INCOMPLETE),
        ({"address": an_address(city="")}, {}, Reason.LOCATION_ADDRESS_INCOMPLETE),
        ({"address": an_address(country="")}, {}, Reason.LOCATION_ADDRESS_INCOMPLETE),
        ({"address": an_address(state="")}, {}, Reason.LOCATION_ADDRESS_INCOMPLETE),
        ({"address": an_address(state="ZZ")}, {}, Reason.LOCATION_ADDRESS_INCOMPLETE),
        ({"address": an_address(country="XX")}, {}, Reason.LOCATION_COUNTRY_UNKNOWN),
        ({"address": an_address(postal_code="")}, {}, None),
        ({"address": an_address(country="GB", state="")}, {}, None),
    ],
)
def test_a_location_is_left_out_for_exactly_the_rule_that_it_breaks(
    changes: dict[str, Any], settings: dict[str, Any], reason: Reason | None
) -> None:
    """Every rule on both sides; the other addresses stay."""
    customer = a_customer(locations=(a_location("EAST", **changes), a_location("MAIN")))
    book, findings = book_of(customer, locations={"opt_in_required": False} | settings)
    found = [finding.reason for finding in findings if finding.key == "EAST"]
    assert found == ([reason] if reason else [])
    assert ("EAST" in book) is (reason is None)
    assert "BILLING" in book


@pytest.mark.parametrize(
    ("address", "field", "detail"),
    [
        (an_address(line1="", city=""), "location.address.line1", "no street, city"),
        (an_address(country=""), "location.address.country", "no country"),
        (
            an_address(state=""),
            "location.address.state",
            "the state is missing; United States needs one (or geography.default_states.US)",
        ),
        (an_address(state="ZZ"), "location.address.state", "'ZZ' is not a state of United States that the store lists"),
        (
            an_address(country="Atlantis"),
            "location.address.country",
            "'Atlantis' is not a country that the store lists",
        ),
        (
            an_address(country="A" * 21),
            "location.address.country",
            f"'{'A' * 20}' is not a country that the store lists",
        ),
        (
            an_address(state="S" * 21),
            "location.address.state",
            f"'{'S' * 20}' is not a state of United States that the store lists",
        ),
    ],
)
def test_what_is_missing_is_said(address: Any, field: str, detail: str) -> None:
    """The finding names the first field at fault and says what is wrong with it."""
    _, findings = book_of(a_customer(locations=(a_location("EAST", address=address),)))
    assert [(finding.field, finding.detail, finding.entity) for finding in findings] == [(field, detail, "location")]


@pytest.mark.parametrize(
    ("country", "state", "expected"),
    [
        ("US", "CA", ("California", "CA", "United States", "US")),
        ("CA", "Ontario", ("Ontario", "ON", "Canada", "CA")),
        ("DE", "BY", ("Bavaria", "BY", "Germany", "DE")),
        ("JP", "13", ("Tokyo", "13", "Japan", "JP")),
        ("GB", "Kent", ("", "", "United Kingdom", "GB")),
        ("NL", "", ("", "", "Netherlands", "NL")),
    ],
)
def test_country_and_state_come_with_name_and_code(country: str, state: str, expected: tuple[str, ...]) -> None:
    """The store wants both of both, and no state where it knows none."""
    book, _ = book_of(a_customer(locations=(a_location("EAST", address=an_address(country=country, state=state)),)))
    east = book["EAST"]
    assert (east.state_name, east.state_code, east.country_name, east.country_code) == expected


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"first_name": "Jo", "last_name": "Park"}, ("Jo", "Park")),
        ({"first_name": "Jo"}, ("Receiving", "Desk")),
        ({"attention": "Jo van der Berg"}, ("Jo van der", "Berg")),
        ({"attention": "Reception"}, ("Reception", "Reception")),
        ({"attention": "", "name": "East Bay Dock"}, ("East Bay", "Dock")),
        ({"attention": "", "name": ""}, ("Northwind Kitchen Supply", "Northwind Kitchen Supply")),
        ({"attention": "山田太郎"}, ("山田太郎", "山田太郎")),
    ],
)
def test_two_names_are_found_whatever_the_erp_holds(changes: dict[str, str], names: tuple[str, str]) -> None:
    """Person, attention, place, firm: the first that says something gives both names."""
    book, _ = book_of(a_customer(locations=(a_location("EAST", **changes),)))
    assert (book["EAST"].first_name, book["EAST"].last_name) == names


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"first_name": "Jo", "last_name": "Park"}, ("Jo", "Park")),
        ({"first_name": "Jo"}, ("Accounts", "Payable")),
        ({"attention": ""}, ("Northwind Kitchen Supply", "Northwind Kitchen Supply")),
    ],
)
def test_the_bill_goes_to_the_person_that_the_erp_names(changes: dict[str, str], names: tuple[str, str]) -> None:
    """Person, attention, firm: the first that says something gives both names."""
    billing = BillingContact(**{"attention": "Accounts Payable", "address": an_address(), **changes})
    book, _ = book_of(a_customer(billing=billing))
    assert (book["BILLING"].first_name, book["BILLING"].last_name) == names


def test_a_cut_is_said_of_the_field_that_it_came_from() -> None:
    """The same limits hold for locations and the billing address, whose fields are on other screens."""
    long = an_address(city="C" * 101)
    customer = a_customer(locations=(a_location("EAST", address=long),), billing=BillingContact(address=long))
    _, findings = book_of(customer)
    assert [(found.key, found.field) for found in findings] == [
        ("EAST", "location.address.city"),
        ("BILLING", "billing.address.city"),
    ]


def test_the_customers_phone_stands_in_when_a_place_has_none() -> None:
    """A driver can always call someone."""
    customer = a_customer(
        locations=(a_location("EAST", phone=""),), billing=BillingContact(phone="", address=an_address())
    )
    book, _ = book_of(customer)
    assert {address.phone_number for address in book.values()} == {"+1 555 010 4420"}


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"active": False}, Reason.LOCATION_INACTIVE, "location.active"),
        ({"enabled": False}, Reason.LOCATION_NOT_ENABLED, "location.enabled"),
    ],
)
def test_a_switch_that_keeps_a_location_out_is_named(changes: dict[str, Any], reason: Reason, field: str) -> None:
    """The finding leads to the location and the field, and the locations after it are not lost."""
    places = (a_location("EAST", **changes), a_location("WEST", enabled=True, connection_type="KNB"))
    book, findings = book_of(a_customer(locations=places), locations={"opt_in_required": True})
    assert findings == [Finding(reason=reason, entity="location", key="EAST", field=field)]
    assert set(book) == {"WEST", "BILLING"}


def test_the_billing_address_is_left_out_when_it_is_incomplete_or_not_wanted() -> None:
    """The billing address obeys the same rules, and a switch of its own."""
    book, findings = book_of(a_customer(billing=BillingContact()))
    assert set(book) == {"MAIN"}
    assert findings == [
        Finding(
            reason=Reason.LOCATION_ADDRESS_INCOMPLETE,
            entity="location",
            key="BILLING",
            field="billing.address.line1",
            detail="no street, city, country",
        )
    ]
    book, findings = book_of(a_customer(billing=BillingContact()), locations={"billing_address": False})
    assert set(book) == {"MAIN"}
    assert findings == []


def test_only_the_billing_address_is_made_when_locations_are_not_included() -> None:
    """``include: false`` leaves the locations alone, without a word on each."""
    book, findings = book_of(a_customer(), locations={"include": False})
    assert set(book) == {"BILLING"}
    assert findings == []


@pytest.mark.parametrize("location_id", ["BILLING", "Billing"])
def test_both_addresses_stay_apart_when_a_location_is_named_billing(location_id: str) -> None:
    """The ERP may call a location BILLING; neither address takes the other's place."""
    book, _ = book_of(a_customer(locations=(a_location(location_id, is_default=True),)))
    assert set(book) == {f"LOCATION-{location_id}", "BILLING"}
    assert book[f"LOCATION-{location_id}"].is_default_shipping


def test_addresses_come_in_the_order_of_their_ids() -> None:
    """The same customer read in another order is the same company."""
    places = (a_location("Z"), a_location("A"), a_location("M"))
    one, other = (book_of(a_customer(locations=each)) for each in (places, places[::-1]))
    assert list(one[0].items()) == list(other[0].items())


@pytest.mark.parametrize(
    ("changes", "attribute", "length"),
    [
        ({"first_name": "F" * 101, "last_name": "L"}, "first_name", 100),
        ({"address": an_address(line1="L" * 201)}, "address_line1", 200),
        ({"address": an_address(city="C" * 101)}, "city", 100),
        ({"address": an_address(postal_code="9" * 51)}, "zip_code", 50),
        ({"phone": "5" * 51}, "phone_number", 50),
        ({"name": "N" * 201}, "label", 200),
    ],
)
def test_an_addresses_value_is_cut_and_said_when_it_is_too_long(
    changes: dict[str, Any], attribute: str, length: int
) -> None:
    """A long label does not keep a place out."""
    book, findings = book_of(a_customer(locations=(a_location("EAST", **changes),)))
    assert len(getattr(book["EAST"], attribute)) == length
    assert (Reason.VALUE_CUT, "location", "EAST") in [(f.reason, f.entity, f.key) for f in findings]
