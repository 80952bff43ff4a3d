"""Compare the desired state with the last applied state: out come operations. Pure.

The same comparison serves the plan (transform), the write (load, which compares
again before it sends) and reconciliation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from customer_sync.model.company import (
    STATUS_APPROVED,
    STATUS_INACTIVE,
    Company,
    CompanyUser,
    address_fields,
    company_fields,
    user_fields,
)
from customer_sync.model.operation import REMOVALS, Action, AppliedCompany, AppliedRecord, Operation
from customer_sync.planning.user_match import match_users
from customer_sync.settings.mapping import RemovalPolicy


def diff_company(
    desired: Company, applied: AppliedCompany | None, policy: RemovalPolicy, held_back: Iterable[str] = ()
) -> tuple[Operation, ...]:
    """List the operations that lead from the applied to the desired state.

    ``diff_company(x, applied(x))`` is empty. What we do not manage is never touched:
    only parts that we once applied are removed, and only under the policy.

    Args:
        desired: What the ERP says.
        applied: What the ledger remembers; ``None`` for a company that does not exist.
        policy: What happens to users and addresses that the ERP withdrew.
        held_back: Parts that must not be sent (``contact:<ContactID>``).

    Returns:
        Operations in the order of docs/api/better_b2b.md#order-of-writes: company, status, users
        (admins and promotions first, demotions and removals last), addresses,
        payment methods, terms.
    """
    held = frozenset(held_back)
    base = applied or AppliedCompany(company_id=0)
    operations = _diff_own_fields(desired, applied)
    operations += _diff_users(desired, base, policy, held, is_new=applied is None)
    operations += _diff_addresses(desired, base, policy)
    methods = {code: on for code, on in desired.payment_methods.items() if base.payment_methods.get(code) is not on}
    if methods:
        before = {code: base.payment_methods[code] for code in methods if code in base.payment_methods}
        operations.append(_own(desired, base, Action.SET_PAYMENT_METHODS, methods, before))
    if desired.payment_terms is not None:
        terms = msgspec.to_builtins(desired.payment_terms)
        if terms != base.payment_terms:
            operations.append(_own(desired, base, Action.SET_PAYMENT_TERMS, terms, base.payment_terms or {}))
    return tuple(operations)


def diff_reference(customer_id: str, company_id: int, erp_reference: str) -> tuple[Operation, ...]:
    """The write-back of the company's id, where the ERP does not hold it already."""
    wanted = str(company_id) if company_id else ""
    if wanted and wanted == erp_reference:
        return ()
    values = {"reference_id": wanted}
    before = {"reference_id": erp_reference}
    return (
        Operation(action=Action.WRITE_REFERENCE, key=customer_id, store_id=company_id, values=values, before=before),
    )


def diff_unenrolment(customer_id: str, applied: AppliedCompany, policy: RemovalPolicy) -> tuple[Operation, ...]:
    """What the policy does to the company of a customer that is no longer eligible."""
    if policy.customer == "delete":
        return (Operation(action=Action.DELETE_COMPANY, key=customer_id, store_id=applied.company_id),)
    if policy.customer == "deactivate" and applied.status != STATUS_INACTIVE:
        return (
            Operation(
                action=Action.SET_STATUS,
                key=customer_id,
                store_id=applied.company_id,
                values={"status": STATUS_INACTIVE},
                before={"status": applied.status},
            ),
        )
    return ()


def is_late(operation: Operation, admin_role: str) -> bool:
    """Whether an operation takes something away; it then comes last: promote first, then demote."""
    if operation.action in REMOVALS:
        return True
    return operation.action is Action.UPDATE_USER and operation.values.get("role", admin_role) != admin_role


def _own(
    desired: Company, base: AppliedCompany, action: Action, values: dict[str, Any], before: dict[str, Any]
) -> Operation:
    return Operation(action=action, key=desired.customer_id, store_id=base.company_id, values=values, before=before)


def _diff_own_fields(desired: Company, applied: AppliedCompany | None) -> list[Operation]:
    fields = company_fields(desired)
    if applied is None:
        admin = user_fields(desired.users[0])
        values = {
            **fields,
            **{f"admin_{name}": admin[name] for name in ("first_name", "last_name", "email", "phone_number")},
        }
        return [Operation(action=Action.CREATE_COMPANY, key=desired.customer_id, values=values)]
    operations = []
    changed, before = _changes(fields, {**applied.fields, "extra_fields": _known_extra_fields(fields, applied)})
    if changed:
        operations.append(_own(desired, applied, Action.UPDATE_COMPANY, changed, before))
    if applied.status != STATUS_APPROVED:
        values, was = {"status": STATUS_APPROVED}, {"status": applied.status}
        operations.append(_own(desired, applied, Action.SET_STATUS, values, was))
    return operations


def _known_extra_fields(fields: Mapping[str, Any], applied: AppliedCompany) -> dict[str, str]:
    """The applied extra fields that are ours; others may stand beside them and are not compared."""
    have = applied.fields.get("extra_fields") or {}
    return {name: have[name] for name in fields["extra_fields"] if name in have}


def _changes(wanted: Mapping[str, Any], have: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if wanted == have:
        return {}, {}
    changed = {name: value for name, value in wanted.items() if have.get(name) != value}
    return changed, {name: have[name] for name in changed if name in have}


def _diff_users(
    desired: Company, base: AppliedCompany, policy: RemovalPolicy, held: frozenset[str], *, is_new: bool
) -> list[Operation]:
    admin_role = desired.users[0].role
    have = match_users(desired.users, base.users, held)
    wanted = {user.key: user for user in _with_stand_in(desired, have, held)}
    first: list[Operation] = []
    then: list[Operation] = []
    last: list[Operation] = []
    for position, (key, user) in enumerate(wanted.items()):
        if f"contact:{key}" in held or (is_new and position == 0):
            continue
        applied = have.get(key)
        fields = user_fields(user)
        if applied is None:
            operation = Operation(action=Action.CREATE_USER, key=key, values=fields)
            (first if user.role == admin_role else then).append(operation)
            continue
        changed, before = _changes(fields, applied.fields)
        if not changed:
            continue
        role = changed.get("role")
        if role not in {None, admin_role} and _is_wanted(before.get("email"), wanted, key):
            # The colleague who takes the e-mail over may be the next admin: it is free before the demotion.
            early = {name: value for name, value in changed.items() if name != "role"}
            then.append(_user_update(key, applied, early, before))
            changed = {"role": role}
        operation = _user_update(key, applied, changed, before)
        (then if role is None else first if role == admin_role else last).append(operation)
    if policy.contact == "delete":
        kept_ids = {record.store_id for key, record in have.items() if key in wanted}
        last.extend(
            Operation(action=Action.DELETE_USER, key=key, store_id=record.store_id, before=record.fields)
            for key, record in base.users.items()
            if record.store_id not in kept_ids
        )
    if not _has_admin(wanted, have, held, admin_role):
        last = [operation for operation in last if operation.before.get("role") != admin_role]
    return first + then + last


def _user_update(key: str, applied: AppliedRecord, changed: dict[str, Any], before: dict[str, Any]) -> Operation:
    was = {name: before[name] for name in changed if name in before}
    return Operation(action=Action.UPDATE_USER, key=key, store_id=applied.store_id, values=changed, before=was)


def _is_wanted(email: str | None, wanted: Mapping[str, CompanyUser], key: str) -> bool:
    """Whether an e-mail that a user gives up is to be that of another one."""
    return email is not None and any(
        user.email.casefold() == email.casefold() for other, user in wanted.items() if other != key
    )


def _with_stand_in(
    desired: Company, have: Mapping[str, AppliedRecord], held: frozenset[str]
) -> tuple[CompanyUser, ...]:
    """The desired users; where the store refused the admin, the next user stands in with the admin's role."""
    users = desired.users
    role = users[0].role
    is_admin_already = users[0].key in have and have[users[0].key].fields.get("role") == role
    if f"contact:{users[0].key}" not in held or is_admin_already:
        return users
    stand_in = next((user for user in users if f"contact:{user.key}" not in held), None)
    return tuple(msgspec.structs.replace(user, role=role) if user is stand_in else user for user in users)


def _has_admin(
    wanted: Mapping[str, CompanyUser], have: Mapping[str, AppliedRecord], held: frozenset[str], role: str
) -> bool:
    """Whether an admin is left when all is done; if not, the present one must neither be demoted nor go."""
    return any(
        have[key].fields.get("role") == role
        if f"contact:{key}" in held and key in have
        else user.role == role and f"contact:{key}" not in held
        for key, user in wanted.items()
    )


def _diff_addresses(desired: Company, base: AppliedCompany, policy: RemovalPolicy) -> list[Operation]:
    operations: list[Operation] = []
    wanted: set[str] = set()
    for address in desired.addresses:
        wanted.add(address.external_id)
        fields = address_fields(address)
        applied = base.addresses.get(address.external_id)
        if applied is None:
            operations.append(Operation(action=Action.CREATE_ADDRESS, key=address.external_id, values=fields))
            continue
        changed, before = _changes(fields, applied.fields)
        if changed:
            operations.append(
                Operation(
                    action=Action.UPDATE_ADDRESS,
                    key=address.external_id,
                    store_id=applied.store_id,
                    values=changed,
                    before=before,
                )
            )
    if policy.location == "delete":
        operations.extend(
            Operation(action=Action.DELETE_ADDRESS, key=key, store_id=record.store_id, before=record.fields)
            for key, record in base.addresses.items()
            if key not in wanted
        )
    return operations
