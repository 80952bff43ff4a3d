"""What a person may do to a customer: done and recorded, refused for who is unknown, honest where nothing runs."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from customer_sync.ledger import Ledger
from customer_sync.model.outcome import LogEntry

HEADERS = {"X-Connector-Logs": "1", "Origin": "http://testserver"}
DAG_ID = "customer_sync__knb"
POOLS = ("acumatica_knb", "better_b2b_knb")
ACTIONS: dict[str, dict[str, object]] = {
    "sync": {},
    "release": {},
    "set-aside": {"kind": "skip"},
    "take-back": {},
    "link": {"company_id": 1},
    "unlink": {},
}


@pytest.fixture
def ledger(tmp_path: Path, connectors_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger that has met one customer."""
    assert connectors_dir.is_dir()
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", url)
    with Ledger.open("knb", url) as opened:
        with opened.write() as connection:
            opened.log.append(connection, "run", "load", 1, [LogEntry(customer_id="C1", outcome="created")])
        yield opened


@pytest.fixture
def in_airflow(metadata_database: None) -> Iterator[Callable[..., None]]:
    """Says what Airflow knows of the connector: whether its DAG is paused, and which of its pools there are."""
    assert metadata_database is None
    dag = importlib.import_module("airflow.models.dag").DagModel
    bundle = importlib.import_module("airflow.models.dagbundle").DagBundleModel
    pool = importlib.import_module("airflow.models.pool").Pool
    session = importlib.import_module("airflow.utils.session").create_session

    def state(*, is_paused: bool = False, pools: tuple[str, ...] = POOLS) -> None:
        with session() as opened:
            opened.merge(bundle(name="dags-folder"))
            opened.flush()
            opened.merge(dag(dag_id=DAG_ID, bundle_name="dags-folder", is_stale=False, is_paused=is_paused))
            opened.query(pool).filter(pool.pool.in_(POOLS)).delete()
            for name in pools:
                opened.add(pool(pool=name, slots=1, description="", include_deferred=False))

    yield state
    with session() as opened:
        opened.query(pool).filter(pool.pool.in_(POOLS)).delete()
        found = opened.get(dag, DAG_ID)
        if found is not None:
            found.is_paused = False


@pytest.fixture
def client(ledger: Ledger, in_airflow: Callable[..., None]) -> Iterator[Any]:
    """A person who may act, before an Airflow in which everything is there."""
    assert ledger.connector_id == "knb"
    in_airflow()
    access = importlib.import_module("customer_sync_airflow.pages.rights")

    class Viewer(access.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """May act, and read no names."""

        def may_act(self, connector_id: str) -> bool:
            return connector_id in self.connectors

        def may_see_names(self, connector_id: str) -> bool:  # noqa: ARG002 - as its base
            return False

    app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
    app.dependency_overrides[access.current_viewer] = lambda: Viewer(None, "olga", frozenset({"knb"}))
    app.dependency_overrides[access.may_read_runs] = lambda: None
    test_client = importlib.import_module("starlette.testclient").TestClient
    with test_client(app, headers={"accept": "text/html", **HEADERS}) as made:
        yield made


def order(customer_id: str = "C1", **more: object) -> dict[str, object]:
    """The body of an action."""
    return {"connector": "knb", "customer_id": customer_id, "why": "asked by sales", **more}


def test_an_action_is_done_and_recorded(client: Any, ledger: Ledger) -> None:
    """Skip and resume: the mark, and who did it, when and why."""
    assert client.post("/actions/set-aside", json=order(kind="skip")).status_code == 200
    assert ledger.set_aside.load(["C1"])["C1"].kind == "skip"
    assert client.post("/actions/take-back", json=order()).status_code == 200
    assert client.post("/actions/take-back", json=order()).status_code == 409
    wish = client.post("/actions/sync", json=order()).json()
    assert wish["conf"] == {"mode": "selected", "customer_ids": ["C1"]}
    deeds = ledger.operator_actions.of_customer("C1")
    assert [(deed["actor"], deed["action"], deed["why"]) for deed in deeds] == [
        ("olga", "sync", "asked by sales"),
        ("olga", "take_back", "asked by sales"),
        ("olga", "skip", "asked by sales"),
    ]


@pytest.mark.parametrize("path", ACTIONS)
def test_an_unknown_customer_is_refused_and_nothing_is_recorded(client: Any, ledger: Ledger, path: str) -> None:
    """A number with a typing error must not be skipped, linked or synced for ever."""
    answer = client.post(f"/actions/{path}", json=order("C9", **ACTIONS[path]))
    assert answer.status_code == 404
    assert "check the number" in answer.json()["detail"]
    assert ledger.operator_actions.of_customer("C9") == []
    assert ledger.set_aside.load(["C9"]) == {}


def test_a_paused_dag_is_said_and_no_run_is_started(
    client: Any, ledger: Ledger, in_airflow: Callable[..., None]
) -> None:
    """Sync now is refused; what is only recorded is done and says that nothing runs; the page says so before."""
    in_airflow(is_paused=True)
    refused = client.post("/actions/sync", json=order())
    assert refused.status_code == 409
    assert "The DAG is paused" in refused.json()["detail"]
    assert ledger.operator_actions.of_customer("C1") == []
    done = client.post("/actions/set-aside", json=order(kind="handled"))
    assert "Nothing runs at present. The DAG is paused" in done.json()["message"]
    assert "The DAG is paused" in client.get("/customer?connector=knb&id=C1").text


def test_a_missing_pool_is_said_by_name(client: Any, in_airflow: Callable[..., None]) -> None:
    """The task would wait for ever."""
    in_airflow(pools=("acumatica_knb",))
    refused = client.post("/actions/sync", json=order())
    assert refused.status_code == 409
    assert "The pool better_b2b_knb is missing" in refused.json()["detail"]
