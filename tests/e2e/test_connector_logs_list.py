"""The Connector Logs list, as a person finds and filters it."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from demo.settings import DAG_ID

if TYPE_CHECKING:
    from tests.e2e.browser import Person
    from tests.e2e.ground import Ground


@pytest.fixture(scope="module", autouse=True)
def _synced(ground: "Ground") -> None:
    """A first full run has written the log."""
    assert ground.run({"mode": "full"}).state == "success", ground.last_lines()


def test_airflow_loads_the_plugin_without_an_error(ground: "Ground") -> None:
    """One plugin, no matter that folder and package both offer it."""
    assert ground.api.get("/api/v2/plugins/importErrors")["import_errors"] == []
    names = [plugin["name"] for plugin in ground.api.get("/api/v2/plugins?limit=100")["plugins"]]
    assert names.count("connector_logs") == 1


def test_customers_are_found_in_the_menu_and_through_every_view(admin: "Person") -> None:
    """Browse, Connector Logs: those who need a person come first, each with a next step; the other views; a search."""
    admin.open("/")
    admin.page.get_by_role("button", name="Browse").click()
    admin.page.get_by_role("menuitem", name="Connector Logs").click()
    frame = admin.frame()
    expect(frame.get_by_role("heading", name="Customers")).to_be_visible()
    rows = frame.locator("table.customers > tbody > tr")
    # The page's script has done its first work: times are the viewer's.
    expect(rows.first.locator("time")).to_have_attribute("title", re.compile(r"UTC$"))
    assert all(step.strip() for step in frame.locator("table.customers td:nth-child(5)").all_text_contents())
    admin.picture("customers")
    frame.get_by_role("link", name="In the store", exact=True).click()
    expect(frame.get_by_role("link", name="In the store", exact=True)).to_have_attribute("aria-current", "true")
    expect(rows.first.locator(".now")).to_contain_text("In the store")
    frame.get_by_role("link", name="Left alone by hand").click()
    expect(frame.get_by_role("heading", name="Nobody here")).to_be_visible()
    frame.get_by_role("searchbox", name="Customer").fill("no such customer")
    frame.get_by_role("button", name="Find").click()
    expect(frame.get_by_role("heading", name="No customer matches")).to_be_visible()


def test_the_log_is_filtered_by_clicks(admin: "Person") -> None:
    """Choose an outcome: only that one is left, and the reason says what to do."""
    admin.open("/connector-logs/log")
    frame = admin.page
    expect(frame.locator("table.log > tbody > tr time").first).to_have_attribute("title", re.compile(r"UTC$"))
    admin.picture("connector-logs")
    frame.get_by_label("Outcome").select_option("filtered")
    expect(frame.locator("table.log > tbody > tr .badge").first).to_have_text("filtered")
    assert set(frame.locator("table.log > tbody > tr .badge").all_text_contents()) == {"filtered"}
    expect(frame.locator(".next").first).to_be_visible()
    frame.get_by_role("link", name="Clear").click()
    expect(frame.get_by_label("Outcome")).to_have_value("")
    expect(frame.get_by_role("link", name="Clear")).to_have_count(0)
    frame.get_by_role("searchbox", name="Customer").fill("no such customer")
    frame.get_by_role("button", name="Apply").click()
    expect(frame.get_by_role("heading", name="No row matches")).to_be_visible()


def test_runs_are_listed_with_counts_and_requests(ground: "Ground", admin: "Person") -> None:
    """The newest first; a click leads to the run's customers."""
    admin.open("/connector-logs/runs")
    page = admin.page
    row = page.locator("table.runs > tbody > tr").first
    expect(row).to_contain_text("created")
    expect(row).to_contain_text("Better B2B")
    admin.picture("runs")
    row.get_by_role("link").first.click()
    expect(page.get_by_label("This run", exact=True)).to_contain_text(ground.newest_run())


def test_customers_are_reached_by_the_keyboard_on_a_small_laptop(new_person: "Callable[..., Person]") -> None:
    """Tab and Enter alone open a customer; nothing is wider than 1024 pixels; a viewer reads no name."""
    person = new_person("vera")
    page = person.page
    page.set_viewport_size({"width": 1024, "height": 640})
    person.open("/connector-logs/?view=all")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    assert "•••" in page.locator("table.customers .name").first.inner_text()
    page.get_by_role("searchbox", name="Customer").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if "customer?" in (page.evaluate("document.activeElement.getAttribute('href')") or ""):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What is it now")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024


def test_a_run_has_a_tab_with_its_customers(ground: "Ground", admin: "Person") -> None:
    """The tab Customer Sync Details shows the run's balance and its rows only."""
    run_id = ground.newest_run()
    admin.open(f"/dags/{DAG_ID}/runs/{run_id}")
    admin.page.get_by_role("link", name="Customer Sync Details").click()
    frame = admin.frame()
    expect(frame.get_by_label("This run", exact=True)).to_contain_text(run_id)
    expect(frame.get_by_label("This run", exact=True)).to_contain_text("created")
    expect(frame.locator("table.log > tbody > tr").first).to_be_visible()
    admin.picture("customer-sync-details")


def test_the_list_is_dark_and_has_the_viewers_time_when_opened_on_its_own(new_person: "Callable[..., Person]") -> None:
    """Dark by the browser's preference; local time shown, UTC on hover."""
    person = new_person("vera", color_scheme="dark")
    person.open("/connector-logs/?view=all")
    page = person.page
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    time = page.locator("table.log time").first
    expect(time).to_have_attribute("title", re.compile(r"UTC$"))
    expect(time).not_to_contain_text("UTC")
    person.picture("customers-dark")
    person.open("/connector-logs/log")
    rows = page.locator("table.log > tbody > tr").count()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("link", name="Previous")).to_be_visible()
    assert rows == 50


def test_a_file_holds_what_is_filtered(admin: "Person") -> None:
    """CSV by a click: exactly the filtered rows."""
    admin.open("/connector-logs/log?outcome=created")
    page = admin.page
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    lines = started.value.path().read_text(encoding="utf-8-sig").splitlines()
    shown = int(page.locator(".bar .muted").inner_text().split()[0])
    assert len(lines) == shown + 1
    assert all(",created," in line for line in lines[1:])
