"""What the journal keeps of the operations of a request."""

from __future__ import annotations

import pytest

from customer_sync.ledger.journal.parts import IntendedWrite, decode_parts, encode_parts, encode_writes
from customer_sync.model.company import Address, CompanyFields, CompanyStatus, CompanyUser, UserFields
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    CompanyOperation,
    Operation,
    StatusOperation,
    UserOperation,
)

USER = UserFields(email="a@example.com", role="Admin", extra_fields={"Centre": "4"})
COLLEAGUE = CompanyUser(key="4711", email="b@example.com", role="Buyer")
ADDRESS = Address(external_id="C1:MAIN", city="Köln", is_billing=True, is_default_billing=False)

NEW: list[Operation] = [
    CompanyOperation(action=Action.CREATE_COMPANY, key="C1", new=CompanyFields(company_name="A"), admin=USER),
    UserOperation(action=Action.CREATE_USER, key="4711", new=USER),
    UserOperation(action=Action.CREATE_USER, key="4711", new=COLLEAGUE),
    AddressOperation(action=Action.CREATE_ADDRESS, key="C1:MAIN", new=ADDRESS),
]
CHANGED: list[Operation] = [
    AddressOperation(
        action=Action.UPDATE_ADDRESS, key="C1:MAIN", new=ADDRESS, old=Address(city="Bonn"), changed=("city",)
    ),
    StatusOperation(action=Action.SET_STATUS, key="C1", new=CompanyStatus.APPROVED, old=CompanyStatus.PENDING),
    UserOperation(action=Action.DELETE_USER, key="4711", old=USER),
    CompanyOperation(action=Action.DELETE_COMPANY, key="C1", store_id=7),
]


@pytest.mark.parametrize("operation", NEW)
def test_of_a_new_record_the_journal_keeps_what_it_holds(operation: Operation) -> None:
    """Every field with a value and none that is empty, whatever kind of record it is."""
    (part,) = decode_parts(encode_writes([IntendedWrite("C1", operation)]))
    assert part.after_values() == {name: value for name, value in operation.values.items() if value}
    assert part.before_values() == {}


@pytest.mark.parametrize("operation", CHANGED)
def test_of_a_change_the_journal_keeps_what_was_and_what_is(operation: Operation) -> None:
    """Both sides of an update whole, and of a removal what went."""
    (part,) = decode_parts(encode_writes([IntendedWrite("C1", operation)]))
    assert part.after_values() == operation.values
    assert part.before_values() == operation.before


def test_parts_that_are_kept_by_themselves_are_the_same() -> None:
    """What is written of a request is what is written again of some of its parts."""
    packed = encode_writes([IntendedWrite("C\0", each, record_id="R1") for each in (*NEW, *CHANGED)])
    parts = decode_parts(packed)
    assert decode_parts(encode_parts(parts)) == parts
    assert {part.customer_id for part in parts} == {"C\ufffd"}
    assert {part.record_id for part in parts} == {"R1"}
