"""A reconciliation says equal only where nothing waits: who and what waits is listed, with what it waits for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from customer_sync.model.company import CompanyStatus
from tests.conformance.pipeline.test_parts_stand_alone import UMLAUT
from tests.conformance.pipeline.world import World


@pytest.fixture
def world() -> World:
    """A customer that is synced, with two contacts."""
    world = World()
    world.save("C1", world.contact("Ann", is_primary=True), world.contact("Bob"))
    world.sync()
    assert world.reconcile() == []
    return world


@pytest.mark.parametrize("runs", [0, 1])
@pytest.mark.parametrize("trouble", [{"phone": ""}, {"name": ""}])
def test_a_customer_without_a_company_is_listed(world: World, trouble: dict[str, Any], runs: int) -> None:
    """The store cannot hold it: it waits as a whole, whether a run has read it or not."""
    world.save("C2", world.contact("Cleo"), **trouble)
    for _ in range(runs):
        world.sync()
    assert world.reconcile() == [("C2", "waiting", "customer:")]


def test_a_customer_that_cannot_be_stored_any_more_is_listed(world: World) -> None:
    """It has a company, which is as it was; it is not as it should be."""
    world.save("C1", phone="", name="Another name")
    assert world.reconcile() == [("C1", "waiting", "customer:")]
    world.sync()
    assert world.reconcile() == [("C1", "waiting", "customer:")]


def test_a_part_that_the_store_refused_is_listed_until_it_is_there(world: World) -> None:
    """The company is equal else; what waits is the contact."""
    world.save("C1", *world.erp.customer("C1").contacts, world.contact("Juergen", UMLAUT))
    world.sync()
    assert world.reconcile() == [("C1", "waiting", "contact:Juergen")]
    world.change("C1", "Juergen", email="juergen@firm.example")
    world.sync()
    assert world.reconcile() == []


def test_what_a_difference_tells_is_not_told_twice(world: World) -> None:
    """An e-mail that a user of another company has, and a value that cannot be emptied."""
    world.rules = {"source": {"customer": {"extra_fields": {"Price Level": "PriceClassID"}}}}
    world.save("C1", extra_fields={"Price Level": "GOLD"})
    world.save("C2", world.contact("Cleo", is_primary=True), world.contact("Dan", "bob@people.example"))
    world.sync()
    assert world.reconcile() == [("C2", "user_of_other_company", "contact:Dan")]
    world.save("C1", extra_fields={})
    world.sync()
    assert ("C1", "erp_changed", "customer:") in (found := world.reconcile())
    assert len(found) == 2


def test_a_strangers_company_is_told_once(world: World) -> None:
    """Somebody registered with the customer's number: the finding says so, and the wait is no second one."""
    world.register("stranger", "sam@stranger.example", key="C2")
    world.save("C2", world.contact("Cleo"))
    world.sync()
    assert world.waits("C2") == [("customer:", "adoption_unproven")]
    assert world.reconcile() == [("C2", "link_unproven", "customer:")]
    assert "in the ERP" not in world.explained("C2").waiting[0].waits_for


def test_whose_company_somebody_closed_is_told_once(world: World) -> None:
    """The ledger was lost, and the company closed in the store: it is never reopened, and never equal."""
    company = world.company("C1")
    world.lose_ledger()
    world.store.companies[company.id] = replace(company, status=CompanyStatus.INACTIVE)
    world.sync(mode="full")
    assert world.waits("C1") == [("customer:", "closed_in_store")]
    assert world.reconcile() == [("C1", "link_unproven", "customer:")]
    told = world.explained("C1")
    assert "approved in the store" in told.waiting[0].waits_for
    assert told.next_step == "Approve the company in the store if it may trade again; the sync never reopens it."
