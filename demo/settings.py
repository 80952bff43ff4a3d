"""Where the demonstration keeps its things, and the environment that its processes get."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from demo.ports import LOOPBACK, Ports

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTOR_ID = "knb"
"""The connector that is shown; its file ships with the product."""

DAG_ID = f"customer_sync__{CONNECTOR_ID}"
"""The DAG that is shown."""


@dataclass(frozen=True)
class Place:
    """The project's root and, below it, everything that the demonstration writes.

    Attributes:
        root: The project's root, with `dags/`, `plugins/` and `config/`.
        folder: Where everything is written, if not in the root's `.demo/`.
    """

    root: Path
    folder: Path | None = None

    @property
    def home(self) -> Path:
        """All state of the demonstration; `RESET=1` removes it."""
        return self.folder or self.root / ".demo"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: its database, logs and settings."""
        return self.home / "airflow"

    @property
    def xcom(self) -> Path:
        """Batches on their way from task to task."""
        return self.home / "xcom"

    @property
    def ledger(self) -> Path:
        """The ledger's SQLite file."""
        return self.home / "ledger.db"

    @property
    def pools(self) -> Path:
        """The pools that the DAG's tasks wait in."""
        return self.root / "config" / "pools.json"

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy URL of the ledger."""
        return f"sqlite:///{self.ledger}"

    def output_of(self, process: str) -> Path:
        """The file that takes what a process prints."""
        return self.home / "output" / f"{process}.log"

    def state_of(self, twin: str) -> Path:
        """The file in which a twin (`erp` or `store`) keeps its state over restarts."""
        return self.home / f"{twin}.json"

    def dump_of(self, twin: str) -> Path:
        """The file that takes a twin's state as its control plane reports it."""
        return self.home / f"state-{twin}.json"


def load_secrets(place: Place) -> dict[str, str]:
    """Read the demonstration's secrets, or make them at the first call.

    They are kept, since what Airflow encrypted with them must be readable at the next start.

    Args:
        place: Where the file is; it is readable by its owner only.

    Returns:
        `fernet_key`, `jwt_secret`, `session_key` and `postgres_password`.
    """
    path = place.home / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    made = {
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt_secret": secrets.token_hex(64),
        "session_key": secrets.token_hex(32),
        "postgres_password": secrets.token_hex(16),
    }
    if made.keys() - known.keys():
        known = made | known
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(known, file)
    return known


def connections(ports: Ports) -> dict[str, str]:
    """The two connections of the connector, as environment variables of Airflow.

    Args:
        ports: Where the twins listen.
    """
    erp = {
        "conn_type": "acumatica",
        "host": f"http://{LOOPBACK}:{ports.erp}",
        "login": "admin",
        "password": "sandbox",
        "extra": {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"},
    }
    store = {
        "conn_type": "better-b2b",
        "host": f"http://{LOOPBACK}:{ports.store}",
        "password": "sandbox-token",
        "extra": {"store_hash": "sandbox"},
    }
    suffix = CONNECTOR_ID.upper()
    return {
        f"AIRFLOW_CONN_ACUMATICA_{suffix}": json.dumps(erp),
        f"AIRFLOW_CONN_BETTER_B2B_{suffix}": json.dumps(store),
    }


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What the processes take over from the caller's environment.

    Another Airflow's settings, or another ledger, must not reach into the demonstration.

    Args:
        environment: The caller's environment.
    """
    foreign = ("AIRFLOW", "_AIRFLOW", "CUSTOMER_SYNC_")
    kept = {name: value for name, value in environment.items() if not name.startswith(foreign)}
    # `airflow standalone` starts its parts by the name `airflow`.
    kept["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), LOOPBACK, "localhost")))
    return kept


def airflow_environment(
    place: Place, ports: Ports, keys: Mapping[str, str], *, database_url: str = ""
) -> dict[str, str]:
    """The environment of `airflow standalone`, tuned for one small machine.

    Args:
        place: Folders and files.
        ports: Where everything listens.
        keys: Result of `load_secrets`.
        database_url: SQLAlchemy URL of Airflow's database; its own SQLite file by default.
    """
    address = f"http://{LOOPBACK}:{ports.airflow}"
    sections = {
        "CORE": {
            "DAGS_FOLDER": str(place.root / "dags"),
            "PLUGINS_FOLDER": str(place.root / "plugins"),
            "EXECUTOR": "LocalExecutor",
            "PARALLELISM": "4",
            "LOAD_EXAMPLES": "False",
            "FERNET_KEY": keys["fernet_key"],
            "EXECUTION_API_SERVER_URL": f"{address}/execution/",
            "SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",  # no password; nothing listens beyond the loopback address
            "TEST_CONNECTION": "Enabled",
            "XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
        },
        "COMMON_IO": {
            "XCOM_OBJECTSTORAGE_PATH": f"file://{place.xcom}",
            "XCOM_OBJECTSTORAGE_THRESHOLD": "1024",
            "XCOM_OBJECTSTORAGE_COMPRESSION": "gzip",
        },
        "API": {
            "HOST": LOOPBACK,
            "PORT": str(ports.airflow),
            "BASE_URL": address,
            "WORKERS": "1",
            "SECRET_KEY": keys["session_key"],
        },
        "API_AUTH": {"JWT_SECRET": keys["jwt_secret"]},
        "SCHEDULER": {"SCHEDULER_IDLE_SLEEP_TIME": "0.1", "SCHEDULER_HEARTBEAT_SEC": "1"},
        "DAG_PROCESSOR": {"REFRESH_INTERVAL": "10", "MIN_FILE_PROCESS_INTERVAL": "60"},
        "LOGGING": {"WORKER_LOG_SERVER_PORT": str(ports.task_logs), "TRIGGER_LOG_SERVER_PORT": str(ports.trigger_logs)},
    }
    settings = {
        f"AIRFLOW__{section}__{name}": value for section, values in sections.items() for name, value in values.items()
    }
    for name in ("SQL_ALCHEMY_CONN", "SQL_ALCHEMY_CONN_ASYNC"):
        settings |= {f"AIRFLOW__DATABASE__{name}": database_url} if database_url else {}
    own = {"AIRFLOW_HOME": str(place.airflow_home), "CUSTOMER_SYNC_LEDGER_URL": place.ledger_url}
    return inherited(os.environ) | settings | connections(ports) | own
