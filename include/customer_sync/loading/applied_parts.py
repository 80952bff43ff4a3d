"""What was confirmed of companies, users and addresses: remembered in the load, and with it in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger import CustomerState
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import Address, UserFields
from customer_sync.model.operation import FORMER, AppliedAddress, AppliedUser
from customer_sync.model.outcome import Outcome, Reason


class MadeUser(NamedTuple):
    """A user that the store holds now."""

    load: CustomerLoad
    key: str
    store_id: int
    fields: UserFields


class MadeAddress(NamedTuple):
    """An address that the store holds now."""

    load: CustomerLoad
    key: str
    store_id: int
    fields: Address


def save(context: LoadContext, connection: sa.Connection, loads: Iterable[CustomerLoad]) -> None:
    """Have the ledger hold what is applied to some customers now: one row each, whatever changed of them.

    From the first write on no desired state counts as applied whole, until the customer is finished.
    """
    states: list[CustomerState] = []
    for load in {load.customer_id: load for load in loads}.values():
        if load.applied is None or load.is_deleted:
            context.ledger.links.drop_company(connection, load.customer_id)
        else:
            applied = msgspec.structs.replace(load.applied, content_hash="")
            load.indexed |= applied.users.keys()
            key = applied.fields.extra_fields.get(context.connector.store.key_field, "")
            states.append(CustomerState(load.customer_id, applied, load.plan.record_id, load.indexed, key))
    context.ledger.links.put(connection, context.run.run_id, states)


def save_now(context: LoadContext, loads: Iterable[CustomerLoad]) -> None:
    """The same in a transaction of its own."""
    with context.ledger.write() as connection:
        save(context, connection, loads)


def lose_company(load: CustomerLoad, message: str) -> None:
    """Forget a company that is gone from the store; the next run makes it again."""
    load.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, message)
    load.applied = None


def link_users(made: Iterable[MadeUser]) -> None:
    """Remember users.

    Another user that belonged to the contact until now is kept under the contact's former key: it is taken over by
    another contact, or deleted, by the next comparison.
    """
    for load, key, store_id, fields in made:
        if load.applied is None:
            continue
        users = dict(load.applied.users)
        displaced = users.get(key)
        if displaced is not None and displaced.store_id != store_id:
            users[f"{key}{FORMER}"] = displaced
        users[key] = AppliedUser(store_id=store_id, fields=fields)
        load.applied = msgspec.structs.replace(load.applied, users=users)


def unlink_user(load: CustomerLoad, store_id: int) -> None:
    """Forget a user."""
    if load.applied is not None:
        users = {key: record for key, record in load.applied.users.items() if record.store_id != store_id}
        load.applied = msgspec.structs.replace(load.applied, users=users)


def link_addresses(made: Iterable[MadeAddress]) -> None:
    """Remember addresses."""
    for load, key, store_id, fields in made:
        if load.applied is not None:
            addresses = {**load.applied.addresses, key: AppliedAddress(store_id=store_id, fields=fields)}
            load.applied = msgspec.structs.replace(load.applied, addresses=addresses)


def unlink_address(load: CustomerLoad, store_id: int) -> None:
    """Forget an address."""
    if load.applied is not None:
        addresses = {key: record for key, record in load.applied.addresses.items() if record.store_id != store_id}
        load.applied = msgspec.structs.replace(load.applied, addresses=addresses)
