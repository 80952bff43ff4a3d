"""People are on the storefronts of their customer's class: when they are made, and when class or rule changes."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.errors import ConfigError
from tests.integration.twin_world import World

CUSTOMER = "C000001"
RULES = {"B2B": [2], "RETAIL": [3, 1]}


@pytest.fixture
def shop(world: World) -> World:
    """A store with three storefronts, and a rule for each class."""
    world.store_settings(multi_storefront=True, storefronts=["Default Storefront", "East", "West"])
    return ruled(world, RULES)


def ruled(world: World, rules: dict[str, list[int]]) -> World:
    """The world with other storefronts by class; retail customers are taken as well."""
    settings = world.connector.model_dump(mode="json")
    eligibility = {**settings["eligibility"], "types": ["B2B", "RETAIL"]}
    return world.with_file(eligibility=eligibility, store={**settings["store"], "channels_by_class": rules})


def where(world: World, customer_id: str = CUSTOMER) -> set[tuple[int, ...]]:
    """On which storefronts the users of a customer's company are."""
    users = users_of(world, customer_id)
    assert len(users) > 1
    return {tuple(user["channelIds"]) for user in users}


def users_of(world: World, customer_id: str) -> list[dict[str, Any]]:
    """A company's users, as the store keeps them."""
    company_id = world.companies()[customer_id]["companyId"]
    return [user for user in world.store_state()["users"] if user["companyId"] == company_id]


def differences(world: World) -> list[tuple[str, str, Any, Any]]:
    """What the comparison finds of the one customer: class, field, the ERP's value, the store's."""
    world.reconcile(run_id="compared")
    with world.ledger() as ledger:
        found = [row for page in ledger.differences.pages("compared") for row in page]
    return [
        (row["kind"], row["field"], row["erp_value"], row["store_value"])
        for row in found
        if row["customer_id"] == CUSTOMER
    ]


def sync(world: World) -> None:
    """A selected run of the one customer."""
    world.sync(mode="selected", customer_ids=[CUSTOMER])


def test_people_follow_a_changed_class(shop: World) -> None:
    """One change each, which plan and log show; the next run writes nothing, and the comparison finds nothing."""
    sync(shop)
    assert where(shop) == {(2,)}
    shop.edit("Customer", CustomerID=CUSTOMER, CustomerClass="RETAIL")
    shop.forget_calls()
    sync(shop)
    assert where(shop) == {(1, 3)}
    assert shop.last_outcome(CUSTOMER)[0] == "updated"
    writes = [(row["method"], row["path"].split("/")[-2], row["body"]) for row in shop.store_writes()]
    assert {(method, kind) for method, kind, _ in writes} == {("PUT", "users")}
    assert all('"channelIds":[1,3]' in body for *_, body in writes)
    shop.forget_calls()
    sync(shop)
    assert shop.store_writes() == []
    assert differences(shop) == []


@pytest.mark.parametrize(
    ("before", "after", "ends"),
    [
        (RULES, {"B2B": [3]}, (3,)),
        (RULES, {"RETAIL": [2]}, (1,)),
        (RULES, {}, (2,)),
        ({}, RULES, (2,)),
    ],
    ids=["changed", "gone for this class", "no rule at all", "the first rule"],
)
def test_people_follow_a_changed_rule(
    shop: World, before: dict[str, list[int]], after: dict[str, list[int]], ends: tuple[int, ...]
) -> None:
    """A class that is named no more has store.channel_ids; without any rule people stay where they are."""
    sync(ruled(shop, before))
    now = ruled(shop, after)
    now.forget_calls()
    sync(now)
    assert where(now) == {ends}
    assert bool(now.store_writes()) == bool(after)
    assert differences(now) == []


def test_who_was_moved_by_hand_is_told_and_put_back(shop: World) -> None:
    """As any other field of a user."""
    sync(shop)
    user = users_of(shop, CUSTOMER)[0]
    with shop.store() as store:
        store.update_user(user["id"], {"channel_ids": [1, 2]})
    assert differences(shop) == [("drift", "storefronts", "2", "1,2")]
    shop.reconcile(repair=["drift=reapply"])
    assert where(shop) == {(2,)}


def test_a_storefront_that_the_store_has_not_stops_a_change_too(shop: World) -> None:
    """The store would take it without a word, and nobody could buy."""
    sync(shop)
    shop.forget_calls()
    with pytest.raises(ConfigError, match="no storefront 9 "):
        sync(ruled(shop, {"B2B": [9]}))
    assert shop.store_writes() == []
