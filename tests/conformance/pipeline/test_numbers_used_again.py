"""A number that passes to another record, whatever became of the one that had it: deleted, on hold, or a stranger's."""

from __future__ import annotations

import pytest

from customer_sync.model.company import CompanyFields, CompanyStatus
from customer_sync.targets.port import StoredCompany
from tests.adapters.store_rules import KEY_FIELD
from tests.conformance.pipeline.world import World


@pytest.fixture
def world() -> World:
    """Two customers, synced."""
    world = World()
    for number in ("C1", "C2"):
        world.save(number, world.contact(f"Ann{number}", is_primary=True))
    world.sync()
    return world


def swap(world: World, one: str, other: str) -> None:
    """Two customers exchange their numbers."""
    world.erp.rename(one, "BETWEEN")
    world.erp.rename(other, one)
    world.erp.rename("BETWEEN", other)


def trading(world: World) -> dict[str, set[str]]:
    """Key -> users of the companies that trade."""
    keys = [each.key for each in world.store.companies.values() if each.status is CompanyStatus.APPROVED]
    return {key: set(world.users(key)) for key in keys}


def test_a_deleted_customer_whose_number_is_used_again_is_withdrawn_by_the_full_run(world: World) -> None:
    """The run that shows its number with another record, and its own nowhere, takes its company out of trade."""
    former = world.erp.customer("C2").record_id
    world.erp.delete("C2")
    world.save("C2", world.contact("Newcomer", is_primary=True))
    report = world.sync(mode="full")
    assert trading(world) == {"C1": {"annc1"}, "C2": {"newcomer"}}
    assert world.company(f"~{former}").status is CompanyStatus.INACTIVE
    assert report.outcomes == {"unchanged": 1, "created": 1, "deactivated": 1}
    assert report.reasons == {"deleted_in_erp": 1}
    assert world.sync(mode="full").outcomes == {"unchanged": 2}


def test_a_customer_that_is_deleted_after_a_swap_is_withdrawn_by_the_full_run(world: World) -> None:
    """The one with whom it exchanged numbers goes on under its own new one."""
    swap(world, "C1", "C2")
    world.erp.delete("C1")
    world.sync(mode="full")
    assert trading(world) == {"C2": {"annc1"}}
    assert sorted(each.status.name for each in world.store.companies.values()) == ["APPROVED", "INACTIVE"]


def test_an_incremental_run_withdraws_nobody_whose_number_is_used_again(world: World) -> None:
    """It reads a part only; the former company trades under its record's id until a full run."""
    former = world.erp.customer("C2").record_id
    world.erp.delete("C2")
    world.save("C2", world.contact("Newcomer", is_primary=True))
    world.sync()
    assert trading(world) == {"C1": {"annc1"}, "C2": {"newcomer"}, f"~{former}": {"annc2"}}
    world.sync(mode="full")
    assert trading(world) == {"C1": {"annc1"}, "C2": {"newcomer"}}


def test_whoever_moved_out_of_a_customer_whose_number_is_used_again_loses_access(world: World) -> None:
    """The former record is gone; of its company an incremental run takes away who works elsewhere now, nobody else."""
    mover = world.contact("Mia", "mia@people.example")
    world.save("C2", *world.erp.customer("C2").contacts, mover)
    world.sync()
    former = world.erp.customer("C2").record_id
    world.erp.delete("C2")
    world.save("C2", world.contact("Newcomer", is_primary=True))
    world.save("C1", *world.erp.customer("C1").contacts, mover)
    world.sync()
    assert trading(world) == {"C1": {"annc1", "mia"}, "C2": {"newcomer"}, f"~{former}": {"annc2"}}


def test_a_long_read_withdraws_whose_number_is_used_again_when_all_of_it_was_read(world: World) -> None:
    """The first run of a chain shows the number's new owner, the last one ends what is left of the former."""
    world.rules = {"batch": {"size": 1, "largest": 1, "count": 2}, "window_overlap_minutes": 11}
    world.erp.delete("C1")
    world.save("C1", world.contact("Newcomer", is_primary=True))
    world.save("C3", world.contact("Cleo", is_primary=True))
    world.sync(mode="full")
    assert set(trading(world)) > {"C1", "C2"}
    world.sync(mode="full")
    assert trading(world) == {"C1": {"newcomer"}, "C2": {"annc2"}, "C3": {"cleo"}}


def test_a_customer_on_hold_exchanges_numbers_with_a_new_one(world: World) -> None:
    """The run ends well: the company on hold gives its key up and keeps its people, the new customer gets its own."""
    company_id = world.company("C2").id
    world.save("C2", status="On Hold")
    world.save("C3", world.contact("Cleo", is_primary=True))
    swap(world, "C2", "C3")
    report = world.sync(mode="full")
    assert report.outcomes["created"] == 1
    assert set(world.users("C2")) == {"cleo"}
    users = [each for each in world.store.users.values() if each.company_id == company_id]
    assert [each.fields.email for each in users] == ["annc2@people.example"]


def test_a_strangers_company_keeps_a_key_that_a_customer_gets_as_its_number(world: World) -> None:
    """What a crawl found by its key alone is not ours to change: the customer waits, with the store's words."""
    fields = CompanyFields(
        company_name="Stranger",
        company_phone="+1 555 010 0199",
        company_email="sam@else.example",
        country="US",
        extra_fields={KEY_FIELD: "C9"},
    )
    world.store.companies[900] = StoredCompany(id=900, key="C9", fields=fields)
    world.store.stamps_s[900] = 0
    world.save("C3", world.contact("Cleo", is_primary=True))
    world.sync()
    world.erp.rename("C1", "C9")
    world.sync(mode="full")
    assert world.store.companies[900].key == "C9"
    assert world.outcome("C9") == "quarantined"
    assert world.users("C1") == {"annc1": "Admin"}


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_who_moved_leaves_a_company_whose_number_went_to_the_new_employer(world: World, mode: str) -> None:
    """The link bears the new employer's number still when the contact is read: the record tells them apart."""
    world.save("C1", *world.erp.customer("C1").contacts, world.contact("Mia"))
    world.sync()
    mia = world.erp.customer("C1").contacts[1]
    world.save("C1", world.erp.customer("C1").contacts[0], status="On Hold")
    world.save("C2", *world.erp.customer("C2").contacts, mia)
    swap(world, "C1", "C2")
    world.sync(mode=mode)
    # Who is on hold gets no new number: the key that another customer needed is parked.
    assert trading(world) == {f"~{world.erp.customer('C2').record_id}": {"annc1"}, "C1": {"annc2", "mia"}}
