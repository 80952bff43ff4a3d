"""Reading push notifications: they only name customers, and whatever is none of them is refused."""

import json
from typing import Any

import pytest

from customer_sync.model.push_notification import Malformed, Notification
from customer_sync.sources.acumatica.push_parsing import read_notification

FIELDS = ("CustomerID", "BusinessAccount")
TICKS = 638763853674830000


def body(**changes: Any) -> bytes:
    """A notification of one changed customer, with changes."""
    message = {
        "Inserted": [{"CustomerID": "C001042", "CustomerName": "New Name"}],
        "Deleted": [{"CustomerID": "C001042", "CustomerName": "Old Name"}],
        "Query": "KNCFMASTERDATA_Customer",
        "CompanyId": "Company",
        "Id": "0b4f8c3d-3f60-4d0a-9f0c-6f4a3c5d1b11",
        "TimeStamp": TICKS,
        "AdditionalInfo": {},
    }
    return json.dumps({name: value for name, value in {**message, **changes}.items() if value != "absent"}).encode()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("C001042",)),
        ({"Inserted": []}, ("C001042",)),
        ({"Deleted": []}, ("C001042",)),
        ({"Inserted": [], "Deleted": []}, ()),
        ({"Inserted": [{"BusinessAccount": "C2", "ContactID": 7}]}, ("C2", "C001042")),
        ({"Inserted": [{"CustomerID": "", "BusinessAccount": "C2"}], "Deleted": []}, ("C2",)),
        ({"Inserted": [{"CustomerID": "  C3  "}], "Deleted": "absent"}, ("C3",)),
        ({"Inserted": [{"Other": 1}, {"CustomerID": 5}, {"CustomerID": "X" * 201}], "Deleted": []}, ()),
    ],
)
def test_customers_are_named_when_rows_hold_them(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Inserted and deleted rows name customers alike; each once; rows that name none are passed over."""
    assert read_notification(body(**changes), FIELDS) == Notification(customer_ids=expected, ticks=TICKS)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'"text"',
        b"[" * 100_000,
        body(TimeStamp="yesterday"),
        body(TimeStamp="absent"),
        body(TimeStamp=-1),
        body(TimeStamp=2**64),
        body(Id="absent"),
        body(Query=5),
        body(Inserted={"CustomerID": "C1"}),
        body(Inserted=["C1"]),
    ],
)
def test_anything_else_is_refused_without_a_quotation(wrong: bytes) -> None:
    """What is no notification is refused, and nothing of it stands in the message."""
    with pytest.raises(Malformed) as caught:
        read_notification(wrong, FIELDS)
    assert "C1" not in str(caught.value)
    assert "yesterday" not in str(caught.value)
