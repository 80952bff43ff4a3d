"""Names, e-mails and phones are on no page, in no file that a page offers, and in no report that it shows."""

import importlib
import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from customer_sync.run import Run
from customer_sync.settings.connector_file import find_connector
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.personal_values import personal_values
from tests.integration.twin_world import World

CUSTOMERS = 40


@pytest.fixture
def synced(connectors_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Runs that did, refused, lost and compared something."""
    assert connectors_dir.is_dir()
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    monkeypatch.setenv("CUSTOMER_SYNC_REPORTS_DIR", str(tmp_path / "reports"))
    with running_acumatica(customers=CUSTOMERS) as erp, running_better_b2b() as store:
        world = World(erp.url, store.url, find_connector("knb"), f"sqlite:///{tmp_path / 'ledger.db'}")
        world.sync(run_id="dry", mode="full", dry_run=True)
        lost = {"match": {"method": "POST", "path_regex": "/addresses/bulk$"}, "effect": "commit_then_reset"}
        world.store_faults({**lost, "times": 1})
        world.sync(run_id="first", mode="full")
        company = world.companies()["C000001"]
        said = f"Email already exists. ['{company['companyEmail']}'] phone {company['companyPhone']}"
        world.store_faults({"match": {"method": "PUT"}, "effect": "status", "status": 422, "message": said})
        world.edit("Customer", CustomerID="C000001", CustomerName=f"{company['companyName']} & Sons")
        world.edit("Customer", CustomerID="C000002", Email="somebody.else@elsewhere.example")
        world.sync(run_id="refused", mode="full")
        world.store_faults()
        world.reconcile(run_id="compared")
        publish = importlib.import_module("customer_sync_airflow.tasks.report_files").publish
        with world.ledger() as ledger:
            publish(Run(world.connector, ledger, "compared"), {})
        yield world


@pytest.fixture
def client(synced: World, metadata_database: None) -> Iterator[Any]:
    """A person who may read and act."""
    assert (synced.connector.id, metadata_database) == ("knb", None)
    rights = importlib.import_module("customer_sync_airflow.pages.rights")
    app = importlib.import_module("customer_sync_airflow.pages.app").build_app()

    class Viewer(rights.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """May do everything."""

        def may_act(self, connector_id: str) -> bool:
            return connector_id in self.connectors

        def may_edit(self, connector_id: str) -> bool:
            return connector_id in self.connectors

        def may_see_names(self, connector_id: str) -> bool:  # noqa: ARG002 - as its base
            return False

        def may_make_pools(self) -> bool:
            return True

    app.dependency_overrides[rights.current_viewer] = lambda: Viewer(None, "olga", frozenset({"knb"}))
    app.dependency_overrides[rights.may_read_runs] = lambda: None
    test_client = importlib.import_module("starlette.testclient").TestClient
    with test_client(app, headers={"accept": "text/html"}) as found:
        yield found


def pages_of(world: World) -> Iterator[str]:
    """Addresses of all pages and files, those of every customer among them."""
    yield from ("/log", "/runs", "/health", "/reports?connector=knb", "/export.csv", "/export.parquet")
    for view in ("attention", "all", "in_store", "closed", "not_for_store", "set_aside"):
        yield from (f"/?view={view}", f"/customers.csv?view={view}", f"/customers.parquet?view={view}")
    yield from (f"/log?connector=knb&run_id={run_id}" for run_id in ("dry", "first", "refused", "compared"))
    yield from (f"/log?{query}" for query in ("outcome=quarantined", "level=warning", "q=meier", "order=oldest"))
    report = "connector=knb&run_id=compared"
    yield f"/report?{report}"
    yield from (f"/report-table?{report}&name=differences.{kind}" for kind in ("csv", "parquet"))
    with world.ledger() as ledger:
        customers = [customer_id for customer_id, *_ in ledger.runs.customers("first")]
    yield from (f"/customer?connector=knb&id={customer_id}" for customer_id in customers)
    yield from (f"/as-of?connector=knb&id={customer_id}" for customer_id in customers)


def shown(answer: Any) -> str:
    """What a person reads: the text of a page, or the cells of a file."""
    if "parquet" in answer.headers["content-type"]:
        table = importlib.import_module("pyarrow.parquet").read_table(io.BytesIO(answer.content))
        return str(table.to_pylist())
    return unescape(answer.text)


def test_no_personal_value_is_on_any_page(synced: World, client: Any) -> None:
    """Lists, stories, health, reports and exports name customers by number and masked name."""
    values = personal_values(synced)
    # What was looked for is shown again in the form that was filled in.
    values -= {value for value in values if value.casefold() == "meier"}
    pages = {}
    for address in pages_of(synced):
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.text[:500])
        pages[address] = shown(answer)
    assert len(values) > 150
    assert len(pages) > CUSTOMERS
    assert any("Email already exists" in text for text in pages.values())
    assert any(re.search(r"C000001\b", text) for text in pages.values())
    assert {(address, value) for address, text in pages.items() for value in values if value in text} == set()


def listed(page: str) -> list[str]:
    """The customers of a page, in its order."""
    return re.findall(r'<a href="customer[?][^"]*id=([^"&]*)">', page)


def test_no_search_and_no_order_tells_what_the_mask_hides(synced: World, client: Any) -> None:
    """Customers, Log and their files: by name or e-mail nothing is found, and rows stand by number or time alone."""
    company = synced.companies()["C000001"]
    hide = importlib.import_module("customer_sync_airflow.pages.hidden_search").hide
    names = company["companyName"]
    for text in (names, names[:4], names.upper(), company["companyEmail"], company["companyPhone"]):
        found = hide(text)
        for view in ("all", "in_store", "attention", "closed", "not_for_store", "set_aside"):
            assert listed(client.get("/", params={"view": view, "find": found}).text) == [], (view, text)
            assert client.get("/customers.csv", params={"view": view, "find": found}).text.count("\n") == 1, (
                view,
                text,
            )
        for order in ("newest", "oldest", "customer", "customer_desc"):
            query = {"find": found, "order": order}
            assert listed(client.get("/log", params=query).text) == [], (order, text)
            assert client.get("/export.csv", params=query).text.count("\n") == 1, (order, text)
    for view in ("all", "in_store", "attention", "not_for_store"):
        shown = listed(client.get("/", params={"view": view, "sort": "name", "order": "customer_name"}).text)
        assert shown == sorted(shown), view
    numbers = listed(client.get("/log", params={"order": "customer", "level": "warning"}).text)
    assert len(set(numbers)) > 1
    assert numbers == sorted(numbers)
    backwards = listed(client.get("/log", params={"order": "customer_desc", "level": "warning"}).text)
    assert backwards == sorted(backwards, reverse=True)
    assert client.get("/log", params={"order": "customer_name"}).status_code == 400
