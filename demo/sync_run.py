"""The first sync: made ready, triggered, followed to its end."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

from demo.errors import DemoError
from demo.settings import DAG_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from demo.airflow_api import AirflowApi, TaskState
    from demo.progress import Step

TASKS = ("extract", "filter", "transform", "guard", "load", "audit")
"""The tasks in the order in which they run."""

_POLL_S = 0.5
_FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_AT_WORK = frozenset({"running", "queued", "restarting"})
_WRONG = ("failed", "upstream_failed")


def make_pools(airflow: AirflowApi, pools: Path) -> None:
    """Create the pools; a task whose pool is missing would wait for ever without a word.

    Args:
        airflow: Where.
        pools: File in the form of `airflow pools import`.
    """
    for name, settings in json.loads(pools.read_text(encoding="utf-8")).items():
        airflow.put_pool(name, settings)


def wait_for_dag(airflow: AirflowApi, alive: Callable[[], None], timeout_s: float = 120) -> str:
    """Wait until Airflow has read the DAG.

    Args:
        airflow: Where.
        alive: Raises when a process ended.
        timeout_s: Longest wait in seconds.

    Returns:
        The token of its file.

    Raises:
        DemoError: A DAG file is broken, or the DAG did not appear.
    """
    deadline = time.monotonic() + timeout_s
    while (dag := airflow.dag(DAG_ID)) is None:
        alive()
        broken = airflow.import_errors()
        if broken:
            raise DemoError("A DAG file cannot be read.\n" + "\n".join(broken))
        if time.monotonic() > deadline:
            raise DemoError(f"The DAG {DAG_ID} did not appear within {timeout_s:.0f} s; is its file in dags/?")
        time.sleep(_POLL_S)
    return str(dag["file_token"])


def trigger_full_run(airflow: AirflowApi, file_token: str, timeout_s: float = 30) -> str:
    """Start a full run so that it is the first, then let the schedule go.

    Unpausing starts the schedule's latest interval at once, and that run would do the work that is to be
    shown. So the full run is queued while the DAG is paused; when the file is read again Airflow counts it
    against the DAG's `max_active_runs`, and the schedule waits for its end.

    Args:
        airflow: Where.
        file_token: Result of `wait_for_dag`.
        timeout_s: Longest wait for the file to be read again, in seconds; without it only the order of the
            two runs is open.

    Returns:
        The run's id.

    Raises:
        DemoError: Airflow refused.
    """
    run_id = airflow.trigger(DAG_ID, {"mode": "full"})
    before = _last_read(airflow)
    airflow.read_file_again(file_token)
    deadline = time.monotonic() + timeout_s
    while _last_read(airflow) == before and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    airflow.set_paused(DAG_ID, paused=False)
    return run_id


def _last_read(airflow: AirflowApi) -> object:
    return (airflow.dag(DAG_ID) or {}).get("last_parsed_time")


def follow(airflow: AirflowApi, run_id: str, step: Step, alive: Callable[[], None], timeout_s: float = 900) -> None:
    """Watch a run until it ends well.

    Args:
        airflow: Where.
        run_id: The run.
        step: Shows which task is how far.
        alive: Raises when a process ended.
        timeout_s: Longest wait in seconds.

    Raises:
        DemoError: The run failed (with the failing tasks' log), or did not end in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        alive()
        state = airflow.run_state(DAG_ID, run_id)
        tasks = airflow.task_states(DAG_ID, run_id)
        step.report(describe(tasks))
        if state == "success":
            return
        if state == "failed":
            raise DemoError(f"The run {run_id} failed.\n{_why(airflow, run_id, tasks)}")
        if time.monotonic() > deadline:
            raise DemoError(f"The run {run_id} is still {state} after {timeout_s:.0f} s: {describe(tasks)}")
        time.sleep(_POLL_S)


def describe(tasks: Iterable[TaskState]) -> str:
    """How far a run is, in one line: `extract done, filter 2 of 3, load failed`.

    Args:
        tasks: All its task instances.
    """
    states: dict[str, Counter[str]] = {}
    for each in tasks:
        states.setdefault(each.task_id, Counter())[each.state or "waiting"] += 1
    progress = [
        f"{task} {_word(states[task])}" for task in TASKS if task in states and set(states[task]) != {"waiting"}
    ]
    return ", ".join(progress) or "waiting for the scheduler"


def _word(states: Counter[str]) -> str:
    for wrong in _WRONG:
        if states[wrong]:
            return wrong.replace("_", " ")
    total, finished = states.total(), sum(states[each] for each in _FINISHED)
    if finished == total:
        return "done"
    return f"{finished} of {total}" if total > 1 else next(iter(states)).replace("_", " ")


def _why(airflow: AirflowApi, run_id: str, tasks: Iterable[TaskState], lines: int = 40) -> str:
    parts = []
    for task in tasks:
        if task.state == "failed":
            index = "" if task.map_index < 0 else f"[{task.map_index}]"
            parts += [f"Log of {task.task_id}{index}, try {task.try_number}:"]
            said = airflow.log_lines(DAG_ID, run_id, task)
            parts += [line for line in said if not line.startswith(("::group::", "::endgroup::"))][-lines:]
    return "\n".join(parts) or "No task failed; Airflow's own log says more."


def settle(airflow: AirflowApi, timeout_s: float) -> None:
    """Pause the DAG and let the task that is at work end, so that nothing is cut off.

    Args:
        airflow: Where.
        timeout_s: Longest wait in seconds; what is cut off then is taken up again by the next start.

    Raises:
        DemoError: Airflow refused.
    """
    airflow.set_paused(DAG_ID, paused=True)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and any(each.state in _AT_WORK for each in airflow.task_states(DAG_ID, "~")):
        time.sleep(_POLL_S)
