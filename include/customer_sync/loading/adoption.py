"""Find again in the store what the ledger does not know: nothing is then created twice.

Source: docs/reliability.md#the-protocol.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from customer_sync.ledger import CustomerState
from customer_sync.ledger.coordination.watermarks import FOREIGN_COMPANIES
from customer_sync.loading.adoption_evidence import OWN_WRITE, Claimant, Weighed, judge
from customer_sync.loading.applied_parts import (
    MadeAddress,
    MadeUser,
    link_addresses,
    link_users,
    save_now,
    unlink_address,
    unlink_user,
)
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import COMPANY_FIELDS, Address, CompanyFields, CompanyStatus, PaymentTerms
from customer_sync.model.operation import FORMER, Action, AppliedCompany
from customer_sync.model.outcome import MENDED_IN_STORE, Finding, Outcome, Reason
from customer_sync.targets.port import StoredAddress, StoredCompany, StoredUser

_OF_COMPANIES: Final = frozenset({Action.UPDATE_COMPANY, Action.SET_STATUS, Action.DELETE_COMPANY})

FEW = 20
"""Up to so many companies are read one by one; beyond, a crawl of the store needs fewer requests."""


def find_existing(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Link loads whose company exists in the store although the ledger has no link.

    The store is crawled only when it holds companies that the ledger cannot account
    for, so a first load costs one request more, not one per customer. A store whose
    key field is not unique is asked for each key before anything is created.
    """
    unlinked = {load.customer_id: load for load in loads if load.applied is None and load.plan.kind == "sync"}
    if not unlinked:
        return
    is_unique = context.key_is_unique
    held = context.ledger.quarantine.load(unlinked)
    for key, rows in held.items():
        # The store would refuse to make what it has: nothing is sent before a person has decided.
        if any(row.entity == "customer" and row.reason in MENDED_IN_STORE for row in rows):
            find_by_key(context, unlinked[key])
    unlinked = {key: load for key, load in unlinked.items() if load.applied is None and load.problem is None}
    if _has_unaccounted(context):
        _link_all(context, context.target.companies(), unlinked)
    elif not is_unique:
        for load in unlinked.values():
            find_by_key(context, load)


def find_by_key(context: LoadContext, load: CustomerLoad, key: str = "", *, sent: CompanyFields | None = None) -> bool:
    """Look for one customer's company by a key and link it if it is the customer's; else the customer waits.

    Args:
        context: The run.
        load: The customer.
        key: The key; by default the customer's number.
        sent: What was sent of a company with that key whose outcome is unknown.

    Returns:
        Whether one was found and linked.
    """
    found = context.target.companies_by_key(key or load.customer_id)
    holders = context.ledger.links.holders([record.id for record in found])
    free = [record for record in found if record.id not in holders]
    if len(free) > 1:
        _stop_ambiguous(load, free)
    if len(free) != 1:
        return False
    return adopt(context, [(load, free[0])], key=key, sent=sent) == 1


def adopt(
    context: LoadContext,
    found: Sequence[tuple[CustomerLoad, StoredCompany]],
    *,
    key: str = "",
    sent: CompanyFields | None = None,
) -> int:
    """Link companies that are their customers' by what speaks for it; customers of the others wait for a person.

    Users and addresses are read before the next comparison.

    Args:
        context: The run.
        found: Customers and companies.
        key: The key that they were found by; by default each customer's number.
        sent: What was sent of the company, its outcome unknown.

    Returns:
        How many were linked.
    """
    repeated = context.ledger.emails.repeated_references(load.plan.erp_reference for load, _ in found)
    states: list[CustomerState] = []
    for load, record in found:
        weighed = judge(_with_record(context, record), _claimant(load, repeated, key, sent))
        if weighed.against is not None:
            _leave_to_a_person(load, record, weighed)
            continue
        load.applied, load.adopted_by = _as_found(record), weighed.in_words
        states.append(
            CustomerState(
                load.customer_id, load.applied, load.plan.record_id, key=record.key, evidence=weighed.in_words
            )
        )
    with context.ledger.write() as connection:
        context.ledger.links.put(connection, context.run.run_id, states)
    return len(states)


def weigh_links(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Weigh the companies that a crawl for another batch found by these customers' numbers."""
    unweighed = context.ledger.links.unweighed(load.customer_id for load in loads)
    found = [load for load in loads if load.customer_id in unweighed and load.applied is not None]
    repeated = context.ledger.emails.repeated_references(load.plan.erp_reference for load in found)
    for load in found:
        record = context.target.company(load.company_id)
        weighed = None if record is None else judge(_with_record(context, record), _claimant(load, repeated))
        with context.ledger.write() as connection:
            if weighed is not None and weighed.against is None:
                load.adopted_by = weighed.in_words
                proof = (load.customer_id, load.plan.record_id, weighed.in_words)
                context.ledger.links.prove(connection, context.run.run_id, *proof)
                continue
            context.ledger.links.drop_company(connection, load.customer_id)
            _count_foreign(context, connection)
        load.applied = None
        if record is not None and weighed is not None:
            _leave_to_a_person(load, record, weighed)


def read_back(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Have loads know what became of what an earlier attempt sent for them, by what it sent.

    What the source says by now may be another number, another e-mail or nothing at all; the comparison that follows
    sees what differs.
    """
    answered = [load for load in loads if load.unanswered]
    for load in answered:
        for intent in load.unanswered:
            if intent.action == Action.CREATE_COMPANY and load.applied is None:
                values = {name: value for name, value in intent.sent.items() if name in COMPANY_FIELDS}
                find_by_key(context, load, intent.key, sent=CompanyFields(**values))
        if any(intent.action in _OF_COMPANIES for intent in load.unanswered):
            _read_company(context, load)
        load.forget_parts()
    read_parts(context, loads)
    for load in answered:
        load.unanswered = []


def _read_company(context: LoadContext, load: CustomerLoad) -> None:
    """Know a linked company as the store has it: one that is gone is made again where it should be there."""
    record = context.target.company(load.company_id) if load.applied is not None else None
    if load.applied is None or (record is None and load.plan.kind != "sync"):
        return
    if record is None:
        load.applied = None
    else:
        status = load.applied.status if record.status is CompanyStatus.UNKNOWN else record.status
        load.applied = msgspec.structs.replace(load.applied, fields=record.fields, status=status)
    save_now(context, [load])


def _with_record(context: LoadContext, record: StoredCompany) -> StoredCompany:
    """The company with the record that its extra field names, where the connector has one."""
    named = record.fields.extra_fields.get(context.connector.store.record_field or "", "")
    return msgspec.structs.replace(record, record_id=named) if named else record


def _as_found(record: StoredCompany) -> AppliedCompany:
    status = CompanyStatus.APPROVED if record.status is CompanyStatus.UNKNOWN else record.status
    return AppliedCompany(company_id=record.id, status=status, fields=record.fields, parts_known=False)


def _claimant(
    load: CustomerLoad, repeated: Collection[str], key: str = "", sent: CompanyFields | None = None
) -> Claimant:
    plan = load.plan
    return Claimant(
        customer_id=key or load.customer_id,
        record_id=plan.record_id,
        email=plan.desired.company_email if plan.desired else "",
        reference_id="" if plan.erp_reference in repeated else plan.erp_reference,
        sent=sent,
    )


def _leave_to_a_person(load: CustomerLoad, record: StoredCompany, weighed: Weighed) -> None:
    if load.plan.kind != "sync" or weighed.against is None:
        return
    if weighed.against is Reason.CLOSED_IN_STORE:
        message = f"its company {record.id} is {record.status.name.lower()} in the store, and not by this sync"
    else:
        message = (
            f"company {record.id} of the store ({record.status.name.lower()}) has the key of this customer, which "
            f"alone proves nothing (what speaks for it: {weighed.in_words}); nothing was written to it"
        )
    load.stop(Outcome.QUARANTINED, weighed.against, message)


def _count_foreign(context: LoadContext, connection: sa.Connection) -> None:
    """One company more that the ledger can explain without a link."""
    known = int(context.ledger.watermarks.load().get(FOREIGN_COMPANIES, "0"))
    context.ledger.watermarks.put(connection, context.run.run_id, {FOREIGN_COMPANIES: str(known + 1)})


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


def _in_our_words(have: Address, desired: dict[str, Address]) -> Address:
    """An address; where country and state codes agree, their names are the same in other words."""
    ours = desired.get(have.external_id)
    if ours and ours.country_code == have.country_code and ours.state_code == have.state_code:
        return msgspec.structs.replace(have, country_name=ours.country_name, state_name=ours.state_name)
    return have


def _has_unaccounted(context: LoadContext) -> bool:
    """Whether the store has companies that the ledger cannot explain; a run that found none does not count again."""
    if context.census.is_accounted_for:
        return False
    foreign = int(context.ledger.watermarks.load().get(FOREIGN_COMPANIES, "0"))
    context.census.is_accounted_for = context.target.count_companies() <= context.ledger.links.count() + foreign
    return not context.census.is_accounted_for


def _link_all(context: LoadContext, crawl: Iterable[StoredCompany], unlinked: dict[str, CustomerLoad]) -> None:
    """Link every company of the store that carries our key and has no link; remember how many carry none."""
    by_key: dict[str, list[StoredCompany]] = defaultdict(list)
    foreign = 0
    for record in crawl:
        if record.key:
            by_key[record.key].append(record)
        else:
            foreign += 1
    linked = context.ledger.links.load_hashes(by_key)
    holders = context.ledger.links.holders([record.id for records in by_key.values() for record in records])
    ours: list[tuple[CustomerLoad, StoredCompany]] = []
    others: list[CustomerState] = []
    for key, found in by_key.items():
        records = [record for record in found if record.id not in holders]
        if key in linked or not records:
            foreign += len(records)
        elif len(records) > 1:
            foreign += len(records)
            if key in unlinked:
                _stop_ambiguous(unlinked[key], records)
        elif key in unlinked:
            ours.append((unlinked[key], records[0]))
        else:
            others.append(CustomerState(key, _as_found(records[0]), key=key, evidence=""))
    foreign += len(ours) - adopt(context, ours)
    # What was sent for a record and not answered is found again for that record, not for the number.
    sent = {each.key for each in context.ledger.intents.unanswered() if each.action == Action.CREATE_COMPANY}
    others = [each for each in others if each.customer_id not in sent]
    with context.ledger.write() as connection:
        context.ledger.links.put(connection, context.run.run_id, others)
        context.ledger.watermarks.put(connection, context.run.run_id, {FOREIGN_COMPANIES: str(foreign)})


def _link_parts(
    context: LoadContext, load: CustomerLoad, users: Sequence[StoredUser], addresses: Sequence[StoredAddress]
) -> None:
    if load.applied is None:
        return
    desired = load.plan.desired
    by_email = {user.email.casefold(): key for key, user in load.seats().users.items()} if desired else {}
    by_email |= _sent_users(load)
    # A user that belongs to a contact already stays with it: its e-mail may just be changing hands.
    linked = {record.store_id: key for key, record in load.applied.users.items()}
    our_users = [
        MadeUser(load, key, user.id, user.fields)
        for user in users
        if (key := linked.get(user.id, by_email.get(user.fields.email.casefold(), "")))
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
    elif load.adopted_by:
        _note_foreign_users(load, others)
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
    )
    save_now(context, [load])


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


def _note_foreign_users(load: CustomerLoad, users: Sequence[StoredUser]) -> None:
    """Say which users of an adopted company the ERP does not know; they are left as they are."""
    load.notes += [
        Finding(
            reason=Reason.FOREIGN_USER,
            entity="contact",
            key=f"user {user.id}",
            detail=f"user {user.id} of the adopted company, role {user.fields.role}, is no contact in the ERP",
        )
        for user in users
    ]


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


def _stop_ambiguous(load: CustomerLoad, records: Sequence[StoredCompany]) -> None:
    ids = ", ".join(str(record.id) for record in records[:5])
    load.stop(
        Outcome.QUARANTINED,
        Reason.AMBIGUOUS_MATCH,
        f"{len(records)} companies in the store carry this Customer ID (company ids {ids}); none was written",
    )
