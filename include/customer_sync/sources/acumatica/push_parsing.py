"""Reading a push notification of Acumatica (docs/api/acumatica.md#push). Pure.

A notification is a row of some query; it may come late, twice or in the wrong order, and an update arrives as a
deleted and an inserted row, possibly in two messages. So a ``Deleted`` entry deletes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from customer_sync.model.push_notification import CUSTOMER_ID_CHARS_MAX, Malformed, Notification

CUSTOMER_FIELDS = ("CustomerID", "BusinessAccount", "Customer")
"""Columns of pushed queries that may hold the CustomerID, where the connector file names none."""


class _Message(msgspec.Struct, kw_only=True):
    inserted: list[dict[str, Any]] = msgspec.field(name="Inserted", default_factory=list)
    deleted: list[dict[str, Any]] = msgspec.field(name="Deleted", default_factory=list)
    query: str = msgspec.field(name="Query")
    id: str = msgspec.field(name="Id")
    ticks: int = msgspec.field(name="TimeStamp")


_decoder = msgspec.json.Decoder(_Message)


def read_notification(body: bytes, customer_fields: Collection[str]) -> Notification:
    """Read a notification.

    Args:
        body: As it was sent.
        customer_fields: Columns that may hold the CustomerID; the first that is there counts.

    Returns:
        The customers that it names; rows without one are passed over. ``ticks`` is the ERP's ``TimeStamp``.

    Raises:
        Malformed: It is no JSON, or not of the documented form.
    """
    try:
        message = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = str(error) if isinstance(error, msgspec.ValidationError) else "it cannot be decoded"
        raise Malformed(f"Not a push notification with Inserted, Deleted, Query, Id and TimeStamp: {wrong}") from None
    if not 0 < message.ticks < 2**63:
        raise Malformed("TimeStamp is out of range.")
    found = (_customer_id(row, customer_fields) for row in (*message.inserted, *message.deleted))
    return Notification(customer_ids=tuple(dict.fromkeys(key for key in found if key)), ticks=message.ticks)


def _customer_id(row: dict[str, Any], customer_fields: Collection[str]) -> str:
    value = next((row[name] for name in customer_fields if row.get(name) not in (None, "")), "")
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= CUSTOMER_ID_CHARS_MAX else ""
