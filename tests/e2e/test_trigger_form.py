"""The trigger form, by clicks."""

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.e2e.browser import Person
    from tests.e2e.ground import Ground


def test_a_run_started_from_the_form_brings_the_customers_over(ground: "Ground", admin: "Person") -> None:
    """Trigger, choose the mode, press the button: the run succeeds and the store has companies."""
    before = ground.run({"mode": "selected", "customer_ids": ["NOBODY"]}).run_id
    admin.open_dag()
    page = admin.page
    page.get_by_role("button", name=re.compile("^Trigger")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    admin.picture("trigger-form")
    dialog.get_by_role("button", name="Trigger", exact=True).click()
    ended = ground.wait_for_run(ground.newest_run(after=before))
    assert ended.state == "success", ground.last_lines()
    assert ground.store.get("/_sandbox/state")["companies"]
