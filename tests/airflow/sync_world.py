"""Both twins, a ledger and the DAG of one connector: the world in which whole runs are tried."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from customer_sync.ledger import Ledger
from sandbox.server import RunningTwin, running_acumatica, running_better_b2b

CUSTOMERS = 60
"""Enough that every peculiar customer of the seed is among them."""

RULES = "id: knb\nstore: {requests_per_minute: 60000}\nbatch: {size: 20, largest: 20}\nterms: {30D: {days: 30}}\n"

DEFAULTS = {
    "mode": "incremental",
    "customer_ids": [],
    "modified_from": None,
    "modified_to": None,
    "dry_run": False,
    "plan_hash": None,
    "undo_run": None,
}


@dataclass
class World:
    """Both twins, the ledger and the DAG."""

    erp: RunningTwin
    store: RunningTwin
    dag: Any
    rules_file: Path
    last_run_id: str = ""

    def rules(self, text: str) -> None:
        """Rewrite the connector file; the next task reads it."""
        self.rules_file.write_text(text, encoding="utf-8")

    def connect(self, monkeypatch: pytest.MonkeyPatch, **erp: Any) -> None:
        """Set both connections, with changes to the ERP's."""
        extra = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
        extra |= erp.pop("extra", {})
        erp_conn = {"conn_type": "acumatica", "host": self.erp.url, "login": "admin", "password": "sandbox"}
        store_conn = {"conn_type": "better-b2b", "host": self.store.url, "password": "sandbox-token"}
        monkeypatch.setenv("AIRFLOW_CONN_ACUMATICA_KNB", json.dumps({**erp_conn, **erp, "extra": extra}))
        monkeypatch.setenv(
            "AIRFLOW_CONN_BETTER_B2B_KNB", json.dumps({**store_conn, "extra": {"store_hash": "sandbox"}})
        )

    def run(self, **params: Any) -> "Result":
        """Run the DAG once, with these params and without a date, as the UI triggers it."""
        # All of them: a DAG that is run twice in one process keeps the first run's.
        run = self.dag.test(run_conf={**DEFAULTS, **params}, logical_date=None)
        self.last_run_id = run.run_id
        states = Counter((item.task_id, str(item.state)) for item in run.get_task_instances())
        tries = {item.task_id: item.try_number for item in run.get_task_instances()}
        labels = {item.rendered_map_index for item in run.get_task_instances() if item.task_id == "load"}
        with Ledger.open("knb") as ledger:
            return Result(str(run.state), states, tries, labels, ledger.runs.outcome_counts(run.run_id))

    def store_writes(self) -> list[str]:
        """Method and path of every write that the store was sent."""
        return [f"{call['method']} {call['path']}" for call in calls(self.store) if call["method"] != "GET"]


@dataclass
class Result:
    """What became of a run."""

    state: str
    states: Counter[tuple[str, str]]
    tries: dict[str, int]
    labels: set[str]
    outcomes: dict[str, int]


def calls(twin: RunningTwin) -> list[dict[str, Any]]:
    """The twin's call log."""
    found: list[dict[str, Any]] = requests.get(f"{twin.url}/_sandbox/calls", timeout=10).json()
    return found


@contextmanager
def running_world(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connectors_dir: Path, load_dags: Callable[[], dict[str, Any]]
) -> Iterator[World]:
    """Fresh twins and a fresh ledger."""
    (connectors_dir / "knb.yaml").write_text(RULES, encoding="utf-8")
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    with running_acumatica(customers=CUSTOMERS, seed=1) as erp, running_better_b2b(seed=1) as store:
        found = World(erp, store, load_dags()["customer_sync__knb"], connectors_dir / "knb.yaml")
        found.connect(monkeypatch)
        yield found
