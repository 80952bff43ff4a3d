"""What the store really holds of a customer, in the form in which we remember what we applied. Pure.

The sync's own comparison (``plan.diff_company``) then says what differs from the ERP,
so that "equal" here means "the next sync writes nothing".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from customer_sync.model.company import Company, address_fields, company_fields, user_fields
from customer_sync.model.operation import AppliedCompany, AppliedRecord
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreRecord, StoreSide
from customer_sync.rules.places import resolve_country
from customer_sync.settings.mapping import Geography

_COUNTRY_NAMES = frozenset({"country_name", "state_name"})


class RealState(msgspec.Struct, frozen=True, kw_only=True):
    """A company as the store holds it.

    Attributes:
        applied: Fields, users and addresses that are ours, keyed as the ledger keys them.
        orphans: Entity and record of what carries our mark and belongs to no contact or location.
        foreign: Number of users and addresses that are not ours.
    """

    applied: AppliedCompany
    orphans: tuple[tuple[str, str, StoreRecord], ...] = ()
    foreign: int = 0


def read_real_state(
    erp: ErpSide, ledger: LedgerSide, store: StoreSide, company: StoreRecord, geography: Geography
) -> RealState:
    """Put together what the store holds of one customer.

    A user is ours when the ledger links it, when a wanted contact of the company has
    its e-mail, or when its uuid is a ContactID of the customer. An address is ours
    when the ledger links it or its external id begins with the CustomerID. Values that
    mean the same in other words (a country's name for its code) are taken as the ERP says them.

    Args:
        erp: What the ERP says.
        ledger: What the ledger remembers.
        store: What the store holds.
        company: The company that is meant.
        geography: Corrections of country codes.

    Returns:
        The state, and what carries our mark without belonging to anything.
    """
    applied, desired = ledger.applied, erp.desired
    users, stray_users, foreign_users = _users(erp, applied, store, company)
    addresses, stray_addresses, foreign_addresses = _addresses(erp, applied, store, company)
    wanted_users = {user.key: user_fields(user) for user in desired.users} if desired else {}
    wanted_addresses = {each.external_id: address_fields(each) for each in desired.addresses} if desired else {}
    fields = _company_in_our_words(company.fields, desired, geography)
    payment = store.payment
    state = AppliedCompany(
        company_id=company.id,
        status=company.status,
        fields=fields,
        users={key: _record(record, wanted_users.get(key)) for key, record in users.items()},
        addresses={key: _record(record, wanted_addresses.get(key)) for key, record in addresses.items()},
        payment_methods=payment.methods if payment else _known_methods(applied, desired),
        payment_terms=payment.terms if payment else _known_terms(applied, desired),
        reference_id=erp.reference_id,
    )
    orphans = [("contact", key, record) for key, record in stray_users]
    orphans += [("location", key, record) for key, record in stray_addresses]
    return RealState(applied=state, orphans=tuple(orphans), foreign=foreign_users + foreign_addresses)


def _known_methods(applied: AppliedCompany | None, desired: Company | None) -> dict[str, bool]:
    """What was not read is taken to be as the ledger has it, or, without a ledger, as it should be."""
    return applied.payment_methods if applied else dict(desired.payment_methods) if desired else {}


def _known_terms(applied: AppliedCompany | None, desired: Company | None) -> dict[str, Any] | None:
    if applied:
        return applied.payment_terms
    return msgspec.to_builtins(desired.payment_terms) if desired and desired.payment_terms else None


_Sorted = tuple[dict[str, StoreRecord], list[tuple[str, StoreRecord]], int]


def _users(erp: ErpSide, applied: AppliedCompany | None, store: StoreSide, company: StoreRecord) -> _Sorted:
    here = [user for user in store.users if user.company_id == company.id]
    linked = {record.store_id: key for key, record in applied.users.items()} if applied else {}
    ours = {linked[user.id]: user for user in here if user.id in linked}
    by_email = {user.email.casefold(): user.key for user in erp.desired.users} if erp.desired else {}
    strays: list[tuple[str, StoreRecord]] = []
    foreign = 0
    for user in here:
        if user.id in linked:
            continue
        key = by_email.get(str(user.fields.get("email", "")).casefold(), "")
        if key and key not in ours:
            ours[key] = user
        elif user.mark and user.mark in erp.contact_ids:
            strays.append((user.mark, user))
        else:
            foreign += 1
    return ours, strays, foreign


def _addresses(erp: ErpSide, applied: AppliedCompany | None, store: StoreSide, company: StoreRecord) -> _Sorted:
    here = [address for address in store.addresses if address.company_id == company.id]
    linked = {record.store_id: key for key, record in applied.addresses.items()} if applied else {}
    ours = {linked[address.id]: address for address in here if address.id in linked}
    wanted = {address.external_id for address in erp.desired.addresses} if erp.desired else set()
    prefix = f"{erp.customer_id}:"
    strays: list[tuple[str, StoreRecord]] = []
    foreign = 0
    for address in here:
        if address.id in linked:
            continue
        key = address.mark
        if key in wanted and key not in ours:
            ours[key] = address
        elif key.startswith(prefix) or address.id in store.strays:
            strays.append((key, address))
        else:
            foreign += 1
    return ours, strays, foreign


def _record(record: StoreRecord, wanted: Mapping[str, Any] | None) -> AppliedRecord:
    fields = dict(record.fields)
    if wanted is not None:
        if "email" in wanted and str(fields.get("email", "")).casefold() == wanted["email"].casefold():
            fields["email"] = wanted["email"]
        if "country_code" in wanted and all(fields.get(n) == wanted[n] for n in ("country_code", "state_code")):
            fields |= {name: wanted[name] for name in _COUNTRY_NAMES}
    return AppliedRecord(store_id=record.id, fields=fields)


def _company_in_our_words(fields: Mapping[str, Any], desired: Company | None, geography: Geography) -> dict[str, Any]:
    words = dict(fields)
    if desired is None:
        return words
    wanted = company_fields(desired)
    if str(words.get("company_email", "")).casefold() == wanted["company_email"].casefold():
        words["company_email"] = wanted["company_email"]
    country = resolve_country(str(words.get("country", "")), geography)
    if country is not None and country.code == wanted["country"]:
        words["country"] = wanted["country"]
    return words
