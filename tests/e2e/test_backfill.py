"""A backfill over past days, started from Airflow's own dialog; Airflow's database is PostgreSQL, which it needs."""

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
from tests.reliability.private_postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

PATIENCE_S = 300
HERE = ZoneInfo("America/New_York")
"""The person's own zone; the dialog's date pickers speak it."""


@pytest.fixture
def daily(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Ground]":
    """Both twins and an Airflow on PostgreSQL; the connector runs once a day, and its first scheduled run is over."""
    folder = tmp_path_factory.mktemp("postgres-ground")
    with running_postgres() as new_database:
        url = new_database()
        # psycopg serves both kinds of engine.
        names = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC")
        ground = Ground(folder, dict.fromkeys(names, url))
        try:
            ground.start()
            ground.add_connector(CONNECTOR_ID, schedule='"0 0 * * *"')
            known = ground.airflow.dag(DAG_ID)
            assert known is not None
            ground.airflow.read_file_again(known["file_token"])
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


def ended_runs(ground: Ground, count: int) -> list[dict[str, Any]]:
    """Wait until so many runs of a backfill have ended."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        runs = backfill_runs(ground)
        if len(runs) == count and {run["state"] for run in runs} <= {"success", "failed"}:
            return runs
        assert time.monotonic() < deadline, ([run["state"] for run in runs], ground.last_lines())
        time.sleep(0.5)


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
    with Ledger.open(CONNECTOR_ID, daily.ledger_url) as ledger:
        marks = ledger.watermarks.load()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight - timedelta(days=number) for number in (6, 5, 4)]

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
    with Ledger.open(CONNECTOR_ID, daily.ledger_url) as ledger:
        windows = [(ledger.runs.get(run["dag_run_id"]) or {})["window"]["interval"] for run in runs]
        assert ledger.watermarks.load() == marks
    assert windows == [[day.isoformat(), (day + timedelta(days=1)).isoformat()] for day in days]
    person.context.close()
