"""An environment that holds the wheel and what it needs, and nothing of the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent

OWN_DAG_FILE = "from customer_sync_airflow import dag_factory\nglobals().update(dag_factory.dags())\n"
DAGS = (
    *("customer_sync__knb", "customer_reconcile__knb", "customer_push__knb", "customer_doctor__knb"),
    *("connector_housekeeping", "connector_watch"),
)


@dataclass(frozen=True)
class Bare:
    """The environment, and one Airflow home in it.

    Attributes:
        folder: The virtual environment.
        home: AIRFLOW_HOME; commands run there, so that the checkout is not the working directory either.
        variables: Further variables of the environment.
    """

    folder: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, command: str, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment.

        Args:
            command: Its name, such as ``airflow``.
            arguments: Its arguments.
            timeout_s: Longest time it may take, in seconds.
        """
        environment = {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__API_AUTH__JWT_SECRET": "0" * 64,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            **self.variables,
        }
        return subprocess.run(  # noqa: S603 - the commands are our own
            [str(self.folder / "bin" / command), *arguments],
            cwd=self.home,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def json(self, command: str, *arguments: str, code: int = 0) -> Any:
        """Run a command and read the JSON that it answers with.

        Args:
            command: Its name.
            arguments: Its arguments.
            code: The exit code that it must end with.
        """
        done = self.run(command, *arguments)
        assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return json.loads(done.stdout)


def listed(bare: Bare) -> dict[str, str]:
    """The DAGs that Airflow knows after it has read its files anew, with the bundle that each comes from."""
    done = bare.run("airflow", "dags", "reserialize")
    assert done.returncode == 0, done.stderr[-2000:]
    assert bare.run("airflow", "dags", "list-import-errors", "-o", "json").stdout.strip() in ("[]", "No data found")
    return {row["dag_id"]: row["bundle_name"] for row in bare.json("airflow", "dags", "list", "-o", "json")}


def make_environment(folder: Path) -> Path:
    """Build the wheel and install it beside the locked packages.

    Args:
        folder: An empty folder.

    Returns:
        The virtual environment.
    """
    environment = folder / "venv"
    _tool("python", "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    _tool("uv", "venv", "--quiet", "--python", sys.executable, str(environment))
    install = ("pip", "install", "--quiet", "--python", str(environment / "bin" / "python"))
    _tool("uv", *install, "--require-hashes", "-r", str(ROOT / "requirements.txt"))
    _tool("uv", *install, "--no-deps", str(wheel))
    return environment


def _tool(name: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - the commands are our own
        [str(TOOLS / name), *arguments],
        cwd=ROOT,
        env={**os.environ, "UV_LINK_MODE": "copy"},
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, (name, arguments, done.stderr[-2000:])
