"""Customer to company: the field map by hand, and what the store cannot hold."""

from typing import Any

import pytest

from customer_sync.model.company import NO_TERMS, Address, Company, CompanyUser, PaymentTerms
from customer_sync.model.customer import BillingContact, Customer, PostalAddress
from customer_sync.model.outcome import Finding, Reason
from customer_sync.rules.company_mapping import BLOCKING, Transformed
from customer_sync.settings.connector import Connector
from tests.unit.customer_sync.builders import (
    a_connector,
    a_contact,
    a_customer,
    a_location,
    a_store_without_bounds,
    an_address,
    transformed,
)


def company_of(customer: Customer, connector: Connector | None = None) -> Company:
    """Give the company of a customer that the store can hold."""
    result = transformed(customer, connector or a_connector())
    assert result.company is not None, result.findings
    return result.company


def reasons_of(result: Transformed) -> list[Reason]:
    """Give the codes of all findings."""
    return [finding.reason for finding in result.findings]


def test_every_field_arrives_when_the_customer_is_whole() -> None:
    """The field map, written out by hand once for a whole customer."""
    customer = a_customer(
        contacts=(
            a_contact("100815", is_primary=True),
            a_contact("100816", first_name="Mina", phone="", extra_fields={"Desk": "D2"}),
        ),
        locations=(
            a_location("MAIN", is_default=True),
            a_location("EAST", first_name="Jo", last_name="Park", extra_fields={"Gate": "4"}),
        ),
        extra_fields={"Sales Region": "West"},
        terms="30D",
    )
    connector = a_connector(
        terms={"30D": {"days": 30, "payment_methods": {"cheque": True}}},
        source={
            "customer": {"extra_fields": {"Sales Region": "Territory"}},
            "contact": {"extra_fields": {"Desk": "Title"}},
            "location": {"extra_fields": {"Gate": "Memo"}},
        },
    )
    place: dict[str, Any] = {
        "address_line1": "410 Harbor Ave",
        "address_line2": "Suite 12",
        "city": "Oakland",
        "state_name": "California",
        "state_code": "CA",
        "country_name": "United States",
        "country_code": "US",
        "zip_code": "94607",
    }
    assert company_of(customer, connector) == Company(
        customer_id="C001042",
        company_name="Northwind Kitchen Supply",
        company_phone="+1 555 010 4420",
        company_email="ap@northwind.example",
        address_line1="410 Harbor Ave",
        address_line2="Suite 12",
        city="Oakland",
        state="California",
        country="US",
        zip_code="94607",
        extra_fields={"Acumatica Customer ID": "C001042", "Sales Region": "West"},
        users=(
            CompanyUser(
                key="100815",
                email="lee.100815@northwind.example",
                first_name="Lee",
                last_name="Okafor",
                phone_number="+1 555 010 4422",
                role="Admin",
            ),
            CompanyUser(
                key="100816",
                email="lee.100816@northwind.example",
                first_name="Mina",
                last_name="Okafor",
                phone_number="",
                role="Junior Buyer",
                extra_fields={"Desk": "D2"},
            ),
        ),
        addresses=(
            Address(
                external_id="C001042:EAST",
                first_name="Jo",
                last_name="Park",
                phone_number="+1 555 010 4450",
                label="Warehouse EAST",
                is_shipping=True,
                extra_fields={"Gate": "4"},
                **place,
            ),
            Address(
                external_id="C001042:MAIN",
                first_name="Receiving",
                last_name="Desk",
                phone_number="+1 555 010 4450",
                label="Warehouse MAIN",
                is_shipping=True,
                is_default_shipping=True,
                **place,
            ),
            Address(
                external_id="C001042:BILLING",
                first_name="Accounts",
                last_name="Payable",
                phone_number="+1 555 010 4421",
                label="Billing",
                is_billing=True,
                is_default_billing=True,
                **place,
            ),
        ),
        payment_methods={"cheque": True},
        payment_terms=PaymentTerms(is_enabled=True, days=30),
        managed=(("Desk",), ("Gate",)),
    )


@pytest.mark.parametrize(
    ("facts", "settings", "finding"),
    [
        ({"name": ""}, {}, (Reason.NAME_MISSING, "name")),
        ({"phone": ""}, {}, (Reason.PHONE_MISSING, "phone")),
        ({"main_address": an_address(country="")}, {}, (Reason.COUNTRY_MISSING, "main_address.country")),
        ({"main_address": an_address(country="XX")}, {}, (Reason.COUNTRY_UNKNOWN, "main_address.country")),
        ({"main_address": an_address(state="ZZ")}, {}, (Reason.STATE_UNKNOWN, "main_address.state")),
        ({"contacts": ()}, {"contacts": {"admin_fallback": "refuse"}}, (Reason.NO_ADMIN_CONTACT, "contacts")),
    ],
)
def test_a_customer_is_refused_with_reason_and_field_when_the_store_cannot_hold_it(
    facts: dict[str, Any], settings: dict[str, Any], finding: tuple[Reason, str]
) -> None:
    """Each blocking reason stands alone, with the field to correct."""
    result = transformed(a_customer(**facts), a_connector(**settings))
    assert result.company is None
    assert [(found.reason, found.field) for found in result.findings] == [finding]
    assert result.findings[0].entity == "customer"


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        (an_address(country="X" * 21), f"'{'X' * 20}' is not a country that the store lists"),
        (an_address(state="Z" * 21), f"'{'Z' * 20}' is not a state of United States that the store lists"),
    ],
)
def test_what_the_erp_holds_is_quoted_when_it_is_no_place(address: PostalAddress, detail: str) -> None:
    """The person sees the value that the table of the connector file could translate."""
    (finding,) = transformed(a_customer(main_address=address), a_connector()).findings
    assert finding.detail == detail


def test_every_blocking_reason_is_named_at_once_when_several_hold() -> None:
    """Nobody repairs a customer five times."""
    customer = a_customer(name="", phone="", main_address=PostalAddress(), contacts=())
    result = transformed(customer, a_connector(contacts={"admin_fallback": "refuse"}))
    assert set(reasons_of(result)) == {
        Reason.NAME_MISSING,
        Reason.PHONE_MISSING,
        Reason.COUNTRY_MISSING,
        Reason.NO_ADMIN_CONTACT,
    }
    assert set(reasons_of(result)) < BLOCKING


def test_the_default_phone_stands_in_when_the_customer_has_none() -> None:
    """A merchant may prefer a house number to a quarantine."""
    connector = a_connector(store={"default_phone": "+1 555 010 0000"})
    assert company_of(a_customer(phone=""), connector).company_phone == "+1 555 010 0000"
    assert company_of(a_customer(), connector).company_phone == "+1 555 010 4420"


@pytest.mark.parametrize(
    ("address", "settings", "expected"),
    [
        (an_address(country="US", state="CA"), {}, ("US", "California")),
        (an_address(country="US", state="California"), {}, ("US", "California")),
        (an_address(country="us", state="ca"), {}, ("US", "California")),
        (an_address(country="USA", state="NY"), {}, ("US", "New York")),
        (an_address(country="United States", state="TX"), {}, ("US", "Texas")),
        (an_address(country="US", state=""), {}, ("US", "")),
        (an_address(country="CA", state="ON"), {}, ("CA", "Ontario")),
        (an_address(country="DE", state="BY"), {}, ("DE", "Bavaria")),
        (an_address(country="JP", state="13"), {}, ("JP", "Tokyo")),
        (an_address(country="JP", state="01"), {}, ("JP", "Hokkaidō")),
        (an_address(country="GB", state="Greater Manchester"), {}, ("GB", "Greater Manchester")),
        (an_address(country="GB", state=""), {}, ("GB", "")),
        (an_address(country="FR", state="75C"), {}, ("FR", "Paris")),
        (an_address(country="UK", state=""), {}, ("GB", "")),
        (an_address(country="DEU1", state=""), {"geography": {"countries": {"DEU1": "DE"}}}, ("DE", "")),
        (an_address(country="deu1", state=""), {"geography": {"countries": {"DEU1": "de"}}}, ("DE", "")),
        (
            an_address(country="US", state="CALIF"),
            {"geography": {"states": {"US": {"Calif": "CA"}}}},
            ("US", "California"),
        ),
        (an_address(country="JP", state="8"), {"geography": {"states": {"JP": {8: "08"}}}}, ("JP", "Ibaraki")),
    ],
)
def test_country_and_state_arrive_in_the_stores_words(
    address: PostalAddress, settings: dict[str, Any], expected: tuple[str, str]
) -> None:
    """The country as ISO code, the state by its full name; the merchant's own codes by the table."""
    company = company_of(a_customer(main_address=address), a_connector(**settings))
    assert (company.country, company.state) == expected


CUTS = [
    ({"name": "N" * 201}, "company_name", 200, "name"),
    ({"phone": "5" * 51}, "company_phone", 50, "phone"),
    ({"main_address": an_address(line1="L" * 201)}, "address_line1", 200, "main_address.line1"),
    ({"main_address": an_address(line2="L" * 201)}, "address_line2", 200, "main_address.line2"),
    ({"main_address": an_address(city="C" * 101)}, "city", 100, "main_address.city"),
    ({"main_address": an_address(state="S" * 51, country="GB")}, "state", 50, "main_address.state"),
    ({"main_address": an_address(postal_code="9" * 51)}, "zip_code", 50, "main_address.postal_code"),
]


@pytest.mark.parametrize(("facts", "field", "length", "source"), CUTS)
def test_a_value_is_cut_and_the_cut_is_said_when_it_is_too_long(
    facts: dict[str, Any], field: str, length: int, source: str
) -> None:
    """One character too many: the store gets what it can hold, the log says what was lost."""
    result = transformed(a_customer(**facts), a_connector())
    assert len(getattr(result.company, field)) == length
    finding = Finding(reason=Reason.VALUE_CUT, field=source, detail=f"{length + 1} characters cut to {length}")
    assert finding in result.findings


@pytest.mark.parametrize(("facts", "field", "length", "source"), CUTS)
def test_a_value_is_left_alone_when_it_just_fits(facts: dict[str, Any], field: str, length: int, source: str) -> None:
    """The limit itself is still allowed."""
    name, value = next(iter(facts.items()))
    shorter: Any = (
        value[:length]
        if isinstance(value, str)
        else PostalAddress(**{part: getattr(value, part)[:length] for part in value.__struct_fields__})
    )
    changed: dict[str, Any] = {name: shorter}
    result = transformed(a_customer(**changed), a_connector())
    assert len(getattr(result.company, field)) == length
    assert source not in [finding.field for finding in result.findings]


def test_the_key_stands_in_the_extra_field_that_the_connector_names() -> None:
    """The store finds a company again by this field; nothing may take its place."""
    connector = a_connector(store={"key_field": "ERP No"})
    customer = a_customer(extra_fields={"Region": "West"})
    assert company_of(customer, connector).extra_fields == {"ERP No": "C001042", "Region": "West"}


@pytest.mark.parametrize(
    ("record_field", "record_id", "expected"),
    [
        ("Record", "5f0c", {"Acumatica Customer ID": "C001042", "Record": "5f0c"}),
        ("Record", "", {"Acumatica Customer ID": "C001042"}),
        (None, "5f0c", {"Acumatica Customer ID": "C001042"}),
    ],
)
def test_the_record_id_is_in_the_extra_field_that_the_connector_names(
    record_field: str | None, record_id: str, expected: dict[str, str]
) -> None:
    """A company says of itself whose record it is, where the connector has a field for that."""
    connector = a_connector(store={"record_field": record_field})
    assert company_of(a_customer(record_id=record_id), connector).extra_fields == expected


MAPPED = {"customer": {"extra_fields": {"Region": "Territory", "Rep": "SalesPerson", "Group": "PriceClass"}}}


def test_an_extra_field_that_the_erp_empties_is_named_when_the_store_cannot_empty_it() -> None:
    """It is not sent; the comparison says what stays."""
    customer = a_customer(extra_fields={"Region": "West", "Rep": ""})
    company = company_of(customer, a_connector(source=MAPPED))
    assert company.emptied == ("Rep", "Group")
    assert company.extra_fields == {"Acumatica Customer ID": "C001042", "Region": "West", "Rep": ""}


def test_an_extra_field_that_the_erp_empties_is_emptied_when_the_store_takes_nothing() -> None:
    """Every extra field of ours has a value then, be it an empty one."""
    connector = a_connector(source=MAPPED).model_copy(update={"target": a_store_without_bounds()})
    company = company_of(a_customer(extra_fields={"Region": "West"}), connector)
    assert company.emptied == ()
    assert company.extra_fields == {"Acumatica Customer ID": "C001042", "Region": "West", "Rep": "", "Group": ""}


@pytest.mark.parametrize(
    "name", ["株式会社ノースウインド", "Þórður & Søn ehf.", "شركة الشمال", "Ünïçødé GmbH", "🍳 Küche"]
)
def test_names_of_any_script_arrive_unchanged(name: str) -> None:
    """No script is transliterated or refused."""
    company = company_of(a_customer(name=name, attention="", contacts=(), billing=BillingContact()))
    assert company.company_name == name
    assert (company.users[0].first_name, company.users[0].last_name) == (name, name)


TERMS = {
    "30D": {"days": 30, "payment_methods": {"cheque": True, "purchase_order": True}},
    "COD": {"days": 0, "payment_methods": {"cod": True}},
    "NET60": {"days": 60},
    "CARD": {"payment_methods": {"card": True, "cheque": False}},
    "CASH": {"enabled": False, "payment_methods": {"cod": True}},
}


NET_30, NET_0, NET_60 = (PaymentTerms(is_enabled=True, days=days) for days in (30, 0, 60))
NONE_ON = {"card": False, "cheque": False, "cod": False, "purchase_order": False}


@pytest.mark.parametrize(
    ("terms", "table", "methods", "payment_terms", "ends"),
    [
        ("30D", TERMS, {**NONE_ON, "cheque": True, "purchase_order": True}, NET_30, False),
        ("30d", TERMS, {**NONE_ON, "cheque": True, "purchase_order": True}, NET_30, False),
        ("COD", TERMS, {**NONE_ON, "cod": True}, NET_0, False),
        ("CARD", TERMS, {**NONE_ON, "card": True}, None, False),
        ("NET60", TERMS, {}, NET_60, False),
        ("CASH", TERMS, {**NONE_ON, "cod": True}, NO_TERMS, False),
        ("", TERMS, {}, None, True),
        ("PREPAID", TERMS, {}, None, True),
        ("30D", {}, {}, None, False),
        ("", {}, {}, None, False),
    ],
)
def test_terms_set_methods_and_days_by_the_table(
    terms: str, table: dict[str, Any], methods: dict[str, bool], payment_terms: PaymentTerms | None, *, ends: bool
) -> None:
    """Other terms take the former ones' methods away; empty and unmapped ones end what was given."""
    company = company_of(a_customer(terms=terms), a_connector(terms=table))
    assert (company.payment_methods, company.payment_terms, company.ends_payment) == (methods, payment_terms, ends)


@pytest.mark.parametrize(
    ("terms", "table", "is_said"),
    [
        ("PREPAID", TERMS, True),
        ("P" * 31, TERMS, True),
        ("", TERMS, False),
        ("30D", TERMS, False),
        ("PREPAID", {}, False),
    ],
)
def test_unmapped_terms_are_said_when_the_connector_maps_terms_at_all(
    terms: str, table: dict[str, Any], *, is_said: bool
) -> None:
    """A merchant without a table hears nothing of terms."""
    result = transformed(a_customer(terms=terms), a_connector(terms=table))
    finding = Finding(
        reason=Reason.TERMS_NOT_MAPPED,
        entity="payment",
        field="terms",
        detail=f"terms '{terms[:30]}' are not in the connector's table",
    )
    assert list(result.findings) == ([finding] if is_said else [])
