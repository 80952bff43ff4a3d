"""Who has left a customer, and what takes access away from those alone. Pure.

For customers that wait as a whole (on hold, without an e-mail, refused) and for those that are withdrawn: taking access
away needs no intact customer (docs/people.md#access-first).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from customer_sync.model.batch import PlannedChange
from customer_sync.model.company import (
    ACCOUNT_ADMIN_KEY,
    RELEASED_KEY,
    CompanyStatus,
    CompanyUser,
    UserFields,
    user_fields,
)
from customer_sync.model.customer import Customer
from customer_sync.model.operation import (
    FORMER,
    Action,
    AppliedCompany,
    AppliedUser,
    CustomerPlan,
    Operation,
    PlanKind,
    StatusOperation,
    UserOperation,
    part_of,
)
from customer_sync.model.outcome import Reason
from customer_sync.planning.payment import diff_credit
from customer_sync.rules.company_mapping import payment_of
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
    return frozenset(key for key in contacts_of(applied) & owners.keys() if owners[key] != customer_id)


def contacts_of(applied: AppliedCompany) -> set[str]:
    """The contacts that a company has users of, as far as is known."""
    return {key.removesuffix(FORMER) for key in applied.users} | set(applied.made_with.values())


def withdrawal_plan(
    customer: Customer,
    kind: PlanKind,
    connector: Connector,
    moved: Iterable[str] = (),
    reasons: Iterable[str] = (),
) -> CustomerPlan:
    """What is to be known of a customer of whom nothing is to be made, to take access away from those who have left.

    Args:
        customer: The customer.
        kind: ``access`` where it waits as a whole, ``unenroll`` where its company is withdrawn: then users go
            whose contacts are another customer's now, or have another e-mail, which frees the former one.
        connector: Its rules.
        moved: Contacts of its users that are another customer's now (:func:`moved_away`).
        reasons: Why nothing is to be made.
    """
    if customer.is_gone:
        # Of its people nothing is known but who is another customer's: what becomes of the rest says the policy alone.
        return CustomerPlan(
            customer_id=customer.customer_id, kind=kind, record_id=customer.record_id, leavers=frozenset(moved)
        )
    denied = leavers(customer, connector)
    return CustomerPlan(
        customer_id=customer.customer_id,
        kind=kind,
        record_id=customer.record_id,
        erp_reference=customer.reference_id,
        leavers=denied.union(moved) if kind == "access" or connector.policy.customer == "leave" else frozenset(moved),
        present={contact.contact_id: contact.email for contact in customer.contacts} if kind == "unenroll" else None,
        successors=successors(customer, connector),
        colleagues=frozenset(contact.contact_id for contact in customer.contacts) - denied,
        has_no_admin=Reason.NO_ADMIN_CONTACT in reasons,
        payment=payment_of(customer, connector, []) if kind == "access" else None,
    )


def early_plan(change: PlannedChange, customer: Customer, connector: Connector) -> CustomerPlan:
    """The part of a customer's plan that waits for nobody: whom a record that was read denies access loses it.

    A company that is to be withdrawn keeps its own people until then, and gives up those who are another customer's.

    Args:
        change: What transform decided.
        customer: The customer.
        connector: Its rules.
    """
    plan = withdrawal_plan(customer, "access", connector, change.leavers)
    if change.kind == "unenroll":
        plan = msgspec.structs.replace(plan, leavers=frozenset(change.leavers))
    return msgspec.structs.replace(
        plan,
        payment=None,
        name=change.name,
        company_id=change.company_id,
        held_back=change.held_back,
        access_ended_at_utc=change.access_ended_at_utc,
    )


def leaving_users(
    plan: CustomerPlan, customer: Customer, connector: Connector, applied: AppliedCompany | None = None
) -> int:
    """How many users a plan takes access from because a record that was read denies it to them.

    Who was made with the company, and was not read back since, is no operation of the plan yet.
    """
    if plan.kind == "unenroll":
        denied = plan.leavers
    elif plan.ends_trade:
        return 1
    else:
        denied = plan.leavers | leavers(customer, connector)
    removed = [each.key for each in plan.operations if each.action is Action.DELETE_USER]
    unread = applied.made_with.values() if applied is not None else ()
    return sum(1 for key in (*removed, *unread) if key.removesuffix(FORMER) in denied)


def access_of(
    plan: CustomerPlan, applied: AppliedCompany, connector: Connector, held_back: Iterable[str] = ()
) -> tuple[Operation, ...]:
    """What takes access away from those who have left a customer, and the credit that it has no more; nothing else."""

    def is_leaving(key: str) -> bool:
        if key in {ACCOUNT_ADMIN_KEY, RELEASED_KEY}:
            return False
        if plan.present is None or key in plan.leavers:
            return key in plan.leavers
        have = applied.users.get(key)
        return have is not None and plan.present.get(key, "").casefold() != have.fields.email.casefold()

    held = frozenset(held_back)
    able = (*(plan.desired.users if plan.desired else ()), *plan.successors)
    role = connector.contacts.primary_role
    found = diff_access(
        plan.customer_id,
        applied,
        connector.policy,
        is_leaving,
        role,
        able,
        held,
        colleagues=plan.colleagues,
        lowest_role=connector.contacts.other_role,
    )
    if plan.payment is not None:
        found += tuple(
            each for each in diff_credit(plan.customer_id, applied, plan.payment) if part_of(each) not in held
        )
    if not plan.has_no_admin or any(isinstance(each, StatusOperation) for each in found):
        return found
    return (*found, *closing(plan.customer_id, applied, held))


def diff_access(
    customer_id: str,
    applied: AppliedCompany,
    policy: RemovalPolicy,
    leaving: Callable[[str], bool],
    admin_role: str,
    successors: Sequence[CompanyUser] = (),
    held_back: Iterable[str] = (),
    *,
    colleagues: Collection[str] = (),
    lowest_role: str = "",
) -> tuple[Operation, ...]:
    """List what takes access away from those who have left, and nothing else: for a customer that waits as a whole.

    The last admin is replaced first: by a user who is there and may be one, else by a new one, else by a colleague who
    stays; where nobody can follow, the company stops trading. Of a company that does not trade anybody who stays may be
    the admin, and where nobody stays the admin does, or somebody who is nobody (``policy.released_email``).

    Args:
        customer_id: The customer.
        applied: What the ledger remembers of its company.
        policy: Whether users are removed at all.
        leaving: Whether the user of that contact is to go.
        admin_role: The role of which somebody must be left.
        successors: Who may be the admin, in order.
        held_back: Parts that must not be sent.
        colleagues: Contacts who may be the admin where they are users and no successor can.
        lowest_role: The role of a user who is nobody.
    """
    held = frozenset(held_back)
    going = {key: record for key, record in applied.users.items() if leaving(key.removesuffix(FORMER))}
    if policy.contact != "delete" or not going:
        return ()
    removals = [
        UserOperation(action=Action.DELETE_USER, key=key, store_id=record.store_id, old=record.fields)
        for key, record in going.items()
        if f"contact:{key}" not in held
    ]
    staying = {key: record for key, record in applied.users.items() if key not in going}
    admins = {key for key, record in applied.users.items() if record.fields.role == admin_role}
    if admins & staying.keys() or (staying and not admins):
        return tuple(removals)
    is_closed = applied.status == CompanyStatus.INACTIVE
    # Whoever has the e-mail of somebody who goes can be made only after that one has gone, which is too late here.
    given_up = {record.fields.email.casefold() for record in going.values()}
    able = [
        user
        for user in successors
        if not leaving(user.key) and (user.key in staying or user.email.casefold() not in given_up)
    ]
    heir = _heir(staying, able, held, admin_role, staying.keys() - {RELEASED_KEY} if is_closed else colleagues)
    if heir is not None:
        return (heir, *removals)
    if is_closed:
        last = min(admins or going)
        if not staying and policy.released_email and f"contact:{RELEASED_KEY}" not in held:
            return (_nobody(policy.released_email, applied.users[last], lowest_role), *removals)
        return tuple(each for each in removals if staying or each.key != last)
    return closing(customer_id, applied, held)


def _heir(
    staying: Mapping[str, AppliedUser],
    successors: Sequence[CompanyUser],
    held: frozenset[str],
    admin_role: str,
    colleagues: Collection[str],
) -> Operation | None:
    """What makes the next admin: a successor who is there, else one who is to come, else a colleague who stays."""
    by_email = {record.fields.email.casefold(): key for key, record in staying.items()}
    there = {user.key: user.key if user.key in staying else by_email.get(user.email.casefold()) for user in successors}
    found = (key for user in successors if (key := there[user.key]) and f"contact:{user.key}" not in held)
    heir = next((key for key in found if f"contact:{key}" not in held), None)
    if heir is not None:
        return _promotion(heir, staying[heir], admin_role)
    for user in successors:
        # Nobody can be made whose e-mail somebody has: another customer's user, or a colleague whom the store refuses.
        if there[user.key] is None and not {f"contact:{user.key}", f"email:{user.key}"} & held:
            new = msgspec.structs.replace(user_fields(user), role=admin_role)
            return UserOperation(action=Action.CREATE_USER, key=user.key, new=new)
    able = sorted(key for key in staying if f"contact:{key}" not in held and key in colleagues)
    return _promotion(able[0], staying[able[0]], admin_role) if able else None


def _nobody(template: str, last: AppliedUser, role: str) -> Operation:
    """Who takes the place of the last user of a company that does not trade: its e-mail is to be free."""
    email = template.replace("{user_id}", str(last.store_id))
    new = UserFields(email=email, first_name="Released", last_name="User", phone_number="", role=role)
    return UserOperation(action=Action.CREATE_USER, key=RELEASED_KEY, new=new)


def _promotion(key: str, have: AppliedUser, admin_role: str) -> Operation:
    return UserOperation(
        action=Action.UPDATE_USER,
        key=key,
        store_id=have.store_id,
        new=msgspec.structs.replace(have.fields, role=admin_role),
        old=have.fields,
        changed=("role",),
    )


def closing(customer_id: str, applied: AppliedCompany, held: Collection[str]) -> tuple[Operation, ...]:
    """What has a company stop trading, nothing where it does not trade or the store refused that."""
    if applied.status == CompanyStatus.INACTIVE or "customer:status" in held:
        return ()
    return (
        StatusOperation(
            action=Action.SET_STATUS,
            key=customer_id,
            store_id=applied.company_id,
            new=CompanyStatus.INACTIVE,
            old=applied.status,
        ),
    )
