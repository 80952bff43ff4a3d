"""What a load has still to do for a customer, while parts of its company are made one after another."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import Company, CompanyStatus
from customer_sync.model.operation import Action, AddressOperation, AppliedCompany, CustomerPlan, UserOperation
from customer_sync.planning.diff import diff_company
from tests.properties.store_model import apply_operations
from tests.properties.strategies import companies
from tests.unit.customer_sync.builders import a_connector

CONNECTOR = a_connector()
CHANGES = ["as ordered", "another value", "another status", "held back"]


SHOWN = ["as ordered", "pending", "without its key", "without its admin", "another admin", "unread", "a stranger"]


def as_shown(made: AppliedCompany, how: str) -> AppliedCompany:
    """A new company as the store may show it when it is read back."""
    (key, admin), *_ = made.users.items()
    another = msgspec.structs.replace(admin, fields=msgspec.structs.replace(admin.fields, role="Buyer"))
    keyless = msgspec.structs.replace(made.fields, extra_fields={})
    shown: dict[str, dict[str, Any]] = {
        "as ordered": {},
        "pending": {"status": CompanyStatus.PENDING},
        "without its key": {"fields": keyless},
        "without its admin": {"users": {}},
        "another admin": {"users": {key: another}},
        "unread": {"parts_known": False},
        "a stranger": {"users": {key: admin, "stranger": msgspec.structs.replace(another, store_id=9)}},
    }
    return msgspec.structs.replace(made, **shown[how])


def changed(state: AppliedCompany, operation: UserOperation | AddressOperation, how: str) -> AppliedCompany:
    """What is applied after an operation, where the store or somebody else may have had a say in it."""
    if how == "another status":
        return msgspec.structs.replace(state, status=CompanyStatus.INACTIVE)
    if how == "another value" and isinstance(operation, AddressOperation):
        made = state.addresses[operation.key]
        address = msgspec.structs.replace(made, fields=msgspec.structs.replace(made.fields, city="Elsewhere"))
        return msgspec.structs.replace(state, addresses={**state.addresses, operation.key: address})
    if how == "another value":
        known = state.users[operation.key]
        user = msgspec.structs.replace(known, fields=msgspec.structs.replace(known.fields, last_name="Another"))
        return msgspec.structs.replace(state, users={**state.users, operation.key: user})
    return state


@given(companies(), st.data())
def test_what_remains_is_what_a_comparison_from_scratch_finds(desired: Company, data: st.DataObject) -> None:
    """After every part that is made, in any order and whatever else happens, nothing is missed or done twice."""
    if data.draw(st.booleans()):
        desired = msgspec.structs.replace(desired, payment_methods={}, payment_terms=None)
    load = CustomerLoad(CustomerPlan(customer_id=desired.customer_id, kind="sync", desired=desired), CONNECTOR)
    policy = CONNECTOR.policy
    made = apply_operations(None, load.remaining()[:1])
    assert made is not None
    load.applied = as_shown(made, data.draw(st.sampled_from(SHOWN)))
    for _ in range(12):
        assert load.remaining() == diff_company(desired, load.applied, policy, load.held_back)
        parts = [
            operation
            for operation in load.remaining()
            if operation.action in {Action.CREATE_USER, Action.CREATE_ADDRESS}
        ]
        if not parts:
            break
        operation = data.draw(st.sampled_from(parts))
        how = data.draw(st.sampled_from(CHANGES))
        if how == "held back":
            load.held_back.add(f"contact:{operation.key}")
            continue
        assert isinstance(operation, UserOperation | AddressOperation)
        after = apply_operations(load.applied, [operation])
        assert after is not None
        load.applied = changed(after, operation, how)
