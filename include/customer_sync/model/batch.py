"""Batches: what travels between the tasks through XCom, with a check that it arrived whole.

A batch is one JSON text. Airflow's object-storage backend hands back the path of a
missing file instead of failing (a string, too), so every reader checks kind and hash.
"""

from __future__ import annotations

import hashlib
from typing import Any, Generic, TypeVar

import msgspec

from customer_sync.errors import BatchDamaged
from customer_sync.model.customer import Customer
from customer_sync.model.operation import CustomerPlan

Item = TypeVar("Item", bound=msgspec.Struct)


class BatchDescriptor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch's name for the UI and the next task; holds no personal data.

    ``key`` identifies the batch in its run, ``label`` names its first and last
    customer and their number. ``withheld`` are customers that guard took out. A planned
    batch also tells its operations, its eligible customers, the companies that it would
    withdraw, the users and addresses that it would remove, and the requests that it will take.
    """

    key: str
    label: str
    count: int
    digest: str = ""
    withheld: tuple[str, ...] = ()
    plan_sum: str = "0"
    operations: int = 0
    eligible: int = 0
    withdrawn: int = 0
    removed: int = 0
    store_requests: int = 0
    erp_requests: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for XCom."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


class Unenrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that has a company and is no longer eligible; ``modified_at_utc`` is its stamp in the ERP."""

    customer_id: str
    name: str
    reasons: tuple[str, ...]
    modified_at_utc: str = ""


class Batch(msgspec.Struct, Generic[Item], frozen=True, kw_only=True, omit_defaults=True):
    """Customers or plans of one batch."""

    key: str
    label: str
    items: tuple[Item, ...]
    unenrolled: tuple[Unenrolled, ...] = ()


_encoder = msgspec.json.Encoder(order="deterministic")
_customers = msgspec.json.Decoder(Batch[Customer])
_plans = msgspec.json.Decoder(Batch[CustomerPlan])


def batch_label(customer_ids: list[str]) -> str:
    """The readable name of a batch: first and last customer joined by an en dash, and their number."""
    if not customer_ids:
        return "empty (0)"
    first, last = min(customer_ids)[:40], max(customer_ids)[:40]
    return f"{first} (1)" if len(customer_ids) == 1 else f"{first}\N{EN DASH}{last} ({len(customer_ids)})"


def pack(batch: Batch[Any]) -> tuple[str, BatchDescriptor]:
    """Encode a batch; the descriptor carries the count and the hash that the reader will check."""
    content = _encoder.encode(batch)
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    descriptor = BatchDescriptor(
        key=batch.key, label=batch.label, count=len(batch.items) + len(batch.unenrolled), digest=digest
    )
    return content.decode(), descriptor


def read_descriptor(value: Any) -> BatchDescriptor:
    """Check a descriptor that came through XCom.

    Raises:
        BatchDamaged: It is not one.
    """
    try:
        return msgspec.convert(value, BatchDescriptor)
    except msgspec.ValidationError as error:
        raise BatchDamaged(
            f"A batch descriptor does not fit ({error}): clear the run's tasks from extract on."
        ) from error


def unpack_customers(content: Any, descriptor: BatchDescriptor) -> Batch[Customer]:
    """Decode a batch of customers.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    batch: Batch[Customer] = unpack(content, descriptor, _customers)
    return batch


def unpack_plans(content: Any, descriptor: BatchDescriptor) -> Batch[CustomerPlan]:
    """Decode a batch of plans.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    batch: Batch[CustomerPlan] = unpack(content, descriptor, _plans)
    return batch


def unpack(content: Any, descriptor: BatchDescriptor, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Decode a batch of any items.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    remedy = "clear this task together with the tasks before it"
    if not isinstance(content, str):
        raise BatchDamaged(f"Batch {descriptor.label} is not in XCom ({type(content).__name__}): {remedy}.")
    data = content.encode(errors="surrogatepass")  # half a character is damage, too; the hash tells it
    if hashlib.blake2b(data, digest_size=16).hexdigest() != descriptor.digest:
        raise BatchDamaged(
            f"Batch {descriptor.label} is not what the earlier task wrote (or its file is gone): {remedy}."
        )
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise BatchDamaged(
            f"Batch {descriptor.label} was written by another version of this package: {remedy}."
        ) from error
