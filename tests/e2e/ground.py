"""The ground of the browser tests: both twins and a whole Airflow, on free ports and in a folder of their own.

It is the demonstration's machinery (`demo/`) with four differences: a password per user, a schedule that does not
come due by itself, few customers, and connector files of its own that a test may change or add to.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from demo import sync_run
from demo.airflow_api import AirflowApi
from demo.http_json import Server
from demo.ports import LOOPBACK, Ports, choose
from demo.processes import Processes
from demo.settings import CONNECTOR_ID, DAG_ID, Place, airflow_environment, inherited, load_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]

USERS = {"admin": "admin", "olga": "op", "uwe": "user", "vera": "viewer"}
"""Name -> role in Airflow's simple auth manager."""

PASSWORD = "a-password-for-tests"
"""Everybody's."""

NEVER = "0 0 29 2 *"
"""A schedule whose first data interval since the DAGs' start date ends in 2032: unpausing starts nothing."""

CUSTOMERS = 24
_STORE_REQUESTS_PER_MINUTE = 6000
_TWIN_START_S = 60
_AIRFLOW_START_S = 240
_POLL_S = 0.3


@dataclass(frozen=True)
class EndedRun:
    """A DAG run that came to its end.

    Attributes:
        run_id: Airflow's id.
        state: `success` or `failed`.
    """

    run_id: str
    state: str


class Ground:
    """Both twins and Airflow, running.

    Args:
        folder: Everything is written below it.
        extra_environment: What Airflow's processes get besides.
        rules: Top-level settings of the connector file that differ, as YAML.

    Attributes:
        address: Airflow's.
        airflow: Its REST API as the administrator.
        api: The same server for calls that `airflow` has no method for; it carries the administrator's token.
        erp: The ERP's twin.
        store: The store's twin.
        connectors: Folder of the connector files in use.
        ledger_url: SQLAlchemy URL of the ledger.
    """

    def __init__(
        self,
        folder: Path,
        extra_environment: Mapping[str, str] | None = None,
        rules: Mapping[str, str] | None = None,
    ) -> None:
        self.place = Place(ROOT, folder)
        self.place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.connectors = folder / "connectors"
        self.ledger_url = self.place.ledger_url
        self._extra = dict(extra_environment or {})
        self._rules = dict(rules or {})
        ports, _ = choose(Ports(0, 0, 0, 0, 0))
        self._ports = ports
        self._processes = Processes(folder / "processes.json", ROOT)
        self.erp = Server(f"http://{LOOPBACK}:{ports.erp}")
        self.store = Server(f"http://{LOOPBACK}:{ports.store}")
        self.address = f"http://{LOOPBACK}:{ports.airflow}"
        self.airflow = AirflowApi(self.address)
        self.api = Server(self.address)

    def start(self) -> None:
        """Start everything and wait until the connector's DAG is there and may run.

        Raises:
            DemoError: Something did not start.
        """
        self.connectors.mkdir(exist_ok=True)
        self.add_connector(CONNECTOR_ID, **self._rules)
        self._start_airflow()
        self._start_twins()
        self._processes.wait_until("airflow", self.airflow.healthy, _AIRFLOW_START_S, poll_s=0.5)
        self.api.token = self.airflow.sign_in("admin", PASSWORD)
        sync_run.make_pools(self.airflow, self.place.pools)
        sync_run.wait_for_dag(self.airflow, self._processes.check)
        self.airflow.set_paused(DAG_ID, paused=False)

    def stop(self) -> None:
        """End everything that was started."""
        self._processes.stop()

    def add_connector(self, connector_id: str, **lines: str) -> Path:
        """Write a connector file like the one that ships; Airflow reads it after some seconds.

        Args:
            connector_id: Its id; a second one needs connections and pools of its own.
            lines: Top-level settings that differ, as YAML; the schedule never comes due unless given here.
        """
        text = (ROOT / "include" / "connectors" / f"{CONNECTOR_ID}.yaml").read_text(encoding="utf-8")
        for name, value in {"id": connector_id, "schedule": f'"{NEVER}"', **lines}.items():
            line = f"{name}: {value}"
            text, found = re.subn(rf"^{name}:.*$", lambda _match: line, text, flags=re.MULTILINE)  # noqa: B023 - called in this turn
            text = text if found else f"{text}\n{line}\n"
        path = self.connectors / f"{connector_id}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def trigger(self, conf: dict[str, Any], dag_id: str = DAG_ID) -> str:
        """Start a run through the REST API and return its id."""
        return self.airflow.trigger(dag_id, conf)

    def run(self, conf: dict[str, Any], dag_id: str = DAG_ID, timeout_s: float = 300) -> EndedRun:
        """Start a run through the REST API and wait for its end."""
        return self.wait_for_run(self.trigger(conf, dag_id), dag_id, timeout_s)

    def wait_for_run(self, run_id: str, dag_id: str = DAG_ID, timeout_s: float = 300) -> EndedRun:
        """Wait until a run has ended, well or not."""
        deadline = time.monotonic() + timeout_s
        while (state := self.airflow.run_state(dag_id, run_id)) not in {"success", "failed"}:
            self._processes.check()
            if time.monotonic() > deadline:
                told = sync_run.describe(self.airflow.task_states(dag_id, run_id))
                raise AssertionError(f"{run_id} is still {state} after {timeout_s:.0f} s: {told}")
            time.sleep(_POLL_S)
        return EndedRun(run_id, state)

    def newest_run(self, dag_id: str = DAG_ID, *, after: str = "", timeout_s: float = 30) -> str:
        """Id of the newest run; waits for one that is not `after`."""
        deadline = time.monotonic() + timeout_s
        path = f"/api/v2/dags/{quote(dag_id)}/dagRuns?order_by=-id&limit=1"
        while True:
            found = self.api.get(path)["dag_runs"]
            if found and found[0]["dag_run_id"] != after:
                return str(found[0]["dag_run_id"])
            if time.monotonic() > deadline:
                raise AssertionError(f"no run of {dag_id} appeared within {timeout_s:.0f} s")
            time.sleep(_POLL_S)

    def airflow_command(self, *words: str, timeout_s: float = 120) -> str:
        """Run Airflow's own command with the settings of the running one; what it printed.

        Raises:
            AssertionError: It failed; what it printed is in the message.
        """
        ended = subprocess.run(  # noqa: S603 - Airflow's own command
            [sys.executable, "-m", "airflow", *words],
            env=self._environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        told = ended.stdout + ended.stderr
        assert ended.returncode == 0, told
        return told

    def last_lines(self, process: str = "airflow", lines: int = 60) -> str:
        """The end of what a process printed: `airflow`, `erp` or `store`."""
        return self._processes.last_lines(process, lines)

    def _start_twins(self) -> None:
        commands = {
            "erp": ("acumatica", "--port", str(self._ports.erp), "--customers", str(CUSTOMERS)),
            "store": (
                *("better-b2b", "--port", str(self._ports.store)),
                *("--requests-per-minute", str(_STORE_REQUESTS_PER_MINUTE)),
            ),
        }
        for name, options in commands.items():
            command = (sys.executable, "-m", "sandbox", *options)
            self._processes.start(name, command, inherited({}), self.place.output_of(name))
        for name, server in {"erp": self.erp, "store": self.store}.items():
            self._processes.wait_until(name, lambda: server.answers("/_sandbox/settings"), _TWIN_START_S)  # noqa: B023 - called in this turn

    def _start_airflow(self) -> None:
        passwords = self.place.home / "passwords.json"
        passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)), encoding="utf-8")
        passwords.chmod(0o600)
        command = (sys.executable, "-m", "airflow", "standalone")
        self._processes.start("airflow", command, self._environment(), self.place.output_of("airflow"))

    def _environment(self) -> dict[str, str]:
        return airflow_environment(self.place, self._ports, load_secrets(self.place)) | {
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.place.home / "passwords.json"),
            "CUSTOMER_SYNC_CONNECTORS_DIR": str(self.connectors),
            **self._extra,
        }


def remove(folder: Path) -> None:
    """Remove what a ground has written."""
    shutil.rmtree(folder, ignore_errors=True)
