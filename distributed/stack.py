"""All services of the distributed shape as processes of this machine: started in order, killed, started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from demo.errors import DemoError
from demo.http_json import Server
from demo.postgres import find_programs
from demo.processes import Processes
from demo.settings import inherited
from distributed.on_loopback import LOOPBACK, Launch, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from distributed.compose_file import Service

NOBODY = 65_534
"""User id of the account without rights: PostgreSQL refuses to run as root."""

AIRFLOW = ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker")
"""Services of Airflow, which start together once the databases are ready."""

CHECKED_BY_COMMAND = ("airflow-apiserver", "airflow-scheduler")
"""Those of them whose health the compose file's own command reports."""

_START_S = 600
_INIT_S = 900
_CHECK_S = 60
_RESTARTS = 10
"""A process that ends more often is broken; one whose database is away ends once every few seconds."""


class Stack:
    """The running services.

    Args:
        services: From the compose file.
        machine: Where everything is here.
        programs: Folder with the environment's `airflow`, `celery` and `python`.
    """

    def __init__(self, services: Mapping[str, Service], machine: Machine, programs: Path) -> None:
        self._services = services
        self._machine = machine
        self._programs = programs
        self.processes = Processes(machine.home / "processes.json", machine.root)
        self._launches: dict[str, Launch] = {}
        self._restarts: Counter[str] = Counter()

    def launch_of(self, service: str) -> list[Launch]:
        """How a service's replicas are started here."""
        return self._machine.launches(self._services[service])

    def environment_of(self, launch: Launch) -> dict[str, str]:
        """The whole environment of a service's process."""
        base = inherited(os.environ)
        path = os.pathsep.join((str(self._programs), str(postgres_programs()), base["PATH"]))
        return {**base, "PATH": path, **launch.environment}

    # -- databases and queue -----------------------------------------------------------------------

    def start_postgres(self) -> None:
        """Start the server, on an empty folder as the image does: make it, and run the project's scripts."""
        (launch,) = self.launch_of("postgres")
        data = Path(self._data_folder("postgres", "/var/lib/postgresql/data"))
        is_new = not (data / "PG_VERSION").exists()
        if is_new:
            self._make_cluster(data, launch)
        port = self._machine.port_of("postgres")
        # What the image's entry point does before is done here, by an account that cannot enter the project.
        server = launch.command[launch.command.index(_ENTRY_POINT) + 1 :]
        command = [*server, "-D", str(data), "-p", str(port), "-h", LOOPBACK, "-k", ""]
        self._start("postgres", [*as_nobody(), *command], launch)
        if is_new:
            scripts = self._machine.root / self._services["postgres"].volumes["/docker-entrypoint-initdb.d"]
            where = {"PGHOST": LOOPBACK, "PGPORT": str(port), "PGPASSWORD": launch.environment["POSTGRES_PASSWORD"]}
            for script in sorted(scripts.glob("*.sh")):
                self._run(["bash", str(script)], {**self.environment_of(launch), **where}, "postgres-init", _START_S)

    def start_redis(self) -> None:
        """Start the queue, on the data that it left."""
        (launch,) = self.launch_of("redis")
        folder = self._data_folder("redis", "/data")
        # Inside a container `/data` is a folder of its own; the command names it as an option.
        command = [part.replace("/data", folder) for part in launch.command if part]
        self._start("redis", command, launch)

    def restart_redis(self) -> None:
        """Kill the queue and start it again, as a container's restart does."""
        self.processes.kill("redis")
        self.start_redis()

    def restart_postgres(self, away_s: float) -> None:
        """Shut both databases down in the midst of all work, and start them again.

        Args:
            away_s: How long nothing answers, in seconds.
        """
        self.processes.kill("postgres", signal.SIGINT)
        time.sleep(away_s)
        self.start_postgres()

    # -- Airflow -----------------------------------------------------------------------------------

    def initialise(self, connections: Mapping[str, str]) -> None:
        """Run the init service to its end.

        Args:
            connections: The connectors' connections as variables, in place of the compose file's example.
        """
        (launch,) = self.launch_of("airflow-init")
        environment = {**self.environment_of(launch), **connections}
        self._run(list(launch.command), environment, "airflow-init", _INIT_S)

    def start_airflow(self) -> None:
        """Start all services of Airflow, and wait until each passes its health check."""
        for name in AIRFLOW:
            for launch in self.launch_of(name):
                self.start(launch)
        for name in CHECKED_BY_COMMAND:
            for launch in self.launch_of(name):
                self.wait_until_healthy(launch)
        # The others' own checks start an Airflow command each time, which costs more than what they show:
        # a worker prints that it is ready, and the api-server knows of the rest from the database.
        for launch in self.launch_of("airflow-worker"):
            self.wait_until_ready(launch)
        api = Server(f"http://{LOOPBACK}:{self._machine.port_of('airflow-apiserver')}")
        for name, part in (("airflow-dag-processor", "dag_processor"), ("airflow-triggerer", "triggerer")):
            self.processes.wait_until(name, lambda: _reports_health(api, part), _START_S)  # noqa: B023 - called in this turn

    def start(self, launch: Launch) -> None:
        """Start one process."""
        self._start(launch.name, list(launch.command), launch)

    def wait_until_healthy(self, launch: Launch) -> None:
        """Wait for the compose file's own health check.

        Raises:
            DemoError: The process ended, or the check did not pass in time.
        """
        self.processes.wait_until(launch.name, lambda: self._is_healthy(launch), _START_S, poll_s=1.0)

    def keep_running(self) -> list[str]:
        """Start what ended by itself again, as its restart policy says.

        Returns:
            Names of what was started again.

        Raises:
            DemoError: A process without such a policy ended, or one ended again and again.
        """
        back = []
        for name in self.processes.ended():
            launch = self._launches.get(name)
            if launch is None or not self._services[launch.service].comes_back or self._restarts[name] >= _RESTARTS:
                self.processes.check()
                continue
            self._restarts[name] += 1
            self.start(launch)
            back.append(name)
        return back

    def wait_until_ready(self, worker: Launch) -> None:
        """Wait until a worker takes tasks.

        Raises:
            DemoError: The process ended, or did not come so far in time.
        """
        self.processes.wait_until(worker.name, lambda: " ready." in self.processes.said(worker.name), _START_S)

    def stop(self) -> None:
        """End everything."""
        self.processes.stop()

    # -- inside ------------------------------------------------------------------------------------

    def _is_healthy(self, launch: Launch) -> bool:
        try:
            done = subprocess.run(  # noqa: S603 - the compose file's own command
                launch.healthcheck,
                env=self.environment_of(launch),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=_CHECK_S,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _start(self, name: str, command: list[str], launch: Launch) -> None:
        self._launches[name] = launch
        self.processes.start(name, command, self.environment_of(launch), self._output_of(name))
        if name in {"postgres", "redis"}:
            self.processes.wait_until(name, lambda: self._is_healthy(launch), _START_S)

    def _run(self, command: list[str], environment: Mapping[str, str], name: str, timeout_s: float) -> None:
        path = self._output_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as output:
            done = subprocess.run(  # noqa: S603 - the compose file's own command
                command,
                env=dict(environment),
                cwd=self._machine.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=timeout_s,
            )
        if done.returncode != 0:
            said = path.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
            raise DemoError("\n".join([f"{name} ended with code {done.returncode}:", *said]))

    def _output_of(self, name: str) -> Path:
        # Every start has a file of its own, so that what a killed process said is kept.
        folder = self._machine.home / "output"
        number = len(list(folder.glob(f"{name}.*.log"))) + 1 if folder.exists() else 1
        return folder / f"{name}.{number}.log"

    def _data_folder(self, service: str, place: str) -> str:
        return str(self._machine.home / "volumes" / self._services[service].volumes[place])

    def _make_cluster(self, data: Path, launch: Launch) -> None:
        # The server's account must get through to its folder, and sees nothing beside it.
        data.parent.chmod(0o711)
        if os.getuid() == 0:
            shutil.chown(data, NOBODY, NOBODY)
        secret = self._machine.home / "postgres-password"
        secret.write_text(launch.environment["POSTGRES_PASSWORD"], encoding="utf-8")
        if os.getuid() == 0:
            shutil.chown(secret, NOBODY, NOBODY)
        secret.chmod(0o600)
        user = launch.environment["POSTGRES_USER"]
        make = ["initdb", "-D", str(data), "-U", user, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
        self._run([*as_nobody(), *make], self.environment_of(launch), "initdb", _START_S)
        secret.unlink()


_ENTRY_POINT = "docker-entrypoint.sh"


def _reports_health(api: Server, part: str) -> bool:
    if not api.answers("/api/v2/monitor/health"):
        return False
    status = (api.get("/api/v2/monitor/health").get(part) or {}).get("status")
    return bool(status == "healthy")


def as_nobody() -> list[str]:
    """What comes before a command that must not run as root; nothing for anybody else."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def postgres_programs() -> Path:
    """The folder of PostgreSQL's server programs.

    Raises:
        DemoError: PostgreSQL is not installed.
    """
    programs = find_programs()
    if programs is None:
        raise DemoError("PostgreSQL is not installed (Debian and Ubuntu: apt-get install postgresql).")
    return programs


def require_programs() -> None:
    """See that what containers would bring is there.

    Raises:
        DemoError: A program is missing; the message names the package.
    """
    postgres_programs()
    for program, package in {"redis-server": "redis-server", "setpriv": "util-linux", "curl": "curl"}.items():
        if shutil.which(program) is None:
            raise DemoError(f"{program} is missing (Debian and Ubuntu: apt-get install {package}).")
