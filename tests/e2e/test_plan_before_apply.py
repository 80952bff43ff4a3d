"""A person reads a plan, says yes or no under Required Actions, and the store shows what follows."""

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from customer_sync.ledger import Ledger
from demo.settings import CONNECTOR_ID, DAG_ID
from tests.e2e.browser import PATIENCE_MS
from tests.integration.twin_world import World, shipped_connector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.browser import Person
    from tests.e2e.ground import Ground

ALL = {"mode": "full"}
PATIENCE_S = 120


@pytest.fixture(autouse=True)
def world(ground: "Ground") -> "Iterator[World]":
    """Both twins as the product sees them, while the connector asks before every plan."""
    ground.add_connector(CONNECTOR_ID, approval="{ask: always, timeout_minutes: 60}")
    yield World(ground.erp.address, ground.store.address, shipped_connector(), ground.ledger_url)
    ground.add_connector(CONNECTOR_ID)


def renamed(world: World, name: str) -> str:
    """Rename one customer that trades in the store; its id."""
    key = max(world.companies() or {"": {}})
    world.edit("Customer", CustomerID=key, CustomerName=name)
    return key


def answer(ground: "Ground", person: "Person", run_id: str, button: str, *, with_pictures: bool = False) -> None:
    """Wait for this run's question, find it under Required Actions, read it, and press a button."""
    deadline = time.monotonic() + PATIENCE_S
    while all(state.state != "awaiting_input" for state in ground.airflow.task_states(DAG_ID, run_id)):
        assert time.monotonic() < deadline, ground.last_lines()
        time.sleep(0.5)
    page = person.page
    person.open("/")
    page.get_by_text(re.compile("^Required Actions?$")).first.click()
    expect(page.get_by_text(re.compile(r"knb: apply \d+ operations?")).first).to_be_visible(timeout=PATIENCE_MS)
    if with_pictures:
        person.picture("required-actions")
    person.open(f"/dags/{DAG_ID}/runs/{run_id}/tasks/guard/required_actions")
    expect(page.get_by_text("Why you are asked")).to_be_visible(timeout=PATIENCE_MS)
    if with_pictures:
        person.picture("approval")
    page.get_by_role("button", name=re.compile(rf"^{button}$")).click()


def planned_and_done(ground: "Ground", dry_run: str, real_run: str) -> tuple[set[Any], set[Any]]:
    """(customer, action) of what the dry run planned and of what the store confirmed in the real run."""
    with Ledger.open(CONNECTOR_ID, ground.ledger_url) as ledger:
        planned = {
            (each.customer.customer_id, str(operation.action))
            for each in ledger.plans.operations(dry_run)
            for operation in each.operations
        }
        confirmed = ledger.intents.confirmed(real_run, {key for key, _ in planned})
    return planned, {(key, write.action) for key, writes in confirmed.items() for write in writes}


def test_what_a_dry_run_showed_is_exactly_what_a_yes_writes(ground: "Ground", admin: "Person", world: World) -> None:
    """Dry run; its hash binds the run; Approve by click: the applied set is the planned set, and nothing before it."""
    world.sync(mode="full")
    key = renamed(world, "Renamed By The Plan Ltd")
    dry = ground.run({**ALL, "dry_run": True})
    assert dry.state == "success", ground.last_lines()
    with Ledger.open(CONNECTOR_ID, ground.ledger_url) as ledger:
        plan_hash = ledger.runs.get(dry.run_id)["plan_hash"]
    world.forget_calls()
    run_id = ground.trigger({**ALL, "plan_hash": plan_hash})
    answer(ground, admin, run_id, "Approve", with_pictures=True)
    assert ground.wait_for_run(run_id).state == "success", ground.last_lines()
    planned, done = planned_and_done(ground, dry.run_id, run_id)
    assert planned == done
    assert world.companies()[key]["companyName"] == "Renamed By The Plan Ltd"


def test_nothing_is_written_after_a_no_until_somebody_thinks_again(
    ground: "Ground", admin: "Person", world: World
) -> None:
    """Reject by click: no write, a red run, skipped customers. Clearing guard asks anew, and a yes then writes."""
    key = renamed(world, "Refused At First Ltd")
    world.forget_calls()
    run_id = ground.trigger(ALL)
    answer(ground, admin, run_id, "Reject")
    assert ground.wait_for_run(run_id).state == "failed"
    assert world.store_writes() == []
    assert world.last_outcome(key) == ("skipped", "plan_rejected")
    states = {each.task_id: each.state for each in ground.airflow.task_states(DAG_ID, run_id)}
    assert (states["guard"], states["load"], states["audit"]) == ("failed", "upstream_failed", "failed")

    cleared = {"dry_run": False, "dag_run_id": run_id, "task_ids": ["guard"], "include_downstream": True}
    status, told = ground.api.call(
        "POST", f"/api/v2/dags/{DAG_ID}/clearTaskInstances", {**cleared, "only_failed": False, "reset_dag_runs": True}
    )
    assert status == 200, told
    answer(ground, admin, run_id, "Approve")
    assert ground.wait_for_run(run_id).state == "success", ground.last_lines()
    assert world.companies()[key]["companyName"] == "Refused At First Ltd"
