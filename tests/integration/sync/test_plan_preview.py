"""A dry run shows the very plan that a real run applies; what it cannot know it calls unknown."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from customer_sync.errors import PlanRefused, RunUnbalanced
from customer_sync.ledger import IntendedWrite
from customer_sync.model.operation import Action
from customer_sync.model.outcome import Reason
from customer_sync.reporting.plan_table import COLUMNS
from tests.integration.twin_world import World, attempts
from tests.unit.customer_sync.builders import an_operation

SMALL = {"size": 20, "largest": 20}
"""Batches of a size that makes several."""


def plan_hash(world: World, run_id: str) -> str:
    """The hash that guard gave a run's plan."""
    with world.ledger() as ledger:
        return str((ledger.runs.get(run_id) or {})["plan_hash"])


def plan_table(folder: Path, run_id: str) -> list[dict[str, str]]:
    """The rows of a run's plan.csv."""
    with (folder / "knb" / run_id / "plan.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of reports."""
    monkeypatch.setenv("CUSTOMER_SYNC_REPORTS_DIR", str(tmp_path / "reports"))
    return tmp_path / "reports"


def test_previewed_plan_is_the_applied_one_row_by_row(world: World, reports: Path) -> None:
    """Over several batches: same hash, and the operations of the CSV are the writes that the ledger confirms."""
    world = world.with_rules(batch=SMALL)
    world.sync(mode="full", dry_run=True, run_id="dry")
    assert world.store_writes() == []
    previewed = plan_hash(world, "dry")
    rows = plan_table(reports, "dry")

    world.sync(mode="full", plan_hash=previewed, run_id="real")
    assert plan_hash(world, "real") == previewed
    assert plan_table(reports, "real") == rows
    planned = {(row["customer_id"], row["action"], row["record_key"]) for row in rows}
    with world.ledger() as ledger:
        confirmed = ledger.intents.confirmed("real", {row["customer_id"] for row in rows})
        refused = ledger.quarantine.load(row["customer_id"] for row in rows)
    done = {
        (customer, write.action, write.key if write.key != customer else "")
        for customer, writes in confirmed.items()
        for write in writes
    }
    left_out = {(row.customer_id, "create_user", row.key) for found in refused.values() for row in found}
    assert done == planned - left_out
    assert planned <= done | left_out


def test_changed_field_has_old_and_new_value_masked(world: World, reports: Path) -> None:
    """One renamed customer is one row with the field; personal data is masked in it, and nobody else may read it."""
    world.sync(mode="full")
    key = min(world.companies())
    world.edit("Customer", CustomerID=key, CustomerName="Renamed Company Ltd")
    world.sync(mode="selected", customer_ids=[key], dry_run=True, run_id="dry")
    rows = plan_table(reports, "dry")
    assert {(row["customer_id"], row["unknown"]) for row in rows} == {(key, "")}
    renamed = next(row for row in rows if (row["action"], row["field"]) == ("update_company", "company_name"))
    assert renamed["new"] == "Re•••"
    assert renamed["old"].endswith("•••")
    assert renamed["old"] != renamed["new"]
    assert tuple(renamed) == COLUMNS
    path = reports / "knb" / "dry" / "plan.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    with world.ledger() as ledger:
        (planned,) = ledger.plans.operations("dry")
    assert {name for operation in planned.operations for name in operation.values} == {row["field"] for row in rows}


def test_withheld_customers_are_in_no_sum_and_change_the_hash(world: World, reports: Path) -> None:
    """Two newcomers with one Account Email are not in the plan that is shown; when one leaves, the plan is another."""
    world = world.with_rules(target={"company_emails_unique": True})
    world.sync(mode="full", dry_run=True, run_id="before")
    with world.ledger() as ledger:
        withheld = {planned.customer_id for _, planned in ledger.plans.withheld("before")}
    assert withheld
    assert withheld.isdisjoint(row["customer_id"] for row in plan_table(reports, "before"))
    world.edit("Customer", CustomerID=min(withheld), Email="somebody.else@example.org")
    world.sync(mode="full", dry_run=True, run_id="after")
    assert withheld <= {row["customer_id"] for row in plan_table(reports, "after")}
    with pytest.raises(PlanRefused, match="The plan is now"):
        world.sync(mode="full", plan_hash=plan_hash(world, "before"))


def test_what_is_shown_adds_up_to_what_load_will_find(world: World) -> None:
    """Customers, operations and hash of the summary are those of the plan without the customers that were taken out."""
    with attempts(world.with_rules(batch=SMALL, target={"company_emails_unique": True}), "sums", mode="full") as parts:
        parts.plan()
        ledger = parts.at("guard").ledger
        out = {planned.customer_id for _, planned in ledger.plans.withheld("sums")}
        left = list(ledger.plans.customers("sums", [each.key for each in parts.planned]))
    assert out
    assert (
        out == {key for each in parts.summary.descriptors for key in each.withheld} == set(parts.summary.facts.withheld)
    )
    assert out.isdisjoint(each.customer_id for each in left)
    facts = parts.summary.facts
    assert (facts.customers, facts.operations) == (len(left), sum(each.operations for each in left))
    assert facts.plan_hash == f"{sum(int(each.plan_hash, 16) for each in left) % 2**128:032x}"


def test_failed_batch_is_unknown_and_a_bound_run_is_refused(world: World, reports: Path) -> None:
    """Customers of a batch that failed stand as unknown in summary and CSV; nothing is bound to such a plan."""
    world = world.with_rules(batch=SMALL)
    with attempts(world, "half", mode="full", dry_run=True) as parts:
        parts.plan()
        lost = parts.planned.pop()
        with parts.at("transform").ledger.write() as connection:
            parts.at("transform").ledger.plans.replace(connection, "half", lost.key, [], [])
        parts.guard()
        unknown = {part.reason: part for part in parts.summary.facts.unknown}
        assert unknown[Reason.BATCH_FAILED].customers > 0
        assert any("batch_failed" in line for line in parts.summary.lines)
        counts = Counter(row["unknown"] for row in plan_table(reports, "half"))
        assert counts[Reason.BATCH_FAILED] == unknown[Reason.BATCH_FAILED].customers
        parts.request = parts.request.model_copy(update={"dry_run": False, "plan_hash": parts.summary.plan_hash})
        with pytest.raises(PlanRefused, match="is unknown"):
            parts.guard()
        with pytest.raises(RunUnbalanced):
            parts.audit(failed=("transform[4] (failed)",))
        outcomes = parts.at("audit").ledger.runs.outcome_counts("half")
    assert outcomes["planned"] > 0
    assert outcomes["failed"] == unknown[Reason.BATCH_FAILED].customers


def test_write_without_an_answer_is_unknown(world: World, reports: Path) -> None:
    """What a killed run was writing is unknown; the preview says so, and no run can be bound to it."""
    world.sync(mode="full")
    key = min(world.companies())
    with world.ledger() as ledger, ledger.write() as connection:
        left = an_operation(Action.UPDATE_COMPANY, key, 1, values={"company_name": "x"})
        ledger.intents.open(connection, "killed", 1, [[IntendedWrite(key, left)]])
    world.sync(mode="full", dry_run=True, run_id="dry")
    told = {row["customer_id"] for row in plan_table(reports, "dry") if row["unknown"] == Reason.OUTCOME_UNKNOWN}
    assert told == {key}
    with pytest.raises(PlanRefused, match="outcome_unknown"):
        world.sync(mode="full", plan_hash=plan_hash(world, "dry"))
