"""What a run is measured by, after real runs against both twins."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customer_sync.errors import SyncError
from customer_sync.reporting.request_count import HOLDERS, PLACES
from customer_sync.reporting.run_metrics import (
    ACCESS_REMOVAL,
    CUSTOMERS,
    OLDEST_UNSYNCED_CHANGE_S,
    REQUESTS,
    REQUESTS_REFUSED,
    RUN_DURATION,
    RUNS,
    Measurement,
    measure_run,
    oldest_unsynced_change,
)
from customer_sync.run import Run
from tests.integration.twin_world import World, call

CUSTOMER = "C000001"
SECOND = 100022


def measured(world: World, run_id: str) -> list[Measurement]:
    """The measurements of a run."""
    with world.ledger() as ledger:
        return measure_run(Run(world.connector, ledger, run_id), now_utc=datetime.now(UTC))


def values(found: list[Measurement], name: str, tag: str) -> dict[str, Any]:
    """Tag -> value of one metric."""
    return {item.tags[tag]: item.value for item in found if item.name == name}


def test_counts_are_those_of_the_run_when_it_ends(world: World) -> None:
    """Customers by outcome add up to the run; requests by system and status are those that the twins saw.

    Questions about countries and states are counted apart.
    """
    report = world.sync(mode="full", run_id="first")
    found = measured(world, "first")
    assert values(found, CUSTOMERS, "outcome") == report.outcomes
    assert values(found, RUNS, "status") == {"success": 1}
    assert values(found, RUN_DURATION, "status")["success"] > timedelta()
    for system, url in (("acumatica", world.erp_url), ("better_b2b", world.store_url)):
        seen = Counter(str(row["status"]) for row in call(f"{url}/_sandbox/calls"))
        sent: dict[str, Any] = {}
        for item in found:
            if item.name == REQUESTS and item.tags["system"] in {system, f"{system}{PLACES}", f"{system}{HOLDERS}"}:
                sent[item.tags["status"]] = sent.get(item.tags["status"], 0) + item.value
        assert sent == {status: pytest.approx(count, abs=2) for status, count in seen.items()}  # the ERP's sign-out
    none = dict.fromkeys(("acumatica", "better_b2b", f"better_b2b{PLACES}", f"better_b2b{HOLDERS}"), 0)
    assert values(found, REQUESTS_REFUSED, "system") == none


def test_tags_hold_no_customer_when_measured(world: World) -> None:
    """Tags are the connector and words from short lists."""
    world.sync(mode="full", run_id="first")
    found = measured(world, "first")
    assert {key for item in found for key in item.tags} == {"connector", "outcome", "status", "system"}
    assert {item.tags["connector"] for item in found} == {"knb"}
    assert len({tuple(sorted(item.tags.items())) for item in found}) < 40


def test_refused_requests_are_counted_when_the_store_is_busy(world: World) -> None:
    """A 429 of the store shows as a status and as a refusal."""
    world.store_faults({"match": {"path_regex": "companies"}, "effect": "status", "status": 429, "times": 1})
    world.sync(mode="selected", customer_ids=[CUSTOMER], run_id="busy")
    found = measured(world, "busy")
    assert values(found, REQUESTS_REFUSED, "system")["better_b2b"] == 1
    assert ("better_b2b", "429") in {(m.tags["system"], m.tags["status"]) for m in found if m.name == REQUESTS}


def test_age_of_oldest_change_grows_when_runs_fail(world: World) -> None:
    """After a good run it counts from that run's start; a failed run moves nothing; a failed customer holds it back."""
    world.sync(mode="full", run_id="first")
    with world.ledger() as ledger:
        row = ledger.runs.get("first")
        assert row is not None
        assert oldest_unsynced_change(ledger) == row["started_at_utc"]
    age = next(item for item in measured(world, "first") if item.name == OLDEST_UNSYNCED_CHANGE_S)
    assert age.value >= 0
    world.erp_faults({"match": {"path_regex": "/Customer"}, "effect": "status", "status": 500, "times": 99})
    with pytest.raises(SyncError):
        world.sync(run_id="second")
    assert values(measured(world, "second"), RUNS, "status") == {"failed": 1}
    with world.ledger() as ledger:
        assert oldest_unsynced_change(ledger) == row["started_at_utc"]


def removals(world: World, run_id: str) -> list[timedelta]:
    """Durations of accesses that a run took away."""
    found = [item.value for item in measured(world, run_id) if item.name == ACCESS_REMOVAL]
    return [value for value in found if isinstance(value, timedelta)]


def test_time_to_removal_of_access_is_measured_when_erp_ends_it(world: World) -> None:
    """A company that is un-enrolled and a user whose contact is deactivated count from the ERP's own stamp."""
    world.sync(mode="full", run_id="first")
    assert removals(world, "first") == []
    before = datetime.now(UTC)
    world.edit("Contact", ContactID=SECOND, Active=False)
    world.edit("Customer", CustomerID="C000003", EnableKensiumCommerce=False)
    world.sync(run_id="second")
    after = datetime.now(UTC)
    found = removals(world, "second")
    assert len(found) == 2, world.write_lines()
    assert all(timedelta() <= value <= after - before + timedelta(seconds=1) for value in found)


def test_change_without_stamp_is_left_out_when_access_ends(world: World) -> None:
    """A Site Association row edited alone moves no stamp: its removal is not counted from a stamp of long ago."""
    world.sync(mode="full", run_id="first")
    world.sync(mode="full", run_id="second")
    shown = next(row for row in world.erp_state()["customers"] if row["CustomerID"] == CUSTOMER)
    row = {"id": shown["SiteAssociations"][0]["id"], "Active": False}
    world.edit("Customer", CustomerID=CUSTOMER, SiteAssociations=[row])
    world.sync(mode="full", run_id="third")
    assert world.last_outcome(CUSTOMER)[0] == "deactivated"
    assert removals(world, "third") == []
