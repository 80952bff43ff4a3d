"""A person who answers Airflow's Required Actions while a run waits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.airflow.api_server import ApiServer

PATIENCE_S = 120


@dataclass
class Approver:
    """Waits for one question, looks around, and answers.

    Attributes:
        api: The API through which the answer goes.
        answer: ``Approve`` or ``Reject``; ``""`` stays silent.
        look: Called while the run waits.
        question: What was asked, as Airflow tells it.
        problems: What went wrong on the way.
    """

    api: ApiServer
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
                answered = self.api.patch(self.address(), json={"chosen_options": [self.answer], "params_input": {}})
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
            found = self.api.get("/api/v2/dags/~/dagRuns/~/hitlDetails?state=awaiting_input").json()
            if found["hitl_details"]:
                asked: dict[str, Any] = found["hitl_details"][0]
                return asked
            time.sleep(0.2)
        raise TimeoutError("nobody asked anything")


@contextmanager
def answering(api: ApiServer, answer: str, look: Callable[[], Any] = lambda: None) -> Iterator[Approver]:
    """Let a person answer while the block runs."""
    approver = Approver(api, answer, look)
    person = threading.Thread(target=approver.work, daemon=True)
    person.start()
    yield approver
    person.join(PATIENCE_S)
    if approver.problems:
        raise approver.problems[0]
