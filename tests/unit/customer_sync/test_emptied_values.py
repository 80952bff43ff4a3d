"""Extra fields: ours follow the source, also to nothing; others are left alone; what the store keeps is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from customer_sync.model.company import Company
from customer_sync.planning.diff import diff_company, uncleared
from customer_sync.settings.mapping import RemovalPolicy
from tests.unit.customer_sync.builders import a_company, a_user, an_entry, applied, in_short

DELETE = RemovalPolicy()
PARTS = ["the company", "a user", "an address"]
KEY = {"Acumatica Customer ID": "C001042"}


def with_extra(part: str, extra: dict[str, str]) -> Company:
    """Make a company of which one part has these extra fields."""
    match part:
        case "the company":
            return a_company(extra_fields={**KEY, **extra})
        case "a user":
            return a_company(users=(a_user("1", extra_fields=extra),))
        case _:
            return a_company(addresses=(an_entry(extra_fields=extra),))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("store", "desired", "is_sent"),
    [
        pytest.param({}, {}, False, id="there is none"),
        pytest.param({"Region": "W"}, {"Region": "W"}, False, id="it is as it should be"),
        pytest.param({"Theirs": "x"}, {}, False, id="the store has one of its own"),
        pytest.param({"Theirs": "x", "Region": "W"}, {"Region": "W"}, False, id="one of the store's own beside ours"),
        pytest.param({"Region": "W"}, {"Region": "E"}, True, id="another value"),
        pytest.param({"Theirs": "x", "Region": "W"}, {"Region": "E"}, True, id="another value, beside the store's own"),
        pytest.param({}, {"Region": "E"}, True, id="the store lacks it"),
        pytest.param({"Theirs": "x"}, {"Region": "E"}, True, id="the store lacks it and has one of its own"),
        pytest.param({"Region": "W"}, {"Region": ""}, True, id="it is emptied"),
        pytest.param({"Region": ""}, {"Region": ""}, False, id="it is empty already"),
    ],
)
def test_an_extra_field_is_sent_when_ours_differs(
    part: str, store: dict[str, str], desired: dict[str, str], *, is_sent: bool
) -> None:
    """Of the company, of users and of addresses alike; what others keep there is neither compared nor touched."""
    company = with_extra(part, desired)
    operations = diff_company(company, applied(with_extra(part, store)), DELETE)
    values = {**KEY, **desired} if part == "the company" else desired
    assert [operation.values for operation in operations] == ([{"extra_fields": values}] if is_sent else [])


def test_an_extra_field_that_is_empty_is_not_sent_when_the_store_never_had_it() -> None:
    """Nothing and empty are the same for a company."""
    desired = with_extra("the company", {"Region": ""})
    assert diff_company(desired, applied(a_company()), DELETE) == ()


def test_an_empty_extra_field_is_sent_along_when_another_one_changed() -> None:
    """The operation has all of ours, and what the store had of them."""
    before = with_extra("the company", {"Theirs": "x", "Region": "W", "Group": "A"})
    desired = with_extra("the company", {"Region": "", "Group": "B"})
    (operation,) = diff_company(desired, applied(before), DELETE)
    assert operation.values == {"extra_fields": {**KEY, "Region": "", "Group": "B"}}
    assert operation.before == {"extra_fields": {**KEY, "Region": "W", "Group": "A"}}


def test_nothing_stays_of_a_company_that_does_not_exist() -> None:
    """What the store never held it need not empty."""
    desired = a_company(emptied=("Region",), managed=(("Desk",), ("Gate",)), addresses=(an_entry(),))
    assert uncleared(desired, None) == {}


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        pytest.param({}, {}, id="nothing is to be empty"),
        pytest.param({"emptied": ("Region", "Rep")}, {"Region": "W"}, id="of the company: what has a value there"),
        pytest.param({"managed": (("Desk",), ())}, {"Desk of contact 1": "D1"}, id="of users, by contact"),
        pytest.param({"managed": ((), ("Gate",))}, {"Gate of location C001042:EAST": "G1"}, id="of addresses, by key"),
        pytest.param({"managed": (("Floor",), ("Dock",))}, {}, id="the store has none of them"),
        pytest.param(
            {"emptied": ("Region",), "managed": (("Desk", "Floor"), ("Gate", "Dock"))},
            {"Region": "W", "Desk of contact 1": "D1", "Gate of location C001042:EAST": "G1"},
            id="of all of them at once",
        ),
    ],
)
def test_what_the_store_cannot_empty_is_named_with_its_value(changes: dict[str, Any], stays: dict[str, str]) -> None:
    """Field, record and value are what a person needs to empty it by hand."""
    have = a_company(
        extra_fields={**KEY, "Region": "W", "Rep": "", "Other": "o"},
        users=(a_user("1", extra_fields={"Desk": "D1", "Floor": ""}), a_user("2", extra_fields={"Desk": "D2"})),
        addresses=(
            an_entry("EAST", extra_fields={"Gate": "G1", "Dock": ""}),
            an_entry("WEST", extra_fields={"Gate": "G2"}),
        ),
    )
    desired = a_company(
        users=(a_user("1"), a_user("2", extra_fields={"Desk": "D2"}), a_user("3")),
        addresses=(an_entry("EAST"), an_entry("WEST", extra_fields={"Gate": "G2"}), an_entry("NEW")),
    )
    desired = msgspec.structs.replace(desired, **changes)
    assert uncleared(desired, applied(have)) == stays


def test_a_value_that_another_one_replaces_does_not_stay() -> None:
    """Only what is to be empty is named."""
    have = a_company(users=(a_user("1", extra_fields={"Desk": "D1"}),))
    desired = a_company(users=(a_user("1", extra_fields={"Desk": "D9"}),), managed=(("Desk",), ()))
    assert uncleared(desired, applied(have)) == {}
    assert in_short(diff_company(desired, applied(have), DELETE)) == [
        ("update_user", "1", 1, {"extra_fields": {"Desk": "D9"}})
    ]
