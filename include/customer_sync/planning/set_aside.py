"""Whether a customer that a person set aside still is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from customer_sync.model.company import content_hash
from customer_sync.model.customer import Customer
from customer_sync.model.outcome import Reason

MarkKind = Literal["skip", "handled", "undone"]
"""``skip``: until a person takes it back. ``handled`` and, by an undo, ``undone``: until its source changes."""


class Mark(NamedTuple):
    """A person's word about a customer.

    Attributes:
        kind: What was said.
        since_utc: When.
        source_hash: What the customer looked like to the first run after it; ``""`` until then.
    """

    kind: MarkKind
    since_utc: datetime
    source_hash: str = ""


_REASONS: Mapping[str, Reason] = {
    "skip": Reason.SKIPPED_BY_PERSON,
    "handled": Reason.HANDLED_BY_PERSON,
    "undone": Reason.UNDONE,
}


def reason_of_mark(kind: str) -> Reason:
    """Why a customer with such a mark is passed over."""
    return _REASONS[kind]


def source_hash(customer: Customer) -> str:
    """Identify what the ERP says about a customer, without its stamp and without the ids that we write back."""
    return content_hash(
        msgspec.structs.replace(
            customer,
            modified_at_utc="",
            reference_id="",
            contacts=tuple(msgspec.structs.replace(each, reference_id="") for each in customer.contacts),
            locations=tuple(msgspec.structs.replace(each, reference_id="") for each in customer.locations),
        )
    )


def is_set_aside(mark: Mark, customer: Customer) -> bool:
    """Whether a run passes the customer over.

    A customer marked as handled or undone comes back with its first change: of its content since the
    first run that passed it over, or of its stamp if no run has yet.
    """
    if mark.kind == "skip":
        return True
    if mark.source_hash:
        return mark.source_hash == source_hash(customer)
    return not customer.modified_at_utc or datetime.fromisoformat(customer.modified_at_utc) <= mark.since_utc
