"""Every DAG imports, and looks as the design says."""

import itertools
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError

from customer_sync.one_line import one_line
from customer_sync.settings.connector import Connector
from customer_sync_airflow import dag_factory
from customer_sync_airflow.bundle import PackagedDags
from customer_sync_airflow.dags.per_connector import dags_of_all_connectors
from customer_sync_airflow.dags.sync import PLACEHOLDER, sync_dag

if TYPE_CHECKING:
    from tests.airflow.conftest import LoadDags

ROOT = Path(__file__).resolve().parents[2]
SYNC = "customer_sync__knb"

# task -> (trigger rule, pool, retries, mapped); docs/architecture.md#tasks.
TASKS = {
    "extract": ("all_success", "acumatica_knb", 2, False),
    "filter": ("all_done", "default_pool", 2, True),
    "transform": ("all_done", "default_pool", 2, True),
    "guard": ("all_done", "default_pool", 0, False),
    "load": ("all_success", "better_b2b_knb", 3, True),
    "audit": ("all_done", "default_pool", 2, False),
}


def test_dags_import_with_owner_and_tags_when_parsed(load_dags: "LoadDags") -> None:
    """Every DAG of the folder imports, has an owner, tags, documentation and no catch-up."""
    dags = load_dags()
    assert SYNC in dags
    for dag in dags.values():
        assert dag.tags
        assert dag.doc_md
        assert dag.catchup is False
        assert dag.max_active_runs == 1
        assert all(task.owner not in {"", "airflow"} for task in dag.tasks)


def test_sync_has_six_tasks_in_a_row_when_parsed(load_dags: "LoadDags") -> None:
    """The six tasks follow one another, with the trigger rules, pools and retries of the design."""
    dag = load_dags()[SYNC]
    found = {
        task.task_id: (
            str(getattr(task.trigger_rule, "value", task.trigger_rule)),
            task.pool,
            task.retries,
            task.is_mapped,
        )
        for task in dag.tasks
    }
    assert found == TASKS
    names = list(TASKS)
    direct = {name: set(dag.get_task(name).downstream_task_ids) for name in names}
    assert direct == {name: {after} for name, after in itertools.pairwise(names)} | {"audit": set()}


def test_every_task_ends_when_it_hangs(load_dags: "LoadDags", connectors_dir: Path) -> None:
    """Every task of every DAG has an execution time-out; that of a connector's tasks is the connector file's."""
    (connectors_dir / "shop.yaml").write_text("id: shop\ntask_timeout_minutes: 90\n", encoding="utf-8")
    (connectors_dir / "wrong.yaml").write_text("id: [\n", encoding="utf-8")
    (connectors_dir / "pushed.yaml").write_text("id: pushed\npush: {enabled: true}\n", encoding="utf-8")
    dags = load_dags()
    kinds = {dag_id.partition("__")[0] for dag_id in dags}
    assert kinds >= {"customer_sync", "customer_reconcile", "customer_push", "connector_housekeeping"}
    for dag in dags.values():
        assert {task.task_id for task in dag.tasks if not task.execution_timeout} == set()
    for dag_id in ("customer_sync__shop", "customer_reconcile__shop"):
        assert {task.execution_timeout for task in dags[dag_id].tasks} == {timedelta(minutes=90)}
    assert {task.execution_timeout for task in dags[SYNC].tasks} == {timedelta(hours=12)}


def test_load_maps_over_guard_alone_when_parsed(load_dags: "LoadDags") -> None:
    """Load has no input but what guard returned, so a refused plan can never be passed."""
    assert load_dags()[SYNC].get_task("load").upstream_task_ids == {"guard"}


def test_schedule_is_a_data_interval_when_parsed(load_dags: "LoadDags") -> None:
    """The schedule carries data intervals of 15 minutes in UTC, which backfills need."""
    timetable = load_dags()[SYNC].timetable
    assert type(timetable).__name__ == "CronDataIntervalTimetable"
    assert timetable.expression == "*/15 * * * *"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id: shop\nschedul: daily\n", "schedul: unknown setting"),
        ("id: other\n", "id is 'other', but the file's name says 'shop'"),
        ("id: [\n", "cannot be parsed at line"),
        ("id: shop\nschedule: every morning\n", "schedule"),
        ("", "must hold settings"),
        ("id: shop\nname: {{ env }}\n", "braces or brackets"),
        ("id: " + "[" * 400_000, "levels deep"),
        ("id: &a [*a]\n", "inside of what it names"),
        (f"id: shop\nbatch: {{size: {'9' * 5_000}}}\n", "5,000 characters"),
        ("a:\n" + "".join(f"- &a{number} x\n" for number in range(80_000)), "more than 20,000 values"),
        ("id: shop\nschedule: 0 0 30 2 *\n", "no day"),
    ],
)
def test_broken_connector_stands_in_its_own_dag_when_file_is_wrong(
    load_dags: "LoadDags", connectors_dir: Path, content: str, expected: str
) -> None:
    """A wrong file gives a paused DAG that names the fault, and takes down no other."""
    (connectors_dir / "shop.yaml").write_text(content, encoding="utf-8")
    dags = load_dags()
    broken = dags["customer_sync__shop"]
    assert "broken" in broken.tags
    assert broken.is_paused_upon_creation
    assert expected in str(broken.doc_md)
    assert "broken" not in dags[SYNC].tags


def test_connector_has_a_dag_when_its_file_bears_an_odd_name(load_dags: "LoadDags", connectors_dir: Path) -> None:
    """A name that is too long, breaks lines or is no text gives a DAG that can be stored, and takes down no other."""
    for name in (b"x" * 250, b"a\nb ::endgroup::", b"\xff\xfe"):
        Path(os.fsdecode(bytes(connectors_dir) + b"/" + name + b".yaml")).write_text("id: [\n", encoding="utf-8")
    dags = load_dags()
    broken = [dag for dag in dags.values() if "broken" in dag.tags and dag.dag_id.startswith("customer_sync__")]
    assert len(broken) == 3
    assert "broken" not in dags[SYNC].tags
    for dag in broken:
        assert one_line(str(dag.description)) == dag.description


def test_connector_is_broken_when_building_it_fails(connectors_dir: Path) -> None:
    """Even a fault that nobody foresaw stays with the connector that has it."""
    (connectors_dir / "shop.yaml").write_text("id: shop\n", encoding="utf-8")

    def build(connector: Connector) -> DAG:
        if connector.id == "shop":
            raise ZeroDivisionError("by nought")
        return sync_dag(connector)

    dags = dags_of_all_connectors("customer_sync__", build, PLACEHOLDER)
    assert "broken" not in dags[SYNC].tags
    assert "shop.yaml could not be used (ZeroDivisionError: by nought)" in str(dags["customer_sync__shop"].doc_md)


def test_connector_is_broken_when_its_shared_budget_disagrees(load_dags: "LoadDags", connectors_dir: Path) -> None:
    """Two files that share an ERP and differ about its seats: the later one says so, the first one runs."""
    (connectors_dir / "east.yaml").write_text("id: east\nerp: {shared_as: office}\n", encoding="utf-8")
    (connectors_dir / "west.yaml").write_text("id: west\nerp: {shared_as: office, seats: 7}\n", encoding="utf-8")
    dags = load_dags()
    assert "broken" not in dags["customer_sync__east"].tags
    assert dags["customer_sync__east"].get_task("extract").pool == "acumatica_office"
    assert "broken" in dags["customer_sync__west"].tags
    assert "erp.seats" in str(dags["customer_sync__west"].doc_md)


def test_connector_has_no_schedule_when_inactive(load_dags: "LoadDags", connectors_dir: Path) -> None:
    """A connector that is switched off can be triggered and runs by itself never."""
    (connectors_dir / "old.yaml").write_text("id: old\nactive: false\n", encoding="utf-8")
    dag = load_dags()["customer_sync__old"]
    assert "inactive" in dag.tags
    assert type(dag.timetable).__name__ == "NullTimetable"


def test_params_refuse_wrong_input_when_triggered(load_dags: "LoadDags") -> None:
    """The trigger form's own types refuse what the sync could not use."""
    params = load_dags()[SYNC].params
    assert set(params) == {
        *(
            "mode",
            "customer_ids",
            "modified_from",
            "modified_to",
            "dry_run",
            "retry_quarantined",
            "plan_hash",
            "undo_run",
        )
    }
    wrong = {
        "mode": "everything",
        "customer_ids": ["C1", 2],
        "modified_from": "yesterday",
        "dry_run": "perhaps",
        "plan_hash": "abc",
        "undo_run": "",
    }
    for name, value in wrong.items():
        with pytest.raises(ParamValidationError):
            params.get_param(name).resolve(value)
    for moment in ("2026-11-22T00:00:00+00:00", "2026-11-22T00:00:00.000Z"):  # by hand, and by the form's date picker
        assert params.get_param("modified_to").resolve(moment) == moment


def test_runs_are_watched_only_when_somebody_is_to_be_told(load_dags: "LoadDags", connectors_dir: Path) -> None:
    """No callbacks, no deadline and no watch until a connector file names a channel, in a wrong file as well."""
    dags = load_dags()
    assert not dags[SYNC].has_on_failure_callback
    assert not dags[SYNC].deadline
    assert type(dags["connector_watch"].timetable).__name__ == "NullTimetable"
    told = "alerts: {webhook: {connection: chat}}"
    (connectors_dir / "shop.yaml").write_text(f"id: shop\n{told}\n", encoding="utf-8")
    (connectors_dir / "torn.yaml").write_text(f"id: torn\nschedul: daily\n{told}\n", encoding="utf-8")
    dags = load_dags()
    assert not dags[SYNC].has_on_failure_callback
    for name in ("shop", "torn"):
        watched = dags[f"customer_sync__{name}"]
        assert watched.has_on_failure_callback
        assert watched.has_on_success_callback
        assert len(watched.deadline or []) == 1
    assert type(dags["connector_watch"].timetable).__name__ == "CronDataIntervalTimetable"


def test_push_has_a_dag_only_when_the_connector_takes_notifications(
    load_dags: "LoadDags", connectors_dir: Path
) -> None:
    """The DAG waits for the watcher's asset, and runs one at a time."""
    assert "customer_push__knb" not in load_dags()
    (connectors_dir / "shop.yaml").write_text("id: shop\npush: {enabled: true}\n", encoding="utf-8")
    dag = load_dags()["customer_push__shop"]
    assert [task.task_id for task in dag.tasks] == ["take_customers", "sync_them"]
    assert type(dag.timetable).__name__ == "AssetTriggeredTimetable"
    assert dag.max_active_runs == 1


def test_factory_builds_what_the_files_hold_when_called_from_a_file_of_two_lines(load_dags: "LoadDags") -> None:
    """One call gives all DAGs of the folder; so does the file that the package's bundle serves."""
    expected = set(load_dags())
    assert set(dag_factory.dags()) == expected
    bundle = PackagedDags(name="customer-sync")
    served = DagBag(str(bundle.path))
    assert served.import_errors == {}
    assert set(served.dags) == expected


@pytest.mark.parametrize("dag_id", ["customer_sync__shop", "customer_reconcile__knb", "customer_sync__broken"])
def test_only_its_own_connector_is_built_when_a_task_parses_the_file(
    connectors_dir: Path, monkeypatch: pytest.MonkeyPatch, dag_id: str
) -> None:
    """A task's process reads all files and builds one DAG of a connector, also that of a wrong file."""
    (connectors_dir / "shop.yaml").write_text("id: shop\n", encoding="utf-8")
    (connectors_dir / "broken.yaml").write_text("id: [\n", encoding="utf-8")
    assert len(dag_factory.dags()) == 10
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
    assert set(dag_factory.dags()) - {"connector_housekeeping", "connector_watch"} == {dag_id}


PARSE = """
import sys, time
most_s, fewest_dags = float(sys.argv[2]), int(sys.argv[3])
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
touched = []
sys.addaudithook(lambda event, facts: touched.append(event) if event in {"socket.connect", "sqlite3.connect"} else None)
clients = {"customer_sync.sources.acumatica.client", "customer_sync.targets.better_b2b.adapter"}
heavy = ({"pandas", "alembic"} | clients) - set(sys.modules)
started = time.process_time()
bag = DagBag(sys.argv[1])
used_s = time.process_time() - started
assert bag.import_errors == {} and len(bag.dags) >= fewest_dags, bag.import_errors
assert not touched, touched
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert used_s <= most_s, used_s
"""


def test_parsing_is_quick_and_silent_when_airflow_reads_the_folder() -> None:
    """Parsing takes half a second of processor time at most, opens no connection and loads no heavy package."""
    command = [sys.executable, "-c", PARSE, str(ROOT / "dags"), "0.5", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own text
    assert done.returncode == 0, done.stderr[-2000:]


def test_200_connectors_parse_within_five_seconds_when_airflow_reads_a_dag_file(connectors_dir: Path) -> None:
    """Also then no connection is opened and no heavy package loaded; one file is wrong and stops none."""
    shipped = (connectors_dir / "knb.yaml").read_text(encoding="utf-8")
    for number in range(199):
        name = f"shop_{number:03d}"
        (connectors_dir / f"{name}.yaml").write_text(shipped.replace("id: knb", f"id: {name}"), encoding="utf-8")
    (connectors_dir / "shop_100.yaml").write_text("id: [", encoding="utf-8")
    for file in ("customer_sync.py", "customer_reconcile.py"):  # Airflow reads each in a process of its own
        command = [sys.executable, "-c", PARSE, str(ROOT / "dags" / file), "5", "200"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own text
        assert done.returncode == 0, (file, done.stderr[-2000:])
