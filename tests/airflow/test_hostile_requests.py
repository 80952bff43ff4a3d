"""Requests that mean harm, sent to the pages, the push route and the api-server that carries both."""

import asyncio
import base64
import importlib
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from customer_sync.errors import TransientApiError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.model.outcome import LogEntry
from customer_sync_airflow.app_on_first_request import AppOnFirstRequest
from customer_sync_airflow.request_bounds import BODY_BYTES_MAX, BoundedBody, BoundedWork, Lane
from tests.airflow.api_server import ApiServer, running_api_server

HEADERS = {"X-Connector-Logs": "1"}
CSP = "Content-Security-Policy"
DAG_ID = "customer_sync__knb"
_DELAY_S = 0.1
"""A sleep that lasts so much longer was not woken up: the machine was busy with something else."""


def cursor(*values: Any) -> str:
    """A position in the log as it stands in an address."""
    return raw_cursor(json.dumps(values))


def raw_cursor(text: str) -> str:
    """Any text in the place of one."""
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a ledger with some rows of one connector."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", f"sqlite:///{path}")
    with Ledger.open("knb") as opened, opened.write() as connection:
        entries = [LogEntry(customer_id=f"C{number}", outcome="created") for number in range(2000)]
        opened.log.append(connection, "run", "load", 1, entries)
    return path


@pytest.fixture
def pages(ledger: Path, metadata_database: None) -> Iterator[Any]:
    """A person who may see and do everything of one connector."""
    assert ledger.exists()
    assert metadata_database is None
    rights = importlib.import_module("customer_sync_airflow.pages.rights")

    class Olga(rights.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """May act, whatever Airflow knows."""

        def may_act(self, connector_id: str) -> bool:
            return connector_id in self.connectors

        def may_see_names(self, connector_id: str) -> bool:
            return connector_id in self.connectors

    class User:
        """A user of the auth manager."""

        def get_name(self) -> str:
            """What is recorded."""
            return "olga"

    app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
    app.dependency_overrides[rights.current_viewer] = lambda: Olga(User(), "olga", frozenset({"knb"}))
    app.dependency_overrides[rights.may_read_runs] = lambda: None
    with importlib.import_module("starlette.testclient").TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    "query",
    [
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"since": "1e999"},
        {"since": "-1e308"},
        {"after": cursor("0001-01-01T00:00:00+14:00", 1, "knb", "C1")},
        {"before": cursor("9999-12-31T23:59:59-14:00", 1, "knb", "C1")},
        {"after": cursor("2026-01-01T00:00:00", 1, "knb", "C1")},
        {"after": raw_cursor('["2026-01-01T00:00:00+00:00", 1e999, "knb", "C1"]')},
        {"after": raw_cursor('["2026-01-01T00:00:00+00:00", NaN, "knb", "C1"]')},
        {"after": raw_cursor('["2026-01-01T00:00:00+00:00", 1, "knb", "\\ud800"]')},
        {"after": cursor("2026-01-01T00:00:00+00:00", 2**70, "knb", "C1")},
        {"after": raw_cursor("[" * 700)},
        {"after": raw_cursor("1" * 700)},
        {"after": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")},
        {"find": "\ufffd" * 40},
        {"q": "x" * 301},
        {"customer": "C\0"},
        {"run_id": "\0"},
        {"last": "99y"},
    ],
)
def test_page_refuses_when_its_query_holds_an_odd_value(pages: Any, query: dict[str, str]) -> None:
    """400, as a page and as JSON, with the security headers; never an error of the server."""
    for accept in ("text/html", "application/json"):
        answer = pages.get("/log", params=query, headers={"Accept": accept})
        assert answer.status_code == 400, (query, answer.text[:300])
        assert "default-src 'none'" in answer.headers[CSP]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "values",
    [
        raw_cursor('["knb", "\\ud800"]'),
        raw_cursor('["knb", "\\u0000"]'),
        raw_cursor('[1e999, "knb", "run"]'),
        cursor("0001-01-01T00:00:00+14:00", "knb", "run"),
        cursor("9999-12-31T23:59:59-14:00", "knb", "run"),
        raw_cursor("[" * 700),
        cursor(["knb"], {"C": 1}),
    ],
)
def test_list_refuses_when_its_place_is_odd(pages: Any, values: str) -> None:
    """The same for the places of customers and runs."""
    for path in ("/", "/runs"):
        answer = pages.get(path, params={"after": values})
        assert answer.status_code == 400, (path, answer.text[:300])
        assert CSP in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        "[" * 60_000,
        '{"connector":' * 4000,
        '{"connector":"knb","customer_id":"\\ud800"}',
        '{"connector":"knb","customer_id":"C1","why":"\\ud800"}',
        '{"connector":"knb","customer_id":"C\\u0000"}',
        '{"connector":"knb","customer_id":"C1","\\ud800\\u202e":1}',
        '{"connector":"knb","customer_id":1e999}',
        '{"connector":"knb","customer_id":NaN}',
        f'{{"connector":"knb","customer_id":{"9" * 5000}}}',
        "null",
        "",
    ],
)
def test_action_refuses_when_its_body_is_odd(pages: Any, body: str) -> None:
    """The same for what is posted; nothing is recorded."""
    headers = {**HEADERS, "Content-Type": "application/json", "Origin": "http://testserver"}
    answer = pages.post("/actions/sync", content=body.encode(), headers=headers)
    assert answer.status_code == 400, answer.text[:300]
    assert CSP in answer.headers
    with Ledger.open("knb") as opened:
        assert opened.operator_actions.of_customer("C1") == []


def test_company_number_is_refused_when_it_is_no_number(pages: Any) -> None:
    """Numbers that JSON can write and no database can hold."""
    headers = {**HEADERS, "Content-Type": "application/json", "Origin": "http://testserver"}
    for number in ("1e999", "-1", "NaN", "1" * 4000, "1.5"):
        body = f'{{"connector":"knb","customer_id":"C1","why":"w","company_id":{number}}}'
        answer = pages.post("/actions/link", content=body, headers=headers)
        assert answer.status_code == 400, (number[:20], answer.text[:300])


def test_body_is_refused_before_the_login_when_it_is_long(pages: Any) -> None:
    """413 to whoever sends it, by its length or as it comes, without a word read by anything else."""
    pages.app.dependency_overrides.clear()

    def in_pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1024

    for path in ("/actions/sync", "/"):
        for content in (b"x" * (BODY_BYTES_MAX + 1), in_pieces()):
            answer = pages.post(path, content=content, headers={**HEADERS, "Content-Type": "application/json"})
            assert answer.status_code == 413
            assert CSP in answer.headers


def test_body_is_given_up_when_it_trickles() -> None:
    """A body that never ends costs no thread and some seconds."""
    sent: list[Any] = []

    async def behind(_scope: Any, _receive: Any, _send: Any) -> None:
        pytest.fail("the request was passed on")

    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    asyncio.run(BoundedBody(behind, within_s=0.1)(scope, trickle, send))  # type: ignore[arg-type] # a middleware's own types
    assert sent[0]["status"] == 408


def test_reader_is_given_up_when_it_takes_nothing() -> None:
    """The place of an export whose reader stopped reading is free again."""
    lane = Lane("", 1)

    async def export(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})

    async def never(_message: Any) -> None:
        await asyncio.sleep(60)

    async def nothing() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    asyncio.run(BoundedWork(export, lanes=[lane], reader_s=0.05)(scope, nothing, never))  # type: ignore[arg-type] # the same
    assert not lane.free.locked()


def test_server_answers_when_an_app_of_ours_is_being_imported() -> None:
    """The first request to a page waits for its import, and nobody else does."""
    released = threading.Event()

    async def built(_scope: Any, _receive: Any, send: Any) -> None:
        await send("answered")

    def build() -> Any:
        assert released.wait(10)
        return built

    async def scene() -> list[str]:
        said: list[str] = []

        async def send(message: Any) -> None:
            said.append(message)

        first = asyncio.create_task(AppOnFirstRequest(build)({}, None, send))
        await asyncio.sleep(0.05)
        said.append("another")
        released.set()
        await first
        return said

    assert asyncio.run(scene()) == ["another", "answered"]


def slowest_version(server: ApiServer, seconds: float) -> float:
    """The longest that Airflow's own route took to answer, asked again and again.

    What a busy machine withheld from this process meanwhile, by the worst delay of a thread that only sleeps, is not
    the server's doing and is taken off.
    """
    over, late = threading.Event(), [0.0]

    def sleep_only() -> None:
        while not over.is_set():
            began = time.monotonic()
            time.sleep(0.02)
            late.append(time.monotonic() - began - 0.02)

    sleeper = threading.Thread(target=sleep_only)
    sleeper.start()
    worst, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        first = len(late) - 1
        assert server.get("/api/v2/version").status_code == 200
        took = time.monotonic() - began
        time.sleep(0.05)
        worst = max(worst, took - sum(each for each in late[first:] if each > _DELAY_S))
    over.set()
    sleeper.join()
    return worst


@pytest.fixture
def _known_dag(metadata_database: None) -> Iterator[None]:
    """Airflow knows the DAG whose log it is, so that the pages show it."""
    assert metadata_database is None
    dag = importlib.import_module("airflow.models.dag").DagModel
    bundle = importlib.import_module("airflow.models.dagbundle").DagBundleModel
    session = importlib.import_module("airflow.utils.session").create_session
    with session() as opened:
        opened.merge(bundle(name="dags-folder"))
        opened.flush()
        is_ours = opened.get(dag, DAG_ID) is None
        opened.merge(dag(dag_id=DAG_ID, bundle_name="dags-folder", is_stale=False))
    yield
    if is_ours:
        with session() as opened:
            opened.delete(opened.get(dag, DAG_ID))


@pytest.mark.usefixtures("_known_dag")
def test_airflow_answers_when_the_ledger_is_locked(ledger: Path) -> None:
    """45 actions at a ledger that somebody holds: each gets a sentence, and Airflow's own routes do not wait."""
    with running_api_server() as server, closing(sqlite3.connect(ledger, isolation_level=None)) as holder:
        assert server.get("/connector-logs/log").status_code == 200
        headers = {**server.headers, **HEADERS, "Content-Type": "application/json"}

        def act(number: int) -> int:
            body = {"connector": "knb", "customer_id": f"C{number}", "kind": "skip", "why": "tried"}
            return requests.post(
                f"{server.url}/connector-logs/actions/set-aside", json=body, headers=headers, timeout=60
            ).status_code

        holder.execute("BEGIN EXCLUSIVE")
        with ThreadPoolExecutor(45) as people:
            asked = people.map(act, range(45))
            assert slowest_version(server, 8) < 1
            statuses = set(asked)
        holder.execute("ROLLBACK")
        assert statuses == {503}


@pytest.mark.usefixtures("_known_dag")
def test_airflow_answers_when_45_exports_are_slow(ledger: Path) -> None:
    """45 readers that take an export byte by byte: some are served, the others are asked to come again."""
    assert ledger.exists()
    with running_api_server() as server:
        assert server.get("/connector-logs/log").status_code == 200
        login = f"Authorization: {server.headers['Authorization']!s}"
        request = f"GET /connector-logs/export.csv HTTP/1.1\r\nHost: x\r\n{login}\r\n"
        readers = [socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0)) for _ in range(45)]
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.2):
                for reader in readers:
                    with suppress(BlockingIOError):
                        heads[reader] += reader.recv(16)

        heads = dict.fromkeys(readers, b"")
        for reader in readers:
            reader.sendall(f"{request}\r\n".encode())
            reader.settimeout(0)
        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert slowest_version(server, 8) < 1
        finally:
            over.set()
            dripping.join()
            for reader in readers:
                reader.close()
        assert {head.split()[1] for head in heads.values() if len(head) > 15} <= {b"200", b"503"}


def test_page_gives_up_when_the_ledger_stays_locked(ledger: Path) -> None:
    """A writer of the pages waits for seconds, and then says what holds it up."""
    engine = open_engine(f"sqlite:///{ledger}", wait_s=0.2)
    with closing(sqlite3.connect(ledger, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with (
            pytest.raises(TransientApiError, match="another process has been holding it"),
            Ledger(engine, "knb").write(),
        ):
            pytest.fail("it was locked")
        assert time.monotonic() - began < 5
    engine.dispose()
