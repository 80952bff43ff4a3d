"""`python -m distributed`: the compose file's distributed shape as processes (`make distributed`).

Starts PostgreSQL, Redis, two Celery workers, scheduler, DAG processor, api-server and triggerer with the commands and
the environment of docker-compose.yaml, syncs three connectors at once, kills a worker and restarts Redis and PostgreSQL
in the meantime, and compares stores, ERPs, ledger and call logs. The exit code is 0 when every promise held.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values
from rich.console import Console

from demo.errors import DemoError
from demo.progress import step
from distributed.compose_file import read_services
from distributed.merchants import TrialEnvironment
from distributed.on_loopback import LOOPBACK, Machine
from distributed.stack import Stack, require_programs
from distributed.statsd_sink import StatsdSink
from distributed.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).resolve().parent.parent
_PROGRAMS = _ROOT / ".cache" / "compose" / "venv" / "bin"
_CONNECTORS = "/opt/connector/include/connectors"
_USER = "admin"

SETTINGS = {
    "AIRFLOW_EXECUTOR": "CeleryExecutor",
    "AIRFLOW_PARALLELISM": "8",
    "AIRFLOW_WORKER_CONCURRENCY": "3",
    # Quick recovery; docs/deploying.md says what these mean for an installation.
    "AIRFLOW_HEARTBEAT_TIMEOUT_S": "30",
    "AIRFLOW_QUEUED_TIMEOUT_S": "40",
    "AIRFLOW_STATSD_ON": "True",
    "AIRFLOW_STATSD_HOST": LOOPBACK,
}
"""What this trial fills into `.env` beside secrets."""


def variables() -> dict[str, str]:
    """Values for the compose file: those of `.env.example`, secrets replaced, and the trial's settings."""
    found = {name: value or "" for name, value in dotenv_values(_ROOT / ".env.example").items()}
    for name, value in found.items():
        if "change-me" in value:
            found[name] = re.sub("change-me", secrets.token_hex(16), value)
    fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return {**found, **SETTINGS, "AIRFLOW_FERNET_KEY": fernet_key, "AIRFLOW_ADMIN_USER": _USER}


def _perform(home: Path, console: Console) -> None:
    values = variables()
    environment = TrialEnvironment(home)
    shutil.copy(_ROOT / "include" / "connectors" / "knb.yaml", home / "shipped.yaml")
    environment.write_connector_files(home / "connectors")
    machine = Machine(_ROOT, home, {_CONNECTORS: home / "connectors"})
    services = read_services(_ROOT / "docker-compose.yaml", values)
    stack = Stack(services, machine, _PROGRAMS)
    metrics = StatsdSink(machine.port_of("statsd-exporter"))
    try:
        _start(stack, environment, console)
        address = f"http://{LOOPBACK}:{machine.port_of('airflow-apiserver')}"
        trial = Trial(stack, environment, address, metrics, console)
        trial.sign_in(_USER, values["AIRFLOW_ADMIN_PASSWORD"])
        trial.perform()
    finally:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)
        with step(console, "stopping"):
            stack.stop()
            metrics.close()
            (home / "output" / "metrics.log").write_text("\n".join(metrics.ours()), encoding="utf-8")


def _start(stack: Stack, environment: TrialEnvironment, console: Console) -> None:
    with step(console, "twins: two ERPs, three stores"):
        environment.start(stack.processes)
    with step(console, "PostgreSQL and Redis"):
        stack.start_postgres()
        stack.start_redis()
    with step(console, "airflow-init: tables, administrator, pools, connections"):
        stack.initialise(environment.connections())
    with step(console, "api-server, scheduler, DAG processor, triggerer, two workers"):
        stack.start_airflow()


def _keep(home: Path, console: Console) -> None:
    kept = _ROOT / ".cache" / "distributed"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(home / "output", kept / "output", dirs_exist_ok=True)
    logs = home / "volumes" / "airflow-logs"
    if logs.exists():
        shutil.copytree(logs, kept / "airflow-logs", dirs_exist_ok=True)
    console.print(f"What every process said, and the tasks' logs: {kept}", highlight=False)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trial.

    Args:
        arguments: Command line without the program's name; `None` takes the process's own.

    Returns:
        The exit code: 0 when every promise held, 1 when not, 130 when interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m distributed", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep what the processes said also when all went well")
    chosen = parser.parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    os.umask(0o077)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    home = Path(tempfile.mkdtemp(prefix="distributed-"))
    # PostgreSQL runs as another user when this runs as root, and must reach its folder.
    home.chmod(0o711)
    began_s = time.monotonic()
    code = 1
    try:
        require_programs()
        _perform(home, console)
        code = 0
    except DemoError as error:
        console.print(f"\n{error}", style="red", highlight=False, markup=False)
    except KeyboardInterrupt:
        code = 130
    finally:
        if code or chosen.keep:
            _keep(home, console)
        shutil.rmtree(home, ignore_errors=True)
    if code == 0:
        console.print(f"Every promise held ({time.monotonic() - began_s:.0f} s).", style="green", highlight=False)
    return code


if __name__ == "__main__":
    sys.exit(main())
