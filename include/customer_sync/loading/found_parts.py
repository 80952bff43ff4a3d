"""Users, addresses and payment settings of a company that was found: read, and linked where they are ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.coordination.watermarks import FOREIGN_COMPANIES
from customer_sync.loading.adoption_evidence import OWN_WRITE
from customer_sync.loading.applied_parts import (
    MadeAddress,
    MadeUser,
    link_addresses,
    link_users,
    save,
    unlink_address,
    unlink_user,
)
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.loading.foreign_users import may_adopt
from customer_sync.model.company import Address, PaymentTerms
from customer_sync.model.operation import FORMER, Action
from customer_sync.targets.port import StoredAddress, StoredUser

FEW = 20
"""Up to so many companies are read one by one; beyond, a crawl of the store needs fewer requests."""


def read_parts(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Read users, addresses and payment settings of adopted companies, and link those that are ours."""
    adopted = {load.company_id: load for load in loads if load.applied is not None and not load.applied.parts_known}
    if not adopted:
        return
    users: dict[int, list[StoredUser]] = defaultdict(list)
    addresses: dict[int, list[StoredAddress]] = defaultdict(list)
    scopes: list[int | None] = list(adopted) if len(adopted) <= FEW else [None]
    for scope in scopes:
        for user in context.target.users(company_id=scope):
            users[user.company_id].append(user)
        for address in context.target.addresses(company_id=scope):
            addresses[address.company_id].append(address)
    for company_id, load in adopted.items():
        _link_parts(context, load, users[company_id], addresses[company_id])


def _link_parts(
    context: LoadContext, load: CustomerLoad, users: Sequence[StoredUser], addresses: Sequence[StoredAddress]
) -> None:
    if load.applied is None:
        return
    desired = load.plan.desired
    by_email = {user.email.casefold(): user.key for user in load.plan.successors} if desired else {}
    by_email |= {user.email.casefold(): key for key, user in load.seats().users.items()} if desired else {}
    by_email |= load.applied.made_with | _sent_users(load)
    # A user that belongs to a contact already stays with it: its e-mail may just be changing hands.
    linked = {record.store_id: key for key, record in load.applied.users.items()}
    our_users = [
        MadeUser(load, key, user.id, user.fields)
        for user in users
        if (key := linked.get(user.id) or by_email.get(user.fields.email.casefold()) or _leaver(load, user))
    ]
    in_our_words = {address.external_id: address for address in desired.addresses} if desired else {}
    our_addresses = [
        MadeAddress(load, key, address.id, _in_our_words(address.fields, in_our_words))
        for address in addresses
        if (key := _address_key(context, load, address.fields.external_id))
    ]
    others = [user for user in users if user.id not in {each.store_id for each in our_users}]
    if OWN_WRITE in load.adopted_by:
        # We made the company, and its first user with it: whoever that is not any more goes with the next comparison.
        our_users += [MadeUser(load, f"user {user.id}{FORMER}", user.id, user.fields) for user in others]
    elif load.adopted_by and load.plan.kind == "sync":
        if not may_adopt(context, load, others):
            unlink_company(context, load)
            return
        if context.connector.policy.foreign_users == "remove":
            our_users += [MadeUser(load, f"user {user.id}{FORMER}", user.id, user.fields) for user in others]
    payment = context.target.payment_settings(load.company_id, methods=True, terms=True)
    methods, terms = (payment.methods, payment.terms) if payment else ({}, None)
    _unlink_removed(load, {each.id for each in users}, {each.id for each in addresses})
    link_users(our_users)
    link_addresses(our_addresses)
    load.applied = msgspec.structs.replace(
        load.applied,
        payment_methods=methods,
        payment_terms=terms,
        our_methods=_as_we_would(load, methods),
        our_terms=_are_ours(load, terms),
        parts_known=True,
        made_with={},
    )
    with context.ledger.write() as connection:
        save(context.run, connection, [load])
        if not load.is_proven and not load.foreign:
            _prove(context, connection, load)


def _prove(context: LoadContext, connection: sa.Connection, load: CustomerLoad) -> None:
    """Say for good that the company is the customer's; the run counts as the one that adopted it."""
    proof = (load.customer_id, load.plan.record_id, load.adopted_by)
    context.ledger.links.prove(connection, context.run.run_id, *proof)
    load.is_proven = True


def prove_settled(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """The same for those of whose company's unknown users nothing is left to be done."""
    settled = [load for load in loads if not load.is_proven and load.applied is not None and not load.foreign]
    if settled:
        with context.ledger.write() as connection:
            for load in settled:
                _prove(context, connection, load)


def unlink_company(context: LoadContext, load: CustomerLoad) -> None:
    """Forget a company that was found and is not taken over: one more that the ledger can explain without a link."""
    known = int(context.ledger.watermarks.load().get(FOREIGN_COMPANIES, "0"))
    with context.ledger.write() as connection:
        context.ledger.links.drop_company(connection, load.customer_id)
        context.ledger.watermarks.put(connection, context.run.run_id, {FOREIGN_COMPANIES: str(known + 1)})
    load.applied, load.is_proven = None, True


def _leaver(load: CustomerLoad, user: StoredUser) -> str:
    """The contact of an adopted company's user to whom the source denies access, ``""`` where it is none."""
    return user.key if load.adopted_by and user.key in load.plan.leavers else ""


def _in_our_words(have: Address, desired: dict[str, Address]) -> Address:
    """An address; where country and state codes agree, their names are the same in other words."""
    ours = desired.get(have.external_id)
    if ours and ours.country_code == have.country_code and ours.state_code == have.state_code:
        return msgspec.structs.replace(have, country_name=ours.country_name, state_name=ours.state_name)
    return have


def _unlink_removed(load: CustomerLoad, user_ids: Collection[int], address_ids: Collection[int]) -> None:
    """Forget what a removal without an answer took away."""
    for intent in load.unanswered:
        if intent.action == Action.DELETE_USER and intent.store_id not in user_ids:
            unlink_user(load, intent.store_id)
        elif intent.action == Action.DELETE_ADDRESS and intent.store_id not in address_ids:
            unlink_address(load, intent.store_id)


def _sent_users(load: CustomerLoad) -> dict[str, str]:
    """The contacts of users that were sent without an answer, by the e-mail that they were sent with."""
    sent = {
        str(intent.sent.get("email", "")).casefold(): intent.key
        for intent in load.unanswered
        if intent.action == Action.CREATE_USER
    }
    sent |= {
        str(intent.sent.get("admin_email", "")).casefold(): intent.admin_key
        for intent in load.unanswered
        if intent.action == Action.CREATE_COMPANY
    }
    return {email: key for email, key in sent.items() if email and key}


def _address_key(context: LoadContext, load: CustomerLoad, external_id: str) -> str:
    """The key of an address of ours, ``""`` for another one's.

    It may have been made under the number that the customer had before: the company's key, or that of the intent.
    """
    key = load.applied.fields.extra_fields.get(context.connector.store.key_field, "") if load.applied else ""
    for number in (load.customer_id, key, *(intent.customer_id for intent in load.unanswered)):
        if number and external_id.startswith(f"{number}:"):
            return f"{load.customer_id}:{external_id.removeprefix(f'{number}:')}"
    return ""


def _as_we_would(load: CustomerLoad, methods: Mapping[str, bool]) -> tuple[str, ...]:
    """The methods that are on as the sync would have them, and those that were its own before."""
    due = load.plan.desired.payment_methods if load.plan.desired else {}
    known = set(load.applied.our_methods if load.applied else ())
    for intent in load.unanswered:
        if intent.action == Action.SET_PAYMENT_METHODS:
            known |= {code for code, is_on in intent.sent.items() if is_on}
    return tuple(sorted({code for code, is_on in methods.items() if is_on and (due.get(code) or code in known)}))


def _are_ours(load: CustomerLoad, terms: PaymentTerms | None) -> bool:
    if terms is None or not terms.is_enabled:
        return False
    due = load.plan.desired.payment_terms if load.plan.desired else None
    sent = any(
        intent.action == Action.SET_PAYMENT_TERMS and intent.sent.get("days", 0) == terms.days
        for intent in load.unanswered
    )
    return sent or due == terms or (load.applied is not None and load.applied.our_terms)
