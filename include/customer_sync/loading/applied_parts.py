"""What was confirmed of companies, users and addresses: remembered in the load, and with it in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger import CustomerState
from customer_sync.ledger.state.email_directory import index_of
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import Address, CompanyStatus, UserFields
from customer_sync.model.operation import FORMER, AppliedAddress, AppliedCompany, AppliedUser
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.planning.emails import email_id, held_by
from customer_sync.run import Run


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


def save(
    run: Run, connection: sa.Connection, loads: Iterable[CustomerLoad], hashes: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Have the ledger hold what is applied to some customers now: one row each, whatever changed of them.

    From the first write on no desired state counts as applied whole, until the customer is finished.

    Args:
        run: The run.
        connection: A writing transaction.
        loads: The customers.
        hashes: Customer -> what identifies the desired state that was applied whole.
    """
    states: list[CustomerState] = []
    for load in {load.customer_id: load for load in loads}.values():
        load.is_being_made = False
        if load.applied is None or load.is_deleted:
            run.ledger.links.drop_company(connection, load.customer_id)
        else:
            held = held_by(load.applied)
            state = _state(run, load, load.applied, hashes.get(load.customer_id, ""))
            states.append(state._replace(claimed=_claimed(load) if load.indexed.keys() - held else frozenset()))
            load.indexed = index_of(held, is_closed=load.applied.status == CompanyStatus.INACTIVE)
    run.ledger.links.put(connection, run.run_id, states)


def save_begun(run: Run, connection: sa.Connection, loads: Iterable[CustomerLoad]) -> None:
    """The same for companies that were just made: what is made of them from now on is in the journal alone.

    Until they are saved whole, whoever reads a link reads the journal with it (docs/reliability.md#the-protocol).
    """
    states: list[CustomerState] = []
    for load in loads:
        if load.applied is not None:
            promised = {email_id(user.email): user.key for user in load.sendable(load.seats().users.values())}
            state = _state(run, load, load.applied, "")
            states.append(state._replace(promised=promised, is_behind=True))
            load.is_being_made, load.indexed = True, index_of(promised, is_closed=False)
    run.ledger.links.put(connection, run.run_id, states)


def _claimed(load: CustomerLoad) -> frozenset[str]:
    """What a customer is to have: who was promised an e-mail, and has not got it, claims it still."""
    users = load.plan.desired.users if load.plan.desired is not None else ()
    return frozenset(email_id(user.email) for user in load.sendable(users))


def _state(run: Run, load: CustomerLoad, applied: AppliedCompany, content_hash: str) -> CustomerState:
    key = applied.fields.extra_fields.get(run.connector.store.key_field, "")
    now = msgspec.structs.replace(applied, content_hash=content_hash)
    return CustomerState(load.customer_id, now, load.plan.record_id, load.indexed, key)


def save_now(context: LoadContext, loads: Iterable[CustomerLoad]) -> None:
    """Save in a transaction of its own."""
    with context.ledger.write() as connection:
        save(context.run, connection, loads)


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
