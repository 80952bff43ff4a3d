"""What takes access away from people of a customer now; while the last admin is among them, who comes first."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import RELEASED_KEY, CompanyStatus
from customer_sync.model.operation import FORMER, Action, Operation, StatusOperation, UserOperation
from customer_sync.planning.emails import email_freed


def access_steps(load: CustomerLoad, admin_role: str) -> list[Operation]:
    """The next operations that take access away from those who have left, and that end the trade of a company."""
    if load.applied is None or load.is_deleted:
        return []
    remaining = load.remaining()
    stays = load.seats().users.keys() if load.plan.desired else frozenset()
    going = {
        operation.store_id: operation
        for operation in remaining
        if operation.action is Action.DELETE_USER and operation.key.removesuffix(FORMER) not in stays
    }
    ends = [operation for operation in remaining if _ends_trade(operation)]
    if not _needs_heir(load, going, admin_role):
        return [*going.values(), *ends]
    return [each for each in _heir(load, going, admin_role) if not load.waits_for_email(each)] or ends


def release_steps(load: CustomerLoad, emails: Collection[str], admin_role: str) -> list[Operation]:
    """The next operations that free some e-mails: users who go, or get another e-mail.

    Of a company that is to be withdrawn first the withdrawal: whoever stays may be its admin then.
    """
    if load.applied is None or load.is_deleted:
        return []
    if load.plan.kind == "unenroll" and (ends := [each for each in load.remaining() if _ends_trade(each)]):
        return ends
    freeing = [operation for operation in load.remaining() if email_freed(operation) in emails]
    going = {each.store_id: each for each in freeing if each.action is Action.DELETE_USER}
    found = [_without_demotion(each, admin_role) for each in freeing if each.action is not Action.DELETE_USER]
    if _needs_heir(load, going, admin_role):
        return [*found, *_heir(load, going, admin_role)]
    return [*found, *going.values()]


def _needs_heir(load: CustomerLoad, going: Mapping[int, Operation], admin_role: str) -> bool:
    """Whether the last admin, with nobody in its place, or the last user is among those who go."""
    users = load.applied.users if load.applied else {}
    everybody = {record.store_id for record in users.values()}
    admins = {record.store_id for record in users.values() if record.fields.role == admin_role}
    is_last_admin = bool(admins) and admins <= going.keys() and RELEASED_KEY not in users
    return is_last_admin or (bool(everybody) and everybody <= going.keys())


def _heir(load: CustomerLoad, going: Mapping[int, Operation], admin_role: str) -> list[Operation]:
    """The next admin, who comes before those go whose last admin is among them."""
    for operation in load.remaining():
        is_admin = isinstance(operation, UserOperation) and operation.values.get("role") == admin_role
        if (is_admin or operation.key == RELEASED_KEY) and operation.store_id not in going:
            return [operation]
    return []


def _without_demotion(operation: Operation, admin_role: str) -> Operation:
    """An update that leaves the present admin one: the next admin may be there only when all is freed."""
    if not isinstance(operation, UserOperation) or operation.new is None or operation.old is None:
        return operation
    if "role" not in operation.changed or operation.old.role != admin_role:
        return operation
    new = msgspec.structs.replace(operation.new, role=operation.old.role)
    changed = tuple(name for name in operation.changed if name != "role")
    return msgspec.structs.replace(operation, new=new, changed=changed)


def _ends_trade(operation: Operation) -> bool:
    return operation.action is Action.DELETE_COMPANY or (
        isinstance(operation, StatusOperation) and operation.new == CompanyStatus.INACTIVE
    )
