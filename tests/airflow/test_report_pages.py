"""Reports of reconciliations as Connector Logs serves them: to who may see the connector, and nothing else."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.reporting.report_place import report_folder
from tests.airflow.api_server import ApiServer, running_api_server

RUN = "manual__2026-11-25T01:02:03+00:00"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata_database: None) -> Iterator[ApiServer]:
    """An api-server, a DAG of the connector that it knows, and the report of one run."""
    assert metadata_database is None
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    monkeypatch.setenv("CUSTOMER_SYNC_REPORTS_DIR", str(tmp_path / "reports"))
    folder = tmp_path / "reports" / report_folder("knb", RUN)
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<style>p{}</style><p>all equal</p>", encoding="utf-8")
    (folder / "differences.csv").write_text("kind\n", encoding="utf-8")
    (tmp_path / "reports" / "knb" / "secret.csv").write_text("no report\n", encoding="utf-8")
    with Ledger.open("knb") as ledger, ledger.write() as connection:
        facts = {"mode": "reconcile", "dry_run": False, "moves_watermark": False, "window": {}}
        ledger.runs.begin(connection, RUN, **facts)
        summary = {"classes": {"drift": 2}, "standings": {}}
        ledger.runs.update(connection, RUN, state="success", ended_at_utc=utc_now(), summary=summary)
    _know_dag()
    with running_api_server() as found:
        yield found


def _know_dag() -> None:
    """Write the sync DAG's row, by which Airflow grants rights."""
    orm = importlib.import_module("airflow.models.dag").DagModel
    bundle = importlib.import_module("airflow.models.dagbundle").DagBundleModel
    with importlib.import_module("airflow.utils.session").create_session() as session:
        session.merge(bundle(name="reports"))
        session.flush()
        session.merge(orm(dag_id="customer_sync__knb", bundle_name="reports", is_stale=False))


def test_report_and_its_tables_are_served_to_who_may_see_the_connector(server: ApiServer) -> None:
    """List, page and table; the page may load and run nothing."""
    listed = server.get("/connector-logs/reports?connector=knb")
    assert listed.status_code == 200, listed.text
    assert "2 drift" in listed.text
    query = {"connector": "knb", "run_id": RUN}
    shown = server.get("/connector-logs/report", params=query)
    assert "all equal" in shown.text
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    table = server.get("/connector-logs/report-table", params={**query, "name": "differences.csv"})
    assert (table.text, table.headers["Content-Disposition"]) == ("kind\n", 'attachment; filename="differences.csv"')


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("report", {"connector": "knb", "run_id": "another"}),
        ("report", {"connector": "other", "run_id": RUN}),
        ("report", {"connector": "knb", "run_id": "../.."}),
        ("report-table", {"connector": "knb", "run_id": RUN, "name": "../secret.csv"}),
        ("report-table", {"connector": "knb", "run_id": RUN, "name": "report.html"}),
        ("reports", {"connector": "other"}),
    ],
)
def test_nothing_else_is_served(server: ApiServer, path: str, query: dict[str, str]) -> None:
    """Other connectors, other runs and other files are not there."""
    assert server.get(f"/connector-logs/{path}", params=query).status_code == 404


def test_nobody_sees_a_report_without_a_login(server: ApiServer) -> None:
    """Airflow's own check stands before the page."""
    answer = requests.get(
        f"{server.url}/connector-logs/report",
        params={"connector": "knb", "run_id": RUN},
        timeout=30,
        headers={"Authorization": "Bearer nonsense"},
    )
    assert answer.status_code in {401, 403}
