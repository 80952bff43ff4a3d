"""Who has left a customer, and what takes access away from those alone. Pure.

For customers that wait as a whole (on hold, without an e-mail, refused) and for those that are withdrawn: taking access
away needs no intact customer (docs/people.md#access-first).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from customer_sync.model.company import ACCOUNT_ADMIN_KEY, CompanyStatus, CompanyUser, user_fields
from customer_sync.model.customer import Customer
from customer_sync.model.operation import (
    FORMER,
    Action,
    AppliedCompany,
    CustomerPlan,
    Operation,
    PlanKind,
    StatusOperation,
    UserOperation,
)
from customer_sync.rules.company_users import leavers, successors
from customer_sync.settings.connector import Connector
from customer_sync.settings.mapping import RemovalPolicy


def moved_away(customer_id: str, applied: AppliedCompany | None, owners: Mapping[str, str]) -> frozenset[str]:
    """The contacts of a company's users that are another customer's now; who is only absent is none of them.

    Args:
        customer_id: The customer.
        applied: What the ledger remembers of its company.
        owners: Contact -> the customer that it was read with.
    """
    if applied is None or not owners:
        return frozenset()
    contacts = {key.removesuffix(FORMER) for key in applied.users}
    return frozenset(key for key in contacts & owners.keys() if owners[key] != customer_id)


def withdrawal_plan(
    customer: Customer, kind: PlanKind, connector: Connector, moved: Iterable[str] = ()
) -> CustomerPlan:
    """What is to be known of a customer of whom nothing is to be made, to take access away from those who have left.

    Args:
        customer: The customer.
        kind: ``access`` where it waits as a whole, ``unenroll`` where its company is withdrawn: then users go
            whose contacts are another customer's now, or have another e-mail, which frees the former one.
        connector: Its rules.
        moved: Contacts of its users that are another customer's now (:func:`moved_away`).
    """
    if customer.is_gone:
        # Nothing is known of its people: what becomes of the company says the policy alone.
        return CustomerPlan(customer_id=customer.customer_id, kind=kind, record_id=customer.record_id)
    return CustomerPlan(
        customer_id=customer.customer_id,
        kind=kind,
        record_id=customer.record_id,
        erp_reference=customer.reference_id,
        leavers=leavers(customer, connector).union(moved)
        if kind == "access" or connector.policy.customer == "leave"
        else frozenset(),
        present={contact.contact_id: contact.email for contact in customer.contacts} if kind == "unenroll" else None,
        successors=successors(customer, connector),
    )


def access_of(
    plan: CustomerPlan, applied: AppliedCompany, connector: Connector, held_back: Iterable[str] = ()
) -> tuple[Operation, ...]:
    """What takes access away from those who have left a customer, and nothing else."""

    def is_leaving(key: str) -> bool:
        if key == ACCOUNT_ADMIN_KEY:
            return False
        if plan.present is None or key in plan.leavers:
            return key in plan.leavers
        have = applied.users.get(key)
        return have is not None and plan.present.get(key, "").casefold() != have.fields.email.casefold()

    able = (*(plan.desired.users if plan.desired else ()), *plan.successors)
    role = connector.contacts.primary_role
    return diff_access(plan.customer_id, applied, connector.policy, is_leaving, role, able, held_back)


def diff_access(
    customer_id: str,
    applied: AppliedCompany,
    policy: RemovalPolicy,
    leaving: Callable[[str], bool],
    admin_role: str,
    successors: Sequence[CompanyUser] = (),
    held_back: Iterable[str] = (),
) -> tuple[Operation, ...]:
    """List what takes access away from those who have left, and nothing else: for a customer that waits as a whole.

    The last admin is replaced first: by a user who is there and may be one, else by a new one; where nobody can
    follow, the company stops trading.

    Args:
        customer_id: The customer.
        applied: What the ledger remembers of its company.
        policy: Whether users are removed at all.
        leaving: Whether the user of that contact is to go.
        admin_role: The role of which somebody must be left.
        successors: Who may be the admin, in order.
        held_back: Parts that must not be sent.
    """
    held = frozenset(held_back)
    # A user whose e-mail another contact of the customer has now passes to that contact with the next whole sync.
    heirs = {user.email.casefold() for user in successors if not leaving(user.key)}
    going = {
        key: record
        for key, record in applied.users.items()
        if leaving(key.removesuffix(FORMER)) and record.fields.email.casefold() not in heirs
    }
    if policy.contact != "delete" or not going:
        return ()
    removals = [
        UserOperation(action=Action.DELETE_USER, key=key, store_id=record.store_id, old=record.fields)
        for key, record in going.items()
        if f"contact:{key}" not in held
    ]
    staying = {key: record for key, record in applied.users.items() if key not in going}
    has_admin = any(record.fields.role == admin_role for record in staying.values())
    if has_admin or (staying and all(record.fields.role != admin_role for record in going.values())):
        return tuple(removals)
    able = [user for user in successors if not leaving(user.key) and f"contact:{user.key}" not in held]
    heir = next((user for user in able if user.key in staying), able[0] if able else None)
    if heir is None:
        if applied.status == CompanyStatus.INACTIVE or "customer:status" in held:
            return ()
        end = StatusOperation(
            action=Action.SET_STATUS,
            key=customer_id,
            store_id=applied.company_id,
            new=CompanyStatus.INACTIVE,
            old=applied.status,
        )
        return (end,)
    new = msgspec.structs.replace(user_fields(heir), role=admin_role)
    if heir.key not in staying:
        return (UserOperation(action=Action.CREATE_USER, key=heir.key, new=new), *removals)
    have = staying[heir.key]
    promoted = msgspec.structs.replace(have.fields, role=admin_role)
    promotion = UserOperation(
        action=Action.UPDATE_USER,
        key=heir.key,
        store_id=have.store_id,
        new=promoted,
        old=have.fields,
        changed=("role",),
    )
    return (promotion, *removals)
