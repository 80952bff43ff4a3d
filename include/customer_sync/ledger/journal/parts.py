"""What one request was to write, part by part: one column of the journal."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from customer_sync.ledger.storage.packing import deflate
from customer_sync.model.company import Address, UserFields
from customer_sync.model.operation import AddressOperation, CompanyOperation, Operation, UserOperation


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


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[JournalPart])


def encode_writes(writes: Sequence[IntendedWrite]) -> bytes:
    """What the column holds of a request that is about to leave: a :class:`JournalPart` for each of its operations."""
    return encode_parts([_fields_of(write) for write in writes])


def _fields_of(write: IntendedWrite) -> tuple[Any, ...]:
    """The fields of a part in order; a whole request is encoded at once, which is a third of the time."""
    operation = write.operation
    before = operation.before
    return (
        stored_id(write.customer_id),
        operation.key,
        operation.store_id,
        before,
        operation.values if before else _of_new(operation),
        write.access_ended_at_utc,
        write.record_id,
        operation.admin_key if isinstance(operation, CompanyOperation) else "",
    )


def _of_new(operation: Operation) -> Any:
    """What a new record holds: what it does not name is empty."""
    if isinstance(operation, AddressOperation | UserOperation) and type(operation.new) in _WITHOUT_EMPTY:
        return operation.new
    return {name: value for name, value in operation.values.items() if value}


_WITHOUT_EMPTY = frozenset({Address, UserFields})
"""Records that are encoded without their empty fields, and hold nothing else than their fields."""


def encode_parts(parts: Sequence[JournalPart | tuple[Any, ...]]) -> bytes:
    """What the column holds: JSON, packed, since a request's parts resemble each other."""
    return deflate(_encoder.encode(parts))


def decode_parts(packed: bytes) -> list[JournalPart]:
    """The parts that a column holds."""
    return _decoder.decode(zlib.decompress(packed))


def stored_id(customer_id: str) -> str:
    """A customer's id as columns hold it: U+FFFD in place of U+0000."""
    return customer_id.replace("\0", "\ufffd")
