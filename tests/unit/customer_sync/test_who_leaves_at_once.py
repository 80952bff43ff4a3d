"""Whom a record denies access loses it before any approval, and is counted (docs/people.md#access-first)."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.model.batch import PlannedChange
from customer_sync.model.company import CompanyStatus, user_fields
from customer_sync.model.operation import Action, CustomerPlan, StatusOperation, UserOperation
from customer_sync.planning.access import early_plan, leaving_users
from tests.unit.customer_sync.builders import a_connector, a_contact, a_customer, a_user

CUSTOMER = a_customer(
    reference_id="61427",
    contacts=(a_contact("ann", is_primary=True), a_contact("bob", active=False), a_contact("cleo")),
)
WHEN = {"bob": "2026-03-01T12:00:00+00:00"}


@pytest.mark.parametrize(
    ("kind", "leavers"),
    [
        pytest.param("sync", {"bob", "dora"}, id="it is synced: who is denied access, and who moved"),
        pytest.param("access", {"bob", "dora"}, id="it waits as a whole: the same"),
        pytest.param("unenroll", {"dora"}, id="it is withdrawn: who moved; its own people stay until then"),
    ],
)
def test_what_waits_for_nobody_is_taken_from_a_customers_plan(kind: Any, leavers: set[str]) -> None:
    """Nothing is made or changed, and no company is withdrawn: people alone, and who may follow the admin."""
    change = PlannedChange(
        customer_id="C001042",
        kind=kind,
        name="Northwind",
        company_id=61427,
        held_back=("contact:cleo",),
        leavers=("dora",),
        access_ended_at_utc=WHEN,
    )
    plan = early_plan(change, CUSTOMER, a_connector())
    assert plan == CustomerPlan(
        customer_id="C001042",
        kind="access",
        record_id=CUSTOMER.record_id,
        erp_reference="61427",
        leavers=frozenset(leavers),
        successors=plan.successors,
        colleagues=frozenset({"ann", "cleo"}),
        name="Northwind",
        company_id=61427,
        held_back=("contact:cleo",),
        access_ended_at_utc=WHEN,
    )
    assert [user.key for user in plan.successors] == ["ann", "cleo", "ACCOUNT"]


def goes(key: str) -> UserOperation:
    """Remove a user."""
    return UserOperation(action=Action.DELETE_USER, key=key, store_id=2, old=user_fields(a_user(key)))


def status(new: CompanyStatus) -> StatusOperation:
    """Set the company's status."""
    return StatusOperation(action=Action.SET_STATUS, key="C001042", store_id=61427, new=new, old=CompanyStatus.PENDING)


MADE = UserOperation(action=Action.CREATE_USER, key="bob", new=user_fields(a_user("bob")))
CLOSES, OPENS = status(CompanyStatus.INACTIVE), status(CompanyStatus.APPROVED)


@pytest.mark.parametrize(
    ("kind", "leavers", "operations", "count"),
    [
        pytest.param("sync", (), (), 0, id="nobody goes"),
        pytest.param("sync", (), (goes("zoe"), MADE), 0, id="who is only absent is not denied access"),
        pytest.param("sync", (), (goes("bob"), goes("zoe")), 1, id="who is denied access"),
        pytest.param("sync", ("zoe",), (goes("bob"), goes("zoe")), 2, id="who is denied access, and who moved"),
        pytest.param("sync", (), (goes("bob (former)"),), 1, id="a former user of such a contact"),
        pytest.param("sync", ("zoe",), (OPENS, goes("bob"), goes("zoe")), 2, id="the company trades again"),
        pytest.param("sync", (), (CLOSES,), 1, id="nobody may follow the admin: it is the admin who loses access"),
        pytest.param("access", ("zoe",), (goes("zoe"),), 1, id="the customer waits as a whole"),
        pytest.param("unenroll", (), (CLOSES, goes("bob")), 0, id="it is withdrawn: its own people wait for that"),
        pytest.param("unenroll", ("zoe",), (CLOSES, goes("bob"), goes("zoe")), 1, id="it is withdrawn: who moved"),
    ],
)
def test_users_who_leave_are_counted(kind: Any, leavers: tuple[str, ...], operations: Any, count: int) -> None:
    """The question to a person says how many lose access at once, and how many wait for the answer."""
    plan = CustomerPlan(customer_id="C001042", kind=kind, leavers=frozenset(leavers), operations=operations)
    assert leaving_users(plan, CUSTOMER, a_connector()) == count
