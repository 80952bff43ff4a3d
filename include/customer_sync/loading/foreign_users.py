"""Users of a company that is to be taken over whom the source does not know. (docs/people.md#foreign-users)"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.operation import Action, Operation, UserOperation
from customer_sync.model.outcome import Finding, Outcome, Reason
from customer_sync.targets.port import StoredUser

_NAMED = 10
"""So many users are named in one finding."""


def may_adopt(context: LoadContext, load: CustomerLoad, users: Sequence[StoredUser]) -> bool:
    """Whether a company may be taken over with these users; what the policy says of them is then to be done.

    An Admin whom the source does not know may let anybody in, and what the policy changes is somebody's access: both
    need a person's yes, for which guard asks in a later run. Until then nothing of the company is ours.

    Args:
        context: The run.
        load: The customer.
        users: Those of the company that belong to nobody in the source.
    """
    policy, contacts = context.connector.policy.foreign_users, context.connector.contacts
    admins = [user for user in users if user.fields.role.casefold() == contacts.primary_role.casefold()]
    changed = {"report": [], "remove": users}.get(policy)
    if changed is None:
        changed = [user for user in users if user.fields.role.casefold() != contacts.other_role.casefold()]
    if (admins or changed) and load.customer_id not in context.approved_adoptions:
        _wait_for_a_person(load, admins, changed, policy)
        return False
    load.notes += [_note(user) for user in users]
    if policy == "demote":
        load.foreign = tuple(_demotion(user, contacts.other_role) for user in changed)
    return True


def _wait_for_a_person(
    load: CustomerLoad, admins: Sequence[StoredUser], changed: Sequence[StoredUser], policy: str
) -> None:
    parts = [f"has an Admin whom the ERP does not know ({_ids(admins)})"] if admins else []
    if changed:
        parts.append(f"has users of whom policy.foreign_users says {policy} ({_ids(changed)})")
    load.stop(
        Outcome.QUARANTINED,
        Reason.ADOPTION_ASKS,
        f"its company {load.company_id} in the store {' and '.join(parts)}: taking it over needs a person's yes, and "
        "nothing was written to it",
    )


def _ids(users: Sequence[StoredUser]) -> str:
    more = f" and {len(users) - _NAMED} more" if len(users) > _NAMED else ""
    return ", ".join(f"user {user.id}" for user in users[:_NAMED]) + more


def _note(user: StoredUser) -> Finding:
    detail = f"user {user.id} of the adopted company, role {user.fields.role}, is no contact in the ERP"
    return Finding(reason=Reason.FOREIGN_USER, entity="contact", key=f"user {user.id}", detail=detail)


def _demotion(user: StoredUser, role: str) -> Operation:
    new = msgspec.structs.replace(user.fields, role=role)
    key = f"user {user.id}"
    return UserOperation(
        action=Action.UPDATE_USER, key=key, store_id=user.id, new=new, old=user.fields, changed=("role",)
    )
