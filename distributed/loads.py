"""Which worker works for which store, seen while it happens."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import urllib3

from demo.errors import DemoError
from distributed.merchants import MERCHANTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.http_json import Server

_PAUSE_S = 0.5


@dataclass(frozen=True)
class RunningLoad:
    """A load that is at work.

    Attributes:
        dag_id: Its DAG.
        run_id: Its run.
        map_index: Number of its batch.
        worker: The worker whose process it is.
        began_utc: When this attempt began.
    """

    dag_id: str
    run_id: str
    map_index: int
    worker: str
    began_utc: datetime


@dataclass
class Watch:
    """Looks at the running loads all the time, in a thread of its own.

    Attributes:
        airflow: Airflow's REST API, signed in.
        workers: Name of a worker -> id of its session.
        together: Pairs of workers that were seen at work for different stores at the same time.
        doubled: Sentences about a store that two loads were seen to work for.
        busy: Store -> its load, as seen last.
    """

    airflow: Server
    workers: dict[str, int] = field(default_factory=dict)
    together: set[tuple[str, ...]] = field(default_factory=set)
    doubled: set[str] = field(default_factory=set)
    busy: dict[str, RunningLoad] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_PAUSE_S):
            try:
                running = self._running_loads()
            except (DemoError, urllib3.exceptions.HTTPError):
                continue  # the database or the api-server is away, which is what is being tried
            self.busy = {store: loads[0] for store, loads in running.items()}
            for store, loads in running.items():
                if len(loads) > 1:
                    self.doubled.add(f"{store}: loads on {', '.join(load.worker for load in loads)} at the same time")
            used = sorted({load.worker for loads in running.values() for load in loads})
            if len(running) > 1 and len(used) > 1:
                self.together.add(tuple(used))

    def _running_loads(self) -> dict[str, list[RunningLoad]]:
        """Store -> the loads whose processes are alive and work for it."""
        by_session = {session: name for name, session in self.workers.items()}
        by_dag = {merchant.dag_id: merchant.connector_id for merchant in MERCHANTS}
        found: dict[str, list[RunningLoad]] = {}
        # One request for all of them, several times a second: the api-server serves the tasks as well.
        for instance in task_instances(self.airflow, "~", "~", "&task_id=load&state=running"):
            dag_id, worker = instance["dag_id"], by_session.get(_session_of(instance["pid"] or 0))
            if worker and dag_id in by_dag:
                began_utc = datetime.fromisoformat(instance["start_date"])
                load = RunningLoad(dag_id, instance["dag_run_id"], instance["map_index"], worker, began_utc)
                found.setdefault(by_dag[dag_id], []).append(load)
        return found


def task_instances(airflow: Server, dag_id: str, run_id: str, narrowed: str = "") -> list[Mapping[str, Any]]:
    """Task instances of a run, or of all runs (`~`); `narrowed` is more of the query."""
    path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=1000{narrowed}"
    found: list[Mapping[str, Any]] = airflow.get(path)["task_instances"]
    return found


def overlaps(airflow: Server, dag_id: str) -> list[str]:
    """Attempts of a connector's loads whose times overlap, as Airflow recorded them; there must be none."""
    spans: list[tuple[datetime, datetime, str]] = []
    for instance in task_instances(airflow, dag_id, "~"):
        if instance["task_id"] != "load":
            continue
        path = (
            f"/api/v2/dags/{dag_id}/dagRuns/{instance['dag_run_id']}/taskInstances/load/{instance['map_index']}/tries"
        )
        for attempt in airflow.get(path)["task_instances"]:
            if attempt["start_date"] and attempt["end_date"]:
                begin, end = (datetime.fromisoformat(attempt[name]) for name in ("start_date", "end_date"))
                spans.append((begin, end, f"load[{instance['map_index']}] try {attempt['try_number']}"))
    spans.sort()
    return [
        f"{dag_id}: {first[2]} and {second[2]} overlap" for first, second in pairwise(spans) if second[0] < first[1]
    ]


def _session_of(pid: int) -> int:
    """The session of a process; 0 when there is no such process."""
    try:
        return os.getsid(pid) if pid else 0
    except OSError:
        return 0
