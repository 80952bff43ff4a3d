"""Whom a person set aside: skipped for good, or handled until something changes."""

from datetime import UTC, datetime

import msgspec
import pytest

from customer_sync.model.customer import Contact, Customer, Location
from customer_sync.planning.set_aside import Mark, is_set_aside, source_hash

MARKED = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUSTOMER = Customer(
    customer_id="C1",
    name="Acme",
    email="a@acme.example",
    contacts=(Contact(contact_id="7", email="b@acme.example"),),
    locations=(Location(location_id="MAIN", name="Dock"),),
    modified_at_utc="2026-03-01T11:00:00+00:00",
)
OURS = msgspec.structs.replace(
    CUSTOMER,
    reference_id="61000",
    modified_at_utc="2026-03-01T13:00:00+00:00",
    contacts=(Contact(contact_id="7", email="b@acme.example", reference_id="9"),),
    locations=(Location(location_id="MAIN", name="Dock", reference_id="11"),),
)
CHANGED = [
    msgspec.structs.replace(CUSTOMER, name="Acme Ltd"),
    msgspec.structs.replace(CUSTOMER, contacts=()),
    msgspec.structs.replace(CUSTOMER, contacts=(Contact(contact_id="7", email="c@acme.example"),)),
    msgspec.structs.replace(CUSTOMER, locations=()),
    msgspec.structs.replace(CUSTOMER, locations=(Location(location_id="MAIN", name="Yard"),)),
]


@pytest.mark.parametrize("customer", [CUSTOMER, OURS, *CHANGED])
def test_a_skipped_customer_stays_away_whatever_changes(customer: Customer) -> None:
    """Only a person takes it back."""
    assert is_set_aside(Mark("skip", MARKED, source_hash(CUSTOMER)), customer)


@pytest.mark.parametrize("customer", CHANGED)
def test_a_handled_customer_comes_back_when_its_source_changes(customer: Customer) -> None:
    """A name, a contact or location that leaves, a field of one."""
    assert not is_set_aside(Mark("handled", MARKED, source_hash(CUSTOMER)), customer)


def test_our_own_write_back_is_no_change_of_the_source() -> None:
    """Reference ids and the stamp that they move are ours."""
    assert is_set_aside(Mark("handled", MARKED, source_hash(CUSTOMER)), OURS)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-03-01T11:00:00+00:00", True),
        ("2026-03-01T12:00:00+00:00", True),
        ("2026-03-01T12:00:01+00:00", False),
        ("", True),
    ],
)
def test_a_change_before_the_first_run_is_seen_by_its_stamp(stamp: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """A customer that changed between the click and the next run is looked at."""
    customer = msgspec.structs.replace(CUSTOMER, modified_at_utc=stamp)
    assert is_set_aside(Mark("handled", MARKED), customer) is expected
