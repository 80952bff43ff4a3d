"""Single cases over real HTTP that a random corruption does not make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from customer_sync.errors import PlanRefused
from customer_sync.reconcile.reconciliation import compare_sides
from customer_sync.reconcile.repair.apply_repair import apply_repairs
from customer_sync.reconcile.request import ReconcileRequest
from customer_sync.run import Run
from tests.integration.reconcile.corruption import Defect, new_run_id, told
from tests.integration.twin_world import KEY_FIELD, World, call


@pytest.fixture
def synced(world: World) -> World:
    """Twins after a first sync."""
    world.sync(mode="full")
    return world


def new(world: World, before: set[Defect], **params: Any) -> set[Defect]:
    """Compare, and give what was not told before."""
    run_id = new_run_id()
    world.reconcile(run_id=run_id, **params)
    return set(told(world, run_id)) - before


def baseline(world: World) -> set[Defect]:
    """What is told of a store as a first sync leaves it."""
    return new(world, set())


def change_store(world: World, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the store past its API."""
    state = world.store_state()
    change(state)
    call(f"{world.store_url}/_sandbox/state", "PUT", state)


def a_company(world: World, *, with_payment: bool = False) -> tuple[str, int]:
    """A customer with a company: its id and the company's."""
    paying = {int(key) for key in world.store_state()["payments"]["companies"]}
    for key, company in sorted(world.companies().items()):
        if key.startswith("C0000") and (not with_payment or company["companyId"] in paying):
            return key, company["companyId"]
    raise AssertionError("no such company")


def test_renamed_customer_is_a_change_of_the_erp_and_its_old_id_is_nobody(synced: World) -> None:
    """A new CustomerID of the same record is told under the new one; the next sync carries the company over."""
    before = baseline(synced)
    key, company_id = a_company(synced)
    erp = synced.erp_state()
    for table, name in (("customers", "CustomerID"), ("contacts", "BusinessAccount"), ("locations", "Customer")):
        for row in erp[table]:
            if row[name] == key:
                row[name] = "RENAMED1"
    call(f"{synced.erp_url}/_sandbox/state", "PUT", erp)
    found = new(synced, before)
    assert {(customer, kind) for customer, kind, _, _ in found} == {("RENAMED1", "erp_changed")}
    synced.sync(mode="full")
    assert synced.companies()["RENAMED1"]["companyId"] == company_id
    assert new(synced, before) == set()


def test_payment_settings_are_repaired_when_somebody_switched_them(synced: World) -> None:
    """Methods and terms are read where the table sets them, told by code, and written again."""
    before = baseline(synced)
    key, company_id = a_company(synced, with_payment=True)

    def switch(state: dict[str, Any]) -> None:
        for row in state["payments"]["companies"][str(company_id)]:
            row["isEnabled"] = not row["isEnabled"]

    change_store(synced, switch)
    assert new(synced, before) == {(key, "drift", "payment", "")}
    new(synced, before, repair=["drift=reapply"])
    assert new(synced, before) == set()


def test_payment_settings_beyond_the_budget_are_told_as_not_read_and_come_another_day(synced: World) -> None:
    """A small budget goes on where it stopped, until all companies were seen."""
    small = synced.with_rules(reconcile={"payment_requests": 50})
    reports = [small.reconcile() for _ in range(4)]
    read = [report.facts["payment_read"] for report in reports]
    assert read[0] == 25
    assert reports[0].facts["payment_unread"] > 0
    whole = reports[0].facts["payment_read"] + reports[0].facts["payment_unread"]
    assert read[0] + read[1] + read[2] == whole
    assert read[3] == 25


def test_deletion_is_told_with_its_moment_when_the_erp_has_a_feed(synced: World) -> None:
    """The feed of deleted records says when; without it absence alone tells, and a company of nobody is extra."""
    before = baseline(synced)
    key, _ = a_company(synced)
    deleted = next(row for row in synced.erp_state()["customers"] if row["CustomerID"] == key)
    with synced.source() as erp:
        assert erp.deleted() == {}
    call_delete(synced, deleted["id"])
    with synced.source() as erp:
        assert set(erp.deleted() or {}) == {key}
    run_id = new_run_id()
    synced.reconcile(run_id=run_id)
    assert set(told(synced, run_id)) - before == {(key, "deleted_in_erp", "customer", "")}
    with synced.ledger() as ledger:
        details = [
            row["detail"] for page in ledger.differences.pages(run_id) for row in page if row["customer_id"] == key
        ]
    assert details[0].startswith("deleted 20")


def call_delete(world: World, record_id: str) -> None:
    """Delete a customer through the ERP's API, as a person with rights would."""
    with world.source() as erp:
        erp._call("DELETE", f"/entity/KNCommerce/24.200.001/Customer/{record_id}", lambda _request, _answer: None)


def test_user_of_a_company_that_does_not_exist_is_orphaned(synced: World) -> None:
    """What stands in no company at all is told after a second look, and nothing is done about it."""
    before = baseline(synced)

    def add(state: dict[str, Any]) -> None:
        copied = {**state["addresses"][0], "addressId": state["next_ids"]["address"], "companyId": 999_999}
        state["next_ids"]["address"] += 1
        state["addresses"].append(copied)

    change_store(synced, add)
    assert {(kind, entity) for _, kind, entity, _ in new(synced, before)} == {("orphaned_child", "location")}


def test_lost_ledger_is_built_anew_by_adoption_without_a_write(synced: World) -> None:
    """With an empty ledger every company is adoptable; adopted, all is as before and a sync writes nothing."""
    before = baseline(synced)
    with synced.ledger() as ledger:
        keys = [key for page in ledger.links.companies() for key, _ in page]
        with ledger.write() as connection:
            for key in keys:
                ledger.links.drop_company(connection, key)
    found = new(synced, set())
    assert {kind for _, kind, _, _ in found - before} == {"missing_in_ledger"}
    assert len(found - before) == len(keys)
    synced.forget_calls()
    new(synced, set(), repair=["missing_in_ledger=adopt"])
    assert synced.write_lines() == []
    assert new(synced, before) == set()
    synced.sync(mode="full")
    assert synced.write_lines() == []


def test_repairs_beyond_the_guards_are_refused_before_the_first_write(synced: World) -> None:
    """Withdrawing half of the store needs a person, whoever asks for it."""

    def rename_keys(state: dict[str, Any]) -> None:
        for number, company in enumerate(state["companies"]):
            for extra in company["extraFields"]:
                if extra["fieldName"] == KEY_FIELD and number % 2:
                    extra["fieldValue"] = f"X{number}"

    with synced.ledger() as ledger, ledger.write() as connection:
        for key in list(synced.companies()):
            ledger.links.drop_company(connection, key)
    change_store(synced, rename_keys)
    synced.forget_calls()
    with pytest.raises(PlanRefused, match=r"It would withdraw \d+"):
        synced.with_rules(guards={"most_withdrawn": 5}).reconcile(repair=["extra_in_store=unenrol"])
    assert synced.write_lines() == []


def test_customer_is_left_out_when_it_changed_between_plan_and_repair(synced: World) -> None:
    """What was approved is what is written: another state of the store is planned anew, not overwritten."""
    before = baseline(synced)
    (first, company_id), second = a_company(synced), max(synced.companies())

    def spoil(state: dict[str, Any], name: str) -> None:
        for company in state["companies"]:
            if company["companyId"] in {company_id, synced.companies()[second]["companyId"]}:
                company["companyName"] = name
                company["updatedAt"] += 1_000

    change_store(synced, lambda state: spoil(state, "Typed by hand"))
    request = ReconcileRequest(repair=("drift=reapply",))
    with synced.ledger() as ledger, synced.source() as erp:
        run = Run(synced.connector, ledger, new_run_id())
        ((content, descriptor),) = list(compare_sides(run.as_task("compare"), erp, synced.store(), request))

        def once_more(state: dict[str, Any]) -> None:
            next(row for row in state["companies"] if row["companyId"] == company_id)["companyName"] = "Typed again"

        change_store(synced, once_more)
        outcomes = apply_repairs(run.as_task("repair"), content, descriptor, target=synced.store(), source=erp)
        assert outcomes == {"failed": 1, "updated": 1}
        assert ledger.runs.reason_counts(run.run_id) == {"changed_since_plan": 1}
        # The same task again: what is done is done, what was left out stays left out.
        apply_repairs(
            Run(synced.connector, ledger, run.run_id, try_number=2),
            content,
            descriptor,
            target=synced.store(),
            source=erp,
        )
    assert synced.companies()[first]["companyName"] == "Typed again"
    assert {key for key, _, _, _ in new(synced, before)} == {first}


def test_company_kept_for_now_is_compared_with_what_was_applied(synced: World) -> None:
    """A customer on hold keeps its company as it is; an edit there is told, and can be adopted."""
    before = baseline(synced)
    key, company_id = a_company(synced)
    synced.edit("Customer", CustomerID=key, Status="On Hold", CustomerName="Changed while on hold")
    assert new(synced, before) == set()

    def edit(state: dict[str, Any]) -> None:
        company = next(row for row in state["companies"] if row["companyId"] == company_id)
        company |= {"city": "Elsewhere", "updatedAt": company["updatedAt"] + 1_000}

    change_store(synced, edit)
    assert new(synced, before) == {(key, "drift", "customer", "")}
    new(synced, before, repair=["drift=adopt"])
    assert new(synced, before) == set()


def test_customer_that_a_person_set_aside_is_neither_judged_nor_repaired(synced: World) -> None:
    """What a person took out of the sync stays as that person left it."""
    before = baseline(synced)
    key, company_id = a_company(synced)
    with synced.ledger() as ledger, ledger.write() as connection:
        ledger.set_aside.put(connection, key, "skip")

    def edit(state: dict[str, Any]) -> None:
        next(row for row in state["companies"] if row["companyId"] == company_id)["city"] = "Elsewhere"

    change_store(synced, edit)
    synced.forget_calls()
    assert new(synced, before, repair=["drift=reapply", "write_lost=reapply"]) == set()
    assert synced.write_lines() == []
    assert synced.reconcile().standings["set_aside"] == 1
