"""What the store demands of every record is found before the first write, and named; leavers go all the same."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from customer_sync.errors import ConfigError
from customer_sync.model.customer import Location
from tests.adapters.store_rules import KEY_FIELD
from tests.conformance.pipeline.world import OAKLAND, World


@pytest.fixture
def world() -> World:
    """Nothing is synced yet."""
    world = World()
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


FIELDS = {"extra_fields": {"Cost Centre": "PriceClassID"}}


@pytest.mark.parametrize(
    ("rules", "kind", "setting"),
    [
        ({"source": {"customer": FIELDS}}, "company", "source.customer.extra_fields"),
        ({"source": {"contact": FIELDS}}, "user", "source.contact.extra_fields"),
        ({"source": {"location": FIELDS}}, "address", "source.location.extra_fields"),
    ],
)
def test_a_field_that_is_filled_and_that_the_store_has_not_stops_the_run_by_name(
    world: World, rules: dict[str, Any], kind: str, setting: str
) -> None:
    """The store would drop it without a word; a change of what is there already is refused as well, a removal not."""
    world.sync()
    world.rules = rules
    world.save("C0", name="Another name")
    world.change("C1", "Q1", active=False)
    with pytest.raises(ConfigError, match=rf"no extra field 'Cost Centre' of every {kind} \({setting}\)"):
        world.sync()
    assert world.company("C0").fields.company_name == "Firm C0"
    assert world.users("C1") == {"p1": "Admin"}
    world.store.extra_fields = {**world.store.extra_fields, "Cost Centre": False}
    world.store.part_fields = {"user": frozenset({"cost centre"}), "address": frozenset({"cost centre"})}
    world.sync()
    assert world.company("C0").fields.company_name == "Another name"


def test_who_has_left_loses_access_although_a_demand_stops_the_run(world: World) -> None:
    """Taking away needs no new record."""
    world.sync()
    world.store.demanded = {"user": frozenset({"Cost Centre"})}
    world.change("C0", "Q0", active=False)
    world.save("C1", *world.erp.customer("C1").contacts, world.contact("New"))
    with pytest.raises(ConfigError, match="Cost Centre"):
        world.sync()
    assert world.users("C0") == {"p0": "Admin"}


@pytest.mark.parametrize("rules", [{"channel_ids": [1, 4]}, {"origin_channel_id": 4}])
def test_a_storefront_that_the_store_has_not_stops_the_run_by_name(world: World, rules: dict[str, Any]) -> None:
    """The store would take it without a word, and its people could not buy."""
    world.rules = {"store": {"key_field": KEY_FIELD, **rules}}
    world.store.channels = {1: "Default Storefront", 2: "Outlet"}
    with pytest.raises(ConfigError, match=r"no storefront 4 \(it has: 1 Default Storefront, 2 Outlet\)"):
        world.sync()
    assert world.store.companies == {}


def test_a_role_that_the_store_has_not_stops_the_run_by_name(world: World) -> None:
    """Before anything is made, not when the first such user comes."""
    world.rules = {"contacts": {"other_role": "Butler"}}
    with pytest.raises(ConfigError, match="no role 'Butler'"):
        world.sync()
    assert world.store.companies == {}


@pytest.mark.parametrize("rules", [{"channel_ids": [4]}, {}])
def test_who_has_left_loses_access_although_a_storefront_or_role_is_wrong(world: World, rules: dict[str, Any]) -> None:
    """Removals need neither."""
    world.sync()
    world.store.channels = {1: "Default Storefront"}
    world.rules = {"store": {"key_field": KEY_FIELD, **rules}}
    if not rules:
        world.rules = {"contacts": {"other_role": "Butler"}}
    world.change("C0", "Q0", active=False)
    world.save("C1", *world.erp.customer("C1").contacts, world.contact("New"))
    with pytest.raises(ConfigError):
        world.sync()
    assert world.users("C0") == {"p0": "Admin"}


def test_a_record_field_that_the_store_has_not_stops_the_run_by_name(world: World) -> None:
    """It would prove nothing when the ledger is lost."""
    world.rules = {"store": {"key_field": KEY_FIELD, "record_field": "Record"}}
    with pytest.raises(ConfigError, match="no company extra field 'Record'"):
        world.sync()
    assert world.store.companies == {}


@pytest.fixture
def mapped() -> World:
    """Contacts and locations fill an extra field each, which the store demands."""
    fields = {"extra_fields": {"Cost Centre": "Address/Department"}}
    world = World({"source": {"contact": fields, "location": {"extra_fields": {"Dock": "Building"}}}})
    world.store.demanded = {"user": frozenset({"Cost Centre"}), "address": frozenset({"Dock"})}
    world.store.part_fields = {"user": frozenset({"Own"})}
    ann = world.contact("Ann", is_primary=True, extra_fields={"Cost Centre": "100"})
    place = Location(location_id="MAIN", name="Main", address=OAKLAND, extra_fields={"Dock": "7"})
    world.save("C1", ann, world.contact("Bob", extra_fields={"Cost Centre": "200"}), locations=(place,))
    world.sync()
    return world


def extra_fields(world: World) -> list[dict[str, str]]:
    """Those of the users, then those of the addresses."""
    users = [each.fields.extra_fields for each in world.store.users.values()]
    return [*users, *(each.fields.extra_fields for each in world.store.addresses.values())]


def test_extra_fields_of_users_and_addresses_are_filled(mapped: World) -> None:
    """Of the first admin, who travels with the company, as well."""
    assert extra_fields(mapped) == [{"Cost Centre": "100"}, {"Cost Centre": "200"}, {"Dock": "7"}]
    mapped.sync(mode="full")
    assert mapped.outcome("C1") == "unchanged"


def test_extra_fields_of_users_change_and_others_stay(mapped: World) -> None:
    """What people fill in the store beside ours is neither compared nor taken away."""
    user = next(iter(mapped.store.users.values()))
    mapped.store.users[user.id] = replace(
        user, fields=replace(user.fields, extra_fields={"Cost Centre": "100", "Own": "x"})
    )
    mapped.change("C1", "Ann", extra_fields={"Cost Centre": "101"})
    mapped.sync()
    assert mapped.store.users[user.id].fields.extra_fields == {"Cost Centre": "101", "Own": "x"}


def test_an_extra_field_of_a_user_that_is_emptied_is_a_finding(mapped: World) -> None:
    """The store takes no empty value: the finding names the contact."""
    mapped.change("C1", "Bob", extra_fields={})
    for _ in range(2):
        mapped.sync(mode="full")
        assert mapped.outcome("C1") == "waiting"
        assert mapped.waits("C1") == [("extra_field:Cost Centre of contact Bob", "cannot_clear")]
