"""What the store really holds of a customer, in the form in which we remember what we applied. Pure.

The sync's own comparison (``plan.diff_company``) then says what differs from the ERP,
so that "equal" here means "the next sync writes nothing".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

from customer_sync.model.company import Address, Company, CompanyFields, PaymentTerms, UserFields
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.targets.port import StoredAddress, StoredCompany, StoredUser


class Orphan(NamedTuple):
    """A user (``contact``) or address (``location``) with our mark without a counterpart in the source."""

    entity: str
    key: str
    id: int


Part = TypeVar("Part", StoredUser, StoredAddress)


class _Sorted(NamedTuple, Generic[Part]):
    ours: dict[str, Part]
    strays: list[tuple[str, Part]]
    foreign: list[Part]


class RealState(msgspec.Struct, frozen=True, kw_only=True):
    """A company as the store holds it.

    Attributes:
        applied: Fields, users and addresses that are ours, keyed as the ledger keys them.
        orphans: What carries our mark and belongs to no contact or location.
        foreign: Number of users and addresses that are not ours.
        foreign_users: The users among them.
    """

    applied: AppliedCompany
    orphans: tuple[Orphan, ...] = ()
    foreign: int = 0
    foreign_users: tuple[StoredUser, ...] = ()


def read_real_state(erp: ErpSide, ledger: LedgerSide, store: StoreSide, company: StoredCompany) -> RealState:
    """Put together what the store holds of one customer.

    A user is ours when the ledger links it, when a desired contact of the company has
    its e-mail, or when its key is a ContactID of the customer. An address is ours
    when the ledger links it or its external id begins with the CustomerID. Values that
    mean the same in other words (an e-mail in other letters) are written as in the ERP.

    Args:
        erp: What the ERP says.
        ledger: What the ledger remembers.
        store: What the store holds.
        company: The company that is meant.

    Returns:
        The state, and what carries our mark without belonging to anything.
    """
    applied, desired = ledger.applied, erp.desired
    users, stray_users, foreign_users = _users(erp, applied, store, company)
    addresses, stray_addresses, foreign_addresses = _addresses(erp, applied, store, company)
    desired_users = {user.key: user for user in desired.users} if desired else {}
    desired_addresses = {each.external_id: each for each in desired.addresses} if desired else {}
    payment = store.payment
    state = AppliedCompany(
        company_id=company.id,
        status=company.status,
        fields=_company_in_our_words(company.fields, desired),
        users={
            key: _with_unshown(
                _user(record, desired_users.get(key)), applied.users.get(key) if applied else None, store.dropped
            )
            for key, record in users.items()
        },
        addresses={key: _address(record, desired_addresses.get(key)) for key, record in addresses.items()},
        payment_methods=payment.methods if payment else _known_methods(applied, desired),
        payment_terms=payment.terms if payment else _known_terms(applied, desired),
        our_methods=applied.our_methods if applied else (),
        our_terms=applied.our_terms if applied else False,
        reference_id=erp.reference_id,
    )
    orphans = [Orphan("contact", key, record.id) for key, record in stray_users]
    orphans += [Orphan("location", key, record.id) for key, record in stray_addresses]
    foreign = len(foreign_users) + len(foreign_addresses)
    return RealState(applied=state, orphans=tuple(orphans), foreign=foreign, foreign_users=tuple(foreign_users))


def _with_unshown(user: AppliedUser, known: AppliedUser | None, dropped: frozenset[str]) -> AppliedUser:
    """The user; where a list does not show extra fields of users, they are taken to be as the ledger has them.

    Those that the store does not have are nowhere, whatever the ledger says.
    """
    if user.fields.extra_fields or known is None or not known.fields.extra_fields:
        return user
    unshown = {name: text for name, text in known.fields.extra_fields.items() if name not in dropped}
    fields = msgspec.structs.replace(user.fields, extra_fields=unshown)
    return msgspec.structs.replace(user, fields=fields)


def _known_methods(applied: AppliedCompany | None, desired: Company | None) -> dict[str, bool]:
    """What was not read is taken to be as the ledger has it, or, without a ledger, as it should be."""
    return applied.payment_methods if applied else dict(desired.payment_methods) if desired else {}


def _known_terms(applied: AppliedCompany | None, desired: Company | None) -> PaymentTerms | None:
    if applied:
        return applied.payment_terms
    return desired.payment_terms if desired else None


def _users(
    erp: ErpSide, applied: AppliedCompany | None, store: StoreSide, company: StoredCompany
) -> _Sorted[StoredUser]:
    by_email = {user.email.casefold(): user.key for user in erp.desired.users} if erp.desired else {}
    return _sorted(
        [user for user in store.users if user.company_id == company.id],
        applied.users if applied else {},
        lambda user: by_email.get(user.fields.email.casefold(), ""),
        lambda user: user.key if user.key in erp.contact_ids else "",
    )


def _addresses(
    erp: ErpSide, applied: AppliedCompany | None, store: StoreSide, company: StoredCompany
) -> _Sorted[StoredAddress]:
    desired = {address.external_id for address in erp.desired.addresses} if erp.desired else set()
    prefix = f"{erp.customer_id}:"

    def marked(address: StoredAddress) -> str:
        key = address.fields.external_id
        return key if key.startswith(prefix) or address.id in store.strays else ""

    return _sorted(
        [address for address in store.addresses if address.company_id == company.id],
        applied.addresses if applied else {},
        lambda address: address.fields.external_id if address.fields.external_id in desired else "",
        marked,
    )


def _sorted(
    here: Sequence[Part],
    applied: Mapping[str, AppliedUser | AppliedAddress],
    key_of: Callable[[Part], str],
    mark_of: Callable[[Part], str],
) -> _Sorted[Part]:
    """Tell what is ours, what carries our mark, and what is foreign.

    Args:
        here: Users or addresses of the company.
        applied: Those that the ledger links.
        key_of: The key of the desired one that it is, ``""`` for none.
        mark_of: Our mark on it, ``""`` for none.
    """
    linked = {record.store_id: key for key, record in applied.items()}
    ours = {linked[each.id]: each for each in here if each.id in linked}
    strays: list[tuple[str, Part]] = []
    foreign: list[Part] = []
    for each in here:
        if each.id in linked:
            continue
        key = key_of(each)
        if key and key not in ours:
            ours[key] = each
        elif mark := mark_of(each):
            strays.append((mark, each))
        else:
            foreign.append(each)
    return _Sorted(ours, strays, foreign)


def _user(record: StoredUser, desired: UserFields | None) -> AppliedUser:
    fields = record.fields
    if desired is not None and fields.email.casefold() == desired.email.casefold():
        fields = msgspec.structs.replace(fields, email=desired.email)
    return AppliedUser(store_id=record.id, fields=fields)


def _address(record: StoredAddress, desired: Address | None) -> AppliedAddress:
    fields = record.fields
    is_same_place = desired is not None and (fields.country_code, fields.state_code) == (
        desired.country_code,
        desired.state_code,
    )
    if desired is not None and is_same_place:
        fields = msgspec.structs.replace(fields, country_name=desired.country_name, state_name=desired.state_name)
    return AppliedAddress(store_id=record.id, fields=fields)


def _company_in_our_words(fields: CompanyFields, desired: Company | None) -> CompanyFields:
    if desired is None:
        return fields
    if fields.company_email.casefold() == desired.company_email.casefold():
        fields = msgspec.structs.replace(fields, company_email=desired.company_email)
    return fields
