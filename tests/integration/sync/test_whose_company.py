"""Companies that are in the store already, over the twins: whose they are, and whose they are not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from customer_sync.model.company import CompanyStatus
from tests.integration.twin_world import World

CUSTOMER = "C000044"


def register(world: World, number: str) -> int:
    """Somebody registers in the shop, fills in a customer's number, and waits for approval."""
    stranger = {
        "company_name": "A stranger",
        "company_phone": "1",
        "company_email": "stranger@shop.example",
        "country": "US",
        "extra_fields": {world.connector.store.key_field: number},
        "admin_email": "stranger@shop.example",
        "admin_first_name": "A",
        "admin_last_name": "Stranger",
    }
    (company_id,) = world.store().create_companies([stranger])
    assert company_id is not None
    world.store().set_company_status(company_id, CompanyStatus.PENDING)
    return company_id


def shown(world: World, company_id: int) -> tuple[dict[str, Any], list[str]]:
    """A company and the e-mails of its users."""
    state = world.store_state()
    (company,) = [each for each in state["companies"] if each["companyId"] == company_id]
    return company, [each["email"] for each in state["users"] if int(each["companyId"]) == company_id]


def test_a_strangers_pending_company_is_left_alone(world: World) -> None:
    """It has the customer's key and nothing else: it is neither renamed nor approved, and the customer waits."""
    company_id = register(world, CUSTOMER)
    before = shown(world, company_id)
    world.sync(mode="selected", customer_ids=[CUSTOMER])
    world.sync(mode="selected", customer_ids=[CUSTOMER])
    assert shown(world, company_id) == before
    assert world.last_outcome(CUSTOMER) == ("quarantined", "adoption_unproven")


def test_no_repair_takes_a_strangers_company_for_the_customers(world: World) -> None:
    """Reconciliation calls it unproven, whatever repair it is asked for; the next sync leaves it alone as before."""
    company_id = register(world, CUSTOMER)
    before = shown(world, company_id)
    world.sync(mode="selected", customer_ids=[CUSTOMER])
    run_id = "reconcile__stranger"
    world.reconcile(run_id=run_id, repair=["missing_in_ledger=adopt", "reference_mismatch=reapply", "drift=reapply"])
    with world.ledger() as ledger:
        rows = [row for page in ledger.differences.pages(run_id) for row in page if row["customer_id"] == CUSTOMER]
    assert [row["kind"] for row in rows] == ["link_unproven"]
    world.sync(mode="selected", customer_ids=[CUSTOMER])
    assert shown(world, company_id) == before
    assert world.last_outcome(CUSTOMER) == ("quarantined", "adoption_unproven")


def test_a_lost_ledger_adopts_what_was_edited_and_shows_what_it_overwrites(world: World, tmp_path: Path) -> None:
    """The company is found by reference, key and e-mail; the log has the edited value before and after."""
    world.sync(mode="selected", customer_ids=[CUSTOMER])
    before = world.book()
    company_id = world.companies()[CUSTOMER]["companyId"]
    world.store().update_companies([(company_id, {"company_name": "Edited by hand"})])
    again = dataclasses.replace(world, ledger_url=f"sqlite:///{tmp_path / 'another.db'}")
    again.sync(mode="selected", customer_ids=[CUSTOMER])
    assert again.book() == before
    assert again.last_outcome(CUSTOMER) == ("adopted", "")
    with again.ledger() as ledger:
        rows = [row for row in ledger.log.rows(customer_id=CUSTOMER) if row["action"] == "update_company"]
    assert [row["message"] for row in rows] == ["done: company_name"]
