"""Arbitrary customers, companies and connectors."""

from typing import Any

from hypothesis import strategies as st

from customer_sync.model.company import Address, Company, CompanyUser, PaymentTerms
from customer_sync.model.customer import BillingContact, Contact, Customer, Location, PostalAddress
from customer_sync.settings.connector import Connector

# What an ERP's database can hold: any text without half characters, trimmed as the reader trims it.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(str.strip)
few_texts = st.sampled_from(["", "x", "Northwind", "Dana Rivera", "山田 太郎", "n" * 260]) | texts
emails = st.sampled_from(
    ["", "a@b.co", "A@B.co", "nobody", "dana@northwind.example", "e" * 60 + "@" + "f" * 50 + ".example"]
)
countries = st.sampled_from(["", "US", "CA", "GB", "DE", "JP", "XX", "usa"]) | texts
states = st.sampled_from(["", "CA", "ON", "BY", "13", "ZZ"]) | texts
switches = st.sampled_from([True, False, None])
kinds = st.sampled_from(["KNB", "knb", "", "X"])

addresses = st.builds(
    PostalAddress, line1=few_texts, line2=few_texts, city=few_texts, state=states, postal_code=texts, country=countries
)


def contacts_of(ids: st.SearchStrategy[str]) -> st.SearchStrategy[Contact]:
    """Contacts with ids of their own."""
    return st.builds(
        Contact,
        contact_id=ids,
        active=st.booleans(),
        email=emails,
        first_name=few_texts,
        last_name=few_texts,
        phone=texts,
        enabled=switches,
        connection_type=kinds,
        is_primary=st.booleans(),
    )


def locations_of(ids: st.SearchStrategy[str]) -> st.SearchStrategy[Location]:
    """Locations with ids of their own."""
    return st.builds(
        Location,
        location_id=ids,
        name=few_texts,
        active=st.booleans(),
        is_default=st.booleans(),
        attention=few_texts,
        first_name=few_texts,
        last_name=few_texts,
        phone=texts,
        address=addresses,
        enabled=switches,
        connection_type=kinds,
    )


customers = st.builds(
    Customer,
    customer_id=st.sampled_from(["C1", "C001042", "Ç 7/8", "BILLING"]),
    name=few_texts,
    email=emails,
    customer_type=st.sampled_from(["B2B", "b2b", "B2C", ""]),
    customer_class=st.sampled_from(["B2B", "KEY", ""]),
    status=st.sampled_from(["Active", "On Hold", "Inactive", "Credit Hold", ""]),
    enabled=switches,
    connection_type=kinds,
    terms=st.sampled_from(["", "30D", "cod", "NET60", "PREPAID"]),
    phone=texts,
    attention=few_texts,
    main_address=addresses,
    billing=st.builds(
        BillingContact, attention=few_texts, first_name=texts, last_name=texts, phone=texts, address=addresses
    ),
    contacts=st.lists(
        contacts_of(st.integers(1, 99).map(str)), max_size=4, unique_by=lambda contact: contact.contact_id
    ).map(tuple),
    locations=st.lists(
        locations_of(st.sampled_from(["MAIN", "EAST", "WEST", "BILLING", "Billing"])),
        max_size=4,
        unique_by=lambda location: location.location_id,
    ).map(tuple),
    extra_fields=st.dictionaries(st.sampled_from(["Region", "Rep"]), texts, max_size=2),
)

TERMS: dict[str, Any] = {
    "30D": {"days": 30, "payment_methods": {"cheque": True}},
    "COD": {"days": 0, "payment_methods": {"cod": True}},
    "NET60": {"days": 60},
}

connectors = st.builds(
    lambda **sections: Connector.model_validate({"id": "knb", "terms": TERMS, **sections}),
    contacts=st.fixed_dictionaries(
        {
            "include": st.booleans(),
            "opt_in_required": st.booleans(),
            "admin_fallback": st.sampled_from(["account", "refuse"]),
        }
    ),
    locations=st.fixed_dictionaries(
        {"include": st.booleans(), "opt_in_required": st.booleans(), "billing_address": st.booleans()}
    ),
    store=st.fixed_dictionaries({"default_phone": st.sampled_from(["", "+1 555 010 0000"])}),
)

_words = st.sampled_from(["", "a", "b", "Northwind"])


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """Make desired states of customer C1 that overlap enough to differ in single fields."""
    keys = draw(st.lists(st.sampled_from("123456"), min_size=1, max_size=4, unique=True))
    # Each user has an e-mail of its own within a company, but e-mails move between keys over time.
    mails = draw(st.permutations([f"{letter}@northwind.example" for letter in "uvwxyz"]))
    users = tuple(
        CompanyUser(
            key=key,
            email=mails[number],
            first_name=draw(_words),
            last_name=draw(_words),
            role="Admin" if number == 0 else "Junior Buyer",
        )
        for number, key in enumerate(keys)
    )
    places = draw(st.lists(st.sampled_from(["EAST", "MAIN", "WEST", "BILLING"]), max_size=4, unique=True))
    return Company(
        customer_id="C1",
        company_name=draw(_words),
        company_phone="1",
        company_email="a@b.co",
        city=draw(_words),
        country=draw(st.sampled_from(["US", "GB"])),
        extra_fields={"Acumatica Customer ID": "C1", "Region": draw(_words)},
        users=users,
        addresses=tuple(
            Address(
                external_id=f"C1:{place}",
                first_name="a",
                last_name="b",
                address_line1=draw(_words),
                city=draw(_words),
                country_name="United Kingdom",
                country_code="GB",
                is_shipping=draw(st.booleans()),
            )
            for place in sorted(places)
        ),
        payment_methods=draw(st.dictionaries(st.sampled_from(["cheque", "cod"]), st.booleans())),
        payment_terms=draw(
            st.none() | st.builds(PaymentTerms, is_enabled=st.sampled_from([True]), days=st.sampled_from([0, 30]))
        ),
    )
