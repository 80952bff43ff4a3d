"""The part of Airflow's REST API that the demonstration uses, as a person would by mouse (docs/api/airflow.md#rest)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import urllib3

from demo.errors import DemoError
from demo.http_json import Server

_NEEDED = ("metadatabase", "scheduler", "dag_processor")


@dataclass(frozen=True)
class TaskState:
    """One task instance of a run.

    Attributes:
        task_id: The task.
        map_index: Number of the mapped instance; -1 when the task is not mapped.
        state: Airflow's word for its state; `None` before it is scheduled.
        try_number: Number of its latest attempt.
    """

    task_id: str
    map_index: int
    state: str | None
    try_number: int


class AirflowApi:
    """One Airflow, as one of its users; in the demonstration everybody is an administrator.

    Args:
        address: Scheme, host and port of its api-server.
    """

    def __init__(self, address: str) -> None:
        self._server = Server(address)

    def healthy(self) -> bool:
        """Whether database, scheduler and DAG processor all report to be well."""
        try:
            status, answer = self._server.call("GET", "/api/v2/monitor/health")
        except urllib3.exceptions.HTTPError:
            return False
        if status != HTTPStatus.OK or not isinstance(answer, dict):
            return False
        return all((answer.get(part) or {}).get("status") == "healthy" for part in _NEEDED)

    def sign_in(self, username: str | None = None, password: str | None = None) -> str:
        """Fetch the token that all further calls carry.

        Args:
            username: Whose; without it that of an Airflow in which everybody is an administrator.
            password: The user's password.

        Returns:
            The token.

        Raises:
            DemoError: None was given.
        """
        asked = ("GET", None) if username is None else ("POST", {"username": username, "password": password})
        answer = self._expect((HTTPStatus.CREATED,), asked[0], "/auth/token", asked[1])
        self._server.token = str(answer["access_token"])
        return self._server.token

    def put_pool(self, name: str, settings: dict[str, Any]) -> None:
        """Make a pool, or give an existing one these settings.

        Args:
            name: The pool.
            settings: `slots`, `description`, `include_deferred`.

        Raises:
            DemoError: Airflow refused.
        """
        body = {"name": name, **settings}
        status, answer = self._server.call("POST", "/api/v2/pools", body, may_repeat=True)
        if status == HTTPStatus.CONFLICT:
            self._expect((HTTPStatus.OK,), "PATCH", f"/api/v2/pools/{quote(name)}", body)
        elif status != HTTPStatus.CREATED:
            raise DemoError(f"Airflow refused the pool {name} ({status}): {answer}")

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """What Airflow knows about a DAG; `None` until its file was read.

        Args:
            dag_id: The DAG.
        """
        status, answer = self._server.call("GET", f"/api/v2/dags/{quote(dag_id)}", may_repeat=True)
        return answer if status == HTTPStatus.OK else None

    def import_errors(self) -> list[str]:
        """What went wrong when DAG files were read, one text per file."""
        found = self._server.get("/api/v2/importErrors")["import_errors"]
        return [f"{each['filename']}:\n{each['stack_trace']}" for each in found]

    def read_file_again(self, file_token: str) -> None:
        """Ask the DAG processor to read a DAG file at once.

        Args:
            file_token: The field of this name of `dag`.

        Raises:
            DemoError: Airflow refused.
        """
        # 409: the wish is already noted.
        accepted = (HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.CONFLICT)
        self._expect(accepted, "PUT", f"/api/v2/parseDagFile/{quote(file_token)}")

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG.

        Args:
            dag_id: The DAG.
            paused: What it shall be.

        Raises:
            DemoError: Airflow refused.
        """
        self._expect((HTTPStatus.OK,), "PATCH", f"/api/v2/dags/{quote(dag_id)}", {"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run by hand.

        Args:
            dag_id: The DAG.
            conf: Its params.

        Returns:
            The run's id.

        Raises:
            DemoError: Airflow refused, for instance wrong params.
        """
        # With an id of our own, a second request for the same run is answered with 409 instead of a second run.
        run_id = f"manual__{datetime.now(UTC).isoformat()}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        accepted = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT)
        self._expect(accepted, "POST", f"/api/v2/dags/{quote(dag_id)}/dagRuns", body)
        return str(self.run(dag_id, run_id)["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Airflow's word for the state of a run.

        Args:
            dag_id: The DAG.
            run_id: The run.

        Raises:
            DemoError: Airflow does not know the run.
        """
        return str(self.run(dag_id, run_id)["state"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """All that Airflow knows about a run.

        Args:
            dag_id: The DAG.
            run_id: The run.

        Raises:
            DemoError: Airflow does not know the run.
        """
        found: dict[str, Any] = self._server.get(f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}")
        return found

    def task_states(self, dag_id: str, run_id: str) -> list[TaskState]:
        """All task instances of a run; `~` as the run means all runs.

        Args:
            dag_id: The DAG.
            run_id: The run.

        Raises:
            DemoError: Airflow does not know the run.
        """
        path = f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}/taskInstances?limit=1000&order_by=-id"
        found = self._server.get(path)["task_instances"]
        return [TaskState(each["task_id"], each["map_index"], each["state"], each["try_number"]) for each in found]

    def log_lines(self, dag_id: str, run_id: str, task: TaskState) -> list[str]:
        """The log of a task instance's latest attempt.

        Args:
            dag_id: The DAG.
            run_id: The run.
            task: The task instance.
        """
        path = (
            f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}/taskInstances/{quote(task.task_id)}"
            f"/logs/{max(task.try_number, 1)}?map_index={task.map_index}&full_content=true"
        )
        return [line for each in self._server.get(path)["content"] for line in _lines_of(each)]

    def _expect(self, accepted: tuple[HTTPStatus, ...], method: str, path: str, body: object | None = None) -> Any:
        status, answer = self._server.call(method, path, body, may_repeat=True)
        if status not in accepted:
            raise DemoError(f"Airflow refused {method} {path} ({status}): {answer}")
        return answer


def _lines_of(entry: str | dict[str, Any]) -> list[str]:
    """An entry of a task log as text: what was said, and the error it came with."""
    if isinstance(entry, str):
        return [entry]
    errors = [f"{each.get('exc_type')}: {each.get('exc_value')}" for each in entry.get("error_detail") or []]
    return [str(entry.get("event", "")), *errors]
