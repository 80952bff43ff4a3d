"""Countries and states are those of the store: its lists are read once a day, and what is sent is what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pycountry
import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import store_place
from customer_sync.model.place import Place
from customer_sync.rules.places import STATE_COUNTRIES
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, call, shipped_connector

LISTS = json.loads(Path("sandbox/better_b2b/places.json").read_text(encoding="utf-8"))
# Larger regions, and what the store's list does not have: these wait, with a finding.
NOT_LISTED = {"IN-LA", "IN-DH", "IT-SU", "PH-MGS", "PH-COM"}


def place_calls(world: World) -> list[str]:
    """The questions about places that the store was asked."""
    rows = call(f"{world.store_url}/_sandbox/calls")
    paths = [(row["path"], row.get("query") or "") for row in rows]
    return sorted(
        f"{path.rpartition('/')[2]}?{query}" for path, query in paths if path.endswith(("/countries", "/states"))
    )


def test_lists_are_asked_for_once_a_day(world: World) -> None:
    """One request for the countries and one for each country in use; the next run of the day asks nothing."""
    world.sync(mode="full")
    first = place_calls(world)
    assert len(first) == len(set(first))
    assert [each.partition("?")[0] for each in first].count("countries") == 1
    world.forget_calls()
    world.sync(mode="full")
    assert place_calls(world) == []


def _make_old(world: World) -> None:
    with world.ledger() as ledger, ledger.write() as connection:
        connection.execute(sa.update(store_place).values(read_at_utc=utc_now() - timedelta(days=1, minutes=1)))


def test_a_changed_list_judges_everybody_anew(world: World) -> None:
    """The day after, lists are read again; where one differs, the rules count as changed, so that all are read."""
    world.sync(mode="full")
    with world.ledger() as ledger:
        before = ledger.places.changes("knb")
    _make_old(world)
    world.sync(mode="full")
    with world.ledger() as ledger:
        assert ledger.places.changes("knb") == before == 0
        with ledger.write() as connection:
            identity = world.store().identity
            ledger.places.put(connection, "knb", identity, "US", [Place("CA", "Calif.")])
        assert ledger.places.changes("knb") == 1
    _make_old(world)
    report = world.sync(mode="full")
    assert report.outcomes.get("failed", 0) == 0
    with world.ledger() as ledger:
        assert ledger.places.changes("knb") == 2


def test_a_store_that_lists_no_places_gets_names_of_iso_and_cldr(world: World) -> None:
    """The published document knows a search only: then English names and ISO codes are sent, not nothing."""
    call(f"{world.store_url}/_sandbox/settings", "PUT", {"list_places": False, "strict_states": False})
    world.sync(mode="full")
    country_names = {row["countryName"] for company in world.book().values() for row in company["addresses"]}
    assert {"United States", "South Korea"} <= country_names


def _iso_states() -> list[tuple[str, Any]]:
    """The states of the 24 countries at the level that the store lists, as an ERP that follows ISO 3166 holds them."""
    found = []
    for country in sorted(STATE_COUNTRIES):
        entries = list(pycountry.subdivisions.get(country_code=country))  # type: ignore[no-untyped-call] # pycountry has no types
        parents = {entry.parent_code for entry in entries if entry.parent_code}
        found.append([entry for entry in entries if entry.code not in parents and entry.code not in NOT_LISTED])
    return [
        (entry.country_code, entry)
        for row in zip(*(islice(cycle(each), 60) for each in found), strict=True)
        for entry in row
    ]


@pytest.fixture
def large_world(tmp_path: Path) -> Iterator[World]:
    """500 seeded customers."""
    with running_acumatica(customers=500) as erp, running_better_b2b() as store:
        yield World(erp.url, store.url, shipped_connector(), f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.mark.long
def test_500_customers_of_all_24_countries_meet_no_refusal(large_world: World) -> None:
    """Codes and names as ISO has them, in countries that need a state: the strict store refuses none."""
    erp = large_world.erp_state()
    for number, (customer, (country, entry)) in enumerate(zip(erp["customers"], _iso_states(), strict=False)):
        text = (entry.code.partition("-")[2], entry.name, entry.code)[number % 3]
        for place in (customer["MainAddress"], customer["BillingAddress"]):
            if place and place.get("Country"):
                place |= {"Country": country, "State": text}
    call(f"{large_world.erp_url}/_sandbox/state", "PUT", erp)
    call(f"{large_world.store_url}/_sandbox/settings", "PUT", {"strict_states": True})

    report = large_world.sync(mode="full")

    refused = [row for row in call(f"{large_world.store_url}/_sandbox/calls?method=POST") if row["status"] == 422]
    assert [row for row in refused if "state" in json.dumps(row) and "already exists" not in json.dumps(row)] == []
    assert report.outcomes["created"] > 300
    states = {code: {name for _, name in rows} for code, rows in LISTS["states"].items()}
    for company in large_world.book().values():
        if company["state"]:
            assert company["country"] not in states or company["state"] in states[company["country"]]
