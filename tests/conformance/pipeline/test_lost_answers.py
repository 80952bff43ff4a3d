"""What was sent and not answered is read back by what was sent, whatever the source says by the next run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from customer_sync.errors import PlanRefused, SyncError
from customer_sync.ledger.storage.schema import lease
from customer_sync.model.company import CompanyStatus
from customer_sync.model.customer import PostalAddress
from customer_sync.model.operation import Action
from customer_sync.pipeline import run
from customer_sync.targets.port import ActionCost
from tests.adapters.faults import Crash, Fault, FaultPlan, FaultySource, FaultyTarget
from tests.adapters.in_memory_source import InMemorySource
from tests.adapters.in_memory_target import InMemoryStore, InMemoryTarget
from tests.adapters.store_rules import COSTS
from tests.conformance.pipeline.world import World

T = TypeVar("T")


@dataclass
class _DiesAt(FaultPlan):
    """The process dies when the store has done, or answered, the first request of a kind, before that is kept."""

    request: str = ""

    def read(self, side: str, what: str, ask: Callable[[], T]) -> T:
        if what == self.request:
            self.die()
        return super().read(side, what, ask)

    def write(
        self, side: str, what: str, send: Callable[[], T], half: Callable[[], object] | None = None, rows: int = 1
    ) -> T:
        done = super().write(side, what, send, half, rows)
        if what == self.request:
            self.die()
        return done


@dataclass
class _IsStoppedAfter(FaultPlan):
    """The store does the first write of a kind, or a part of it, nobody learns so, and then it takes nothing more."""

    request: str = ""
    fault: Fault = Fault.LOST
    is_stopped: bool = False

    def write(
        self, side: str, what: str, send: Callable[[], T], half: Callable[[], object] | None = None, rows: int = 1
    ) -> T:
        if self.is_stopped:
            self.faults = {len(self.events) + 1: Fault.REFUSED}
        elif what == self.request:
            self.is_stopped = True
            self.faults = {len(self.events) + 1: self.fault} if self.fault is not Fault.REFUSED else {}
        return super().write(side, what, send, half, rows)


def stopped_after(world: World, request: str, fault: Fault = Fault.LOST) -> None:
    """Run the sync until a write has no answer; the budget is used up before it can be sent again."""
    plan = _IsStoppedAfter(request=request, fault=fault)
    target, source = InMemoryTarget(world.store), InMemorySource(world.erp)
    with plan.watching_commits(), pytest.raises(SyncError), FaultyTarget(target, plan) as faulty:
        run(world.connector, FaultySource(source, plan), faulty, world.ledger_url)
    assert plan.is_stopped


def killed_at(world: World, request: str) -> None:
    """Run the sync until the store has done a write, or is asked; the answer is lost, the dead run's lease ends."""
    plan = _DiesAt(request=request)
    target, source = InMemoryTarget(world.store), InMemorySource(world.erp)
    with plan.watching_commits(), pytest.raises(Crash), FaultyTarget(target, plan) as faulty:
        run(world.connector, FaultySource(source, plan), faulty, world.ledger_url)
    engine = sa.create_engine(world.ledger_url)
    with engine.begin() as connection:
        connection.execute(sa.update(lease).values(holder=""))
    engine.dispose()


@pytest.fixture
def world() -> World:
    """A customer with a primary contact and a colleague, nothing in the store yet."""
    world = World()
    world.save("N4", world.contact("Ann", is_primary=True), world.contact("Bob"))
    return world


def users_of(world: World, number: str) -> dict[str, int]:
    """First part of the e-mail -> id of the users of a customer's company."""
    company_id = world.company(number).id
    users = [each for each in world.store.users.values() if each.company_id == company_id]
    return {each.fields.email.partition("@")[0]: each.id for each in users}


def test_a_company_is_its_records_after_the_number_changed_and_was_used_again(world: World) -> None:
    """The company gets the new number; the customer with the former one gets a company of its own."""
    killed_at(world, Action.CREATE_COMPANY)
    (company_id,) = world.store.companies
    world.erp.rename("N4", "N3")
    world.change("N3", "Ann", email="ann.moss@people.example")
    world.save("N4", world.contact("Cleo", is_primary=True), email="office@other.example")
    world.sync()
    world.sync()
    assert world.company("N3").id == company_id
    assert world.users("N3") == {"ann.moss": "Admin", "bob": "Junior Buyer"}
    assert world.users("N4") == {"cleo": "Admin"}


def test_an_address_made_under_the_former_number_is_kept(world: World) -> None:
    """It gets the external id of the new number, and there is no second one."""
    killed_at(world, Action.CREATE_ADDRESS)
    (address_id,) = world.store.addresses
    world.erp.rename("N4", "N3")
    world.sync()
    assert {each.id: each.fields.external_id for each in world.store.addresses.values()} == {address_id: "N3:MAIN"}


@pytest.mark.parametrize("edit", [{"active": False}, {"enabled": False}], ids=["left", "unticked"])
def test_an_admin_who_left_before_the_read_back_loses_access(world: World, edit: dict[str, Any]) -> None:
    """The company's first user is known by the e-mail that was sent."""
    killed_at(world, Action.CREATE_COMPANY)
    world.change("N4", "Ann", **edit)
    world.sync()
    assert world.users("N4") == {"bob": "Admin"}


def test_an_admin_whose_email_changed_stays_the_same_user(world: World) -> None:
    """The first user belongs to the contact that it was made for, and gets the new e-mail."""
    killed_at(world, Action.CREATE_COMPANY)
    made = users_of(world, "N4")["ann"]
    world.change("N4", "Ann", email="ann.moss@people.example")
    world.sync()
    assert users_of(world, "N4")["ann.moss"] == made
    assert world.users("N4") == {"ann.moss": "Admin", "bob": "Junior Buyer"}


def test_a_user_whose_email_changed_is_not_made_twice(world: World) -> None:
    """The user belongs to the contact that it was sent for, and gets the new e-mail."""
    killed_at(world, Action.CREATE_USER)
    made = users_of(world, "N4")["bob"]
    world.change("N4", "Bob", email="bob.moss@people.example")
    world.sync()
    assert users_of(world, "N4")["bob.moss"] == made
    assert world.users("N4") == {"ann": "Admin", "bob.moss": "Junior Buyer"}


def test_the_admin_of_a_new_company_is_remembered_as_the_store_has_it(world: World) -> None:
    """The company was confirmed and not read back; the name that changed meanwhile is written."""
    world.save("N4", locations=())
    killed_at(world, "user_by_email")
    assert [user.fields.first_name for user in world.store.users.values()] == ["Ann"]
    world.change("N4", "Ann", last_name="Moss")
    world.sync()
    assert {user.fields.last_name for user in world.store.users.values()} == {"Moss", "Person"}


def test_an_update_that_was_taken_back_is_taken_back_in_the_store(world: World) -> None:
    """The company's name and a user's e-mail are what they were before."""
    world.sync()
    for action in (Action.UPDATE_COMPANY, Action.UPDATE_USER):
        world.save("N4", name="Another name")
        world.change("N4", "Bob", email="bob.moss@people.example")
        killed_at(world, action)
        world.save("N4", name="Firm N4")
        world.change("N4", "Bob", email="bob@people.example")
        world.sync()
        assert world.company("N4").fields.company_name == "Firm N4"
        assert world.users("N4") == {"ann": "Admin", "bob": "Junior Buyer"}


_EDITS: dict[Action, tuple[dict[str, Any], dict[str, Any]]] = {
    Action.UPDATE_COMPANY: ({"name": "Another name"}, {"name": "Firm N4"}),
    Action.SET_STATUS: ({"status": "Inactive"}, {"status": "Active"}),
    Action.SET_PAYMENT_METHODS: ({"terms": "COD"}, {"terms": ""}),
    Action.SET_PAYMENT_TERMS: ({"terms": "NET30"}, {"terms": ""}),
}
"""Action -> an edit of the customer that leads to it, and the one that takes it back."""


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE])
@pytest.mark.parametrize("action", _EDITS)
def test_what_was_not_sent_again_is_still_unknown(world: World, action: Action, fault: Fault) -> None:
    """It may be repeated without a look, and was not: the next run looks, though the ERP wants nothing of it now."""
    world.rules = {
        "terms": {
            "COD": {"days": 0, "payment_methods": {"cod": True}},
            "NET30": {"days": 30, "payment_methods": {"cheque": True}},
        },
        "guards": {"always_allowed": 10},
    }
    world.sync()
    edit, back = _EDITS[action]
    world.save("N4", **edit)
    stopped_after(world, action, fault)
    world.save("N4", **back)
    world.sync()
    assert world.company("N4").fields.company_name == "Firm N4"
    assert world.company("N4").status is CompanyStatus.APPROVED
    assert world.methods("N4") == set()
    terms = world.terms("N4")
    assert terms is None or not terms.is_enabled
    assert world.requests_of_one_more_run()["POST"] == 0


@pytest.mark.parametrize("change", [{"last_name": "Moss"}, {"email": "bob.moss@people.example"}])
def test_a_user_that_was_not_updated_again_is_still_unknown(world: World, change: dict[str, str]) -> None:
    """As above for a part of the company."""
    world.sync()
    world.change("N4", "Bob", **change)
    stopped_after(world, Action.UPDATE_USER)
    world.change("N4", "Bob", last_name="Person", email="bob@people.example")
    world.sync()
    (bob,) = [each.fields for each in world.store.users.values() if each.fields.first_name == "Bob"]
    assert (bob.last_name, bob.email) == ("Person", "bob@people.example")


def test_rows_that_a_refused_request_stored_are_not_forgotten(world: World) -> None:
    """The store refused one address of a request and kept the other; the run ended before each was sent alone."""
    place, spoilt = world.erp.customer("N4").locations[0], PostalAddress(line1="1 Quay", city="Nowhere", country="US")
    world.save("N4", locations=(place, replace(place, location_id="WEST")))
    world.store = InMemoryStore(
        costs={**COSTS, Action.UPDATE_ADDRESS: ActionCost(rows=10, is_atomic=False)}, refused=frozenset({"Nowhere"})
    )
    world.sync()
    moved = replace(place.address, line1="1 Quay")
    changed = (replace(place, address=moved), replace(place, location_id="WEST", address=spoilt))
    world.save("N4", locations=changed)
    stopped_after(world, Action.UPDATE_ADDRESS, Fault.REFUSED)
    world.save("N4", locations=(place, replace(place, location_id="WEST")))
    world.sync()
    assert {each.fields.address_line1 for each in world.store.addresses.values()} == {place.address.line1}


@pytest.mark.parametrize("is_taken", [False, True], ids=["free", "of a colleague"])
def test_a_first_user_who_was_not_read_back_stays_the_same_user(world: World, *, is_taken: bool) -> None:
    """The company was confirmed: its first user belongs to the contact that it was sent for, whatever e-mail it has."""
    killed_at(world, "user_by_email")
    made = users_of(world, "N4")["ann"]
    if is_taken:
        world.change("N4", "Bob", email="ann@people.example")
        world.change("N4", "Ann", email="bob@people.example")
    else:
        world.change("N4", "Ann", email="ann.moss@people.example")
    world.sync()
    (ann,) = [each for each in world.store.users.values() if each.fields.first_name == "Ann"]
    assert (ann.id, ann.fields.role) == (made, "Admin")
    assert len(world.store.users) == 2


def test_a_number_that_changed_since_does_not_hide_the_first_user(world: World) -> None:
    """The company follows its record, with the contact for whom its first user was made."""
    killed_at(world, "user_by_email")
    made = users_of(world, "N4")["ann"]
    world.erp.rename("N4", "N3")
    world.change("N3", "Ann", email="ann.moss@people.example")
    world.sync()
    assert users_of(world, "N3")["ann.moss"] == made


def test_a_first_user_who_was_not_read_back_loses_access_though_a_guard_trips(world: World) -> None:
    """What the record denies needs nobody's yes, also of a company that was not finished."""
    world.save("N5", world.contact("Cleo"))
    world.sync()
    world.save("N6", world.contact("Dan", is_primary=True), world.contact("Eve"))
    killed_at(world, "user_by_email")
    world.rules = {"guards": {"most_withdrawn": 0, "always_allowed": 0}}
    world.change("N6", "Dan", active=False)
    world.save("N5", enabled=False)
    with pytest.raises(PlanRefused, match="1 user of people who have left lost access"):
        world.sync()
    assert world.users("N6") == {"eve": "Admin"}


@pytest.mark.parametrize("waits", [{"status": "On Hold"}, {"phone": ""}], ids=["on hold", "cannot be stored"])
@pytest.mark.parametrize(("request_name", "who"), [("create_user", "Bob"), ("user_by_email", "Ann")])
def test_a_user_whose_answer_was_lost_leaves_a_customer_that_waits(
    world: World, request_name: str, who: str, waits: dict[str, str]
) -> None:
    """Nothing is made of the customer, and what was sent for it is read back all the same."""
    world.rules = {"guards": {"least_eligible_share": 0}}
    killed_at(world, request_name)
    world.save("N4", **waits)
    world.change("N4", who, active=False)
    world.sync()
    assert who.lower() not in world.users("N4")


def test_a_user_whose_answer_was_lost_leaves_a_customer_on_hold_for_another_one(world: World) -> None:
    """Nothing of the customer is to be done, and what was sent is read back: the next run knows who has moved."""
    world.rules = {"guards": {"least_eligible_share": 0}}
    killed_at(world, "create_user")
    ann, bob = world.erp.customer("N4").contacts
    world.save("N4", ann, status="On Hold")
    world.save("N5", world.contact("Cleo", is_primary=True), bob)
    for _ in range(2):
        world.sync(mode="full")
    assert set(world.users("N4")) == {"ann"}
    world.sync()
    assert set(world.users("N5")) == {"cleo", "bob"}


def test_a_removal_that_was_taken_back_is_made_good(world: World) -> None:
    """A contact that is back has a user again."""
    world.sync()
    world.change("N4", "Bob", active=False)
    killed_at(world, Action.DELETE_USER)
    world.change("N4", "Bob", active=True)
    world.sync()
    assert world.users("N4") == {"ann": "Admin", "bob": "Junior Buyer"}


def test_a_withdrawn_customer_with_another_number_does_not_trade(world: World) -> None:
    """The company that was made is found under the number that was sent, and ended."""
    killed_at(world, Action.CREATE_COMPANY)
    world.erp.rename("N4", "N3")
    world.save("N3", status="Inactive")
    world.sync()
    assert world.may_enter("N4") == set()


@pytest.mark.parametrize("request_name", ["create_company", "create_address", "user_by_email", "create_user"])
@pytest.mark.parametrize("leaves", ["is deleted", "is switched off", "has another e-mail"])
def test_the_first_user_of_a_company_that_was_not_finished_leaves_with_its_contact(
    world: World, request_name: str, leaves: str
) -> None:
    """Whatever the dead run still came to, the next one knows who was made with the company."""
    killed_at(world, request_name)
    if leaves == "is deleted":
        world.save("N4", world.contact("Bob"))
    elif leaves == "is switched off":
        world.change("N4", "Ann", active=False)
    else:
        world.change("N4", "Ann", email="anna@people.example")
    world.sync()
    stays = {"anna": "Admin", "bob": "Junior Buyer"} if leaves == "has another e-mail" else {"bob": "Admin"}
    assert world.users("N4") == stays
    world.sync()
    assert world.users("N4") == stays
