"""Connections by clicks: the form offers both systems with their fields, and *Test* works without a port."""

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.browser import Person
    from tests.e2e.ground import Ground

CONNECTION = "erp_by_hand"


def add_acumatica(page: "Page", address: str, password: str) -> None:
    """Fill in the form for an Acumatica connection, all but the port, and save it."""
    page.get_by_role("button", name=re.compile("Add Connection")).click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=connection_id]").fill(CONNECTION)
    kind = dialog.get_by_role("combobox").first
    kind.click()
    kind.fill("Acumatica")
    page.get_by_role("option", name="Acumatica", exact=True).click()
    dialog.locator("input[name=host]").fill(address)
    dialog.locator("input[name=login]").fill("admin")
    dialog.locator("input[name=password]").fill(password)
    dialog.get_by_text("Extra Fields", exact=False).first.click()
    for field, value in {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}.items():
        dialog.locator(f"#element_{field}").fill(value)


def test_connection_without_port_is_made_and_tested_by_clicks(ground: "Ground", admin: "Person") -> None:
    """Add, save, press *Test* in the row: it says that all is well. With a wrong password it says what to correct."""
    page = admin.page
    admin.open("/connections")
    add_acumatica(page, ground.erp.address, "sandbox")
    admin.picture("connection-form")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Save")).click()
    row = page.get_by_role("row").filter(has_text=CONNECTION)
    expect(row).to_be_visible()
    row.get_by_role("button", name=re.compile("Test Connection")).click()
    expect(
        page.get_by_text(re.compile("Connected to the tenant Sandbox: KNCommerce/24.200.001 is served"))
    ).to_be_visible()
    admin.picture("connection-test")
