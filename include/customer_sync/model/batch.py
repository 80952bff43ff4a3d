"""Batches: what travels between the tasks through XCom, with a check that it arrived whole.

extract writes the customers once; filter and transform each put a small object beside them, which load reads with them.
All are JSON texts. Airflow's object-storage backend hands back the path of a
missing file instead of failing (a string, too), so every reader checks kind and hash.
"""

from __future__ import annotations

import hashlib
from typing import Any, Generic, TypeVar

import msgspec

from customer_sync.errors import BatchDamaged
from customer_sync.model.customer import Customer
from customer_sync.model.operation import PlanKind

Item = TypeVar("Item", bound=msgspec.Struct)


class BatchDescriptor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch's name for the UI and the next task; holds no personal data.

    ``key`` identifies the batch in its run, ``label`` names its first and last
    customer and their number. ``customers_digest`` is the hash of what extract wrote, ``digest``
    that of the small object beside it which the last step wrote, ``mapping`` identifies the rules by which
    it was planned. ``withheld`` are customers that guard took out. A planned
    batch also gives its operations, its eligible customers, the companies that it would
    withdraw or create, the users and addresses that it would remove, how many users are ``leaving`` since a record that
    was read denies them access, and the requests that it will take; that of an undo also how many values are ``kept``
    since they changed after the run, and how many are ``impossible`` to have again.
    """

    key: str
    label: str
    count: int
    digest: str = ""
    customers_digest: str = ""
    mapping: str = ""
    withheld: tuple[str, ...] = ()
    plan_sum: str = "0"
    operations: int = 0
    eligible: int = 0
    withdrawn: int = 0
    removed: int = 0
    leaving: int = 0
    created: int = 0
    kept: int = 0
    impossible: int = 0
    store_requests: int = 0
    erp_requests: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for XCom."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


class Batch(msgspec.Struct, Generic[Item], frozen=True, kw_only=True, omit_defaults=True):
    """Records of one batch: customers, as extract read them, or planned repairs.

    ``rows`` identifies what the source said of a customer, for those of whom it is known.
    """

    key: str
    label: str
    items: tuple[Item, ...]
    rows: dict[str, str] = {}


class Unenrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that has a company and is no longer eligible; ``modified_at_utc`` is its stamp in the source."""

    customer_id: str
    name: str
    reasons: tuple[str, ...]
    modified_at_utc: str = ""


class Decisions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What filter decided of a batch.

    ``left_out`` have their outcome already; ``unenrolled`` are to lose their company; the companies of ``kept`` are
    kept as they are, but for people who have left; all others are eligible.
    """

    left_out: tuple[str, ...] = ()
    unenrolled: tuple[Unenrolled, ...] = ()
    kept: tuple[Unenrolled, ...] = ()


class PlannedChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What transform decided of one customer that is to be changed; what exactly changes, load compares anew.

    ``leavers`` are contacts to whom some record denies access, also one that another batch holds.
    """

    customer_id: str
    kind: PlanKind
    name: str = ""
    company_id: int = 0
    reasons: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()
    outcome: str = ""
    leavers: tuple[str, ...] = ()
    access_ended_at_utc: dict[str, str] = {}
    was_inactive: bool = False


class PlannedChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The customers of a batch that are to be changed."""

    items: tuple[PlannedChange, ...] = ()


_encoder = msgspec.json.Encoder(order="deterministic")
_customers = msgspec.json.Decoder(Batch[Customer])
_decisions = msgspec.json.Decoder(Decisions)
_changes = msgspec.json.Decoder(PlannedChanges)


def batch_label(customer_ids: list[str]) -> str:
    """The readable name of a batch: first and last customer joined by an en dash, and their number."""
    if not customer_ids:
        return "empty (0)"
    first, last = min(customer_ids)[:40], max(customer_ids)[:40]
    return f"{first} (1)" if len(customer_ids) == 1 else f"{first}\N{EN DASH}{last} ({len(customer_ids)})"


def pack(value: msgspec.Struct) -> tuple[str, str]:
    """Encode a batch, or what a step says of it; returns the text and the hash that the reader will check."""
    content = _encoder.encode(value)
    return content.decode(), hashlib.blake2b(content, digest_size=16).hexdigest()


def pack_customers(batch: Batch[Customer]) -> tuple[str, BatchDescriptor]:
    """Encode the customers of a batch, with the descriptor that goes along."""
    content, digest = pack(batch)
    return content, BatchDescriptor(key=batch.key, label=batch.label, count=len(batch.items), customers_digest=digest)


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
    """Decode what extract wrote.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    global _last_read  # noqa: PLW0603 - one batch, whose text is checked each time
    digest, known = descriptor.customers_digest, _last_read
    if known is not None and known[0] == digest:
        check(content, descriptor.label, digest)
        return known[1]
    known = _last_read = None  # memory is to hold one batch, not two
    batch: Batch[Customer] = unpack(content, descriptor.label, digest, _customers)
    _last_read = digest, batch
    return batch


_last_read: tuple[str, Batch[Customer]] | None = None
"""The batch that was decoded last: a process that filters and transforms it needs it twice. Nobody changes one."""


def unpack_decisions(content: Any, descriptor: BatchDescriptor) -> Decisions:
    """Decode what filter wrote.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    decisions: Decisions = unpack(content, descriptor.label, descriptor.digest, _decisions)
    return decisions


def unpack_changes(content: Any, descriptor: BatchDescriptor) -> PlannedChanges:
    """Decode what transform wrote.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    changes: PlannedChanges = unpack(content, descriptor.label, descriptor.digest, _changes)
    return changes


def unpack(content: Any, label: str, digest: str, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Decode a text that came through XCom.

    Args:
        content: The text.
        label: The batch's name, for messages.
        digest: Its hash.
        decoder: Knows its form.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    data = check(content, label, digest)
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise BatchDamaged(f"Batch {label} was written by another version of this package: {_REMEDY}.") from error


def check(content: Any, label: str, digest: str) -> bytes:
    """See that a text came through XCom whole; returns its bytes.

    Raises:
        BatchDamaged: It is missing, cut or not the one that the descriptor names.
    """
    if not isinstance(content, str):
        raise BatchDamaged(f"Batch {label} is not in XCom ({type(content).__name__}): {_REMEDY}.")
    data = content.encode(errors="surrogatepass")  # half a character is damage, too; the hash shows it
    if hashlib.blake2b(data, digest_size=16).hexdigest() != digest:
        raise BatchDamaged(f"Batch {label} is not what the earlier task wrote (or its file is gone): {_REMEDY}.")
    return data


_REMEDY = "clear this task together with the tasks before it"
