"""Three connectors and the systems on their far sides: two share an ERP, each has a store of its own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo.http_json import Server
from demo.settings import inherited
from distributed.on_loopback import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from demo.processes import Processes

CUSTOMERS = 120
"""Customers of each ERP; about four of five belong in a store."""

ERP_PER_MINUTE = 120
STORE_PER_MINUTE = 150
"""What the twins allow, in requests per minute: so little that the loads must wait for their pace."""

ERP_USED_PER_MINUTE = 108
"""What the connector files take of the licence, a tenth less than it allows."""

SEATS = 4
"""API sessions of each licence, in the twins and in the connector files."""

BATCH = 60
"""Customers of one batch: some loads in a row for each store."""

_TWIN_START_S = 60


@dataclass(frozen=True)
class Merchant:
    """One connector and where its systems are.

    Attributes:
        connector_id: Its id.
        erp: Name of the ERP that it reads; two connectors may name the same.
    """

    connector_id: str
    erp: str

    @property
    def dag_id(self) -> str:
        """Its sync DAG."""
        return f"customer_sync__{self.connector_id}"


MERCHANTS = (Merchant("north", "office"), Merchant("south", "office"), Merchant("west", "west"))
"""The connectors of this trial."""


class TrialEnvironment:
    """The twins, and how Airflow reaches them.

    Args:
        home: Folder for files.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._ports: dict[str, int] = {}
        for name in (*self.erps, *self.stores):
            self._ports[name] = free_port(taken=self._ports.values())

    @property
    def erps(self) -> list[str]:
        """Names of the ERPs' twins."""
        return sorted({f"erp-{each.erp}" for each in MERCHANTS})

    @property
    def stores(self) -> list[str]:
        """Names of the stores' twins."""
        return [f"store-{each.connector_id}" for each in MERCHANTS]

    def server(self, name: str) -> Server:
        """A twin's address."""
        return Server(f"http://{LOOPBACK}:{self._ports[name]}")

    def state(self, name: str) -> dict[str, Any]:
        """All that a twin holds."""
        found: dict[str, Any] = self.server(name).get("/_sandbox/state")
        return found

    def calls(self, name: str) -> list[dict[str, Any]]:
        """All requests that a twin was sent, oldest first."""
        found: list[dict[str, Any]] = self.server(name).get("/_sandbox/calls")
        return found

    def start(self, processes: Processes) -> None:
        """Start all twins and wait until they answer."""
        commands = {
            **{name: self._erp_command(number, name) for number, name in enumerate(self.erps, 1)},
            **{name: self._store_command(name) for name in self.stores},
        }
        for name, options in commands.items():
            command = (sys.executable, "-m", "sandbox", *options, "--port", str(self._ports[name]))
            processes.start(name, command, inherited({}), self._home / "output" / f"{name}.log")
        for name in commands:
            processes.wait_until(name, lambda: self.server(name).answers("/_sandbox/settings"), _TWIN_START_S)  # noqa: B023 - called in this turn

    def write_connector_files(self, folder: Path) -> None:
        """Write one file per connector: short batches, no schedule, the shared ERP named in both files."""
        folder.mkdir(parents=True, exist_ok=True)
        shipped = (folder.parent / "shipped.yaml").read_text(encoding="utf-8")
        body = shipped[shipped.index("\nsource:") : shipped.index("\nstore:")]
        for each in MERCHANTS:
            (folder / f"{each.connector_id}.yaml").write_text(
                f"id: {each.connector_id}\n"
                f"name: Trial of {each.connector_id}\n"
                "active: false\n"
                f"{body}\n"
                f"store: {{requests_per_minute: {STORE_PER_MINUTE}, share: 0.8}}\n"
                f"erp: {{shared_as: {each.erp}, seats: {SEATS}, requests_per_minute: {ERP_USED_PER_MINUTE}}}\n"
                f"batch: {{size: {BATCH}, largest: {BATCH}}}\n",
                encoding="utf-8",
            )

    def connections(self) -> Mapping[str, str]:
        """Both connections of each connector, as variables of the init service."""
        found = {}
        for each in MERCHANTS:
            erp = {
                "conn_type": "acumatica",
                "host": f"http://{LOOPBACK}",
                "port": self._ports[f"erp-{each.erp}"],
                "login": "admin",
                "password": "sandbox",
                "extra": {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"},
            }
            store = {
                "conn_type": "better-b2b",
                "host": f"http://{LOOPBACK}",
                "port": self._ports[f"store-{each.connector_id}"],
                "password": "sandbox-token",
                "extra": {"store_hash": "sandbox"},
            }
            found[f"AIRFLOW_CONN_ACUMATICA_{each.connector_id.upper()}"] = json.dumps(erp)
            found[f"AIRFLOW_CONN_BETTER_B2B_{each.connector_id.upper()}"] = json.dumps(store)
        return found

    @staticmethod
    def _erp_command(seed: int, _name: str) -> tuple[str, ...]:
        limits = ("--requests-per-minute", str(ERP_PER_MINUTE), "--sessions", str(SEATS))
        return ("acumatica", "--customers", str(CUSTOMERS), "--seed", str(seed), *limits)

    @staticmethod
    def _store_command(_name: str) -> tuple[str, ...]:
        return ("better-b2b", "--requests-per-minute", str(STORE_PER_MINUTE))
