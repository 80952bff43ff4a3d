"""Free the keys that customers of a load are to have and whose companies belong to other records now.

A number that was given to another customer is still the key of the former one's company, and the store keeps keys
unique. So the holder gets its own new number first; where that one is another company's key still, or the holder's
record is gone, its key is parked (docs/people.md#identity). Each is a write like any other: intended, sent, confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from customer_sync.ledger import KeyHolder
from customer_sync.ledger.state.links import parked_number
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.dispatch import Dispatcher
from customer_sync.loading.others import load_of, record_others
from customer_sync.loading.write import writes_of
from customer_sync.model.operation import Action, AppliedCompany, CompanyOperation, CustomerPlan


def release_keys(context: LoadContext, loads: Sequence[CustomerLoad], dispatcher: Dispatcher) -> None:
    """Give every company that holds a key which one of the loads needs another one.

    Args:
        context: The run.
        loads: The customers of the load.
        dispatcher: Sends the writes.
    """
    needed = {load.customer_id.casefold(): load for load in loads if _needs_key(context, load)}
    if not needed:
        return
    found = context.ledger.links.key_holders(needed)
    # What a crawl found by its key alone may be a stranger's company, which is left as it is.
    holders = [each for each in found if each.is_proven and each.customer_id != needed[each.key].customer_id]
    if not holders:
        return
    own = {load.customer_id: load for load in loads}
    others = _loads_of(context, [each for each in holders if each.customer_id not in own])
    present = [each.customer_id for each in holders]
    taken = {each.key for each in context.ledger.links.key_holders(present)} | needed.keys()
    parts = []
    for holder in holders:
        load = own.get(holder.customer_id) or others[holder.customer_id]
        key = holder.customer_id if holder.customer_id.casefold() not in taken else parked_number(_mark(holder, load))
        if load.applied is not None:
            parts.append(Part(load, _rekey(context, load.applied, holder, key)))
    dispatcher.perform(writes_of(context, parts))
    # A company that nobody here knows may have the holder's own number as its key: the holder's is parked then.
    refused = [each for each in holders if _is_held(context, each, {**others, **own})]
    again = _loads_of(context, refused)
    dispatcher.perform(
        writes_of(
            context,
            [
                Part(load, _rekey(context, load.applied, each, parked_number(_mark(each, load))))
                for each in refused
                if (load := again[each.customer_id]).applied is not None
            ],
        )
    )
    for number in again.keys() & own.keys():
        own[number].applied = again[number].applied
    record_others(context, [*others.values(), *again.values()], "keys freed for their next owners")


def _is_held(context: LoadContext, holder: KeyHolder, loads: Mapping[str, CustomerLoad]) -> bool:
    """Whether a company still carries the key that it was to give up."""
    applied = loads[holder.customer_id].applied
    return applied is not None and key_of(context, applied).casefold() == holder.key


def _needs_key(context: LoadContext, load: CustomerLoad) -> bool:
    if load.plan.kind != "sync" or load.problem is not None:
        return False
    return load.applied is None or key_of(context, load.applied) != load.customer_id


def key_of(context: LoadContext, applied: AppliedCompany) -> str:
    """The key that a company carries."""
    return applied.fields.extra_fields.get(context.connector.store.key_field, "")


def _mark(holder: KeyHolder, load: CustomerLoad) -> str:
    return holder.record_id or str(load.company_id)


def _loads_of(context: LoadContext, holders: Iterable[KeyHolder]) -> dict[str, CustomerLoad]:
    """Loads of customers of other batches, or of none, for whom only the key is written here."""
    by_number = {holder.customer_id: holder for holder in holders}
    applied = context.ledger.links.load(by_number)
    return {
        number: load_of(
            context,
            CustomerPlan(customer_id=number, kind="access", record_id=holder.record_id),
            applied.get(number),
        )
        for number, holder in by_number.items()
    }


def _rekey(context: LoadContext, applied: AppliedCompany, holder: KeyHolder, key: str) -> CompanyOperation:
    field = context.connector.store.key_field
    return CompanyOperation(
        action=Action.UPDATE_COMPANY,
        key=holder.customer_id,
        store_id=applied.company_id,
        new=msgspec.structs.replace(applied.fields, extra_fields={field: key}),
        old=applied.fields,
        changed=("extra_fields",),
    )
