"""What was sent and not answered is read back by what was sent, whatever the source says by the next run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.schema import lease
from customer_sync.model.operation import Action
from customer_sync.pipeline import run
from tests.adapters.faults import Crash, FaultPlan, FaultySource, FaultyTarget
from tests.adapters.in_memory_source import InMemorySource
from tests.adapters.in_memory_target import InMemoryTarget
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
