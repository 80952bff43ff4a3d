"""Writes of the address book: create in bulk, update and delete one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.errors import NotFound, SyncError
from customer_sync.loading.adoption import address_record_fields
from customer_sync.loading.context import Surroundings
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import Write, reading_back, refuse
from customer_sync.model.company import address_fields
from customer_sync.model.operation import AppliedRecord, Operation
from customer_sync.model.outcome import Outcome, Reason

_PLACE = ("country_name", "country_code", "state_name", "state_code")
_FLAGS = {"is_default_billing": "is_billing", "is_default_shipping": "is_shipping"}


class CreateAddresses(Write):
    """Create up to ten addresses, of any companies, in one request."""

    def __init__(
        self, around: Surroundings, parts: Sequence[tuple[Work, Operation]], *, is_repeat: bool = False
    ) -> None:
        super().__init__(parts, is_repeat=is_repeat)
        self._around = around

    def send(self) -> dict[str, int]:
        """Create them; returns their ids by external id."""
        store = self._around.store
        payloads = [
            {**{name: value for name, value in operation.values.items() if value != ""}, "company_id": work.company_id}
            for work, operation in self.parts
        ]
        if len(payloads) == 1:
            return {self.parts[0][1].key: store.create_address(payloads[0])}
        keys = [operation.key for _, operation in self.parts]
        ids = store.create_addresses(payloads)
        if ids is not None:
            return dict(zip(keys, ids, strict=True))
        with reading_back():
            return {record.external_id: record.id for record in store.find_addresses(keys)}

    def confirm(self, connection: sa.Connection, answer: Mapping[str, int]) -> None:
        """Link the new addresses."""
        made = [
            (work, operation.key, answer[operation.key], operation.values)
            for work, operation in self.parts
            if operation.key in answer
        ]
        link_addresses(self._around, connection, made)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Several: each alone. One: quarantined with the store's words."""
        if len(self.parts) > 1:
            return [CreateAddresses(self._around, [part]) for part in self.parts]
        work, operation = self.parts[0]
        if isinstance(error, NotFound):
            work.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, "the company was deleted in the store")
        else:
            refuse(work, operation, error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write]:
        """Read back by external id: found means made; not found is tried again, once."""
        records = self._around.store.find_addresses([operation.key for _, operation in self.parts])
        found = {(record.company_id, record.external_id): record for record in records}
        follow: list[Write] = []
        for work, operation in self.parts:
            record = found.get((work.company_id, operation.key))
            if record is not None:
                with self._around.ledger.write() as connection:
                    fields = address_record_fields(record)
                    link_address(self._around, connection, work, operation.key, record.id, fields)
            elif self.is_repeat:
                work.stop(Outcome.FAILED, Reason.OUTCOME_UNKNOWN, str(error))
            else:
                follow.append(CreateAddresses(self._around, [(work, operation)], is_repeat=True))
        return follow


class UpdateAddress(Write):
    """Change fields of one address."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Send the changes with the fields that the store wants beside them."""
        work, operation = self.parts[0]
        self._around.store.update_address(operation.store_id, changes_to_send(work, operation))

    def confirm(self, connection: sa.Connection, _answer: object) -> None:
        """Remember the new values."""
        work, operation = self.parts[0]
        before = work.applied.addresses.get(operation.key) if work.applied else None
        fields = {**(before.fields if before else {}), **operation.values}
        link_address(self._around, connection, work, operation.key, operation.store_id, fields)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Gone: forget it, the next comparison makes it again. Else quarantined with the store's words."""
        work, operation = self.parts[0]
        if isinstance(error, NotFound):
            with self._around.ledger.write() as connection:
                unlink_address(self._around, connection, work, operation)
        else:
            refuse(work, operation, error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [UpdateAddress(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)


class DeleteAddress(Write):
    """Take an address out of the book; past orders keep theirs."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Delete it; one that is gone already is done."""
        self._around.store.delete_address(self.parts[0][1].store_id)

    def confirm(self, connection: sa.Connection, _answer: None) -> None:
        """Forget the link."""
        work, operation = self.parts[0]
        unlink_address(self._around, connection, work, operation)

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [DeleteAddress(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)


def changes_to_send(work: Work, operation: Operation) -> dict[str, Any]:
    """The changed fields, and those that the store's update rules want in the same body.

    Source: docs/api/better_b2b.md#address-update.

    A change of country or state sends the whole place, without a state where the
    country has none; a default flag needs its plain flag beside it.
    """
    address = next(item for item in work.desired.addresses if item.external_id == operation.key)
    whole = address_fields(address)
    changes = dict(operation.values)
    if any(name in changes for name in _PLACE):
        changes |= {name: whole[name] for name in _PLACE}
        changes = {name: value for name, value in changes.items() if name not in _PLACE or value != ""}
    for default, plain in _FLAGS.items():
        if default in changes or plain in changes:
            changes |= {default: whole[default], plain: whole[plain]}
    return changes


def link_address(
    around: Surroundings, connection: sa.Connection, work: Work, key: str, store_id: int, fields: dict[str, Any]
) -> None:
    """Remember an address in the ledger and in the work."""
    link_addresses(around, connection, [(work, key, store_id, fields)])


def link_addresses(
    around: Surroundings, connection: sa.Connection, made: Sequence[tuple[Work, str, int, dict[str, Any]]]
) -> None:
    """Remember addresses in the ledger and in their works; one is (work, key, id in the store, applied fields)."""
    for work, key, store_id, fields in made:
        if work.applied is not None:
            addresses = {**work.applied.addresses, key: AppliedRecord(store_id=store_id, fields=fields)}
            work.applied = msgspec.structs.replace(work.applied, addresses=addresses)
    rows = [(work.customer_id, key, store_id, fields) for work, key, store_id, fields in made]
    around.ledger.links.put_children(connection, "address", rows)


def unlink_address(around: Surroundings, connection: sa.Connection, work: Work, operation: Operation) -> None:
    """Forget an address in the ledger and in the work."""
    if work.applied is not None:
        addresses = {
            key: record for key, record in work.applied.addresses.items() if record.store_id != operation.store_id
        }
        work.applied = msgspec.structs.replace(work.applied, addresses=addresses)
    around.ledger.links.drop_child(connection, "address", work.customer_id, operation.store_id)
