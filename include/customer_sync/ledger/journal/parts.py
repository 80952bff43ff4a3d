"""What one request was to write, part by part: one column of the journal."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from customer_sync.model.operation import CompanyOperation, Operation

_EMPTY: tuple[Any, ...] = ("", False, None, {})


class IntendedWrite(NamedTuple):
    """One operation of a request that is about to leave.

    Attributes:
        customer_id: Whose record it is.
        operation: What is to be done.
        access_ended_at_utc: When the ERP ended the access that it takes away, if it takes one away.
        record_id: The customer's record in the source.
    """

    customer_id: str
    operation: Operation
    access_ended_at_utc: datetime | None = None
    record_id: str = ""


class JournalPart(msgspec.Struct, frozen=True, array_like=True):
    """One operation as the journal keeps it; ``before`` and ``after`` are JSON objects, field -> value.

    ``admin_key`` is the contact whose user a company is made with.
    """

    customer_id: str
    key: str
    store_id: int
    before: msgspec.Raw
    after: msgspec.Raw
    access_ended_at_utc: datetime | None = None
    record_id: str = ""
    admin_key: str = ""

    def before_values(self) -> dict[str, Any]:
        """The fields as they were; none of a new record."""
        values: dict[str, Any] = msgspec.json.decode(self.before)
        return values

    def after_values(self) -> dict[str, Any]:
        """The fields that were written; of a new record those that hold anything."""
        values: dict[str, Any] = msgspec.json.decode(self.after)
        return values


_QUICKLY = 1
"""The level of packing: a third more bytes than the best, in a fifth of the time."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[JournalPart])


def as_part(write: IntendedWrite) -> JournalPart:
    """A part of the journal for an operation."""
    operation = write.operation
    before, after = operation.before, operation.values
    if not before:
        # A new record: what it does not name is empty.
        after = {name: value for name, value in after.items() if value not in _EMPTY}
    return JournalPart(
        customer_id=stored_id(write.customer_id),
        key=operation.key,
        store_id=operation.store_id,
        before=msgspec.Raw(_encoder.encode(before)),
        after=msgspec.Raw(_encoder.encode(after)),
        access_ended_at_utc=write.access_ended_at_utc,
        record_id=write.record_id,
        admin_key=operation.admin_key if isinstance(operation, CompanyOperation) else "",
    )


def encode_parts(parts: Sequence[JournalPart]) -> bytes:
    """What the column holds: JSON, packed, since a request's parts resemble each other."""
    return zlib.compress(_encoder.encode(parts), _QUICKLY)


def decode_parts(packed: bytes) -> list[JournalPart]:
    """The parts that a column holds."""
    return _decoder.decode(zlib.decompress(packed))


def stored_id(customer_id: str) -> str:
    """A customer's id as columns hold it: U+FFFD in place of U+0000."""
    return customer_id.replace("\0", "\ufffd")
