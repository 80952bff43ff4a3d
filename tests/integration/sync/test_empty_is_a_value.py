"""A value that the ERP empties, over the twins: gone in the store, or named for as long as the store keeps it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.twin_world import World, call

CUSTOMER = "C000044"
FIELD = "Tier"


@pytest.fixture
def tiered(world: World) -> Iterator[World]:
    """The store has a company extra field for the price class, and a customer of class GOLD is there."""
    seed = f"{world.store_url}/_sandbox/seed"
    call(seed, "POST", {"extra_fields": {"companies": [{"fieldName": FIELD}]}})
    source = world.connector.source.model_dump(mode="json")
    source["customer"]["extra_fields"] = {FIELD: "PriceClassID"}
    mapped = world.with_file(source=source)
    mapped.edit("Customer", CustomerID=CUSTOMER, PriceClassID="GOLD")
    mapped.sync(mode="full")
    assert tier(mapped) == "GOLD"
    yield mapped
    call(seed, "POST", {})


def tier(world: World) -> str:
    """The extra field of the customer's company."""
    fields = {each["fieldName"]: each["fieldValue"] for each in world.companies()[CUSTOMER]["extraFields"]}
    return str(fields.get(FIELD, ""))


def test_a_cleared_value_is_never_called_unchanged_nor_equal(tiered: World) -> None:
    """The store's API takes no blank there: each run and each comparison names the field and what it holds."""
    tiered.edit("Customer", CustomerID=CUSTOMER, PriceClassID=None)
    for mode in ("incremental", "full"):
        tiered.sync(mode=mode)
        assert tier(tiered) == "GOLD"
        assert tiered.last_outcome(CUSTOMER)[0] == "waiting"
    with tiered.ledger() as ledger:
        story = ledger.stories.of(CUSTOMER)
        lines = [row["message"] for row in ledger.log.rows(customer_id=CUSTOMER, limit=100)]
    assert story is not None
    assert [(part.part, part.reason) for part in story.waiting] == [(f"extra_field {FIELD}", "cannot_clear")]
    assert any("GOLD" in line for line in lines)
    assert tiered.reconcile().classes
