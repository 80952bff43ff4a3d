"""States of a run's tasks, as Airflow has them now; XComs alone may be those of an earlier attempt."""

from collections.abc import Mapping
from dataclasses import dataclass

from airflow.sdk import Context

SUCCESS = "success"
_NOT_NEEDED = frozenset({"skipped", "removed"})
"""Passed over on purpose: nothing to map over, or an index that a later expansion no longer has."""


@dataclass(frozen=True, slots=True)
class TaskStates:
    """States by Airflow's name of the instance: ``extract``, ``load_3``.

    Airflow gives a mapped task that was never expanded its name without an index.
    """

    by_instance: Mapping[str, str | None]

    def is_green(self, task_id: str) -> bool:
        """Whether an unmapped task succeeded."""
        return self.by_instance.get(task_id) == SUCCESS

    def green_indexes(self, task_id: str) -> list[int]:
        """Map indexes of a mapped task's instances that succeeded, in order."""
        return sorted(
            int(name.removeprefix(f"{task_id}_"))
            for name, state in self.by_instance.items()
            if state == SUCCESS and name.startswith(f"{task_id}_") and name.removeprefix(f"{task_id}_").isdigit()
        )

    def not_green(self, *, without: str) -> list[str]:
        """Readable names of instances that neither succeeded nor were passed over on purpose.

        Args:
            without: Id of the task that asks; its own state is ``running``.
        """
        return [
            f"{_readable(name)} ({state or 'not started'})"
            for name, state in sorted(self.by_instance.items())
            if name != without and state != SUCCESS and state not in _NOT_NEEDED
        ]


def read_task_states(context: Context) -> TaskStates:
    """Ask Airflow for the states of all instances of the current run."""
    instance = context["ti"]
    answer = instance.get_task_states(dag_id=instance.dag_id, run_ids=[instance.run_id])
    return TaskStates({name: _text(state) for name, state in answer.get(instance.run_id, {}).items()})


def _text(state: object) -> str | None:
    return None if state is None else str(getattr(state, "value", state))


def _readable(name: str) -> str:
    task, _, index = name.rpartition("_")
    return f"{task}[{index}]" if task and index.isdigit() else name
