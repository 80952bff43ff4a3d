"""Whatever the ERP holds: a company or a reason, never an exception."""

import random
import re
import time

import msgspec
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from customer_sync.model.batch import Batch, pack_customers, unpack_customers
from customer_sync.model.company import content_hash
from customer_sync.model.customer import Customer, PostalAddress
from customer_sync.model.outcome import REMEDIES
from customer_sync.planning.diff import diff_company
from customer_sync.rules.company_mapping import BLOCKING
from customer_sync.rules.eligibility import decide_eligibility
from customer_sync.rules.email_address import MAX_EMAIL_LENGTH, is_valid_email
from customer_sync.settings.connector import Connector
from tests.properties.strategies import connectors, customers, texts
from tests.unit.customer_sync.builders import a_connector, a_contact, a_customer, a_location, an_address, transformed

LIMITS = {"company_name": 200, "company_phone": 50, "address_line1": 200, "city": 100, "state": 50, "zip_code": 50}


@given(customers, connectors)
def test_every_customer_gives_a_company_or_the_reasons_why_not(customer: Customer, connector: Connector) -> None:
    """Nothing is lost without a word: a company, or at least one blocking finding and nothing else."""
    result = transformed(customer, connector)
    if result.company is None:
        assert result.findings
        assert {finding.reason for finding in result.findings} <= BLOCKING
    else:
        assert not {finding.reason for finding in result.findings} & BLOCKING
    assert all(finding.reason in REMEDIES for finding in result.findings)


@given(customers, connectors)
def test_a_company_is_always_one_that_the_store_can_hold(customer: Customer, connector: Connector) -> None:
    """Required parts are there, lengths fit, keys and e-mails are unique, the admin is first and alone."""
    company = transformed(customer, connector).company
    if company is None:
        return
    assert company.company_name
    assert company.company_phone
    assert len(company.country) == 2
    assert company.extra_fields["Acumatica Customer ID"] == customer.customer_id
    for name, limit in LIMITS.items():
        assert len(getattr(company, name)) <= limit
    emails = [user.email.casefold() for user in company.users]
    assert len(set(emails)) == len(emails)
    assert [user.role for user in company.users] == ["Admin"] + ["Junior Buyer"] * (len(company.users) - 1)
    ids = [address.external_id for address in company.addresses]
    assert len(set(ids)) == len(ids)
    for address in company.addresses:
        assert address.first_name
        assert address.last_name
        assert address.is_billing is not address.is_shipping
        assert not address.is_default_billing or address.is_billing
        assert not address.is_default_shipping or address.is_shipping
    assert diff_company(company, None, connector.policy)


@given(customers, connectors, st.randoms(use_true_random=False))
def test_the_order_of_contacts_and_locations_does_not_matter(
    customer: Customer, connector: Connector, chance: random.Random
) -> None:
    """The ERP may answer in any order: the company, its hash and the findings are the same."""
    contacts, locations = list(customer.contacts), list(customer.locations)
    chance.shuffle(contacts)
    chance.shuffle(locations)
    shuffled = msgspec.structs.replace(customer, contacts=tuple(contacts), locations=tuple(locations))
    one, other = transformed(customer, connector), transformed(shuffled, connector)
    assert one == other
    assert content_hash(one.company) == content_hash(other.company)


@given(customers)
def test_a_decision_is_eligible_exactly_when_no_rule_failed(customer: Customer) -> None:
    """Every decision is explained, and an eligible customer has an e-mail and its switches."""
    decision = decide_eligibility(customer, a_connector())
    assert decision.is_eligible is (not decision.reasons)
    assert len(set(decision.reasons)) == len(decision.reasons)
    if decision.is_eligible:
        assert is_valid_email(customer.email)
        assert customer.enabled is True


@given(st.lists(customers, max_size=3))
def test_a_batch_comes_back_as_it_went(found: list[Customer]) -> None:
    """Any text survives the way through XCom."""
    batch = Batch(key="batch_000", label="x", items=tuple(found))
    assert unpack_customers(*pack_customers(batch)) == batch


@given(texts)
@example("a@b.local")
@example("a--b@c.co")
@example("a@b--c.co")
@example("A@B.CO")
@example("a_b@c-d.co")
@example(f"{'a' * 64}@b.co")
@example(f"a@{'b.' * 120}co")
def test_the_quick_look_at_an_email_never_contradicts_the_library(text: str) -> None:
    """The cheap pre-check only saves time; it never decides otherwise."""
    _judge(text)


def _judge(text: str) -> None:
    """Compare with the library, for which a private domain is judged under a public name."""
    public = re.sub(r"\.(local|test)$", ".example", text)
    try:
        validate_email(public, check_deliverability=False, strict=True)
    except EmailNotValidError:
        assert not is_valid_email(text)
    else:
        assert is_valid_email(text) or len(text) > MAX_EMAIL_LENGTH


_labels = st.text("abcXYZ019-", min_size=1, max_size=8)


@given(
    st.lists(_labels, min_size=1, max_size=3),
    st.lists(_labels, min_size=1, max_size=3),
    st.sampled_from(["co", "local", "test", "x1", "c"]),
)
def test_everyday_addresses_are_judged_as_the_library_does(local: list[str], domain: list[str], ending: str) -> None:
    """Addresses of the everyday kind, right and wrong, through the quick look."""
    _judge(f"{'.'.join(local)}@{'.'.join([*domain, ending])}")


def test_ten_megabytes_in_every_text_are_transformed_in_bounded_time() -> None:
    """A hostile record costs a second at most and stops nobody."""
    huge = "名 " * 5_000_000
    place = PostalAddress(line1=huge, line2=huge, city=huge, state=huge, postal_code=huge, country="GB")
    customer = a_customer(
        name=huge,
        phone=huge,
        attention=huge,
        terms=huge,
        main_address=place,
        contacts=(a_contact("1", first_name=huge, last_name=huge, phone=huge), a_contact("2", email=huge)),
        locations=(
            a_location("A", name=huge, attention=huge, address=place),
            a_location("B", address=an_address(state=huge)),
        ),
        extra_fields={"Region": huge},
    )
    started = time.perf_counter()
    decide_eligibility(msgspec.structs.replace(customer, email=huge, status=huge), a_connector())
    result = transformed(customer, a_connector(terms={"30D": {"days": 30}}))
    assert time.perf_counter() - started < 5
    assert result.company is not None
    assert all(len(finding.detail) < 200 for finding in result.findings)
