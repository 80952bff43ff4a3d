"""The Connector Logs pages as a logged-in person gets them: list, customer, files, actions; rights decide."""

import csv
import importlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from customer_sync.ledger import CustomerOutcome, Ledger
from customer_sync.model.outcome import LogEntry, Outcome

HEADERS = {"X-Connector-Logs": "1", "Origin": "http://testserver"}
HOSTILE = '=cmd|"/c calc"!A1<script>alert(1)</script>'


class User:
    """A user of the auth manager."""

    def get_name(self) -> str:
        """What is recorded."""
        return "olga"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger with one run's rows: one customer created, one held back, one with a hostile message."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", url)
    with Ledger.open("knb", url) as opened:
        with opened.write() as connection:
            entries = [
                LogEntry(
                    customer_id="C1",
                    customer_name="Ac•••",
                    action="update_company",
                    message="done: city",
                    changes='{"city":["Rome","Oslo"]}',
                ),
                LogEntry(customer_id="C1", customer_name="Ac•••", outcome="created", store_id="61000"),
                LogEntry(
                    customer_id="C2",
                    customer_name="Br•••",
                    outcome="quarantined",
                    level="warning",
                    reasons=("state_unknown",),
                    next_step="Use a state of that country.",
                ),
                LogEntry(customer_id="C/3 é", outcome="filtered", reasons=("email_missing",), message=HOSTILE),
            ]
            opened.log.append(connection, "run 1", "load", 1, entries)
        yield opened


@pytest.fixture
def open_as(ledger: Ledger, metadata_database: None) -> Iterator[Callable[..., Any]]:
    """Gives a client of a person who may read some connectors, and act or not."""
    assert ledger.connector_id == "knb"
    assert metadata_database is None
    access = importlib.import_module("customer_sync_airflow.pages.rights")
    test_client = importlib.import_module("starlette.testclient").TestClient
    opened: list[Any] = []

    class Viewer(access.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """Rights as the test says."""

        acts = False

        def may_act(self, connector_id: str) -> bool:
            return self.acts and connector_id in self.connectors

        def may_see_names(self, connector_id: str) -> bool:
            return self.acts and connector_id in self.connectors

    def make(*connectors: str, acts: bool = False) -> Any:
        app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
        viewer = Viewer(User(), "olga", frozenset(connectors))
        object.__setattr__(viewer, "acts", acts)
        app.dependency_overrides[access.current_viewer] = lambda: viewer
        app.dependency_overrides[access.may_read_runs] = lambda: None
        client = test_client(app, headers={"accept": "text/html"})
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


def test_the_list_shows_rows_reasons_and_a_chart(open_as: Callable[..., Any]) -> None:
    """Escaped, with a policy that lets nothing foreign run."""
    answer = open_as("knb").get("/log")
    assert answer.status_code == 200, answer.text
    assert "state_unknown" in answer.text
    assert "<script>alert" not in answer.text
    assert "<rect" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("query", "found", "absent"),
    [
        ("outcome=created", "61000", "state_unknown"),
        ("q=c2", "C2", "61000"),
        ("run_id=other", "has no rows", "61000"),
        ("q=zzz", "No row matches", "61000"),
        ("connector=other", "", "61000"),
        ("dag_id=customer_sync__knb&run_id=run+1", "Customer Sync Details", "Nothing was synced"),
    ],
)
def test_a_filter_in_the_address_holds(open_as: Callable[..., Any], query: str, found: str, absent: str) -> None:
    """What is asked for is shown, nothing else, with a sentence when that is nothing."""
    answer = open_as("knb").get(f"/log?{query}")
    assert answer.status_code == 200, answer.text
    rows = answer.text.partition("<table")[2] if "<table" in answer.text else answer.text
    assert found in answer.text
    assert absent not in rows.replace("<option", "")


@pytest.mark.parametrize(
    "query", ["since=yesterday", "order=sideways", "after=xyz", "last=ever", "after=W10%3D", "find=xyz", "find=%C3%A4"]
)
def test_a_damaged_address_is_a_clear_refusal(open_as: Callable[..., Any], query: str) -> None:
    """400 with a page, never a stack trace."""
    answer = open_as("knb").get(f"/log?{query}")
    assert answer.status_code == 400
    assert "<h1>" in answer.text


def test_a_search_stands_in_no_address(open_as: Callable[..., Any]) -> None:
    """The form is sent as a body and leads to an address that shows the same and does not show what was searched."""
    client = open_as("knb")
    sent = client.post("/log", data={"q": "c2", "order": "oldest"}, follow_redirects=False)
    assert sent.status_code == 303
    address = sent.headers["location"]
    names = parse_qs(urlsplit(address).query)
    assert names.keys() == {"order", "find"}
    assert names["find"] != ["c2"]
    shown = client.get(f"/{address}")
    rows = shown.text.partition("<table")[2]
    assert "C2" in rows
    assert "61000" not in rows
    assert 'value="c2"' in shown.text
    links = re.findall(r'(?:href|action)="([^"]*)"', shown.text)
    assert any("find=" in link for link in links)
    assert not [link for link in links if "q=c2" in link]
    assert 'method="get"' not in shown.text
    export = client.get(f"/export.csv?{urlsplit(address).query}")
    assert "C2" in export.text
    assert "61000" not in export.text


def test_nobody_sees_a_connector_without_rights(open_as: Callable[..., Any]) -> None:
    """An empty list that says why; a customer's page, files and health of it do not exist."""
    client = open_as()
    assert "No connector to show" in client.get("/").text
    assert client.get("/customer?connector=knb&id=C1").status_code == 404
    assert len(client.get("/export.csv").text.splitlines()) == 1
    assert "knb" not in client.get("/health").text


def test_files_hold_the_filtered_rows_and_no_formula(open_as: Callable[..., Any]) -> None:
    """CSV with a quote before what a spreadsheet would run; Parquet with the same rows."""
    client = open_as("knb")
    rows = list(csv.DictReader(io.StringIO(client.get("/export.csv").content.decode("utf-8-sig"))))
    assert len(rows) == 4
    assert any(row["message"] == f"'{HOSTILE}" for row in rows)
    parquet = importlib.import_module("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(client.get("/export.parquet?outcome=filtered").content))
    assert table.column("message").to_pylist() == [HOSTILE]


def test_customers_without_news_are_one_line_and_each_of_them_is_answered_for(
    open_as: Callable[..., Any], ledger: Ledger
) -> None:
    """The list shows their number, the file a row for each, and a customer's page the newest run that read it."""
    keys = [f"N{number}" for number in range(5)]
    for run_id in ("run 2", "run 3"):
        with ledger.write() as connection:
            ledger.runs.begin(connection, run_id, mode="full", window={}, moves_watermark=True)
            ledger.runs.add_customers(connection, run_id, "batch_000", keys)
            said = [LogEntry(customer_id=key, outcome="filtered", reasons=("not_enabled",)) for key in keys]
            ledger.log.append(connection, run_id, "filter", 1, said)
            closed = [CustomerOutcome(key, Outcome.FILTERED, ("not_enabled",)) for key in keys]
            ledger.runs.put_outcomes(connection, run_id, closed)
    client = open_as("knb")
    shown = client.get("/log?run_id=run+3").text
    assert "5 customers" in shown
    assert "N3" not in shown.partition("<table")[2]
    rows = list(csv.DictReader(io.StringIO(client.get("/export.csv?run_id=run+3").content.decode("utf-8-sig"))))
    assert sorted(row["customer_id"] for row in rows) == keys
    assert {row["reasons"] for row in rows} == {"not_enabled"}
    told = client.get("/customer?connector=knb&id=N3").text
    assert "Last looked at by the run of" in told
    assert "1 run since then found nothing new." in told
    assert "Not for the store: not enabled for commerce." in told


def test_a_customers_page_tells_its_story(open_as: Callable[..., Any], ledger: Ledger) -> None:
    """Decision, old and new values, the way to the task's log; and who may not act has no actions."""
    answer = open_as("knb").get("/customer", params={"connector": "knb", "id": "C1"})
    assert answer.status_code == 200, answer.text
    assert "Rome" in answer.text
    assert "Oslo" in answer.text
    assert "/dags/customer_sync__knb/runs/run%201/tasks/load" in answer.text
    assert "may read but not run" in answer.text
    assert ledger.operator_actions.of_customer("C1") == []
    assert open_as("knb").get("/customer", params={"connector": "knb", "id": "C/3 é"}).status_code == 200
    assert open_as("knb").get("/customer", params={"connector": "knb", "id": "nobody"}).status_code == 404


def test_health_names_missing_pools_and_connections(open_as: Callable[..., Any]) -> None:
    """What would leave a task waiting without a word."""
    answer = open_as("knb").get("/health")
    assert answer.status_code == 200, answer.text
    assert "The pool better_b2b_knb is missing" in answer.text
    assert "The connection acumatica_knb cannot be read" in answer.text


def order(**more: object) -> dict[str, object]:
    """The body of an action."""
    return {"connector": "knb", "customer_id": "C1", "why": "asked by sales", **more}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Connector-Logs": "1", "Origin": "http://evil.example"}, 403),
        ({"X-Connector-Logs": "1", "Origin": "null"}, 403),
        ({"Origin": "http://testserver"}, 403),
        ({"X-Connector-Logs": "1", "Content-Type": "text/plain"}, 415),
    ],
)
def test_a_request_of_another_site_changes_nothing(
    open_as: Callable[..., Any], ledger: Ledger, headers: dict[str, str], status: int
) -> None:
    """Other origin, no header of ours, no JSON."""
    client = open_as("knb", acts=True)
    answer = client.post("/actions/set-aside", json=order(kind="skip"), headers=headers)
    assert answer.status_code == status
    assert ledger.set_aside.load(["C1"]) == {}


@pytest.mark.parametrize("path", ["sync", "release", "set-aside", "take-back", "link", "unlink"])
def test_an_action_is_refused_to_who_may_only_read(open_as: Callable[..., Any], ledger: Ledger, path: str) -> None:
    """403 with the DAG's name, and nothing is recorded."""
    extra = {"set-aside": {"kind": "skip"}, "link": {"company_id": 1}}.get(path, {})
    answer = open_as("knb").post(f"/actions/{path}", json=order(**extra), headers=HEADERS)
    assert answer.status_code == 403
    assert ledger.operator_actions.of_customer("C1") == []
