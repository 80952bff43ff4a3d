"""What a record states explicitly takes access away although a guard stops the rest of the plan."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from customer_sync.errors import PlanRefused
from customer_sync.model.company import CompanyStatus
from tests.conformance.pipeline.world import World


@pytest.fixture
def world() -> World:
    """Three firms with two people each are synced; no more company may be withdrawn without a person's yes."""
    world = World({"guards": {"most_withdrawn": 0, "always_allowed": 0}})
    for number in range(3):
        world.save(f"C{number}", world.contact(f"P{number}", is_primary=True), world.contact(f"Q{number}"))
    world.sync()
    return world


def stopped(world: World, **request: Any) -> str:
    """Why the run was refused."""
    with pytest.raises(PlanRefused) as caught:
        world.sync(**request)
    return str(caught.value)


def test_a_leaver_goes_and_what_the_guard_stops_stays(world: World) -> None:
    """The company that should be withdrawn trades on with its people; the run says what it did all the same."""
    world.save("C0", enabled=False)
    world.change("C1", "Q1", active=False)
    said = stopped(world)
    assert "guards.most_withdrawn" in said
    assert "Nothing was written, but 1 user of people who have left lost access." in said
    assert world.users("C1") == {"p1": "Admin"}
    assert world.may_enter("C0") == {"p0", "q0"}
    assert "done" in world.story("C1")


def test_an_admin_who_leaves_is_replaced_first(world: World) -> None:
    """The next contact is admin before the former one goes."""
    world.save("C0", enabled=False)
    world.change("C1", "P1", enabled=False)
    stopped(world)
    assert world.users("C1") == {"q1": "Admin"}


def test_who_moved_to_another_customer_leaves_the_former_one(world: World) -> None:
    """That a contact is another customer's now is stated by that customer's record."""
    have = world.erp.customer("C1")
    kept, gone = have.contacts
    world.save("C0", enabled=False)
    world.erp.save(replace(have, contacts=(kept,)))
    world.save("C2", *world.erp.customer("C2").contacts, gone)
    stopped(world)
    assert world.users("C1") == {"p1": "Admin"}


def test_mere_absence_waits_with_the_plan(world: World) -> None:
    """A record that does not show a person any more may be cut; only a person's yes takes that access away."""
    world.save("C0", enabled=False)
    world.save("C1", world.erp.customer("C1").contacts[0])
    assert "Nothing was written. " in stopped(world)
    assert world.users("C1") == {"p1": "Admin", "q1": "Junior Buyer"}


def test_no_more_than_the_limit_of_removals_go(world: World) -> None:
    """A rule that suddenly denies everybody access empties no store."""
    world.rules = {"guards": {"most_withdrawn": 0, "most_removed": 2, "always_allowed": 0}}
    for number in range(3):
        world.change(f"C{number}", f"Q{number}", active=False)
    said = stopped(world)
    assert "guards.most_removed" in said
    assert sum(len(world.users(f"C{number}")) for number in range(3)) == 4


def test_leavers_wait_where_a_person_has_a_say_in_every_plan(world: World) -> None:
    """The connector asks before everything, so that nothing at all is written without a yes."""
    world.rules = {**world.rules, "approval": {"ask": "always"}}
    world.change("C1", "Q1", active=False)
    assert "Nothing was written. " in stopped(world)
    assert world.users("C1") == {"p1": "Admin", "q1": "Junior Buyer"}


def test_a_dry_run_and_a_run_that_is_bound_to_another_plan_take_nothing_away(world: World) -> None:
    """One only looks, the other applies exactly its plan or nothing."""
    world.save("C0", enabled=False)
    world.change("C1", "Q1", active=False)
    world.sync(dry_run=True)
    assert "as the run was asked to apply" in stopped(world, plan_hash="0" * 32)
    assert world.users("C1") == {"p1": "Admin", "q1": "Junior Buyer"}


def test_what_waited_is_done_by_the_run_that_may(world: World) -> None:
    """The early removal is not done twice, and the rest follows."""
    world.save("C0", enabled=False)
    world.change("C1", "Q1", active=False)
    stopped(world)
    world.rules = {}
    world.sync()
    assert world.company("C0").status is CompanyStatus.INACTIVE
    assert world.users("C1") == {"p1": "Admin"}
    before = world.requests_of_one_more_run()
    assert before["POST"] == 0


def test_companies_that_close_because_nobody_may_be_admin_are_counted_as_withdrawn() -> None:
    """A switch that was turned off for all contacts closes no more companies than a guard lets."""
    guards = {"most_withdrawn": 1, "always_allowed": 0, "most_removed": 2}
    world = World({"guards": guards, "contacts": {"admin_fallback": "refuse"}})
    for number in range(6):
        world.save(f"C{number}", world.contact(f"P{number}", is_primary=True))
    world.sync()
    for number in range(6):
        world.change(f"C{number}", f"P{number}", enabled=False)
    said = stopped(world)
    assert "guards.most_withdrawn" in said
    assert "Nothing was written, but 2 users of people who have left lost access" in said
    closed = [each for each in world.store.companies.values() if each.status is CompanyStatus.INACTIVE]
    assert len(closed) == guards["most_removed"]
