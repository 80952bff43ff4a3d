"""Undo by a button, and what we had made of a customer at a time: what is offered, refused, sent and masked."""

import importlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undo_run import undo
from customer_sync.run import Run
from customer_sync.settings.connector_file import find_connector
from sandbox.server import running_acumatica, running_better_b2b
from tests.airflow.conftest import ROOT
from tests.integration.twin_world import World

HEADERS = {"X-Connector-Logs": "1", "Origin": "http://testserver"}
POOLS = ("acumatica_knb", "better_b2b_knb")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A first load, a dry run, and the plan of the first one's undo."""
    ledger_url = f"sqlite:///{tmp_path_factory.mktemp('undo') / 'ledger.db'}"
    with pytest.MonkeyPatch.context() as patch, running_acumatica(customers=20) as erp:
        patch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(ROOT / "include" / "connectors"))
        patch.setenv("CUSTOMER_SYNC_LEDGER_URL", ledger_url)
        with running_better_b2b() as store:
            made = World(erp.url, store.url, find_connector("knb"), ledger_url)
            made.sync(run_id="first", mode="full")
            made.sync(run_id="dry", mode="full", dry_run=True)
            with made.ledger() as ledger:
                request = UndoRequest(undo_run="first", dry_run=True)
                undo(Run(made.connector, ledger, "planned undo"), made.source(), made.store(), request)
            yield made


@pytest.fixture
def in_airflow(metadata_database: None) -> Iterator[Callable[..., None]]:
    """Says whether Airflow has paused the DAG, and which pools there are."""
    assert metadata_database is None
    dag = importlib.import_module("airflow.models.dag").DagModel
    bundle = importlib.import_module("airflow.models.dagbundle").DagBundleModel
    pool = importlib.import_module("airflow.models.pool").Pool
    session = importlib.import_module("airflow.utils.session").create_session

    def state(*, is_paused: bool = False, pools: tuple[str, ...] = POOLS) -> None:
        with session() as opened:
            opened.merge(bundle(name="dags-folder"))
            opened.flush()
            opened.merge(
                dag(dag_id="customer_sync__knb", bundle_name="dags-folder", is_stale=False, is_paused=is_paused)
            )
            opened.query(pool).filter(pool.pool.in_(POOLS)).delete()
            for name in pools:
                opened.add(pool(pool=name, slots=1, description="", include_deferred=False))

    state()
    yield state
    state(pools=())


@pytest.fixture
def open_as(world: World, in_airflow: Callable[..., None]) -> Iterator[Callable[..., Any]]:
    """Gives a client of a person who may start runs, and edit the DAG or not."""
    assert (world.connector.id, callable(in_airflow)) == ("knb", True)
    access = importlib.import_module("customer_sync_airflow.pages.rights")
    opened: list[Any] = []

    class Viewer(access.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """Rights as the test says."""

        edits = False

        def may_edit(self, connector_id: str) -> bool:
            return self.edits and connector_id in self.connectors

        def may_act(self, connector_id: str) -> bool:
            return connector_id in self.connectors

    def make(*, edits: bool) -> Any:
        app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
        viewer = Viewer(None, "olga", frozenset({"knb"}))
        object.__setattr__(viewer, "edits", edits)
        app.dependency_overrides[access.current_viewer] = lambda: viewer
        app.dependency_overrides[access.may_read_runs] = lambda: None
        client = importlib.import_module("starlette.testclient").TestClient
        opened.append(client(app, headers={"accept": "text/html", **HEADERS}))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def run_page(client: Any, run_id: str) -> str:
    """The page of a run."""
    return unescape(client.get(f"/log?connector=knb&run_id={run_id}").text)


def order(**values: str) -> dict[str, str]:
    """The body that the button sends."""
    return {"connector": "knb", "run_id": "first", "how": "undo", "why": "wrong mapping", **values}


def test_a_run_offers_to_plan_its_undo_and_to_undo_it(open_as: Callable[..., Any], world: World) -> None:
    """The page of a run that wrote; the plan's page offers the undo by that plan; a dry run offers nothing."""
    client = open_as(edits=True)
    page = run_page(client, "first")
    assert "Plan its undo" in page
    assert "Undo this run" in page
    assert "Take it back" not in run_page(client, "dry")
    planned = run_page(client, "planned undo")
    with world.ledger() as ledger:
        plan_hash = (ledger.runs.get("planned undo") or {})["plan_hash"]
    assert "Undo by this plan" in planned
    assert f'name="plan_hash" value="{plan_hash}"' in planned
    assert "undo of run first" in planned


def test_the_button_records_and_names_the_run_to_start(open_as: Callable[..., Any], world: World) -> None:
    """The page then starts it with the person's own login, as *Sync now* does."""
    client = open_as(edits=True)
    done = client.post("/actions/undo", json=order(how="plan")).json()
    assert (done["dag_id"], done["conf"]) == ("customer_sync__knb", {"undo_run": "first", "dry_run": True})
    bound = client.post("/actions/undo", json=order(plan_hash="a" * 32)).json()
    assert bound["conf"] == {"undo_run": "first", "dry_run": False, "plan_hash": "a" * 32}
    with world.ledger() as ledger:
        deeds = ledger.operator_actions.of_customer("")
    assert [(each["action"], each["why"], each["detail"]) for each in deeds[:2]] == [
        ("undo", "wrong mapping", "run first"),
        ("plan_undo", "wrong mapping", "run first"),
    ]


def test_what_cannot_be_undone_is_refused_with_a_sentence(
    open_as: Callable[..., Any], in_airflow: Callable[..., None]
) -> None:
    """A dry run, an unknown run, a run while nothing runs, and who may not edit the DAG."""
    client = open_as(edits=True)
    refused = {
        "dry": "was a dry run and wrote nothing",
        "never": "has made no run 'never'",
    }
    for run_id, sentence in refused.items():
        answer = client.post("/actions/undo", json=order(run_id=run_id))
        assert (answer.status_code, sentence in answer.json()["detail"]) == (409, True)
    in_airflow(is_paused=True)
    answer = client.post("/actions/undo", json=order())
    assert (answer.status_code, "The DAG is paused" in answer.json()["detail"]) == (409, True)
    in_airflow(pools=POOLS[:1])
    assert "The pool better_b2b_knb is missing" in client.post("/actions/undo", json=order()).json()["detail"]
    in_airflow()
    reader = open_as(edits=False)
    assert "Take it back" not in run_page(reader, "first")
    assert reader.post("/actions/undo", json=order()).status_code == 403


def test_the_customers_of_an_undo_are_resumed_at_once(open_as: Callable[..., Any], world: World) -> None:
    """The page of an undo offers it while anybody is left alone because of it; what a person skipped stays so."""
    client = open_as(edits=True)
    world.sync(run_id="one", mode="selected", customer_ids=["C000002"])
    with world.ledger() as ledger:
        numbers = [key for key, _, outcome, _ in ledger.runs.customers("first") if outcome == "created"][:3]
        with ledger.write() as connection:
            row = ledger.runs.get("one") or {}
            ledger.runs.begin(connection, "an undo", **{**_columns(row), "mode": "undo"})
            ledger.runs.add_customers(connection, "an undo", "batch_000", numbers)
            for number, kind in zip(numbers, ("undone", "undone", "skip"), strict=True):
                ledger.set_aside.put(connection, number, kind)
            ledger.runs.update(connection, "an undo", state="success", ended_at_utc=utc_now())
        assert "Takes 2 customers" in run_page(client, "an undo")
        body = {"connector": "knb", "run_id": "an undo", "why": "mended"}
        answer = client.post("/actions/resume-undone", json=body)
        assert answer.json()["message"].startswith("2 customers are in the sync again. The next run")
        assert {key: mark.kind for key, mark in ledger.set_aside.load(numbers).items()} == {numbers[2]: "skip"}
    assert client.post("/actions/resume-undone", json=body).status_code == 409
    assert "Resume its customers" not in run_page(client, "an undo")


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    """What a run is begun with."""
    names = ("mode", "dry_run", "moves_watermark", "window", "stamps", "resume_after", "plan_hash")
    return {name: row[name] for name in names}


def test_a_customer_as_of_a_time_is_masked_without_the_right(open_as: Callable[..., Any], world: World) -> None:
    """Each value with run and reason; nothing before the first load; names only for who may read them."""
    with world.ledger() as ledger:
        assert isinstance(ledger, Ledger)
        applied = ledger.links.load(["C000001"])["C000001"]
    people = {user.fields.email for user in applied.users.values()} | {
        user.fields.last_name for user in applied.users.values()
    }
    address = "/as-of?connector=knb&id=C000001"
    client, reader = open_as(edits=True), open_as(edits=False)
    shown, masked = unescape(client.get(address).text), unescape(reader.get(address).text)
    assert [text for text in people if text not in shown] == []
    assert [text for text in people if text in masked] == []
    assert applied.fields.city in masked
    assert "first" in masked
    assert "mode full" in masked
    before = (utc_now() - timedelta(days=1)).isoformat().replace("+", "%2B")
    assert "Nothing was made of it by then" in client.get(f"{address}&at={before}").text
    assert client.get("/as-of?connector=knb&id=C9").status_code == 404
    assert client.get(f"{address}&at=yesterday").status_code == 400
    assert 'data-moment="at"' in client.get("/customer?connector=knb&id=C000001").text
