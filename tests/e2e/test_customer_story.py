"""The incumbent's guide by clicks: create, switch on, trigger, read the log, see the company; then what goes wrong."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import urllib3
from playwright.sync_api import expect

from demo.settings import CONNECTOR_ID, DAG_ID
from tests.e2e.ground import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.browser import Person
    from tests.e2e.ground import Ground

NAME = "Harbour Supply Ltd"
EMAIL = "orders@harbour-supply.example"


def create_customer(page: "Page", ground: "Ground") -> tuple[str, str]:
    """Step one and two, in the ERP's screens; returns the customer's address and the id that the ERP gave."""
    page.goto(f"{ground.erp.address}/customers/new")
    for name, value in {
        "CustomerName": NAME,
        "MainContact/Email": EMAIL,
        "MainContact/Phone1": "+1 206 555 0142",
        "MainContact/Address/AddressLine1": "12 Pier Road",
        "MainContact/Address/City": "Seattle",
        "MainContact/Address/State": "WA",
        "MainContact/Address/PostalCode": "98101",
    }.items():
        page.locator(f'[id="{name}"]').fill(value)
    page.locator('[id="CustomerClass"]').select_option("B2B")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The record has been saved.")).to_be_visible()
    address = page.url.split("?")[0]
    customer_id = page.locator('[id="CustomerID"]').inner_text()
    set_commerce(page, address, enabled=True)
    return address, customer_id


def set_commerce(page: "Page", address: str, *, enabled: bool) -> None:
    """Tick or untick the framework on the tab Kensium Commerce; KNB is chosen when it is ticked."""
    page.goto(f"{address}?tab=commerce")
    box = page.get_by_label("Enable Kensium Commerce Framework").first
    box.set_checked(enabled)
    if enabled:
        page.get_by_label("Connection Type").first.select_option("KNB")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The record has been saved.")).to_be_visible()


def set_email(page: "Page", address: str, email: str) -> None:
    """Change the Account Email on the tab General."""
    page.goto(f"{address}?tab=general")
    page.locator('[id="MainContact/Email"]').fill(email)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The record has been saved.")).to_be_visible()


def trigger_by_clicks(person: "Person", ground: "Ground") -> str:
    """Trigger the DAG on Airflow's form and wait for the run's end."""
    before = ground.api.get(f"/api/v2/dags/{DAG_ID}/dagRuns?order_by=-id&limit=1")["dag_runs"]
    person.open_dag()
    page = person.page
    page.get_by_role("button", name=re.compile("^Trigger")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True).click()
    started = ground.newest_run(after=before[0]["dag_run_id"] if before else "")
    ended = ground.wait_for_run(started)
    assert ended.state == "success", ground.last_lines()
    return ended.run_id


def open_customer(person: "Person", customer_id: str) -> "Page":
    """Connector Logs, find the customer, open its page."""
    person.open("/connector-logs/")
    page = person.page
    page.get_by_role("searchbox", name="Customer").fill(customer_id)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=customer_id, exact=True).first.click()
    expect(page.get_by_role("heading", name=re.compile(customer_id))).to_be_visible()
    return page


def test_a_customer_goes_from_the_erp_to_the_store_and_back_by_clicks(ground: "Ground", admin: "Person") -> None:
    """The five steps of the guide; then unticked, without an e-mail, and repaired: each with its reason shown."""
    page = admin.page
    address, customer_id = create_customer(page, ground)
    trigger_by_clicks(admin, ground)

    page = open_customer(admin, customer_id)
    expect(page.locator(".lead .now")).to_have_text("In the store")
    expect(page.locator(".head .who")).to_have_text(NAME)
    expect(page.locator(".sentence").first).to_contain_text("Company created, 2 addresses, 1 user")
    admin.picture("customer-page")
    page.get_by_role("link", name=re.compile(r"^\d+$")).first.click()
    expect(page.get_by_role("heading", name=re.compile("Harbour Supply"))).to_be_visible()
    for part in ("Basic Information", "Company User", "Payment Methods", "Address Book", "User Role"):
        expect(page.get_by_text(re.compile(part)).first).to_be_visible()
    expect(page.get_by_text(EMAIL).first).to_be_visible()

    set_commerce(page, address, enabled=False)
    ground.run({"mode": "selected", "customer_ids": [customer_id]})
    page = open_customer(admin, customer_id)
    expect(page.locator(".lead .now")).to_have_text("Closed in the store")
    expect(page.locator(".sentence").first).to_contain_text("not enabled")

    set_commerce(page, address, enabled=True)
    set_email(page, address, "")
    ground.run({"mode": "selected", "customer_ids": [customer_id]})
    page = open_customer(admin, customer_id)
    expect(page.locator(".sentence").first).to_contain_text("Not for the store: e-mail missing")
    expect(page.locator(".story").first).to_contain_text("Fill in the Account Email")
    admin.picture("customer-refused")

    set_email(page, address, EMAIL)
    ground.run({"mode": "selected", "customer_ids": [customer_id]})
    page = open_customer(admin, customer_id)
    expect(page.locator(".lead .now")).to_have_text("In the store")
    expect(page.locator(".sentence").first).to_contain_text("reactivated")


def test_a_customer_is_set_aside_synced_and_unlinked_by_hand(
    ground: "Ground", new_person: "Callable[..., Person]"
) -> None:
    """Skip, sync now: skipped; take back, sync now: looked at; who did it stands on the page."""
    person = new_person("olga")
    ground.run({"mode": "full"})
    state = ground.store.get("/_sandbox/state")
    key = next(
        field["fieldValue"]
        for company in state["companies"]
        for field in company["extraFields"]
        if field["fieldName"] == "Acumatica Customer ID"
    )
    page = person.page
    person.open(f"/connector-logs/customer?connector={CONNECTOR_ID}&id={key}")

    def act(label: str, why: str = "") -> None:
        page.get_by_role("button", name=label, exact=True).first.click()
        dialog = page.get_by_role("dialog")
        if why:
            dialog.get_by_label(re.compile("^Why")).fill(why)
        if label == "Skip":
            person.picture("customer-action")
        dialog.get_by_role("button", name=label, exact=True).click()
        expect(page.locator("#told")).to_be_visible()

    act("Skip", "asked by sales")
    expect(page.get_by_text("Skipped by hand until")).to_be_visible()
    newest = ground.newest_run()
    act("Sync now")
    assert ground.wait_for_run(ground.newest_run(after=newest)).state == "success"
    page.reload()
    expect(page.locator(".lead .now")).to_have_text("Left alone by hand")
    expect(page.locator(".story .badge").first).to_have_text("skipped")
    act("Resume")
    newest = ground.newest_run()
    act("Sync now")
    assert ground.wait_for_run(ground.newest_run(after=newest)).state == "success"
    page.reload()
    expect(page.locator(".lead .now")).to_have_text("In the store")
    expect(page.locator(".story .badge").first).to_have_text("unchanged")
    expect(page.locator(".deeds")).to_contain_text("olga skip: asked by sales")
    company = page.locator("a.outside").first.inner_text()
    act("Unlink", "to try it")
    page.get_by_role("button", name="Link", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Company id").fill("999999999")
    dialog.get_by_label(re.compile("^Why")).fill("a typing error")
    dialog.get_by_role("button", name="Link", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("has no company 999999999")
    dialog.get_by_label("Company id").fill(company)
    dialog.get_by_role("button", name="Link", exact=True).click()
    expect(page.locator("#told")).to_contain_text(f"Linked to company {company}")


def test_health_names_a_paused_dag(ground: "Ground", new_person: "Callable[..., Person]") -> None:
    """The panel says what is off and how to mend it."""
    person = new_person("vera")
    ground.airflow.set_paused(DAG_ID, paused=True)
    try:
        person.open(f"/connector-logs/customer?connector={CONNECTOR_ID}&id=C000001")
        expect(person.page.get_by_text("You may read but not run")).to_be_visible()
        person.open("/connector-logs/health")
        expect(person.page.get_by_text("The DAG is paused")).to_be_visible()
        person.picture("health")
    finally:
        ground.airflow.set_paused(DAG_ID, paused=False)


def ask(
    ground: "Ground", name: str, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Send a request with a person's login."""
    pool = urllib3.PoolManager(retries=False)
    login = pool.request("POST", f"{ground.address}/auth/token", json={"username": name, "password": PASSWORD})
    sent = {"Cookie": f"_token={login.json()['access_token']}", "X-Connector-Logs": "1", **(headers or {})}
    url = f"{ground.address}/connector-logs/{path}"
    answer = pool.request(method, url, headers=sent, **({} if body is None else {"json": body}))
    return answer.status, answer.data.decode()


def test_a_page_of_another_site_changes_nothing(ground: "Ground") -> None:
    """Origin of another site, no header of ours, no JSON: each is refused with the administrator's cookie."""
    order = {"connector": CONNECTOR_ID, "customer_id": "C000001", "why": "x", "kind": "skip"}
    evil = ask(ground, "admin", "POST", "actions/set-aside", order, {"Origin": "http://evil.example"})
    text = ask(ground, "admin", "POST", "actions/set-aside", None, {"Content-Type": "text/plain"})
    assert evil[0] == 403
    assert text[0] in (403, 415, 422)
    assert "Skipped" not in ask(ground, "admin", "GET", f"customer?connector={CONNECTOR_ID}&id=C000001")[1]
