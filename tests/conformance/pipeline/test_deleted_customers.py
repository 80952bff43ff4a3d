"""A customer that was deleted in the ERP loses its company by the policy, once that is certain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from customer_sync.errors import PlanRefused
from customer_sync.model.company import CompanyStatus
from customer_sync.sources.port import CustomerPage, Known, nobody
from tests.adapters.in_memory_source import InMemorySource
from tests.conformance.pipeline.world import World


@pytest.fixture
def world() -> World:
    """Three customers, synced."""
    world = World()
    for number in ("C1", "C2", "C3"):
        world.save(number, world.contact(f"Ann{number}", is_primary=True))
    world.sync()
    return world


def test_a_full_run_withdraws_whom_the_erp_does_not_show_any_more(world: World) -> None:
    """Its company stops trading, and the story says why; the balance counts it."""
    world.erp.delete("C2")
    report = world.sync(mode="full")
    assert world.company("C2").status is CompanyStatus.INACTIVE
    assert world.outcome("C2") == "deactivated"
    assert report.outcomes == {"unchanged": 2, "deactivated": 1}
    assert report.reasons == {"deleted_in_erp": 1}


def test_the_next_full_run_has_nothing_to_do(world: World) -> None:
    """What is withdrawn already is not told again every night."""
    world.erp.delete("C2")
    world.sync(mode="full")
    assert world.sync(mode="full").outcomes == {"unchanged": 2}


def test_an_incremental_run_withdraws_nobody(world: World) -> None:
    """It reads a part only."""
    world.erp.delete("C2")
    world.sync()
    assert world.company("C2").status is CompanyStatus.APPROVED


def test_whoever_moved_out_of_a_deleted_customer_loses_access_in_the_run_that_shows_it(world: World) -> None:
    """The record of the new customer says so, in an incremental run too; the rest of the company waits."""
    mover = world.contact("Mia", "mia@people.example")
    world.save("C2", *world.erp.customer("C2").contacts, mover)
    world.sync()
    world.erp.delete("C2")
    world.save("C3", *world.erp.customer("C3").contacts, mover)
    report = world.sync()
    assert report.reasons["deleted_in_erp"] == 1
    assert world.may_enter("C2") == {"annc2"}
    assert world.users("C3") == {"annc3": "Admin", "mia": "Junior Buyer"}
    world.sync(mode="full")
    assert world.may_enter("C2") == set()


def test_whoever_moved_away_loses_access_although_only_the_new_customer_is_asked_for(world: World) -> None:
    """A selected run of the new one reads the former one, too."""
    mover = world.contact("Mia", "mia2@people.example")
    world.save("C2", *world.erp.customer("C2").contacts, replace(mover, email="mia@people.example"))
    world.sync()
    world.save("C2", *world.erp.customer("C2").contacts[:1])
    world.save("C3", *world.erp.customer("C3").contacts, mover)
    world.sync(mode="selected", customer_ids=["C3"])
    assert world.may_enter("C2") == {"annc2"}
    assert world.may_enter("C3") == {"annc3", "mia2"}


def test_a_selected_run_withdraws_a_deleted_customer(world: World) -> None:
    """A person names it, and the ERP has neither its number nor its record."""
    world.erp.delete("C2")
    world.sync(mode="selected", customer_ids=["C2", "C3"])
    assert world.company("C2").status is CompanyStatus.INACTIVE
    assert world.company("C3").status is CompanyStatus.APPROVED


def test_a_renamed_customer_is_not_gone(world: World) -> None:
    """Its number is not shown any more, its record is."""
    world.erp.rename("C2", "D2")
    world.sync(mode="full")
    assert world.company("D2").status is CompanyStatus.APPROVED


def test_a_record_that_the_list_did_not_show_is_asked_for_by_its_id(world: World) -> None:
    """Absence from a list alone withdraws nobody."""
    shown = InMemorySource.customers_after

    class Forgetful(InMemorySource):
        def customers_after(self, resume_after: str, known: Known = nobody) -> Iterator[CustomerPage]:
            for page in shown(self, resume_after, known):
                page.customers = [each for each in page.customers if each.customer_id != "C2"]
                page.as_before = [each for each in page.as_before if each != "C2"]
                yield page

    world.session = Forgetful
    world.sync(mode="full")
    assert world.company("C2").status is CompanyStatus.APPROVED


def test_a_long_read_withdraws_only_when_all_of_it_was_read(world: World) -> None:
    """A chain of runs reads everything: what an earlier one of them showed is there."""
    world.rules = {"batch": {"size": 1, "largest": 1, "count": 2}, "window_overlap_minutes": 11}
    world.erp.delete("C2")
    world.save("C4", world.contact("Dora", is_primary=True))
    world.save("C5", world.contact("Ella", is_primary=True))
    world.sync(mode="full")
    assert world.company("C2").status is CompanyStatus.APPROVED
    world.sync(mode="full")
    assert world.company("C2").status is CompanyStatus.INACTIVE
    trading = {each.key for each in world.store.companies.values() if each.status is CompanyStatus.APPROVED}
    assert trading == {"C1", "C3", "C4", "C5"}


def test_the_guards_count_whom_the_erp_does_not_show(world: World) -> None:
    """Too many at once wait for a person."""
    world.rules = {"guards": {"always_allowed": 0, "least_eligible_share": 0}}
    world.erp.delete("C2")
    with pytest.raises(PlanRefused, match="most_withdrawn_share"):
        world.sync(mode="full")
    assert world.company("C2").status is CompanyStatus.APPROVED


def test_the_policy_leave_leaves_the_company(world: World) -> None:
    """As for every other customer that is withdrawn."""
    world.rules = {"policy": {"customer": "leave"}}
    world.erp.delete("C2")
    world.sync(mode="full")
    assert world.company("C2").status is CompanyStatus.APPROVED
    assert world.users("C2") == {"annc2": "Admin"}
