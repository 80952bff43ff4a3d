"""Three connectors sync at once on two workers, while a worker, the queue and the databases are taken away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import urllib3

from demo.airflow_api import AirflowApi
from demo.errors import DemoError
from demo.http_json import Server
from demo.progress import step
from distributed import proof
from distributed.loads import RunningLoad, Watch, overlaps, task_instances
from distributed.merchants import MERCHANTS
from distributed.statsd_sink import PREFIX
from tests.integration.twin_world import store_book

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from demo.progress import Step
    from distributed.merchants import TrialEnvironment
    from distributed.stack import Stack
    from distributed.statsd_sink import StatsdSink

_POLL_S = 1.0
_DAGS_S = 300
_RUN_S = 900
_AWAY_S = 4.0
_MID_LOAD_WRITES = 8
"""Writes that a load has sent when it counts as in its middle; a batch takes more than a hundred."""


class Trial:
    """One trial on a running stack.

    Args:
        stack: The services.
        environment: The twins.
        address: Of the api-server.
        metrics: Where Airflow sends its metrics.
        console: Where progress is shown.
    """

    def __init__(
        self, stack: Stack, environment: TrialEnvironment, address: str, metrics: StatsdSink, console: Console
    ) -> None:
        self._stack = stack
        self._environment = environment
        self._airflow = AirflowApi(address)
        self._api = Server(address)
        self._metrics = metrics
        self._console = console
        self._taken: dict[str, set[str]] = {}
        self._companies: dict[str, set[int]] = {}
        self._killed: RunningLoad | None = None
        self.watch = Watch(self._api)

    def sign_in(self, username: str, password: str) -> None:
        """Sign in at Airflow."""
        self._api.token = self._airflow.sign_in(username, password)

    def perform(self) -> None:
        """Sync, disturb, sync until all is equal, and hold everything against its promises.

        Raises:
            DemoError: A promise was broken; the message lists how.
        """
        self._taken, self._companies = proof.user_emails(self._environment), proof.company_ids(self._environment)
        with step(self._console, "the DAGs of all connectors"):
            self._wait_for_dags()
        self._name_workers()
        self.watch.start()
        try:
            with step(self._console, "three connectors sync at once, and are disturbed") as progress:
                runs = {each.dag_id: self._trigger(each.dag_id, "full") for each in MERCHANTS}
                self._disturb(progress, runs)
                states = self._follow(runs, progress)
            states = self._converge(states)
        finally:
            self.watch.stop()
        self._hold_against_promises()

    # -- runs --------------------------------------------------------------------------------------

    def _wait_for_dags(self) -> None:
        deadline = time.monotonic() + _DAGS_S
        waiting = [each.dag_id for each in MERCHANTS]
        while waiting:
            self._keep_running()
            if time.monotonic() > deadline:
                said = "\n".join(self._airflow.import_errors())
                raise DemoError(f"{', '.join(waiting)} did not appear within {_DAGS_S} s.\n{said}")
            waiting = [dag_id for dag_id in waiting if self._airflow.dag(dag_id) is None]
            time.sleep(_POLL_S)
        for each in MERCHANTS:
            self._airflow.set_paused(each.dag_id, paused=False)

    def _trigger(self, dag_id: str, mode: str) -> str:
        return self._airflow.trigger(dag_id, {"mode": mode})

    def _follow(self, runs: dict[str, str], progress: Step) -> dict[str, str]:
        """Wait for runs to end; returns DAG -> state."""
        deadline = time.monotonic() + _RUN_S
        while True:
            self._keep_running()
            states = {dag_id: self._state_of(dag_id, run) for dag_id, run in runs.items()}
            progress.report(", ".join(f"{dag_id.partition('__')[2]} {state}" for dag_id, state in states.items()))
            if set(states.values()) <= {"success", "failed"}:
                return states
            if time.monotonic() > deadline:
                raise DemoError(f"After {_RUN_S} s: {states}\n{self._unfinished(runs)}")
            time.sleep(_POLL_S)

    def _converge(self, states: dict[str, str]) -> dict[str, str]:
        """Let the next incremental runs take up what the disturbed ones left; they end as the schedule's would."""
        for number in (1, 2):
            left = [dag_id for dag_id, state in states.items() if state != "success"]
            if not left and number > 1:
                break
            with step(self._console, f"the next run of {'all' if not left else ', '.join(left)}") as progress:
                before = proof.writes(self._environment)
                dags = left or [each.dag_id for each in MERCHANTS]
                states |= self._follow({dag_id: self._trigger(dag_id, "incremental") for dag_id in dags}, progress)
                if not left:
                    self._expect_no_writes(before)
        if set(states.values()) != {"success"}:
            raise DemoError(f"Not all connectors converged: {states}")
        return states

    def _expect_no_writes(self, before: dict[str, int]) -> None:
        after = proof.writes(self._environment)
        if after != before:
            raise DemoError(f"The next run wrote again: {before} requests before, {after} after.")

    def _keep_running(self) -> None:
        for name in self._stack.keep_running():
            self._print(f"{name} ended and is started again, as its restart policy says")
            self._name_workers()

    def _unfinished(self, runs: dict[str, str]) -> str:
        return "\n".join(
            f"{dag_id} {task['task_id']}[{task['map_index']}] {task['state']} try {task['try_number']}"
            for dag_id, run in runs.items()
            for task in task_instances(self._api, dag_id, run)
            if task["state"] != "success"
        )

    def _state_of(self, dag_id: str, run_id: str, patience_s: float = 90) -> str:
        """Ask an api-server whose database may be away."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                return self._airflow.run_state(dag_id, run_id)
            except (DemoError, urllib3.exceptions.HTTPError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)

    # -- disturbances ------------------------------------------------------------------------------

    def _name_workers(self) -> None:
        for launch in self._stack.launch_of("airflow-worker"):
            self.watch.workers[launch.name] = self._stack.processes.pid(launch.name)

    def _disturb(self, progress: Step, runs: dict[str, str]) -> None:
        store, load = self._when_mid_load(runs, progress, busy=2)
        self._killed = load
        self._print(f"SIGKILL to {load.worker} in the middle of the load of {store}")
        self._stack.processes.kill(load.worker)
        # As the container's restart policy would.
        launch = next(each for each in self._stack.launch_of("airflow-worker") if each.name == load.worker)
        self._stack.start(launch)
        self._name_workers()
        self._stack.wait_until_ready(launch)
        store, _ = self._when_mid_load(runs, progress)
        self._print(f"SIGKILL to Redis in the middle of the load of {store}, and its restart")
        self._stack.restart_redis()
        time.sleep(5)
        store, _ = self._when_mid_load(runs, progress)
        self._print(
            f"PostgreSQL, with both databases, is shut down for {_AWAY_S:.0f} s in the middle of the load of {store}"
        )
        self._stack.restart_postgres(_AWAY_S)

    def _when_mid_load(self, runs: dict[str, str], progress: Step, busy: int = 1) -> tuple[str, RunningLoad]:
        """Wait until so many stores have a load at work, and one of them has sent some writes; returns that one."""
        found: list[tuple[str, RunningLoad]] = []

        def is_so() -> bool:
            loads = list(self.watch.busy.items())
            found[:] = [
                (store, load)
                for store, load in loads
                if proof.writes_since(self._environment, store, load.began_utc) >= _MID_LOAD_WRITES
            ]
            return bool(found) and len(loads) >= busy

        self._until(is_so, runs, f"{busy} load{'s' if busy > 1 else ''} under way", progress)
        return found[0]

    def _print(self, text: str) -> None:
        self._console.print(f"  {text}", highlight=False)

    def _until(self, is_so: Callable[[], bool], runs: dict[str, str], what: str, progress: Step) -> None:
        deadline = time.monotonic() + _RUN_S
        while not is_so():
            self._keep_running()
            progress.report(f"waiting for {what}")
            if time.monotonic() > deadline:
                raise DemoError(f"No {what} within {_RUN_S} s.\n{self._unfinished(runs)}")
            time.sleep(_POLL_S / 4)

    # -- promises ----------------------------------------------------------------------------------

    def _hold_against_promises(self) -> None:
        problems = []
        with step(self._console, "store and ERP compared, budgets counted"):
            for connector, found in proof.differences(self._environment, self._taken).items():
                problems += [f"{connector}: {text}" for text in found]
            problems += proof.unaccounted(self._environment, self._companies)
            problems += proof.ledger_problems(self.ledger_url())
            problems += self._kill_without_effect()
            problems += sorted(self.watch.doubled)
            for each in MERCHANTS:
                problems += overlaps(self._api, each.dag_id)
            if not self.watch.together:
                problems.append("Loads of different stores were never seen on two workers at the same time.")
            for name, limit, most, refused in proof.budgets(self._environment):
                self._console.print(
                    f"  {name:<12} {most:>4} requests in its fullest minute, {limit} allowed, {refused} refused",
                    highlight=False,
                )
                if most > limit or refused:
                    problems.append(f"{name}: {most} requests in a minute, {limit} allowed, {refused} refused")
            problems += self._missing_metrics()
        if problems:
            raise DemoError("\n".join(["Promises broken:", *problems[:40]]))
        for each in MERCHANTS:
            companies = len(store_book(self._environment.state(f"store-{each.connector_id}")))
            self._console.print(f"  {each.connector_id}: {companies} companies, equal to the ERP", highlight=False)
        pairs = "; ".join(" and ".join(pair) for pair in sorted(self.watch.together))
        self._console.print(f"  loads of different stores at the same time on {pairs}", highlight=False)

    def _kill_without_effect(self) -> list[str]:
        """That the killed load did not need another attempt, and so was not killed while it was at work."""
        killed = self._killed
        if killed is None:
            return ["No worker was killed."]
        tries = [
            instance["try_number"]
            for instance in task_instances(self._api, killed.dag_id, killed.run_id, "&task_id=load")
            if instance["map_index"] == killed.map_index
        ]
        if tries and tries[0] > 1:
            return []
        return [f"load[{killed.map_index}] of {killed.dag_id} was killed, and has not been tried again: {tries}"]

    def _missing_metrics(self) -> list[str]:
        """Connectors whose green run no metric reported."""
        came = self._metrics.ours()
        self._console.print(f"  {self._metrics.seen} metrics came over StatsD, such as {came[:1]}", highlight=False)
        expected = {
            each.connector_id: f"{PREFIX}runs,connector={each.connector_id},status=success" for each in MERCHANTS
        }
        return [
            f"No metric reported a green run of {connector}: {name}"
            for connector, name in expected.items()
            if not any(line.startswith(name) for line in came)
        ]

    def ledger_url(self) -> str:
        """The ledger's address as the services have it."""
        (launch,) = self._stack.launch_of("airflow-scheduler")
        return str(launch.environment["CUSTOMER_SYNC_LEDGER_URL"])
