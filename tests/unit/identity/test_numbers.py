"""A company belongs to the ERP's record; the number is an attribute that changes, is swapped and is used again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from customer_sync.errors import PlanRefused
from customer_sync.model.company import CompanyStatus
from tests.unit.identity.small_world import SmallWorld


@pytest.fixture
def world() -> SmallWorld:
    """An empty one."""
    return SmallWorld()


def test_a_number_that_is_used_again_after_a_rename_makes_a_second_company(world: SmallWorld) -> None:
    """The old company keeps name and people under its new number, the new customer gets one of its own."""
    world.firm("AAA", "first@a.example", name="The first AAA")
    world.sync()
    first = world.company("AAA").id
    world.erp.rename("AAA", "AAA-OLD")
    second = world.firm("AAA", "second@a.example", name="The second AAA")
    world.settle()

    assert world.keys() == {"AAA-OLD": "The first AAA", "AAA": "The second AAA"}
    assert world.company("AAA-OLD").id == first
    assert world.people("AAA-OLD") == {"first@a.example"}
    assert world.people("AAA") == {"second@a.example"}
    assert world.erp.customer("AAA").reference_id == str(world.company("AAA").id) != second.reference_id


def test_the_former_record_is_read_though_only_the_new_one_was_asked_for(world: SmallWorld) -> None:
    """A linked number that comes with another record brings the former record into the same run, by its record id."""
    world.firm("AAA", "first@a.example", name="The first AAA")
    world.sync()
    world.erp.rename("AAA", "ZZZ")
    world.firm("AAA", "second@a.example", name="The second AAA")
    world.sync(mode="selected", customer_ids=["AAA"])
    assert world.keys() == {"ZZZ": "The first AAA", "AAA": "The second AAA"}


def test_numbers_that_are_swapped_leave_every_company_with_its_own_people(world: SmallWorld) -> None:
    """Each key is free before its next owner takes it, though both are wanted by another at the same time."""
    world.firm("A", "a@a.example", name="Firm one")
    world.firm("B", "b@b.example", name="Firm two")
    world.sync()
    one, two = world.company("A").id, world.company("B").id
    world.swap("A", "B")
    world.settle()
    assert (world.company("B").id, world.company("A").id) == (one, two)
    assert world.keys() == {"B": "Firm one", "A": "Firm two"}
    assert (world.people("B"), world.people("A")) == ({"a@a.example"}, {"b@b.example"})


@pytest.mark.parametrize("batch_size", [1, 40])
def test_numbers_that_go_round_in_a_circle_end_the_same_whatever_the_batches(
    world: SmallWorld, batch_size: int
) -> None:
    """Three customers, one in each batch or all in one."""
    world.settings = {"batch": {"size": batch_size, "largest": batch_size}}
    for name in "ABC":
        world.firm(name, f"{name.lower()}@firm.example", name=f"Firm {name}")
    world.sync()
    ids = {name: world.company(name).id for name in "ABC"}
    for old, new in (("A", "X"), ("C", "A"), ("B", "C"), ("X", "B")):
        world.erp.rename(old, new)
    world.sync()
    assert world.keys() == {"B": "Firm A", "C": "Firm B", "A": "Firm C"}
    assert {new: world.company(new).id for new in "BCA"} == {"B": ids["A"], "C": ids["B"], "A": ids["C"]}


def test_a_number_that_is_used_again_after_a_deletion_makes_a_second_company(world: SmallWorld) -> None:
    """The company of the deleted customer is not given to the new one; its key is parked under its record's id."""
    old = world.firm("AAA", "first@a.example", name="The first AAA")
    world.sync()
    first = world.company("AAA").id
    world.erp.delete("AAA")
    world.firm("AAA", "second@a.example", name="The second AAA")
    world.sync()
    assert world.keys() == {f"~{old.record_id}": "The first AAA", "AAA": "The second AAA"}
    assert world.company(f"~{old.record_id}").id == first
    assert world.people("AAA") == {"second@a.example"}


def test_a_parked_company_gets_its_number_when_its_record_shows_one(world: SmallWorld) -> None:
    """A record that could not be read while its number was taken comes back under another one."""
    world.firm("AAA", "first@a.example", name="The first AAA")
    world.sync()
    old = world.erp.rename("AAA", "AAA-OLD")
    world.erp.delete("AAA-OLD")
    world.firm("AAA", "second@a.example", name="The second AAA")
    world.sync()
    assert f"~{old.record_id}" in set(world.keys())
    world.erp.save(old)
    world.sync()
    assert world.keys() == {"AAA-OLD": "The first AAA", "AAA": "The second AAA"}


def test_a_number_that_changes_its_case_only_is_the_same_customer(world: SmallWorld) -> None:
    """The key follows; no second company is made."""
    world.firm("aaa", "first@a.example", name="Firm")
    world.sync()
    company = world.company("aaa").id
    world.erp.rename("aaa", "AAA")
    world.settle()
    assert world.keys() == {"AAA": "Firm"}
    assert world.company("AAA").id == company


def test_who_was_withdrawn_is_not_let_back_in_by_another_customer_with_the_number(world: SmallWorld) -> None:
    """The new customer gets a company of its own, the withdrawn one stays off under its own new number."""
    world.firm("C1", "gone@a.example", name="Withdrawn")
    world.sync()
    world.erp.save(replace(world.erp.customer("C1"), status="Inactive"))
    world.sync()
    assert world.company("C1").status is CompanyStatus.INACTIVE
    withdrawn = world.company("C1").id
    world.erp.rename("C1", "C9")
    world.firm("C1", "new@a.example", name="Newcomer")
    world.settle()
    assert world.store.companies[withdrawn].status is CompanyStatus.INACTIVE
    assert world.store.companies[withdrawn].fields.company_name == "Withdrawn"
    assert world.company("C1").status is CompanyStatus.APPROVED
    assert world.people("C1") == {"new@a.example"}


@pytest.mark.parametrize("count", [50, pytest.param(1000, marks=pytest.mark.long)])
def test_all_customers_that_are_renumbered_at_once_keep_their_companies(world: SmallWorld, count: int) -> None:
    """One run, each number the former one of the next customer: none lost, none mixed."""
    for number in range(count):
        world.firm(f"C{number:05d}", name=f"Firm {number}", locations=())
    world.sync()
    ids = {each.fields.company_name: each.id for each in world.store.companies.values()}
    for number in reversed(range(count)):
        world.erp.rename(f"C{number:05d}", f"C{number + 1:05d}")
    world.sync()
    assert world.keys() == {f"C{number + 1:05d}": f"Firm {number}" for number in range(count)}
    assert {each.fields.company_name: each.id for each in world.store.companies.values()} == ids


def test_a_copy_of_the_tenant_stops_the_run(world: SmallWorld) -> None:
    """Most linked numbers with new records whose former ones are gone: nothing is written, and it says why."""
    for number in range(8):
        world.firm(f"C{number}")
    world.sync()
    before = world.shown()
    for number in range(8):
        customer = world.erp.customer(f"C{number}")
        world.erp.delete(f"C{number}")
        world.erp.save(replace(customer, record_id=f"copy-{number}"))
    with pytest.raises(PlanRefused, match="tenant_copied"):
        world.sync(mode="full")
    assert world.shown() == before
