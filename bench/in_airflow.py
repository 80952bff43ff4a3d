"""Scenarios inside a real Airflow: what it adds to a run in which nothing changed, and to a first load."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3
import yaml

from bench.loading import states
from bench.measure import ROOT, Bar, Numbers, Result, Settings, run_rounds
from bench.twins import Twins, running
from demo import sync_run
from demo.airflow_api import AirflowApi
from demo.ports import LOOPBACK, Ports, choose
from demo.processes import Processes
from demo.settings import DAG_ID, Place, airflow_environment, load_secrets

SIX_EMPTY, MAPPED = "bench_six_empty", "bench_mapped"
_START_S = 300
_RUN_S = 900


@dataclass(frozen=True)
class _Home(Place):
    """The demonstration's place, in a folder of its own."""

    folder: Path

    @property
    def home(self) -> Path:
        """All state of this Airflow."""
        return self.folder


@contextlib.contextmanager
def airflow(twins: Twins, folder: Path, mapped_customers: int) -> Iterator[AirflowApi]:
    """A standalone Airflow as `make demo` tunes it, with the sync's DAG and those of the benchmark."""
    place = _Home(ROOT, folder)
    dags, connectors = folder / "dags", folder / "connectors"
    shutil.copytree(ROOT / "bench" / "dags", dags)
    shutil.copy(ROOT / "dags" / "customer_sync.py", dags)
    connectors.mkdir()
    rules = yaml.safe_load((ROOT / "include" / "connectors" / "knb.yaml").read_text(encoding="utf-8"))
    # Without a schedule, so that no run comes between; without the write-back, as everywhere in the benchmark.
    rules |= {"active": False, "erp": {"write_reference": False}}
    (connectors / "knb.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    states_file = folder / "states.json"
    states_file.write_text(json.dumps(states()), encoding="utf-8")
    free, _ = choose(Ports(0, 0, 0, 0, 0))
    ports = Ports(_port(twins.erp_url), _port(twins.store_url), free.airflow, free.task_logs, free.trigger_logs)
    environment = airflow_environment(place, ports, load_secrets(place)) | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "CUSTOMER_SYNC_CONNECTORS_DIR": str(connectors),
        "BENCH_PEERS": str(ROOT / "bench" / "peers"),
        "BENCH_ERP_URL": twins.erp_url,
        "BENCH_STORE_URL": twins.store_url,
        "BENCH_STATES": str(states_file),
        "BENCH_MOST": str(mapped_customers),
    }
    processes = Processes(folder / "processes.json", ROOT)
    api = AirflowApi(f"http://{LOOPBACK}:{ports.airflow}")
    try:
        command = (sys.executable, "-m", "airflow", "standalone")
        processes.start("airflow", command, environment, folder / "airflow.log")
        processes.wait_until("airflow", api.healthy, _START_S, poll_s=0.5)
        api.sign_in()
        sync_run.make_pools(api, place.pools)
        _wait_for(api, (DAG_ID, SIX_EMPTY, MAPPED), processes)
        yield api
    finally:
        processes.stop()


def no_change_in_airflow(settings: Settings) -> Result:
    """A no-change incremental run from trigger to success, beside a DAG of six tasks that do nothing."""
    size, mapped = settings.size(500), settings.size(50)
    result = Result(
        "no_change_in_airflow",
        f"standalone Airflow as the demonstration tunes it; {size} customers in the store, nothing changed; "
        f"six empty tasks interleaved; a first load of all beside one mapped task for each of {mapped} customers",
        {"customers": size, "mapped_customers": mapped, "executor": "LocalExecutor", "parallelism": 4},
    )
    with running(size) as twins, tempfile.TemporaryDirectory() as folder, airflow(twins, Path(folder), mapped) as api:
        first = run_once(api, DAG_ID, {"mode": "full"})
        run_once(api, DAG_ID, {"mode": "incremental"})
        run_once(api, SIX_EMPTY, {})
        contenders = {
            "ours": lambda: run_once(api, DAG_ID, {"mode": "incremental"}),
            "six empty tasks": lambda: run_once(api, SIX_EMPTY, {}),
        }
        run_rounds(result, contenders, settings.repeats, ratios_of=("run_s",))
        twins.empty_store()
        per_task = run_once(api, MAPPED, {})
    ratio = 1 / result.ratios["six empty tasks"]["run_s"]["median"]
    result.bars.append(Bar("no-change run to six empty tasks", ratio, 1.5))
    result.details["first_load"] = {
        "ours_s_per_customer": first["run_s"] / size,
        "one_mapped_task_per_customer_s": per_task["run_s"] / mapped,
        "ratio": per_task["run_s"] / mapped / (first["run_s"] / size),
    }
    result.notes.append("first load and mapped tasks: one round each, after the store was emptied")
    return result


def run_once(api: AirflowApi, dag_id: str, conf: dict[str, Any]) -> Numbers:
    """Trigger a run and wait for its success; seconds from being queued to its end, by Airflow's own stamps."""
    run_id = api.trigger(dag_id, conf)
    deadline = time.monotonic() + _RUN_S
    state = ""
    while state not in {"success", "failed"}:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{dag_id} is still {state}")
        time.sleep(0.2)
        # A busy api-server may let a question wait; it is asked again, and Airflow's own stamps are what counts.
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            state = api.run_state(dag_id, run_id)
    if state == "failed":
        raise RuntimeError(f"{dag_id} failed: {sync_run.describe(api.task_states(dag_id, run_id))}")
    run = api.run(dag_id, run_id)
    queued, ended = (datetime.fromisoformat(run[name]) for name in ("queued_at", "end_date"))
    ran = [task for task in api.task_states(dag_id, run_id) if task.state == "success"]
    return {"run_s": (ended - queued).total_seconds(), "task_instances": len(ran)}


def dag_parse(settings: Settings) -> Result:
    """CPU seconds to read the sync's DAG file, what `import airflow` costs not counted."""
    result = Result(
        "dag_parse", "the DAG processor's work on dags/: imports and building, after `import airflow.sdk`", {}
    )
    code = (
        "import sys, time, airflow.sdk\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        "started = time.process_time()\n"
        f"bag = DagBag({str(ROOT / 'dags')!r})\n"
        "used = time.process_time() - started\n"
        "assert bag.dags and not bag.import_errors, bag.import_errors\n"
        "print(used)\n"
    )

    def once() -> Numbers:
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
            command = [sys.executable, "-c", code]
            said = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
        return {"cpu_s": float(said.stdout.split()[-1])}

    run_rounds(result, {"ours": once}, settings.repeats)
    result.bars.append(Bar("CPU seconds of a DAG parse", result.median("ours", "cpu_s"), 0.5))
    return result


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _wait_for(api: AirflowApi, dag_ids: tuple[str, ...], processes: Processes) -> None:
    deadline = time.monotonic() + _START_S
    for dag_id in dag_ids:
        while api.dag(dag_id) is None:
            processes.check()
            broken = api.import_errors()
            if broken or time.monotonic() > deadline:
                raise RuntimeError(f"{dag_id} did not appear: {broken}")
            time.sleep(0.5)
        api.set_paused(dag_id, paused=False)
