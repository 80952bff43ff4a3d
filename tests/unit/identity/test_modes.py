"""Storefronts by rule, and e-mails of welcome: what travels with new companies and users beside their values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from customer_sync.errors import ConfigError
from customer_sync.pipeline import run
from customer_sync.planning.window import RunRequest
from customer_sync.settings.mapping import ContactRules
from tests.adapters.in_memory_source import InMemorySource
from tests.adapters.in_memory_target import InMemoryTarget
from tests.adapters.store_rules import ADMIN, KEY_FIELD
from tests.unit.identity.small_world import SmallWorld


@pytest.fixture
def world() -> SmallWorld:
    """An empty one."""
    return SmallWorld()


def by_class(world: SmallWorld) -> dict[str, tuple[int, ...]]:
    """Storefronts that were named for new companies and users, by the number or e-mail."""
    names = {each.id: each.key for each in world.store.companies.values()}
    names |= {each.id: each.fields.email for each in world.store.users.values()}
    return {names[record_id]: numbers for record_id, numbers in world.store.placed.items()}


def test_new_companies_and_users_are_put_on_the_storefronts_of_their_class(world: SmallWorld) -> None:
    """A class without a rule goes where store.channel_ids says; a user that comes later goes with its company."""
    world.settings = {"store": {"key_field": KEY_FIELD, "channels_by_class": {"East": [2], "WEST": [3, 1]}}}
    world.store.channels = {1: "Default Storefront", 2: "East", 3: "West"}
    east = world.firm("A", "a@a.example", "b@a.example", customer_class="EAST")
    world.firm("B", "b@b.example", customer_class="West")
    world.firm("C", "c@c.example", customer_class="Other")
    world.sync()
    assert by_class(world) == {"A": (2,), "b@a.example": (2,), "B": (3, 1)}
    world.erp.save(replace(east, contacts=(*east.contacts, world.contact("new@a.example"))))
    world.sync()
    assert by_class(world)["new@a.example"] == (2,)


def test_a_storefront_of_a_rule_that_the_store_has_not_stops_the_run(world: SmallWorld) -> None:
    """As one of store.channel_ids does."""
    world.settings = {"store": {"key_field": KEY_FIELD, "channels_by_class": {"EAST": [7]}}}
    world.store.channels = {1: "Default Storefront"}
    world.firm("A")
    with pytest.raises(ConfigError, match=r"no storefront 7 .*store\.channels_by_class"):
        world.sync()
    assert world.store.companies == {}


@pytest.mark.parametrize(
    ("rules", "welcomed"),
    [
        ({}, 0),
        ({"welcome_email": "always"}, 2),
        ({"welcome_email": "after_cutover", "cutover": "2020-01-01"}, 2),
        ({"welcome_email": "after_cutover", "cutover": "2999-01-01"}, 0),
    ],
)
def test_people_are_welcomed_only_where_the_file_says_so(
    world: SmallWorld, rules: dict[str, Any], welcomed: int
) -> None:
    """The company with its first user, and the second one; a first load before the cutover sends no storm."""
    world.settings = {"contacts": {"primary_role": ADMIN, "other_role": "Junior Buyer", **rules}}
    world.firm("A", "a@a.example", "b@a.example")
    world.sync()
    assert len(world.store.welcomed) == welcomed


def test_the_cutover_begins_with_its_day() -> None:
    """In UTC, whatever the time of the machine."""
    rules = ContactRules(welcome_email="after_cutover", cutover=date(2027, 1, 15))
    assert not rules.welcomes(datetime(2027, 1, 14, 23, 59, tzinfo=UTC))
    assert rules.welcomes(datetime(2027, 1, 15, tzinfo=UTC))


def test_a_cutover_needs_its_day() -> None:
    """Refused when the file is read."""
    with pytest.raises(ValidationError, match="needs the day in 'cutover'"):
        ContactRules(welcome_email="after_cutover")


def test_a_plan_counts_the_shoppers_and_those_who_are_welcomed(world: SmallWorld) -> None:
    """Of first and further users; a run that nobody reads asks nothing."""
    world.settings = {"contacts": {"primary_role": ADMIN, "other_role": "Junior Buyer", "welcome_email": "always"}}
    world.store.shopper_emails = frozenset({"a@a.example", "c@a.example", "nobody@a.example"})
    world.firm("A", "A@a.example", "b@a.example", "c@a.example")
    said: list[str] = []
    source, target = InMemorySource(world.erp), InMemoryTarget(world.store)
    sink = lambda text, _: said.append(text)  # noqa: E731 - one line of a test
    run(world.connector, source, target, world.ledger_url, window=RunRequest(dry_run=True), sink=sink)
    told = "\n".join(said)
    assert "2 new users of the plan shop in the store already" in told
    assert "e-mail of welcome to 3 new users" in told
