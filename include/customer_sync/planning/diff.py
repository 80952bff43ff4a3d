"""Compare the desired state with the last applied state: out come operations. Pure.

The same comparison serves the plan (transform), the write (load, which compares
again before it sends) and reconciliation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import msgspec

from customer_sync.model.company import (
    ADDRESS_FIELDS,
    COMPANY_FIELDS,
    USER_FIELDS,
    Address,
    Company,
    CompanyStatus,
    CompanyUser,
    Payment,
    UserFields,
    company_fields,
    user_fields,
)
from customer_sync.model.operation import (
    REMOVALS,
    Action,
    AddressOperation,
    AppliedCompany,
    AppliedUser,
    CompanyOperation,
    Operation,
    ReferenceOperation,
    StatusOperation,
    UserOperation,
    part_of,
)
from customer_sync.planning.payment import diff_payment
from customer_sync.planning.user_match import match_users
from customer_sync.settings.mapping import RemovalPolicy

Fields = TypeVar("Fields", UserFields, Address)

_company_values = attrgetter(*COMPANY_FIELDS)
_user_values = attrgetter(*USER_FIELDS)
_address_values = attrgetter(*ADDRESS_FIELDS)


def diff_company(
    desired: Company,
    applied: AppliedCompany | None,
    policy: RemovalPolicy,
    held_back: Iterable[str] = (),
    successors: Sequence[CompanyUser] = (),
) -> tuple[Operation, ...]:
    """List the operations that lead from the applied to the desired state.

    ``diff_company(x, applied(x))`` is empty. What we do not manage is never touched:
    only parts that we once applied are removed, and only under the policy. Parts stand alone: what is held back
    keeps nothing else from being done. Where nobody may follow an admin who is to go, the company stops trading.

    Args:
        desired: What the source says.
        applied: What the ledger remembers; ``None`` for a company that does not exist.
        policy: What happens to users and addresses that the source withdrew.
        held_back: Parts that must not be sent (:func:`~customer_sync.model.operation.part_of`).
        successors: Who may be the admin when all desired users are held back, in order.

    Returns:
        Operations in the order of work (docs/api/better_b2b.md#order-of-writes): company, status, users
        (admins and promotions first, demotions and removals last), addresses,
        payment methods, terms. Nothing for a company that cannot be made without what is held back.
    """
    held = frozenset(held_back)
    base = applied or AppliedCompany(company_id=0)
    seats = seat_users(desired, base, held, successors)
    if applied is None:
        if "customer:" in held or seats.admin is None:
            return ()
        operations: list[Operation] = [_creation(desired, seats.admin)]
        users, _ = _diff_users(seats, base, policy, held, new_admin=seats.admin.key)
    else:
        users, closes = _diff_users(seats, base, policy, held)
        is_left_alone = not seats.users and all(user.fields.role != seats.role for user in base.users.values())
        operations = _diff_own_fields(desired, applied, closes=closes or is_left_alone)
    operations += users
    operations += _diff_addresses(desired, base, policy)
    payment = Payment(desired.payment_methods, desired.payment_terms, desired.ends_payment)
    operations += diff_payment(desired.customer_id, payment, base)
    return tuple(operation for operation in operations if part_of(operation) not in held) if held else tuple(operations)


class Seats(NamedTuple):
    """Who is to be a user of a company.

    Attributes:
        users: The desired users, with the role that each is to have now.
        have: The user of the store that each has, where it has one.
        admin: Who is to be the admin and can be sent or is there; ``None`` where nobody can.
        role: The admin's role.
    """

    users: dict[str, CompanyUser]
    have: dict[str, AppliedUser]
    admin: CompanyUser | None
    role: str


def seat_users(
    desired: Company, base: AppliedCompany, held: frozenset[str], successors: Sequence[CompanyUser] = ()
) -> Seats:
    """Give every desired user its user in the store, and the admin's role to the first who can have it.

    Whose e-mail is somebody else's (``email:<ContactID>``) is no user; whom the store refuses keeps what he has.
    """
    role = desired.users[0].role
    if not held and not base.users:
        return Seats({user.key: user for user in desired.users}, {}, desired.users[0], role)
    users, successors = (_with_emails(each, held) for each in (desired.users, successors))
    users = users or successors[:1]
    if not users:
        return Seats({}, {}, None, role)
    if users[0] is not desired.users[0]:
        users = (msgspec.structs.replace(users[0], role=role), *users[1:])
    admin: CompanyUser | None = users[0]
    there = base.users.get(users[0].key)
    if _is_held(users[0], held) and (there is None or there.fields.role != role):
        admin = next((user for user in (*users, *successors) if not _is_held(user, held)), None)
        if admin is not None:
            admin = msgspec.structs.replace(admin, role=role)
            users = (*users, admin)
    return Seats({user.key: user for user in users}, match_users(users, base.users, held), admin, role)


def _with_emails(users: Sequence[CompanyUser], held: frozenset[str]) -> tuple[CompanyUser, ...]:
    return tuple(user for user in users if f"email:{user.key}" not in held) if held else tuple(users)


def _is_held(user: CompanyUser, held: frozenset[str]) -> bool:
    return f"contact:{user.key}" in held


def diff_reference(customer_id: str, company_id: int, erp_reference: str) -> tuple[Operation, ...]:
    """The write-back of the company's id, where the source does not hold it already."""
    new = str(company_id) if company_id else ""
    if new and new == erp_reference:
        return ()
    return (
        ReferenceOperation(
            action=Action.WRITE_REFERENCE, key=customer_id, store_id=company_id, new=new, old=erp_reference
        ),
    )


def restored_reference(
    customer_id: str, company_id: int, erp_reference: str, former: str
) -> tuple[ReferenceOperation, ...]:
    """What gives the source back the id that it held before a run; an undo alone asks for it."""
    if former == erp_reference:
        return ()
    action = Action.WRITE_REFERENCE
    return (
        ReferenceOperation(
            action=action, key=customer_id, store_id=company_id, new=former, old=erp_reference, is_undo=True
        ),
    )


def diff_unenrolment(
    customer_id: str, applied: AppliedCompany, policy: RemovalPolicy, access: Sequence[Operation] = ()
) -> tuple[Operation, ...]:
    """What the policy does to the company of a customer that is no longer eligible.

    Args:
        customer_id: The customer.
        applied: What the ledger remembers of its company.
        policy: What is to happen.
        access: What takes users away from it, whose contacts are another customer's now (:func:`diff_access`).
    """
    if policy.customer == "delete":
        return (CompanyOperation(action=Action.DELETE_COMPANY, key=customer_id, store_id=applied.company_id),)
    if policy.customer == "leave":
        return tuple(access)
    others = tuple(operation for operation in access if operation.action is not Action.SET_STATUS)
    if applied.status == CompanyStatus.INACTIVE:
        return others
    return (*others, _status(customer_id, applied, CompanyStatus.INACTIVE))


def is_late(operation: Operation, admin_role: str) -> bool:
    """Whether an operation takes something away; it then comes last: promote first, then demote."""
    if operation.action in REMOVALS:
        return True
    return operation.action is Action.UPDATE_USER and operation.values.get("role", admin_role) != admin_role


def _status(customer_id: str, applied: AppliedCompany, new: CompanyStatus) -> StatusOperation:
    return StatusOperation(
        action=Action.SET_STATUS, key=customer_id, store_id=applied.company_id, new=new, old=applied.status
    )


def _creation(desired: Company, admin: CompanyUser) -> Operation:
    return CompanyOperation(
        action=Action.CREATE_COMPANY,
        key=desired.customer_id,
        new=company_fields(desired),
        admin=user_fields(admin),
        admin_key=admin.key,
    )


def _diff_own_fields(desired: Company, applied: AppliedCompany, *, closes: bool) -> list[Operation]:
    key = desired.customer_id
    operations: list[Operation] = []
    known = applied.fields.extra_fields
    # Other extra fields may be there beside ours; they are not compared.
    have = msgspec.structs.replace(
        applied.fields,
        extra_fields={
            name: known.get(name, "") for name, value in desired.extra_fields.items() if name in known or not value
        },
    )
    changed = _changed(COMPANY_FIELDS, _company_values(desired), _company_values(have))
    if changed:
        operations.append(
            CompanyOperation(
                action=Action.UPDATE_COMPANY,
                key=key,
                store_id=applied.company_id,
                new=company_fields(desired),
                old=applied.fields,
                changed=changed,
            )
        )
    status = CompanyStatus.APPROVED if desired.trades and not closes else CompanyStatus.INACTIVE
    if applied.status != status:
        operations.append(_status(key, applied, status))
    return operations


def _changed(names: tuple[str, ...], new: tuple[object, ...], old: tuple[object, ...]) -> tuple[str, ...]:
    if new == old:
        return ()
    return tuple(name for name, value, was in zip(names, new, old, strict=True) if value != was)


def uncleared(desired: Company, applied: AppliedCompany | None) -> dict[str, str]:
    """Extra fields that should be empty and that the store cannot empty, with the values that stay.

    Those of users and addresses bear the name of their record: ``Cost Centre of contact 4711``.
    """
    if applied is None:
        return {}
    have = applied.fields.extra_fields
    found = {name: have[name] for name in desired.emptied if have.get(name)}
    of_users, of_addresses = desired.managed
    if of_users:
        users = ((f"contact {user.key}", user, applied.users.get(user.key)) for user in desired.users)
        found |= _stays(users, of_users)
    if of_addresses:
        book = applied.addresses
        places = ((f"location {each.external_id}", each, book.get(each.external_id)) for each in desired.addresses)
        found |= _stays(places, of_addresses)
    return found


def _stays(records: Iterable[tuple[str, Any, Any]], names: Sequence[str]) -> dict[str, str]:
    return {
        f"{name} of {place}": have.fields.extra_fields[name]
        for place, new, have in records
        if have is not None
        for name in names
        if not new.extra_fields.get(name) and have.fields.extra_fields.get(name)
    }


def _of_ours(have: Fields, desired: UserFields | Address) -> Fields:
    """What the store has of a record; other extra fields may be there beside ours and are not compared.

    Nor are the storefronts of people for whom no rule names any.
    """
    if isinstance(desired, UserFields) and not desired.storefronts and isinstance(have, UserFields):
        have = msgspec.structs.replace(have, storefronts="")
    others = have.extra_fields.keys() - desired.extra_fields.keys()
    if not others:
        return have
    ours = {name: value for name, value in have.extra_fields.items() if name not in others}
    return msgspec.structs.replace(have, extra_fields=ours)


def _diff_users(
    seats: Seats, base: AppliedCompany, policy: RemovalPolicy, held: frozenset[str], *, new_admin: str | None = None
) -> tuple[list[Operation], bool]:
    """The operations on users, and whether an admin who is to go has no successor; ``new_admin`` comes otherwise."""
    users, have, admin_role = seats.users, seats.have, seats.role
    # Of those who can be sent the admin is the first one (seat_users): the promotion comes before every demotion.
    operations: list[Operation] = []
    last: list[UserOperation] = []
    for key, user in users.items():
        if _is_held(user, held) or key == new_admin:
            continue
        applied = have.get(key)
        if applied is None:
            operations.append(UserOperation(action=Action.CREATE_USER, key=key, new=user_fields(user)))
            continue
        changed = _changed(USER_FIELDS, _user_values(user), _user_values(_of_ours(applied.fields, user)))
        if not changed:
            continue
        new, is_demoted = user_fields(user), "role" in changed and user.role != admin_role
        if is_demoted and _takes_over(applied.fields.email, users, key):
            # The colleague who takes the e-mail over may be the next admin: it is free before the demotion.
            early = msgspec.structs.replace(new, role=applied.fields.role)
            operations.append(_user_update(key, applied, early, tuple(name for name in changed if name != "role")))
            changed = ("role",)
        (last if is_demoted else operations).append(_user_update(key, applied, new, changed))
    if policy.contact == "delete":
        kept_ids = {record.store_id for record in have.values()}
        last.extend(
            UserOperation(action=Action.DELETE_USER, key=key, store_id=record.store_id, old=record.fields)
            for key, record in base.users.items()
            if record.store_id not in kept_ids
        )
    if seats.admin is not None or any(record.fields.role == admin_role for record in have.values()):
        return [*operations, *last], False
    # Nobody can be sent, so only removals are left; the present admin must not go.
    kept = [operation for operation in last if operation.old is not None and operation.old.role != admin_role]
    return [*operations, *kept], len(kept) < len(last)


def _user_update(key: str, applied: AppliedUser, new: UserFields, changed: tuple[str, ...]) -> UserOperation:
    return UserOperation(
        action=Action.UPDATE_USER, key=key, store_id=applied.store_id, new=new, old=applied.fields, changed=changed
    )


def _takes_over(email: str, users: Mapping[str, CompanyUser], key: str) -> bool:
    """Whether an e-mail that a user gives up is to be that of another one."""
    return any(user.email.casefold() == email.casefold() for other, user in users.items() if other != key)


def _diff_addresses(desired: Company, base: AppliedCompany, policy: RemovalPolicy) -> list[Operation]:
    operations: list[Operation] = []
    keys: set[str] = set()
    for address in desired.addresses:
        key = address.external_id
        keys.add(key)
        applied = base.addresses.get(key)
        if applied is None:
            operations.append(AddressOperation(action=Action.CREATE_ADDRESS, key=key, new=address))
            continue
        changed = _changed(ADDRESS_FIELDS, _address_values(address), _address_values(_of_ours(applied.fields, address)))
        if changed:
            operations.append(
                AddressOperation(
                    action=Action.UPDATE_ADDRESS,
                    key=key,
                    store_id=applied.store_id,
                    new=address,
                    old=applied.fields,
                    changed=changed,
                )
            )
    if policy.location == "delete":
        operations.extend(
            AddressOperation(action=Action.DELETE_ADDRESS, key=key, store_id=record.store_id, old=record.fields)
            for key, record in base.addresses.items()
            if key not in keys
        )
    return operations
