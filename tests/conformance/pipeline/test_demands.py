"""What the store demands of every record is found before the first write, and named; leavers go all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_sync.errors import ConfigError
from tests.conformance.pipeline.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Nothing is synced yet."""
    world = World(tmp_path)
    for number in range(6):
        world.save(f"C{number}", world.contact(f"P{number}", is_primary=True), world.contact(f"Q{number}"))
    return world


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("company", "source.customer.extra_fields"),
        ("user", "source.contact.extra_fields"),
        ("address", "source.location.extra_fields"),
    ],
)
def test_a_demanded_field_that_nothing_fills_stops_the_run_by_name(world: World, kind: str, setting: str) -> None:
    """Not one customer after the other: the first load says which field, and where it is mapped."""
    world.store.demanded = {kind: frozenset({"Cost Centre"})}  # type: ignore[dict-item] # one of the three
    with pytest.raises(ConfigError, match="Cost Centre") as caught:
        world.sync()
    assert setting in str(caught.value)
    assert world.store.companies == {}


def test_a_demanded_field_that_is_mapped_is_filled(world: World) -> None:
    """The connector file names where its value comes from."""
    world.rules = {"source": {"customer": {"extra_fields": {"Price Level": "PriceClassID"}}}}
    world.store.demanded = {"company": frozenset({"Price Level"})}
    for number in range(6):
        world.save(f"C{number}", extra_fields={"Price Level": "GOLD"})
    world.sync()
    assert len(world.store.companies) == 6


def test_who_has_left_loses_access_although_a_demand_stops_the_run(world: World) -> None:
    """Taking away needs no new record."""
    world.sync()
    world.store.demanded = {"user": frozenset({"Cost Centre"})}
    world.change("C0", "Q0", active=False)
    world.save("C1", *world.erp.customer("C1").contacts, world.contact("New"))
    with pytest.raises(ConfigError, match="Cost Centre"):
        world.sync()
    assert world.users("C0") == {"p0": "Admin"}
