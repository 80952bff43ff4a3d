"""Backfills over past days, from Airflow's dialog and from its command; its database is PostgreSQL, which they need."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from customer_sync.ledger import Ledger
from demo.settings import CONNECTOR_ID, DAG_ID
from tests.e2e.browser import Person
from tests.e2e.ground import Ground, remove
from tests.reliability.private_postgres import is_postgres_installed, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser

PATIENCE_S = 300
HERE = ZoneInfo("America/New_York")
"""The person's own zone; the dialog's date pickers speak it."""


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Ground]":
    """Both twins and an Airflow on PostgreSQL; the connector runs once a day, and its first scheduled run is over."""
    if not is_postgres_installed():
        pytest.fail("PostgreSQL is not installed (Debian and Ubuntu: apt-get install postgresql).", pytrace=False)
    folder = tmp_path_factory.mktemp("postgres-ground")
    with running_postgres() as new_database:
        url = new_database()
        # psycopg serves both kinds of engine.
        names = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC")
        # From the first reading on: Airflow writes a DAG that changes down once in 30 s only.
        ground = Ground(folder, dict.fromkeys(names, url), rules={"schedule": '"0 0 * * *"'})
        try:
            ground.start()
            first = ground.newest_run(timeout_s=PATIENCE_S)
            assert ground.wait_for_run(first, timeout_s=PATIENCE_S).state == "success", ground.last_lines()
            yield ground
        finally:
            ground.stop()
            remove(folder)


def backfill_runs(ground: Ground) -> list[dict[str, Any]]:
    """The runs of all backfills, by logical date."""
    path = f"/api/v2/dags/{DAG_ID}/dagRuns?limit=100&run_type=backfill&order_by=logical_date"
    found: list[dict[str, Any]] = ground.api.get(path)["dag_runs"]
    return found


def day(number: int) -> datetime:
    """Midnight so many days ago: the start of that day's interval."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=number)


def windows_of(ground: Ground, runs: list[dict[str, Any]]) -> list[list[str]]:
    """What each run read, as its ledger says."""
    with Ledger.open(CONNECTOR_ID, ground.ledger_url) as ledger:
        return [(ledger.runs.get(run["dag_run_id"]) or {})["window"]["interval"] for run in runs]


def interval(start: datetime) -> list[str]:
    """The interval of a day."""
    return [start.isoformat(), (start + timedelta(days=1)).isoformat()]


def marks_of(ground: Ground) -> dict[str, str]:
    """The connector's watermarks."""
    with Ledger.open(CONNECTOR_ID, ground.ledger_url) as ledger:
        return dict(ledger.watermarks.load())


def ended_runs(ground: Ground, count: int, better_than: "Sequence[dict[str, Any]]" = ()) -> list[dict[str, Any]]:
    """Wait until so many runs of backfills have ended; those of an earlier look must have been run again."""
    deadline = time.monotonic() + PATIENCE_S
    old = {(run["dag_run_id"], run["start_date"]) for run in better_than}
    while True:
        runs = backfill_runs(ground)
        is_over = {run["state"] for run in runs} <= {"success", "failed"}
        if len(runs) == count and is_over and old.isdisjoint((run["dag_run_id"], run["start_date"]) for run in runs):
            return runs
        assert time.monotonic() < deadline, ([run["state"] for run in runs], ground.last_lines())
        time.sleep(0.5)


def backfill(ground: Ground, first: datetime, last: datetime, *options: str) -> None:
    """Start a backfill by Airflow's command, as soon as the one before it counts as complete."""
    deadline = time.monotonic() + PATIENCE_S
    path = f"/api/v2/backfills?dag_id={DAG_ID}"
    while any(each["completed_at"] is None for each in ground.api.get(path)["backfills"]):
        assert time.monotonic() < deadline, ground.last_lines()
        time.sleep(0.5)
    dates = ("--from-date", first.isoformat(), "--to-date", last.isoformat())
    ground.airflow_command("backfill", "create", "--dag-id", DAG_ID, *dates, "--max-active-runs", "1", *options)


def pick(person: Person, label: str, moment: datetime) -> None:
    """Fill in one of the dialog's date pickers."""
    page = person.page
    local = moment.astimezone(HERE)
    field = page.get_by_role("dialog").get_by_role("group").filter(has_text=re.compile(f"^{label}"))
    field.get_by_test_id("datetime-input").click()
    fields = page.locator("[data-scope=popover][data-part=content][data-state=open] input")
    fields.nth(0).fill(local.strftime("%Y/%m/%d"))
    fields.nth(1).fill(local.strftime("%H:%M"))
    page.get_by_text("Date Range", exact=True).click()


def test_three_past_days_are_backfilled_from_the_dialog(daily: Ground, browser: "Browser", tmp_path: "Path") -> None:
    """Three days by clicks: three green runs, each over its own day, and the watermark stays where it was."""
    marks = marks_of(daily)
    days = [day(number) for number in (6, 5, 4)]

    person = Person(daily, browser, tmp_path)
    person.log_in("admin")
    person.open_dag()
    page = person.page
    page.get_by_role("button", name=re.compile("^Trigger")).first.click()
    dialog = page.get_by_role("dialog").first
    dialog.get_by_text("Backfill", exact=True).first.click()
    pick(person, "From", days[0])
    pick(person, "To", days[-1])
    person.picture("backfill-dialog")
    start = dialog.get_by_role("button", name="Run Backfill")
    expect(start).to_be_enabled()
    start.click()

    runs = ended_runs(daily, len(days))
    assert [run["state"] for run in runs] == ["success"] * len(days), daily.last_lines()
    assert windows_of(daily, runs) == [interval(each) for each in days]
    assert marks_of(daily) == marks
    person.context.close()


def test_failed_days_are_processed_again_from_the_command(daily: Ground) -> None:
    """Two older days, the later one first, while the ERP refuses: red. `--reprocess-behavior failed`: both green."""
    marks, before = marks_of(daily), backfill_runs(daily)
    days = [day(number) for number in (9, 8)]
    fault = {"match": {"path_regex": "/Customer"}, "effect": "status", "status": 403, "times": 999}
    daily.erp.call("PUT", "/_sandbox/faults", [fault])
    backfill(daily, *days, "--run-backwards")
    runs = ended_runs(daily, len(before) + len(days))[: len(days)]
    assert [run["state"] for run in runs] == ["failed", "failed"]
    assert runs[0]["start_date"] > runs[1]["start_date"]

    daily.erp.call("PUT", "/_sandbox/faults", [])
    backfill(daily, *days, "--reprocess-behavior", "failed")
    again = ended_runs(daily, len(before) + len(days), better_than=runs)[: len(days)]

    assert [run["state"] for run in again] == ["success", "success"], daily.last_lines()
    assert windows_of(daily, again) == [interval(each) for each in days]
    assert marks_of(daily) == marks
