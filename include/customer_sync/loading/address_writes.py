"""What is special about writing addresses: they are found again by external id and company."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from customer_sync.errors import NotFound, SyncError
from customer_sync.loading.applied_parts import MadeAddress, link_addresses, save_now, unlink_address
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import Part
from customer_sync.loading.refusals import quarantine
from customer_sync.model.operation import AddressOperation
from customer_sync.targets.port import StoredAddress


def look_up_addresses(context: LoadContext, parts: Sequence[Part]) -> list[int | None]:
    """Ids of addresses that were made, by external id and company."""
    found = _stored(context, parts)
    records = [found.get((load.company_id, operation.key)) for load, operation in parts]
    return [record.id if record else None for record in records]


def find_made_addresses(context: LoadContext, parts: Sequence[Part]) -> set[str]:
    """Keys of the addresses that exist already; they are linked."""
    found = _stored(context, parts)
    made = [
        MadeAddress(load, operation.key, record.id, record.fields)
        for load, operation in parts
        if (record := found.get((load.company_id, operation.key))) is not None
    ]
    if made:
        link_addresses(made)
        save_now(context, [each.load for each in made])
    return {each.key for each in made}


def _stored(context: LoadContext, parts: Sequence[Part]) -> dict[tuple[int, str], StoredAddress]:
    records = context.target.addresses_by_key([operation.key for _, operation in parts])
    return {(record.company_id, record.fields.external_id): record for record in records}


def confirm_created(parts: Sequence[Part], ids: Sequence[int | None]) -> None:
    """Link the new addresses."""
    made = [
        MadeAddress(load, operation.key, address_id, operation.new)
        for (load, operation), address_id in zip(parts, ids, strict=True)
        if address_id is not None and isinstance(operation, AddressOperation) and operation.new is not None
    ]
    link_addresses(made)


def confirm_updated(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Remember the new values."""
    made = []
    for load, operation in parts:
        if not isinstance(operation, AddressOperation) or operation.new is None:
            continue
        known = load.applied.addresses.get(operation.key) if load.applied else None
        old = known.fields if known else operation.new
        values = operation.values
        if "extra_fields" in values:
            values["extra_fields"] = {**old.extra_fields, **values["extra_fields"]}
        fields = msgspec.structs.replace(old, **values)
        made.append(MadeAddress(load, operation.key, operation.store_id, fields))
    link_addresses(made)


def refuse_update(context: LoadContext, part: Part, error: SyncError) -> None:
    """Gone: forget it, the next comparison makes it again. Else quarantined with the store's words."""
    load, operation = part
    if isinstance(error, NotFound):
        unlink_address(load, operation.store_id)
        save_now(context, [load])
    else:
        quarantine(load, operation, error)


def confirm_deleted(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Forget the link."""
    for load, operation in parts:
        unlink_address(load, operation.store_id)
