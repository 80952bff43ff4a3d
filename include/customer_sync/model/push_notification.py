"""Reading a push notification of the ERP (docs/api/acumatica.md#push). Pure.

A notification only says which customers to read again. What stands in it is never written anywhere: it is
a row of some query, it may come late, twice or in the wrong order, and an update arrives as a deleted and an
inserted row, possibly in two messages. So a ``Deleted`` entry deletes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

BODY_BYTES_MAX = 1_000_000
"""Longest body that is taken: the ERP pushes changed rows, not its database."""
CUSTOMER_ID_CHARS_MAX = 200
"""A longer text is no CustomerID."""


class Malformed(ValueError):
    """The body is no push notification; the message says what is missing and quotes nothing of it."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What a notification tells.

    Attributes:
        customer_ids: Customers to read again, each once, in the order of the body.
        ticks: The ERP's ``TimeStamp``: 100 ns since the year 1, ascending.
    """

    customer_ids: tuple[str, ...]
    ticks: int


class _Message(msgspec.Struct, kw_only=True):
    inserted: list[dict[str, Any]] = msgspec.field(name="Inserted", default_factory=list)
    deleted: list[dict[str, Any]] = msgspec.field(name="Deleted", default_factory=list)
    query: str = msgspec.field(name="Query")
    id: str = msgspec.field(name="Id")
    ticks: int = msgspec.field(name="TimeStamp")


_decoder = msgspec.json.Decoder(_Message)


def read_notification(body: bytes, customer_fields: Sequence[str]) -> Notification:
    """Read a notification.

    Args:
        body: As it was sent.
        customer_fields: Columns that may hold the CustomerID; the first that is there counts.

    Returns:
        The customers it names; rows without one are passed over.

    Raises:
        Malformed: It is no JSON, or not of the documented form.
    """
    try:
        message = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = str(error) if isinstance(error, msgspec.ValidationError) else "it cannot be decoded"
        raise Malformed(f"No push notification with Inserted, Deleted, Query, Id and TimeStamp: {wrong}") from None
    if not 0 < message.ticks < 2**63:
        raise Malformed("TimeStamp is out of range.")
    found = (_customer_id(row, customer_fields) for row in (*message.inserted, *message.deleted))
    return Notification(customer_ids=tuple(dict.fromkeys(key for key in found if key)), ticks=message.ticks)


def _customer_id(row: dict[str, Any], customer_fields: Sequence[str]) -> str:
    value = next((row[name] for name in customer_fields if row.get(name) not in (None, "")), "")
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= CUSTOMER_ID_CHARS_MAX else ""
