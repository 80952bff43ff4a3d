"""The store as a pure function: what a company looks like after operations were applied to it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from customer_sync.model.company import STATUS_APPROVED, Company
from customer_sync.model.operation import Action, AppliedCompany, AppliedRecord, Operation

ADMIN_PREFIX = "admin_"


def apply_operations(
    state: AppliedCompany | None, operations: Iterable[Operation], desired: Company
) -> AppliedCompany | None:
    """Carry out operations one after another, as the ledger would remember them.

    Args:
        state: What is applied; ``None`` when there is no company.
        operations: What to do.
        desired: Whose operations they are; its first user is made with the company.

    Returns:
        What is applied afterwards.
    """
    for operation in operations:
        state = _apply(state, operation, desired, new_id=_free_id(state))
    return state


def _free_id(state: AppliedCompany | None) -> int:
    records = [*state.users.values(), *state.addresses.values()] if state else []
    return 1 + max((record.store_id for record in records), default=1_000)


def _apply(  # noqa: PLR0911 - one case for each kind of operation
    state: AppliedCompany | None, operation: Operation, desired: Company, *, new_id: int
) -> AppliedCompany | None:
    if operation.action is Action.CREATE_COMPANY:
        assert state is None, "a company is made once"
        return _made(operation, desired)
    assert state is not None, "everything else needs a company"
    match operation.action:
        case Action.DELETE_COMPANY:
            return None
        case Action.UPDATE_COMPANY:
            values = {**operation.values}
            if "extra_fields" in values:
                values["extra_fields"] = {**state.fields.get("extra_fields", {}), **values["extra_fields"]}
            return msgspec.structs.replace(state, fields={**state.fields, **values})
        case Action.SET_STATUS:
            return msgspec.structs.replace(state, status=operation.values["status"])
        case Action.SET_PAYMENT_METHODS:
            methods = {**state.payment_methods, **operation.values}
            return msgspec.structs.replace(state, payment_methods=methods)
        case Action.SET_PAYMENT_TERMS:
            return msgspec.structs.replace(state, payment_terms=operation.values)
        case Action.WRITE_REFERENCE:
            return msgspec.structs.replace(state, reference_id=operation.values["reference_id"])
    name = "users" if operation.action.endswith("_user") else "addresses"
    records = _records(getattr(state, name), operation, new_id=new_id)
    return msgspec.structs.replace(state, **{name: records})


def _made(operation: Operation, desired: Company) -> AppliedCompany:
    values = {key: value for key, value in operation.values.items() if not key.startswith(ADMIN_PREFIX)}
    admin = desired.users[0]
    fields: dict[str, Any] = {
        key.removeprefix(ADMIN_PREFIX): value for key, value in operation.values.items() if key.startswith(ADMIN_PREFIX)
    }
    user = AppliedRecord(store_id=1, fields={**fields, "role": admin.role})
    return AppliedCompany(company_id=7, status=STATUS_APPROVED, fields=values, users={admin.key: user})


def _records(records: dict[str, AppliedRecord], operation: Operation, *, new_id: int) -> dict[str, AppliedRecord]:
    if operation.store_id == 0:
        assert operation.key not in records, "a record is made once"
        return {**records, operation.key: AppliedRecord(store_id=new_id, fields=operation.values)}
    old_key = next(key for key, record in records.items() if record.store_id == operation.store_id)
    others = {key: record for key, record in records.items() if key != old_key}
    if not operation.values:
        return others
    fields = {**records[old_key].fields, **operation.values}
    if operation.key in others:  # the store keeps both; the ledger calls the one that lost its contact the former
        others[f"{operation.key} (former)"] = others.pop(operation.key)
    return {**others, operation.key: AppliedRecord(store_id=operation.store_id, fields=fields)}
