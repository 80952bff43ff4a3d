"""Who follows an admin that goes, and what becomes of a company of which nobody may be admin (docs/people.md#admin)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from customer_sync.errors import ConfigError, PlanRefused
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import Action
from customer_sync.targets.port import Order
from tests.adapters.in_memory_target import InMemoryStore
from tests.conformance.pipeline.world import World

REFUSE = {"contacts": {"admin_fallback": "refuse"}}
BATCHES = [{}, {"batch": {"size": 1, "largest": 1}}]
TROUBLES = [{"status": "On Hold"}, {"email": ""}, {"phone": ""}]

each_batching = pytest.mark.parametrize("batches", BATCHES, ids=["one batch", "a batch each"])
each_trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=["on hold", "no e-mail", "no phone"])


class OpensForNewUsers(InMemoryStore):
    """A store that approves a company whenever a user of it is made or deleted."""

    def write(self, action: Action, order: Order) -> int:
        done = super().write(action, order)
        if action in {Action.CREATE_USER, Action.DELETE_USER}:
            have = self.companies[order.company_id]
            self.companies[order.company_id] = replace(have, status=CompanyStatus.APPROVED)
        return done


def made(*rules: dict[str, Any]) -> World:
    """Both systems under some rules, with one customer of whom nothing changes."""
    world = World(rules={name: value for part in rules for name, value in part.items()})
    world.save("Z", world.contact("Zoe", is_primary=True))
    return world


def quiet(world: World) -> None:
    """Two more full runs write nothing."""
    before = (dict(world.store.companies), dict(world.store.users), world.directory())
    world.sync(mode="full")
    world.sync(mode="full")
    assert (world.store.companies, world.store.users, world.directory()) == before


# Nobody may be admin.


def test_a_company_whose_only_contact_is_deleted_stops_trading() -> None:
    """The record denies him nothing, it only does not show him; the company trades again with the first successor."""
    world = made(REFUSE)
    world.save("A", world.contact("Ann", is_primary=True))
    world.sync()
    world.erp.save(replace(world.erp.customer("A"), contacts=()))
    world.sync()
    assert world.may_enter("A") == set()
    assert world.outcome("A") == "quarantined"
    assert world.waits("A") == [("customer:", "no_admin_contact")]
    quiet(world)
    world.save("A", world.contact("Bob", is_primary=True))
    world.sync()
    assert world.may_enter("A") == {"bob"}


def test_the_guards_count_companies_that_stop_since_nobody_may_be_admin() -> None:
    """Mere absence takes no access away before a person has said yes."""
    world = made(REFUSE, {"guards": {"most_withdrawn_share": 0.1, "always_allowed": 0}})
    for number in "ABCD":
        world.save(number, world.contact(f"P{number}", is_primary=True))
    world.sync()
    for number in "ABCD":
        world.erp.save(replace(world.erp.customer(number), contacts=()))
    with pytest.raises(PlanRefused):
        world.sync()
    assert [len(world.may_enter(number)) for number in "ABCD"] == [1, 1, 1, 1]


# A customer that waits as a whole.


@each_trouble
def test_a_junior_user_with_the_account_email_follows_the_admin(trouble: dict[str, str]) -> None:
    """His contact cannot be a user any more, and the account cannot be made with his e-mail: he is the account."""
    world = made()
    office = world.contact("Ben", "office@a.example")
    world.save("A", world.contact("Ann", is_primary=True), office)
    world.sync()
    left = world.contact("Ann", is_primary=True, active=False)
    world.save("A", left, replace(office, last_name=""), **{"email": "office@a.example", **trouble})
    world.sync()
    if trouble != {"email": ""}:
        assert world.users("A") == {"office": "Admin"}
    assert world.may_enter("A") == {"office"}
    quiet(world)


@pytest.mark.parametrize("trouble", TROUBLES[:2], ids=["on hold", "no e-mail"])
def test_a_colleague_who_stays_is_admin_before_a_company_closes(trouble: dict[str, str]) -> None:
    """Her contact has no e-mail in the ERP, and nobody denies her access; she is there."""
    world = made(REFUSE)
    world.save("A", world.contact("Ann", is_primary=True), world.contact("Bea"))
    world.sync()
    gone = world.contact("Ann", is_primary=True, active=False)
    world.save("A", gone, replace(world.contact("Bea"), email=""), **trouble)
    world.sync()
    assert world.users("A") == {"bea": "Admin"}
    assert world.may_enter("A") == {"bea"}
    quiet(world)


@each_batching
@pytest.mark.parametrize(("held", "giver"), ["AB", "BA"])
def test_an_account_email_that_is_freed_in_the_same_run_keeps_the_company_open(
    batches: dict[str, Any], held: str, giver: str
) -> None:
    """On hold, its only admin has left, and another customer's user gives its Account Email up: nothing closes."""
    world = made(batches)
    world.save(held, world.contact("Ann", is_primary=True))
    world.save(giver, world.contact("Bob", is_primary=True), world.contact("Off", f"office@{held.lower()}.example"))
    world.sync()
    world.save(held, world.contact("Ann", is_primary=True, active=False), status="On Hold")
    world.change(giver, "Off", active=False)
    world.sync()
    assert world.may_enter(held) == {"office"}
    assert world.may_enter(giver) == {"bob"}
    quiet(world)


@each_batching
@pytest.mark.parametrize(("held", "giver"), ["AB", "BA"])
def test_an_account_email_that_stays_taken_closes_the_company_until_it_is_free(
    batches: dict[str, Any], held: str, giver: str
) -> None:
    """It says for whom it waits, and the leaver goes in the run that frees the e-mail."""
    world = made(batches)
    world.save(held, world.contact("Ann", is_primary=True))
    world.save(giver, world.contact("Bob", is_primary=True), world.contact("Off", f"office@{held.lower()}.example"))
    world.sync()
    world.save(held, world.contact("Ann", is_primary=True, active=False), status="On Hold")
    world.sync()
    assert world.may_enter(held) == set()
    quiet(world)
    assert world.waits(held) == [("contact:ACCOUNT", "email_in_use")]
    world.change(giver, "Off", active=False)
    world.sync()
    assert world.users(held) == {"office": "Admin"}
    quiet(world)


# Companies that do not trade, and what they have that others claim.


@each_batching
def test_a_closed_company_gives_its_admins_email_up_where_a_colleague_stays(batches: dict[str, Any]) -> None:
    """Without a fallback the colleague is its admin; it stays closed."""
    world = made(REFUSE, batches)
    world.save("W", world.contact("Mia", is_primary=True), world.contact("Wil"))
    world.save("B", world.contact("Bob", is_primary=True))
    world.sync()
    world.save("W", enabled=False)
    world.sync()
    world.save("B", world.contact("Bob", is_primary=True), world.contact("Mia2", "mia@people.example"))
    world.sync()
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}
    assert world.users("W") == {"wil": "Admin"}
    assert world.company("W").status is CompanyStatus.INACTIVE
    quiet(world)


@each_batching
def test_of_two_claims_on_a_closed_company_one_is_met_whatever_the_batches(batches: dict[str, Any]) -> None:
    """Its last user cannot be deleted, so its admin stays: who claims that e-mail waits, and is told why."""
    world = made(REFUSE, batches)
    world.save("W", world.contact("Mia", is_primary=True), world.contact("Wil"))
    for number in "BC":
        world.save(number, world.contact(f"P{number}", is_primary=True))
    world.sync()
    world.save("W", enabled=False)
    world.sync()
    world.save("B", *world.erp.customer("B").contacts, world.contact("Mia2", "mia@people.example"))
    world.save("C", *world.erp.customer("C").contacts, world.contact("Wil2", "wil@people.example"))
    world.sync()
    assert world.users("C") == {"pc": "Admin", "wil": "Junior Buyer"}
    assert world.users("B") == {"pb": "Admin"}
    assert world.waits("B") == [("contact:Mia2", "held_by_withdrawn_company")]
    assert any("customer W, whose company is closed" in line for line in world.story("B"))
    quiet(world)


@each_trouble
def test_who_moved_away_from_a_company_that_closes_waits_for_a_closed_company(trouble: dict[str, str]) -> None:
    """The last user of a company cannot be deleted: the reason says so, and not that somebody uses the e-mail."""
    world = made(REFUSE)
    world.save("A", world.contact("Ann", is_primary=True))
    world.save("B", world.contact("Bob", is_primary=True))
    world.sync()
    world.erp.save(replace(world.erp.customer("A"), contacts=(), **trouble))
    world.save("B", world.contact("Bob", is_primary=True), world.contact("Ann"))
    world.sync()
    assert world.may_enter("A") == set()
    assert world.waits("B") == [("contact:Ann", "held_by_withdrawn_company")]
    quiet(world)


@each_batching
def test_nobody_takes_the_place_of_the_last_user_where_the_policy_says_so(batches: dict[str, Any]) -> None:
    """A closed company keeps a user in the lowest role, and the person is a user of the customer that claims it."""
    world = made(REFUSE, batches, {"policy": {"released_email": "released-{user_id}@example.com"}})
    world.save("W", world.contact("Mia", is_primary=True))
    world.save("B", world.contact("Bob", is_primary=True))
    world.sync()
    (mia,) = [each.id for each in world.store.users.values() if each.fields.first_name == "Mia"]
    world.save("W", enabled=False)
    world.sync()
    world.save("B", *world.erp.customer("B").contacts, world.contact("Mia2", "mia@people.example"))
    world.sync()
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}
    assert world.users("W") == {f"released-{mia}": "Junior Buyer"}
    assert world.company("W").status is CompanyStatus.INACTIVE
    quiet(world)
    world.save("W", world.contact("Will", is_primary=True), enabled=True)
    world.sync()
    assert world.may_enter("W") == {"will"}


def test_a_company_stays_closed_where_the_store_opens_it_for_a_new_user() -> None:
    """Its status is looked at again after nobody took the place of its last person."""
    world = made(REFUSE, {"policy": {"released_email": "released-{user_id}@example.com"}})
    world.store = OpensForNewUsers()
    world.save("W", world.contact("Mia", is_primary=True))
    world.save("B", world.contact("Bob", is_primary=True))
    world.sync()
    world.save("W", enabled=False)
    world.sync()
    world.save("B", *world.erp.customer("B").contacts, world.contact("Mia2", "mia@people.example"))
    world.sync()
    assert "mia" in world.users("B")
    assert world.company("W").status is CompanyStatus.INACTIVE


# What the store demands.


def test_a_company_that_closed_for_a_demand_opens_when_the_demand_is_gone() -> None:
    """Nobody could be made admin in place of a leaver; the refusal does not say that nothing was changed."""
    world = made()
    world.save("A", world.contact("Ann", is_primary=True))
    world.sync()
    world.store.demanded = {"user": frozenset({"Cost Centre"})}
    world.change("A", "Ann", active=False)
    for _ in range(2):
        with pytest.raises(ConfigError, match="access is taken away all the same"):
            world.sync()
        assert world.may_enter("A") == set()
    world.store.demanded = {}
    world.sync()
    assert world.users("A") == {"office": "Admin"}
    assert world.may_enter("A") == {"office"}
    quiet(world)


def test_leavers_of_every_batch_go_although_a_demand_stops_the_first() -> None:
    """The run fails by the demand's name, after all of its batches took access away."""
    world = made(BATCHES[1])
    for number in "ABC":
        world.save(number, world.contact(f"P{number}", is_primary=True), world.contact(f"Q{number}"))
    world.sync()
    world.store.demanded = {"user": frozenset({"Cost Centre"})}
    for number in "ABC":
        world.change(number, f"Q{number}", active=False)
        world.save(number, *world.erp.customer(number).contacts, world.contact(f"N{number}"))
    with pytest.raises(ConfigError, match="Cost Centre"):
        world.sync()
    assert [world.users(number) for number in "ABC"] == [{"pa": "Admin"}, {"pb": "Admin"}, {"pc": "Admin"}]
