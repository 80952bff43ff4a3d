"""The ERP may leave customers out of a full read: what the store holds afterwards is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from customer_sync.model.customer import Customer
from customer_sync.rules.eligibility import decide_eligibility
from tests.integration.twin_world import World, call


def _read(world: World) -> dict[str, Customer]:
    with world.source() as source:
        return {each.customer_id: each for page in source.customers_after("") for each in page.customers}


def test_the_same_customers_are_eligible_as_when_we_filter(world: World) -> None:
    """Of all customers in every class, status and spelling, whoever is eligible is shown, and is shown as whole."""
    for number, name in enumerate(("b2b", "B2B ", "RETAIL", "WEB"), 10):
        world.edit("Customer", CustomerID=f"C{number:06d}", CustomerClass=name.strip())
    everybody, shown = _read(world), _read(world.with_rules(erp={"server_filter": True}))
    eligible = {key: each for key, each in everybody.items() if decide_eligibility(each, world.connector).is_eligible}
    assert eligible.items() <= shown.items() <= everybody.items()
    left_out = [decide_eligibility(everybody[key], world.connector) for key in everybody.keys() - shown.keys()]
    assert len(left_out) > 5
    assert not any(decision.is_eligible for decision in left_out)


def test_the_store_ends_the_same(world: World, tmp_path: Path) -> None:
    """After a first load, after edits without a stamp's help, and after those who may not stay were withdrawn."""
    filtering = world.with_rules(erp={"server_filter": True})
    filtering.sync(mode="full")
    edits: list[dict[str, Any]] = [
        {"CustomerID": "C000001", "Status": "Inactive"},
        {"CustomerID": "C000003", "CustomerClass": "RETAIL"},
        {"CustomerID": "C000005", "Status": "On Hold"},
    ]
    for edit in edits:
        world.edit("Customer", **edit)
    filtering.sync(mode="full")
    assert world.last_outcome("C000001") == ("deactivated", "status_inactive")
    assert world.last_outcome("C000003") == ("deactivated", "type_not_b2b")
    shown_by_filter = world.book()

    call(f"{world.store_url}/_sandbox/reset", "POST")
    for edit in edits:
        former = "Active" if "Status" in edit else "B2B"
        world.edit("Customer", **{**edit, **{name: former for name in edit if name != "CustomerID"}})
    plain = World(world.erp_url, world.store_url, world.connector, f"sqlite:///{tmp_path / 'plain.db'}")
    plain.sync(mode="full")
    for edit in edits:
        world.edit("Customer", **edit)
    plain.sync(mode="full")
    assert shown_by_filter == plain.book()
