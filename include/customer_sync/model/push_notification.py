"""A push notification, as every source reads it.

A notification only says which customers to read again. Its content is never written anywhere: it may come late, twice
or in the wrong order.
"""

from __future__ import annotations

import msgspec

BODY_BYTES_MAX = 1_000_000
"""Longest body that is taken: a source pushes changed rows, not its database."""
CUSTOMER_ID_CHARS_MAX = 200
"""A longer text is no customer's id."""


class Malformed(ValueError):
    """The body is no push notification; the message says what is missing and quotes nothing of it."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What a notification says.

    Attributes:
        customer_ids: Customers to read again, each once, in the order of the body.
        ticks: The notification's place in the source's own order of events; later ones have greater numbers.
    """

    customer_ids: tuple[str, ...]
    ticks: int
