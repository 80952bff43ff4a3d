"""Find again in the store what the ledger does not know: nothing is then created twice.

Source: docs/reliability.md#the-protocol.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from customer_sync.ledger import CustomerState
from customer_sync.ledger.coordination.watermarks import FOREIGN_COMPANIES
from customer_sync.loading.applied_parts import MadeAddress, MadeUser, link_addresses, link_users, save_now
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import Address, CompanyStatus, PaymentTerms
from customer_sync.model.operation import AppliedCompany
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.targets.port import StoredAddress, StoredCompany, StoredUser

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
    if _has_unaccounted(context):
        _link_all(context, context.target.companies(), unlinked)
    elif not context.key_is_unique:
        for load in unlinked.values():
            find_by_key(context, load)


def find_by_key(context: LoadContext, load: CustomerLoad) -> bool:
    """Look one customer's company up by its key and link it; more than one stops the customer.

    Returns:
        Whether one was found and linked.
    """
    found = context.target.companies_by_key(load.customer_id)
    if len(found) > 1:
        _stop_ambiguous(load, found)
        return False
    if not found:
        return False
    adopt(context, [(load.customer_id, found[0])], {load.customer_id: load})
    return True


def adopt(context: LoadContext, found: Iterable[tuple[str, StoredCompany]], loads: dict[str, CustomerLoad]) -> None:
    """Write links for companies found in the store; their users and addresses are read before the next comparison."""
    states: list[CustomerState] = []
    for customer_id, record in found:
        status = CompanyStatus.APPROVED if record.status is CompanyStatus.UNKNOWN else record.status
        applied = AppliedCompany(company_id=record.id, status=status, fields=record.fields, parts_known=False)
        load = loads.get(customer_id)
        if load:
            load.applied = applied
        states.append(CustomerState(customer_id, applied, load.plan.record_id if load else "", key=record.key))
    with context.ledger.write() as connection:
        context.ledger.links.put(connection, context.run.run_id, states)


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
    fresh: list[tuple[str, StoredCompany]] = []
    for key, records in by_key.items():
        if len(records) > 1:
            foreign += len(records) - 1
            if key in unlinked:
                _stop_ambiguous(unlinked[key], records)
        elif key not in linked:
            fresh.append((key, records[0]))
    if fresh:
        adopt(context, fresh, unlinked)
    with context.ledger.write() as connection:
        context.ledger.watermarks.put(connection, context.run.run_id, {FOREIGN_COMPANIES: str(foreign)})


def _link_parts(
    context: LoadContext, load: CustomerLoad, users: Sequence[StoredUser], addresses: Sequence[StoredAddress]
) -> None:
    if load.applied is None:
        return
    desired = load.plan.desired
    by_email = {user.email.casefold(): key for key, user in load.seats().users.items()} if desired else {}
    # A user that belongs to a contact already stays with it: its e-mail may just be changing hands.
    linked = {record.store_id: key for key, record in load.applied.users.items()}
    our_users = [
        MadeUser(load, key, user.id, user.fields)
        for user in users
        if (key := linked.get(user.id, by_email.get(user.fields.email.casefold(), "")))
    ]
    prefix = f"{load.customer_id}:"
    in_our_words = {address.external_id: address for address in desired.addresses} if desired else {}
    our_addresses = [
        MadeAddress(load, address.fields.external_id, address.id, _in_our_words(address.fields, in_our_words))
        for address in addresses
        if address.fields.external_id.startswith(prefix)
    ]
    payment = context.target.payment_settings(load.company_id, methods=True, terms=True)
    methods, terms = (payment.methods, payment.terms) if payment else ({}, None)
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


def _as_we_would(load: CustomerLoad, methods: Mapping[str, bool]) -> tuple[str, ...]:
    """The methods that are on as the sync would have them, and those that were its own before."""
    due = load.plan.desired.payment_methods if load.plan.desired else {}
    known = load.applied.our_methods if load.applied else ()
    return tuple(sorted({code for code, is_on in methods.items() if is_on and (due.get(code) or code in known)}))


def _are_ours(load: CustomerLoad, terms: PaymentTerms | None) -> bool:
    if terms is None or not terms.is_enabled:
        return False
    due = load.plan.desired.payment_terms if load.plan.desired else None
    return due == terms or (load.applied is not None and load.applied.our_terms)


def _stop_ambiguous(load: CustomerLoad, records: Sequence[StoredCompany]) -> None:
    ids = ", ".join(str(record.id) for record in records[:5])
    load.stop(
        Outcome.QUARANTINED,
        Reason.AMBIGUOUS_MATCH,
        f"{len(records)} companies in the store carry this Customer ID (company ids {ids}); none was written",
    )
