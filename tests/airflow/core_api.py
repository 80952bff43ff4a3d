"""Airflow's own REST API over real HTTP, and a person who answers its Required Actions."""

import importlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import uvicorn

PATIENCE_S = 120


class CoreApi:
    """The API server of this test's Airflow; everybody is an administrator."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._session = requests.Session()
        self._session.trust_env = False
        token = self.call("GET", "/auth/token").json()["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Send one request."""
        return self._session.request(method, f"{self._address}{path}", json=body, timeout=30)


@contextmanager
def running_core_api() -> Iterator[CoreApi]:
    """Serve the API from a thread of this process while the block runs."""
    app = importlib.import_module("airflow.api_fastapi.app").create_app(apps="core")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, ws="none", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the API did not start"
            time.sleep(0.05)
        try:
            yield CoreApi(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(30)


@dataclass
class Approver:
    """A person who waits for one question, looks around, and answers.

    Attributes:
        api: The API through which the answer goes.
        answer: ``Approve`` or ``Reject``; ``""`` stays silent.
        look: Called while the run waits.
        question: What was asked, as Airflow tells it.
        problems: What went wrong on the way.
    """

    api: CoreApi
    answer: str
    look: Callable[[], Any] = lambda: None
    question: dict[str, Any] = field(default_factory=dict)
    problems: list[BaseException] = field(default_factory=list)

    def work(self) -> None:
        """Answer the first open question."""
        try:
            self.question = self._wait()
            self.look()
            if self.answer:
                answered = self.api.call("PATCH", self.address(), {"chosen_options": [self.answer], "params_input": {}})
                assert answered.status_code == 200, answered.text
        except BaseException as problem:  # noqa: BLE001 - raised again in the test's own thread
            self.problems.append(problem)

    def address(self) -> str:
        """Where the question is answered."""
        instance = self.question["task_instance"]
        run = f"/api/v2/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}"
        return f"{run}/taskInstances/{instance['task_id']}/{instance['map_index']}/hitlDetails"

    def _wait(self) -> dict[str, Any]:
        for _ in range(PATIENCE_S * 5):
            found = self.api.call("GET", "/api/v2/dags/~/dagRuns/~/hitlDetails?state=awaiting_input").json()
            if found["hitl_details"]:
                asked: dict[str, Any] = found["hitl_details"][0]
                return asked
            time.sleep(0.2)
        raise TimeoutError("nobody asked anything")


@contextmanager
def answering(api: CoreApi, answer: str, look: Callable[[], Any] = lambda: None) -> Iterator[Approver]:
    """Let a person answer while the block runs."""
    approver = Approver(api, answer, look)
    person = threading.Thread(target=approver.work, daemon=True)
    person.start()
    yield approver
    person.join(PATIENCE_S)
    if approver.problems:
        raise approver.problems[0]
