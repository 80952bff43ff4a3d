"""Rights on the Connector Logs pages, asked of a real auth manager with real logins and rights per DAG."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from customer_sync.ledger import Ledger
from customer_sync.model.outcome import LogEntry

DAG_ID = "customer_sync__knb"
HEADERS = {"X-Connector-Logs": "1"}
ACTIONS = ("sync", "release", "set-aside", "take-back", "link", "unlink")


@pytest.fixture
def _log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One row of the connector knb, and Airflow knows its DAG."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", url)
    with Ledger.open("knb", url) as ledger, ledger.write() as connection:
        ledger.log.append(connection, "run", "load", 1, [LogEntry(customer_id="C000001", outcome="created")])
    dag = importlib.import_module("airflow.models.dag").DagModel
    bundle = importlib.import_module("airflow.models.dagbundle").DagBundleModel
    session = importlib.import_module("airflow.utils.session").create_session
    with session() as opened:
        opened.merge(bundle(name="dags-folder"))
        opened.flush()
        # Another test of this process may have left the DAG, and runs that need it.
        is_ours = opened.get(dag, DAG_ID) is None
        opened.merge(dag(dag_id=DAG_ID, bundle_name="dags-folder", is_stale=False))
    yield
    if not is_ours:
        return
    with session() as opened:
        opened.delete(opened.get(dag, DAG_ID))


@pytest.fixture
def log_in(metadata_database: None, _log: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Gives a client that bears a person's login cookie; the stranger may use Airflow, but not the connectors' DAGs."""
    assert metadata_database is None
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "auth_managers"))
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "guarded_auth_manager.GuardedAuthManager")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a-secret-for-tests-that-is-long-enough-to-sign-with" * 2)
    airflow_app = importlib.import_module("airflow.api_fastapi.app")
    airflow_app.get_auth_manager_cls.cache_clear() if hasattr(airflow_app.get_auth_manager_cls, "cache_clear") else None
    airflow_app.create_auth_manager().init()
    user = importlib.import_module("airflow.api_fastapi.auth.managers.simple.user").SimpleAuthManagerUser
    test_client = importlib.import_module("starlette.testclient").TestClient
    app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
    opened: list[Any] = []

    def make(name: str, role: str) -> Any:
        token = airflow_app.get_auth_manager().generate_jwt(user(username=name, role=role))
        client = test_client(app, cookies={"_token": token})
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


def answers(client: Any) -> dict[str, int]:
    """The status of every action on a customer of the log."""
    told = {}
    for path in ACTIONS:
        extra = {"set-aside": {"kind": "skip"}, "link": {"company_id": 1}}.get(path, {})
        order = {"connector": "knb", "customer_id": "C000001", "why": "x", **extra}
        told[path] = client.post(f"/actions/{path}", json=order, headers=HEADERS).status_code
    return told


def test_a_viewer_reads_and_acts_on_nothing(log_in: Callable[..., Any]) -> None:
    """The rows are there; every action is refused."""
    client = log_in("vera", "VIEWER")
    assert "C000001" in client.get("/?view=all").text
    assert "C000001" in client.get("/log").text
    assert answers(client) == dict.fromkeys(ACTIONS, 403)


def test_a_user_without_rights_on_the_dag_sees_and_does_nothing(log_in: Callable[..., Any]) -> None:
    """No row in list and file, no page, no health; every action is refused as if the connector did not exist."""
    client = log_in("stranger", "USER")
    assert "No connector to show" in client.get("/").text
    assert "C000001" not in client.get("/export.csv").text
    assert client.get("/?dag_id=customer_sync__knb").status_code == 403
    assert client.get("/customer?connector=knb&id=C000001").status_code == 404
    assert "knb" not in client.get("/health").text
    assert answers(client) == dict.fromkeys(ACTIONS, 404)


def test_a_user_with_rights_acts_in_the_own_name(log_in: Callable[..., Any]) -> None:
    """The login's name is what is recorded."""
    client = log_in("uwe", "USER")
    order = {"connector": "knb", "customer_id": "C000001", "why": "asked by sales", "kind": "skip"}
    assert client.post("/actions/set-aside", json=order, headers=HEADERS).status_code == 200
    assert "<b>uwe</b> skip: asked by sales" in client.get("/customer?connector=knb&id=C000001").text


def test_a_forged_login_is_refused(log_in: Callable[..., Any]) -> None:
    """A token that Airflow did not sign."""
    client = log_in("uwe", "USER")
    client.cookies.clear()
    client.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJBRE1JTiJ9.")
    assert client.get("/").status_code in (401, 403)
