"""Reconciliations in a real Airflow against both twins, over real HTTP."""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from customer_sync.ledger import Ledger
from customer_sync.settings.connector_file import load_connector
from sandbox.server import running_acumatica, running_better_b2b
from tests.airflow.api_server import running_api_server
from tests.airflow.approver import answering
from tests.integration.reconcile.corruption import Corruption
from tests.integration.twin_world import World

if TYPE_CHECKING:
    from tests.airflow.conftest import LoadDags

CUSTOMERS = 60
DEFAULTS = {"mode": "compare", "repair": None, "dry_run": True, "plan_hash": None, "matches": None}
WAYS = ["write_lost", "reference_cleared", "edited_by_hand"]

RULES = "id: knb\nstore: {requests_per_minute: 60000}\nreconcile: {store_share: 1.0}\n"

pytestmark = pytest.mark.usefixtures("metadata_database")


@dataclass
class Scene:
    """Both twins, synced, the ledger and the DAG."""

    world: World
    dag: Any
    last_run_id: str = ""

    def run(self, **params: Any) -> tuple[str, Counter[tuple[str, str]]]:
        """Run the DAG once; returns the run's state and its tasks' states."""
        run = self.dag.test(run_conf={**DEFAULTS, **params}, logical_date=None)
        self.last_run_id = run.run_id
        return str(run.state), Counter((item.task_id, str(item.state)) for item in run.get_task_instances())

    def classes(self) -> dict[str, int]:
        """Differences of the last run by class."""
        with Ledger.open("knb") as ledger:
            return ledger.differences.counts(self.last_run_id)


@pytest.fixture
def scene(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connectors_dir: Path, load_dags: "LoadDags"
) -> Iterator[Scene]:
    """Twins after a first sync."""
    (connectors_dir / "knb.yaml").write_text(RULES, encoding="utf-8")
    ledger_url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", ledger_url)
    dags = load_dags()
    with running_acumatica(customers=CUSTOMERS, seed=1) as erp, running_better_b2b(seed=1) as store:
        extra = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
        erp_conn = {"conn_type": "acumatica", "host": erp.url, "login": "admin", "password": "sandbox", "extra": extra}
        store_conn = {"conn_type": "better-b2b", "host": store.url, "password": "sandbox-token"}
        monkeypatch.setenv("AIRFLOW_CONN_ACUMATICA_KNB", json.dumps(erp_conn))
        monkeypatch.setenv(
            "AIRFLOW_CONN_BETTER_B2B_KNB", json.dumps({**store_conn, "extra": {"store_hash": "sandbox"}})
        )
        world = World(erp.url, store.url, load_connector(connectors_dir / "knb.yaml"), ledger_url)
        world.sync(mode="full")
        yield Scene(world, dags["customer_reconcile__knb"])


def test_run_reports_and_repairs_nothing_when_not_asked(scene: Scene) -> None:
    """A run by hand tells what differs, leaves a page and tables in files of its own, and writes nothing."""
    expected = Corruption(scene.world, random.Random(1)).spoil(1, WAYS)
    scene.world.forget_calls()
    state, tasks = scene.run()
    assert state == "success"
    assert tasks[("repair", "skipped")] == 1
    assert scene.world.store_writes() == []
    classes = scene.classes()
    assert {kind: classes[kind] for _, kind, _, _ in expected} == dict.fromkeys((k for _, k, _, _ in expected), 1)
    folders = list((Path(os.environ["AIRFLOW_HOME"]) / "xcom" / "reports" / "knb").glob("*"))
    (folder,) = [each for each in folders if each.name in scene.last_run_id.replace(":", "_").replace("+", "_")]
    assert {"report.html", "differences.csv", "differences.parquet"} <= {each.name for each in folder.iterdir()}
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "write_lost" in page
    assert "<script" not in page
    assert "@" not in page.replace("@media", "")


def test_plan_that_was_read_is_applied_when_run_is_bound_to_it(scene: Scene) -> None:
    """A dry run prints the plan's hash; another plan is refused, this one repairs, and the next run finds nothing."""
    Corruption(scene.world, random.Random(2)).spoil(1, WAYS)
    wanted = {"repair": ["write_lost=reapply", "reference_mismatch=reapply", "drift=reapply"]}
    state, _ = scene.run(**wanted, dry_run=True)
    assert state == "success"
    with Ledger.open("knb") as ledger:
        planned = ledger.runs.get(scene.last_run_id)["plan_hash"]
        assert ledger.runs.outcome_counts(scene.last_run_id) == {"planned": 3}
    state, tasks = scene.run(**wanted, dry_run=False, plan_hash="0" * 32)
    assert state == "failed"
    assert tasks[("repair", "upstream_failed")] == 1
    state, tasks = scene.run(**wanted, dry_run=False, plan_hash=planned)
    assert (state, tasks[("repair", "success")]) == ("success", 1)
    with Ledger.open("knb") as ledger:
        assert ledger.runs.outcome_counts(scene.last_run_id) == {"updated": 3}
    scene.run()
    assert set(scene.classes()) <= {"user_of_other_company", "waiting"}


@pytest.mark.parametrize(
    ("answer", "state", "outcomes"),
    [("Approve", "success", {"updated": 3}), ("Reject", "failed", {"skipped": 3})],
    ids=["a yes", "a no"],
)
def test_repair_waits_for_a_person_when_connector_asks_always(
    scene: Scene, connectors_dir: Path, answer: str, state: str, outcomes: dict[str, int]
) -> None:
    """Nothing is written while the question is open; a yes repairs what was shown, a no skips its customers."""
    Corruption(scene.world, random.Random(2)).spoil(1, WAYS)
    asking = RULES + "approval: {ask: always, timeout_minutes: 60}\n"
    (connectors_dir / "knb.yaml").write_text(asking, encoding="utf-8")
    wanted = {"repair": ["write_lost=reapply", "reference_mismatch=reapply", "drift=reapply"]}
    scene.world.forget_calls()
    seen: list[Any] = []
    with (
        running_api_server() as api,
        answering(api, answer, look=lambda: seen.append(scene.world.store_writes())) as person,
    ):
        ended, tasks = scene.run(**wanted, dry_run=False)
    assert seen == [[]]
    assert ended == state
    assert "for 3 customers" in person.question["subject"]
    assert bool(scene.world.store_writes()) is (answer == "Approve")
    assert tasks[("repair", "success" if answer == "Approve" else "upstream_failed")] == 1
    with Ledger.open("knb") as ledger:
        assert ledger.runs.outcome_counts(scene.last_run_id) == outcomes
    scene.run()
    assert (set(scene.classes()) <= {"user_of_other_company", "waiting"}) is (answer == "Approve")


def test_run_fails_and_says_why_when_store_is_out_of_reach(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that could not read the store is no proof: the run fails, and nothing is told to be equal."""
    refused = {"conn_type": "better-b2b", "host": scene.world.store_url, "password": "wr0ng", "extra": {}}
    monkeypatch.setenv("AIRFLOW_CONN_BETTER_B2B_KNB", json.dumps({**refused, "extra": {"store_hash": "sandbox"}}))
    state, tasks = scene.run()
    assert state == "failed"
    assert tasks[("compare", "failed")] == 1
    assert tasks[("report", "failed")] == 1


def test_broken_connector_stands_in_its_own_dag_when_file_is_wrong(load_dags: "LoadDags", connectors_dir: Path) -> None:
    """A wrong file gives a paused DAG that names the fault, as for the sync."""
    (connectors_dir / "shop.yaml").write_text("id: shop\nreconcile: {repair: {drift: delete}}\n", encoding="utf-8")
    (connectors_dir / "late.yaml").write_text("id: late\nreconcile: {schedule: at night}\n", encoding="utf-8")
    dags = load_dags()
    assert "reconcile.repair.drift" in str(dags["customer_reconcile__shop"].doc_md)
    assert "reconcile.schedule" in str(dags["customer_reconcile__late"].doc_md)
    assert "broken" not in dags["customer_reconcile__knb"].tags


def test_tasks_have_pools_and_trigger_rules_when_parsed(load_dags: "LoadDags") -> None:
    """Reading holds a seat of the ERP, writing the store's one slot; a refused plan can never be passed."""
    dag = load_dags()["customer_reconcile__knb"]
    found = {
        task.task_id: (str(getattr(task.trigger_rule, "value", task.trigger_rule)), task.pool) for task in dag.tasks
    }
    assert found == {
        "compare": ("all_success", "acumatica_knb"),
        "guard": ("all_done", "default_pool"),
        "repair": ("all_success", "better_b2b_knb"),
        "report": ("all_done", "default_pool"),
    }
    assert dag.get_task("repair").upstream_task_ids == {"guard"}
    assert [asset.name for asset in dag.get_task("report").outlets] == ["reconciliation_knb"]
