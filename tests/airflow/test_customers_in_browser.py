"""Connector Logs in a real browser, over 500 customers after four runs: who needs a person, until each is put right."""

from __future__ import annotations

import importlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.airflow.test_customers_page import NEXT_STEPS, open_as, world
from tests.airflow.test_operator_actions import in_airflow
from tests.e2e.browser import PICTURES, VIEW, ProgramMissing, start_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.integration.twin_world import World

__all__ = ["in_airflow", "open_as", "world"]

WAIT_MS = 60_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    with sync_playwright() as playwright:
        try:
            running = start_browser(playwright)
        except ProgramMissing as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
        yield running
        running.close()


@pytest.fixture
def address(open_as: Callable[..., Any], in_airflow: Callable[..., None]) -> Iterator[Callable[[str], str]]:
    """Gives the address of the pages as a person gets them, from a server of its own."""
    uvicorn = importlib.import_module("uvicorn")
    in_airflow()
    running: list[tuple[Any, threading.Thread]] = []

    def serve(name: str) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        app = open_as(name, sees_names=name == "olga").app
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{port}"

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


def opened(browser: Browser, url: str, color_scheme: str = "light", width: int = VIEW["width"]) -> Page:
    """A page in somebody's zone."""
    context = browser.new_context(
        viewport={"width": width, "height": VIEW["height"]},
        color_scheme=color_scheme,  # type: ignore[arg-type] # one of the two words
        locale="en-GB",
        timezone_id="America/New_York",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    # The server may still be starting.
    for _ in range(100):
        try:
            page.goto(url)
            break
        except Exception:  # noqa: BLE001 - the browser says it in several ways
            page.wait_for_timeout(100)
    return page


def picture(page: Page, name: str, taken: Path) -> None:
    """Photograph the page: into the documentation when ``PICTURES=1``."""
    folder = PICTURES if os.environ.get("PICTURES") else taken
    page.screenshot(path=folder / f"{name}.png", animations="disabled", caret="hide")


def listed(page: Page) -> dict[str, str]:
    """Customer -> next step, as the list shows them."""
    rows = page.locator("table.customers > tbody > tr")
    return {row.locator("a").first.inner_text(): row.locator("td").nth(4).inner_text() for row in rows.all()}


def test_who_needs_a_person_is_listed_until_it_is_put_right(
    browser: Browser, address: Callable[[str], str], world: World, tmp_path: Path
) -> None:
    """Exactly those, each with its next step; the story in sentences; one leaves by a fix, one by a click."""
    expect.set_options(timeout=WAIT_MS)
    named = address("olga")
    page = opened(browser, f"{named}/")
    shown = listed(page)
    assert shown.keys() == NEXT_STEPS.keys()
    assert {key: step for key, step in shown.items() if not step.startswith(NEXT_STEPS[key])} == {}
    picture(page, "customers", tmp_path)
    page.goto(f"{named}/runs")
    picture(page, "runs", tmp_path)
    page.goto(f"{named}/log")
    picture(page, "connector-logs", tmp_path)
    company = world.companies()["C000001"]
    page.goto(f"{named}/customer?connector=knb&id=C000001")
    expect(page.locator(".who")).to_have_text(company["companyName"])
    expect(page.locator(".sentence").first).to_contain_text("Company created")
    picture(page, "customer-page", tmp_path)

    masked = opened(browser, f"{address('vera')}/?view=all", "dark", 1024)
    assert company["companyName"] not in masked.content()
    assert masked.evaluate("document.documentElement.scrollWidth") <= 1024
    picture(masked, "customers-dark", tmp_path)

    page.goto(f"{named}/customer?connector=knb&id=C000033")
    picture(page, "customer-refused", tmp_path)
    page.get_by_role("button", name="Mark as handled").first.click()
    page.get_by_role("dialog").get_by_label("Why").fill("the branch is closed")
    picture(page, "customer-action", tmp_path)
    page.get_by_role("dialog").get_by_role("button", name="Mark as handled").click()
    expect(page.locator("#told")).to_be_visible()
    world.edit("Customer", CustomerID="C000020", CustomerName="Named at last Ltd")
    world.sync(run_id="put right", mode="full")
    page.goto(f"{named}/")
    assert listed(page).keys() == NEXT_STEPS.keys() - {"C000020", "C000033"}
