"""What a caller finds out when a request's answer never came. The requests go through a fault wrapper."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from customer_sync.errors import AmbiguousWriteError, RateLimited
from customer_sync.model.company import CompanyStatus
from customer_sync.targets.port import Order, Target
from tests.adapters.faults import Crash, Fault, FaultPlan, FaultyTarget
from tests.conformance.records import Records

CREATIONS: dict[str, Callable[[Records], Order]] = {
    "company": lambda r: r.new_company("NEW"),
    "user": lambda r: r.new_user(r.only_company().id, "new"),
    "address": lambda r: r.new_address(r.only_company().id, "NEW"),
}
CHANGES: dict[str, Callable[[Records], Order]] = {
    "company": lambda r: r.company_change(r.only_company(), city="Elsewhere"),
    "status": lambda r: r.status(r.only_company().id, CompanyStatus.INACTIVE),
    "user": lambda r: r.user_change(r.user_named("ann"), last_name="Changed"),
    "terms": lambda r: r.terms(r.only_company().id, is_enabled=True, days=r.target.limits.term_days[-1]),
}


def found(records: Records, kind: str) -> int:
    """How many records of a creation there are, as its key shows them."""
    target = records.target
    if kind == "company":
        return len(target.companies_by_key(records.key("NEW")))
    if kind == "user":
        return int(target.user_by_email(records.email("new")) is not None)
    return len(target.addresses_by_key([f"{records.key()}:NEW"]))


def state(records: Records) -> list[object]:
    """What a change could have changed."""
    company = records.only_company()
    user = records.user_named("ann")
    terms = records.target.payment_settings(company.id, methods=False, terms=True)
    return [company.fields, company.status, user.fields, terms]


def send(target: Target, order: Order, fault: Fault) -> BaseException | None:
    """Send one order under a fault; what came of it."""
    plan = FaultPlan({1: fault})
    try:
        FaultyTarget(target, plan).perform(order.operation.action, [order])
    except (AmbiguousWriteError, RateLimited, Crash) as error:
        return error
    finally:
        plan.deliver()
    return None


@pytest.mark.parametrize(
    ("fault", "number", "error"),
    [
        (Fault.LOST, 1, AmbiguousWriteError),
        (Fault.LATE, 1, AmbiguousWriteError),
        (Fault.NEVER_ARRIVED, 0, AmbiguousWriteError),
        (Fault.REFUSED, 0, RateLimited),
        (Fault.CRASH_BEFORE, 0, Crash),
        (Fault.CRASH_AFTER, 1, Crash),
    ],
)
@pytest.mark.parametrize("kind", CREATIONS)
def test_a_look_up_tells_whether_a_record_was_made(
    target: Target, records: Records, kind: str, fault: Fault, number: int, error: type[BaseException]
) -> None:
    """After any failure the key shows whether the creation happened, once or not at all."""
    records.make_company()
    outcome = send(target, CREATIONS[kind](records), fault)
    assert isinstance(outcome, error)
    assert found(records, kind) == number


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.NEVER_ARRIVED, Fault.CRASH_AFTER, Fault.CRASH_BEFORE])
@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_whose_answer_was_lost_is_sent_again(
    target: Target, records: Records, kind: str, fault: Fault
) -> None:
    """Whether or not the first arrived, the store is the same after the second."""
    records.make_user(records.make_company().id)
    order = CHANGES[kind](records)
    before = state(records)
    send(target, order, fault)
    records.send(order)
    once = state(records)
    assert once != before
    records.send(order)
    assert state(records) == once


@pytest.mark.parametrize("kind", CREATIONS)
def test_a_part_of_a_bulk_creation_is_told_from_the_rest(target: Target, records: Records, kind: str) -> None:
    """When half of the rows were stored and nobody said which, look-ups tell them apart."""
    company_id = records.make_company().id
    action = CREATIONS[kind](records).operation.action
    rows = min(4, target.cost(action).rows)
    orders = {
        "company": [records.new_company(f"B{number}") for number in range(rows)],
        "user": [records.new_user(company_id, f"b{number}") for number in range(rows)],
        "address": [records.new_address(company_id, f"B{number}") for number in range(rows)],
    }[kind]
    with pytest.raises(AmbiguousWriteError):
        FaultyTarget(target, FaultPlan({1: Fault.PARTIAL})).perform(action, orders)
    there = {
        "company": [bool(target.companies_by_key(records.key(f"B{number}"))) for number in range(rows)],
        "user": [target.user_by_email(records.email(f"b{number}")) is not None for number in range(rows)],
        "address": [bool(target.addresses_by_key([order.operation.key])) for order in orders],
    }[kind]
    stored = rows if target.cost(action).is_atomic or rows == 1 else rows // 2
    assert there == [True] * stored + [False] * (rows - stored)
