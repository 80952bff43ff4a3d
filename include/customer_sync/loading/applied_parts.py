"""Keep ledger and load in step: what was confirmed of companies, users and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import Address, UserFields
from customer_sync.model.operation import AppliedAddress, AppliedUser
from customer_sync.model.outcome import Outcome, Reason

FORMER = " (former)"
"""Marks the key of a user that is replaced by a new one of the same contact."""


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


def lose_company(
    context: LoadContext, load: CustomerLoad, message: str, *, connection: sa.Connection | None = None
) -> None:
    """Forget a company that is gone from the store; the next run makes it again.

    Args:
        context: The run.
        load: The customer.
        message: What is said of it.
        connection: The writing transaction to use; one of its own by default.
    """
    with nullcontext(connection) if connection is not None else context.ledger.write() as transaction:
        context.ledger.links.drop_company(transaction, load.customer_id)
    load.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, message)
    load.applied = None


def link_users(context: LoadContext, connection: sa.Connection, made: Sequence[MadeUser]) -> None:
    """Remember users.

    Another user that belonged to the contact until now is kept under the contact's former key: it is taken over by
    another contact, or deleted, by the next comparison.
    """
    rows = []
    for load, key, store_id, fields in made:
        if load.applied is not None:
            users = dict(load.applied.users)
            displaced = users.get(key)
            if displaced is not None and displaced.store_id != store_id:
                users[f"{key}{FORMER}"] = displaced
                rows.append((load.customer_id, f"{key}{FORMER}", displaced.store_id, displaced.fields))
            users[key] = AppliedUser(store_id=store_id, fields=fields)
            load.applied = msgspec.structs.replace(load.applied, users=users)
        rows.append((load.customer_id, key, store_id, fields))
    context.ledger.links.put_children(connection, "user", rows)


def unlink_user(context: LoadContext, connection: sa.Connection, load: CustomerLoad, store_id: int) -> None:
    """Forget a user."""
    if load.applied is not None:
        users = {key: record for key, record in load.applied.users.items() if record.store_id != store_id}
        load.applied = msgspec.structs.replace(load.applied, users=users)
    context.ledger.links.drop_child(connection, "user", load.customer_id, store_id)


def link_addresses(context: LoadContext, connection: sa.Connection, made: Sequence[MadeAddress]) -> None:
    """Remember addresses."""
    for load, key, store_id, fields in made:
        if load.applied is not None:
            addresses = {**load.applied.addresses, key: AppliedAddress(store_id=store_id, fields=fields)}
            load.applied = msgspec.structs.replace(load.applied, addresses=addresses)
    rows = [(load.customer_id, key, store_id, fields) for load, key, store_id, fields in made]
    context.ledger.links.put_children(connection, "address", rows)


def unlink_address(context: LoadContext, connection: sa.Connection, load: CustomerLoad, store_id: int) -> None:
    """Forget an address."""
    if load.applied is not None:
        addresses = {key: record for key, record in load.applied.addresses.items() if record.store_id != store_id}
        load.applied = msgspec.structs.replace(load.applied, addresses=addresses)
    context.ledger.links.drop_child(connection, "address", load.customer_id, store_id)
