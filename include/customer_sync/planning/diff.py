"""Compare the desired state with the last applied state: out come operations. Pure.

The same comparison serves the plan (transform), the write (load, which compares
again before it sends) and reconciliation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter

import msgspec

from customer_sync.model.company import (
    ADDRESS_FIELDS,
    COMPANY_FIELDS,
    USER_FIELDS,
    Company,
    CompanyStatus,
    CompanyUser,
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
    MethodsOperation,
    Operation,
    ReferenceOperation,
    StatusOperation,
    TermsOperation,
    UserOperation,
)
from customer_sync.planning.user_match import match_users
from customer_sync.settings.mapping import RemovalPolicy

_company_values = attrgetter(*COMPANY_FIELDS)
_user_values = attrgetter(*USER_FIELDS)
_address_values = attrgetter(*ADDRESS_FIELDS)


def diff_company(
    desired: Company, applied: AppliedCompany | None, policy: RemovalPolicy, held_back: Iterable[str] = ()
) -> tuple[Operation, ...]:
    """List the operations that lead from the applied to the desired state.

    ``diff_company(x, applied(x))`` is empty. What we do not manage is never touched:
    only parts that we once applied are removed, and only under the policy.

    Args:
        desired: What the source says.
        applied: What the ledger remembers; ``None`` for a company that does not exist.
        policy: What happens to users and addresses that the source withdrew.
        held_back: Parts that must not be sent (``contact:<ContactID>``).

    Returns:
        Operations in the order of work (docs/api/better_b2b.md#order-of-writes): company, status, users
        (admins and promotions first, demotions and removals last), addresses,
        payment methods, terms.
    """
    held = frozenset(held_back)
    base = applied or AppliedCompany(company_id=0)
    operations = _diff_own_fields(desired, applied)
    operations += _diff_users(desired, base, policy, held, is_new=applied is None)
    operations += _diff_addresses(desired, base, policy)
    operations += _diff_settings(desired, base)
    return tuple(operations)


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


def diff_unenrolment(customer_id: str, applied: AppliedCompany, policy: RemovalPolicy) -> tuple[Operation, ...]:
    """What the policy does to the company of a customer that is no longer eligible."""
    if policy.customer == "delete":
        return (CompanyOperation(action=Action.DELETE_COMPANY, key=customer_id, store_id=applied.company_id),)
    if policy.customer == "deactivate" and applied.status != CompanyStatus.INACTIVE:
        return (_status(customer_id, applied, CompanyStatus.INACTIVE),)
    return ()


def is_late(operation: Operation, admin_role: str) -> bool:
    """Whether an operation takes something away; it then comes last: promote first, then demote."""
    if operation.action in REMOVALS:
        return True
    return operation.action is Action.UPDATE_USER and operation.values.get("role", admin_role) != admin_role


def _status(customer_id: str, applied: AppliedCompany, new: CompanyStatus) -> StatusOperation:
    return StatusOperation(
        action=Action.SET_STATUS, key=customer_id, store_id=applied.company_id, new=new, old=applied.status
    )


def _diff_own_fields(desired: Company, applied: AppliedCompany | None) -> list[Operation]:
    key = desired.customer_id
    if applied is None:
        return [
            CompanyOperation(
                action=Action.CREATE_COMPANY,
                key=key,
                new=company_fields(desired),
                admin=user_fields(desired.users[0]),
            )
        ]
    operations: list[Operation] = []
    known = applied.fields.extra_fields
    # Other extra fields may be there beside ours; they are not compared.
    have = msgspec.structs.replace(
        applied.fields, extra_fields={name: known[name] for name in desired.extra_fields if name in known}
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
    if applied.status != CompanyStatus.APPROVED:
        operations.append(_status(key, applied, CompanyStatus.APPROVED))
    return operations


def _changed(names: tuple[str, ...], new: tuple[object, ...], old: tuple[object, ...]) -> tuple[str, ...]:
    if new == old:
        return ()
    return tuple(name for name, value, was in zip(names, new, old, strict=True) if value != was)


def _diff_settings(desired: Company, base: AppliedCompany) -> list[Operation]:
    operations: list[Operation] = []
    key, store_id = desired.customer_id, base.company_id
    methods = {code: on for code, on in desired.payment_methods.items() if base.payment_methods.get(code) is not on}
    if methods:
        old = {code: base.payment_methods[code] for code in methods if code in base.payment_methods}
        operations.append(
            MethodsOperation(action=Action.SET_PAYMENT_METHODS, key=key, store_id=store_id, new=methods, old=old)
        )
    terms = desired.payment_terms
    if terms is not None and terms != base.payment_terms:
        operations.append(
            TermsOperation(
                action=Action.SET_PAYMENT_TERMS, key=key, store_id=store_id, new=terms, old=base.payment_terms
            )
        )
    return operations


def _diff_users(
    desired: Company, base: AppliedCompany, policy: RemovalPolicy, held: frozenset[str], *, is_new: bool
) -> list[Operation]:
    admin_role = desired.users[0].role
    have = match_users(desired.users, base.users, held)
    users = {user.key: user for user in _with_stand_in(desired, have, held)}
    first: list[Operation] = []
    then: list[Operation] = []
    last: list[UserOperation] = []
    for position, (key, user) in enumerate(users.items()):
        if f"contact:{key}" in held or (is_new and position == 0):
            continue
        applied = have.get(key)
        if applied is None:
            operation = UserOperation(action=Action.CREATE_USER, key=key, new=user_fields(user))
            (first if user.role == admin_role else then).append(operation)
            continue
        changed = _changed(USER_FIELDS, _user_values(user), _user_values(applied.fields))
        if not changed:
            continue
        new, role = user_fields(user), user.role if "role" in changed else None
        if role not in {None, admin_role} and _takes_over(applied.fields.email, users, key):
            # The colleague who takes the e-mail over may be the next admin: it is free before the demotion.
            early = msgspec.structs.replace(new, role=applied.fields.role)
            then.append(_user_update(key, applied, early, tuple(name for name in changed if name != "role")))
            changed = ("role",)
        operation = _user_update(key, applied, new, changed)
        if role not in {None, admin_role}:
            last.append(operation)
        else:
            (then if role is None else first).append(operation)
    if policy.contact == "delete":
        kept_ids = {record.store_id for key, record in have.items() if key in users}
        last.extend(
            UserOperation(action=Action.DELETE_USER, key=key, store_id=record.store_id, old=record.fields)
            for key, record in base.users.items()
            if record.store_id not in kept_ids
        )
    if not _has_admin(users, have, held, admin_role):
        last = [operation for operation in last if operation.old is None or operation.old.role != admin_role]
    return [*first, *then, *last]


def _user_update(key: str, applied: AppliedUser, new: UserFields, changed: tuple[str, ...]) -> UserOperation:
    return UserOperation(
        action=Action.UPDATE_USER, key=key, store_id=applied.store_id, new=new, old=applied.fields, changed=changed
    )


def _takes_over(email: str, users: Mapping[str, CompanyUser], key: str) -> bool:
    """Whether an e-mail that a user gives up is to be that of another one."""
    return any(user.email.casefold() == email.casefold() for other, user in users.items() if other != key)


def _with_stand_in(desired: Company, have: Mapping[str, AppliedUser], held: frozenset[str]) -> tuple[CompanyUser, ...]:
    """The desired users; where the store refused the admin, the next user gets the admin's role."""
    users = desired.users
    role = users[0].role
    is_admin_already = users[0].key in have and have[users[0].key].fields.role == role
    if f"contact:{users[0].key}" not in held or is_admin_already:
        return users
    stand_in = next((user for user in users if f"contact:{user.key}" not in held), None)
    return tuple(msgspec.structs.replace(user, role=role) if user is stand_in else user for user in users)


def _has_admin(
    users: Mapping[str, CompanyUser], have: Mapping[str, AppliedUser], held: frozenset[str], role: str
) -> bool:
    """Whether an admin is left when all is done; if not, the present one must neither be demoted nor go."""
    return any(
        have[key].fields.role == role
        if f"contact:{key}" in held and key in have
        else user.role == role and f"contact:{key}" not in held
        for key, user in users.items()
    )


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
        changed = _changed(ADDRESS_FIELDS, _address_values(address), _address_values(applied.fields))
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
