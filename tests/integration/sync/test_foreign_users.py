"""Users of a company that is taken over whom the ERP does not know: who is asked, and what becomes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from customer_sync.model.company import UserFields
from customer_sync.model.operation import Action, UserOperation
from customer_sync.steps.approval import approve_plan, ask_for_approval, reject_plan
from customer_sync.targets.port import Order
from tests.integration.twin_world import Attempts, World, attempts

CUSTOMER = "C000044"
SELECTED = {"mode": "selected", "customer_ids": [CUSTOMER]}
EMAIL = "somebody@shop.example"

Lost = Callable[..., World]


@pytest.fixture
def lost(world: World, tmp_path: Path) -> Lost:
    """Sync one customer, let somebody add a user to its company in the store, and lose the ledger."""

    def lose(role: str, **rules: object) -> World:
        world.sync(**SELECTED)
        company_id = world.companies()[CUSTOMER]["companyId"]
        fields = UserFields(email=EMAIL, first_name="Some", last_name="Body", role=role)
        add = UserOperation(action=Action.CREATE_USER, key="somebody", new=fields)
        world.store().perform(Action.CREATE_USER, [Order(add, company_id)])
        world.forget_calls()
        return dataclasses.replace(world, ledger_url=f"sqlite:///{tmp_path / 'another.db'}").with_rules(**rules)

    return lose


def role_of_somebody(world: World) -> str | None:
    """The role of the user that was added by hand; ``None`` where it is gone."""
    users = [user for user in world.store_state()["users"] if user["email"] == EMAIL]
    names = {role["id"]: role["name"] for role in world.store_state()["roles"]}
    return names[users[0]["companyRoleId"]] if users else None


def asked(parts: Attempts) -> str:
    """Plan, and put the question to a person; returns why."""
    parts.plan(can_ask=True)
    ask_for_approval(parts.at("guard"), parts.summary, link="http://h/x")
    return " ".join(parts.summary.why_ask)


def say_yes(parts: Attempts) -> None:
    """Approve what was shown, and apply it."""
    approve_plan(parts.at("guard"), parts.summary.descriptors, parts.planned, by="olga")
    parts.load().audit()


def test_an_unknown_admin_keeps_the_company_from_being_taken_over(lost: Lost) -> None:
    """Whoever is Admin lets others in: nothing is written, and the customer says whom it waits for."""
    world = lost("Admin")
    for _ in range(2):
        world.sync(**SELECTED)
        assert world.last_outcome(CUSTOMER) == ("quarantined", "adoption_asks")
    assert world.store_writes() == []
    assert role_of_somebody(world) == "Admin"
    with world.ledger() as ledger:
        (row,) = ledger.quarantine.load([CUSTOMER])[CUSTOMER]
    assert "Admin whom the ERP does not know" in row.detail


def test_guard_asks_and_a_yes_takes_the_company_over(lost: Lost) -> None:
    """With the policy *report* the Admin stays and is named; before the yes nothing was ours."""
    world = lost("Admin")
    world.sync(**SELECTED)
    with attempts(world, "asked", **SELECTED) as parts:
        assert CUSTOMER in asked(parts)
        say_yes(parts)
        rows = parts.at("audit").ledger.log.rows(run_id="asked", customer_id=CUSTOMER)
    assert world.last_outcome(CUSTOMER) == ("adopted", "")
    assert any("foreign_user" in row["reasons"] for row in rows)
    assert role_of_somebody(world) == "Admin"
    world.sync(**SELECTED)
    assert world.last_outcome(CUSTOMER) == ("unchanged", "")


def test_a_no_leaves_all_as_it_was(lost: Lost) -> None:
    """The customer waits on."""
    world = lost("Admin")
    world.sync(**SELECTED)
    with attempts(world, "refused", **SELECTED) as parts:
        asked(parts)
        reject_plan(parts.at("guard"), parts.summary.descriptors, by="olga")
    assert world.store_writes() == []
    world.sync(**SELECTED)
    assert world.last_outcome(CUSTOMER) == ("quarantined", "adoption_asks")


@pytest.mark.parametrize(("policy", "left"), [("demote", "Junior Buyer"), ("remove", None)])
def test_the_policy_is_applied_after_a_yes_and_not_before(lost: Lost, policy: str, left: str | None) -> None:
    """Demoted or removed with what was before; a second run writes nothing."""
    world = lost("Senior Buyer", policy={"foreign_users": policy})
    world.sync(**SELECTED)
    assert world.last_outcome(CUSTOMER) == ("quarantined", "adoption_asks")
    assert role_of_somebody(world) == "Senior Buyer"
    with attempts(world, "asked", **SELECTED) as parts:
        assert "policy.foreign_users" in asked(parts)
        say_yes(parts)
        (write,) = [
            each
            for each in parts.at("audit").ledger.intents.confirmed("asked", [CUSTOMER])[CUSTOMER]
            if each.action in {"update_user", "delete_user"}
        ]
    assert write.before["role"] == "Senior Buyer"
    assert role_of_somebody(world) == left
    assert world.last_outcome(CUSTOMER) == ("adopted", "")
    world.forget_calls()
    world.sync(**SELECTED)
    assert world.store_writes() == []


def test_a_user_of_a_lower_role_is_named_and_asks_nobody(lost: Lost) -> None:
    """With the policy *report* the company is taken over at once."""
    world = lost("Junior Buyer")
    world.sync(**SELECTED)
    assert world.last_outcome(CUSTOMER) == ("adopted", "")
    assert role_of_somebody(world) == "Junior Buyer"


def test_a_leaver_whom_the_ledger_forgot_loses_access_with_the_adoption(world: World, tmp_path: Path) -> None:
    """A contact to whom the ERP denies access is no stranger: the user goes, nobody is asked."""
    world.sync(**SELECTED)
    contact = world.contact_ids(CUSTOMER)[-1]
    before = {user["uuid"] for user in world.store_state()["users"]}
    assert str(contact) in before
    world.edit("Contact", ContactID=contact, Active=False)
    again = dataclasses.replace(world, ledger_url=f"sqlite:///{tmp_path / 'another.db'}")
    again.sync(**SELECTED)
    assert again.last_outcome(CUSTOMER) == ("adopted", "")
    assert str(contact) not in {user["uuid"] for user in world.store_state()["users"]}
