"""The store as a pure function: what a company looks like after operations were applied to it."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    AppliedAddress,
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

Record = TypeVar("Record", AppliedUser, AppliedAddress)


def apply_operations(state: AppliedCompany | None, operations: Iterable[Operation]) -> AppliedCompany | None:
    """Carry out operations one after another, as the ledger would remember them.

    Args:
        state: What is applied; ``None`` when there is no company.
        operations: What to do.

    Returns:
        What is applied afterwards.
    """
    for operation in operations:
        state = _apply(state, operation, new_id=_free_id(state))
    return state


def _free_id(state: AppliedCompany | None) -> int:
    records = [*state.users.values(), *state.addresses.values()] if state else []
    return 1 + max((record.store_id for record in records), default=1_000)


def _apply(  # noqa: C901, PLR0911 - one case for each kind of operation
    state: AppliedCompany | None, operation: Operation, *, new_id: int
) -> AppliedCompany | None:
    if operation.action is Action.CREATE_COMPANY:
        assert state is None, "a company is made once"
        assert isinstance(operation, CompanyOperation)
        return _made(operation)
    assert state is not None, "everything else needs a company"
    match operation:
        case CompanyOperation(new=None):
            return None
        case CompanyOperation():
            values = operation.values
            if "extra_fields" in values:
                values["extra_fields"] = {**state.fields.extra_fields, **values["extra_fields"]}
            return msgspec.structs.replace(state, fields=msgspec.structs.replace(state.fields, **values))
        case StatusOperation():
            return msgspec.structs.replace(state, status=operation.new)
        case MethodsOperation():
            return msgspec.structs.replace(state, payment_methods={**state.payment_methods, **operation.new})
        case TermsOperation():
            return msgspec.structs.replace(state, payment_terms=operation.new)
        case ReferenceOperation():
            return msgspec.structs.replace(state, reference_id=operation.new)
        case UserOperation():
            made = None if operation.new is None else AppliedUser(store_id=new_id, fields=operation.new)
            return msgspec.structs.replace(state, users=_records(state.users, operation, made))
        case AddressOperation():
            put = None if operation.new is None else AppliedAddress(store_id=new_id, fields=operation.new)
            return msgspec.structs.replace(state, addresses=_records(state.addresses, operation, put))


def _made(operation: CompanyOperation) -> AppliedCompany:
    assert operation.new is not None
    assert operation.admin is not None
    users = {operation.admin_key: AppliedUser(store_id=1, fields=operation.admin)}
    return AppliedCompany(company_id=7, status=CompanyStatus.APPROVED, fields=operation.new, users=users)


def _records(
    records: Mapping[str, Record], operation: UserOperation | AddressOperation, made: Record | None
) -> dict[str, Record]:
    if operation.store_id == 0:
        assert operation.key not in records, "a record is made once"
        assert made is not None
        return {**records, operation.key: made}
    old_key = next(key for key, record in records.items() if record.store_id == operation.store_id)
    others = {key: record for key, record in records.items() if key != old_key}
    if made is None:
        return others
    old = records[old_key]
    changed = msgspec.structs.replace(old, fields=msgspec.structs.replace(old.fields, **operation.values))
    if operation.key in others:  # the store keeps both; the ledger calls the one that lost its contact the former
        others[f"{operation.key} (former)"] = others.pop(operation.key)
    return {**others, operation.key: changed}
