"""One Airflow of an environment: its home, its variables, twins of both systems, and its processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.airflow_api import AirflowApi
from demo.http_json import Server
from demo.ports import LOOPBACK, Ports, choose
from demo.processes import Processes
from demo.settings import Place, airflow_environment, inherited, load_secrets
from matrix.environment import Environment

CUSTOMERS = 20
CONNECTOR = "knb"
BUNDLE = {"name": "customer-sync", "classpath": "customer_sync_airflow.bundle.PackagedDags", "kwargs": {}}
_START_S = 240
_COMMAND_S = 300


class TrialError(Exception):
    """A question was answered otherwise than it must be; the message is a sentence with what was seen."""


@dataclass
class World:
    """What a trial works with.

    Attributes:
        environment: Whose Airflow it is.
        place: Its folders; the DAG and plugins folders below are empty.
        ports: Where everything listens.
        variables: Environment of every process of it.
        processes: What was started.
    """

    environment: Environment
    place: Place
    ports: Ports
    variables: dict[str, str]
    processes: Processes

    @property
    def server(self) -> Server:
        """The api-server, for paths of any kind."""
        return Server(f"http://{LOOPBACK}:{self.ports.airflow}")

    @property
    def connector_file(self) -> Path:
        """The connector file."""
        return self.place.airflow_home / "connectors" / f"{CONNECTOR}.yaml"

    def run(self, command: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a program of the environment, and return what it printed.

        Args:
            command: Its name.
            arguments: Its arguments.
            codes: Exit codes that are accepted.

        Raises:
            TrialError: It ended with another code.
        """
        done = subprocess.run(  # noqa: S603 - the commands are our own
            [str(self.environment.bin / command), *arguments],
            cwd=self.place.home,
            env=self.variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
        )
        if done.returncode not in codes:
            said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
            raise TrialError(f"{command} {' '.join(arguments[:3])} ended with {done.returncode}:\n{said}")
        return done.stdout

    def json(self, command: str, *arguments: str) -> Any:
        """The same, for a program that prints JSON, if need be in its last line, after warnings of Airflow's own."""
        said = self.run(command, *arguments).strip()
        return json.loads(said if said[:1] in {"[", "{"} else said.splitlines()[-1])

    def fresh_systems(self, ledger: str) -> None:
        """New twins without anything in the store, and a new ledger.

        Args:
            ledger: File name of the ledger.
        """
        self.variables["CUSTOMER_SYNC_LEDGER_URL"] = f"sqlite:///{self.place.home / ledger}"
        commands = {
            "erp": ("acumatica", "--port", str(self.ports.erp), "--customers", str(CUSTOMERS)),
            "store": ("better-b2b", "--port", str(self.ports.store), "--requests-per-minute", "6000"),
        }
        self.processes.stop()
        for name, arguments in commands.items():
            command = (sys.executable, "-m", "sandbox", *arguments)
            self.processes.start(name, command, self.variables, self.place.output_of(f"{name}-{ledger}"))
        for name, port in (("erp", self.ports.erp), ("store", self.ports.store)):
            server = Server(f"http://{LOOPBACK}:{port}")
            self.processes.wait_until(name, lambda: server.answers("/_sandbox/settings"), 60)  # noqa: B023 - in this turn

    def start_airflow(self) -> AirflowApi:
        """Start scheduler, DAG processor, triggerer and api-server, and wait until all are well."""
        api = AirflowApi(f"http://{LOOPBACK}:{self.ports.airflow}")
        command = (str(self.environment.bin / "airflow"), "standalone")
        self.processes.start("airflow", command, self.variables, self.place.output_of("airflow"))
        self.processes.wait_until("airflow", api.healthy, _START_S, poll_s=0.5)
        api.sign_in()
        return api

    def store_writes(self) -> int:
        """How many requests that write the store has seen."""
        calls = Server(f"http://{LOOPBACK}:{self.ports.store}").get("/_sandbox/calls")
        return sum(call["method"] != "GET" for call in calls)


@contextmanager
def running_world(root: Path, environment: Environment) -> Iterator[World]:
    """An Airflow home of its own, removed before the next use, and the processes in it ended at last.

    Args:
        root: The project's root, where the twins are.
        environment: The environment whose Airflow is tried.
    """
    home = root / ".cache" / "matrix" / "homes" / environment.folder.name
    shutil.rmtree(home, ignore_errors=True)
    place = Place(root=home, folder=home)
    for folder in (place.airflow_home / "connectors", home / "dags", home / "plugins"):
        folder.mkdir(parents=True)
    ports, _ = choose()
    variables = airflow_environment(place, ports, load_secrets(place)) | {
        "PATH": f"{environment.bin}:{inherited({})['PATH'].partition(':')[2]}:/usr/bin:/bin",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([BUNDLE]),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
        variables.pop(name, None)
    world = World(environment, place, ports, variables, Processes(home / "pids.json", root))
    (example,) = environment.folder.glob("lib/python3*/site-packages/customer_sync/examples/knb.yaml")
    example_text = example.read_text(encoding="utf-8")
    world.connector_file.write_text(f"{example_text}\npush: {{enabled: true}}\n", encoding="utf-8")
    try:
        yield world
    finally:
        world.processes.stop()
