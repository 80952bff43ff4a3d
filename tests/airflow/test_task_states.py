"""What Airflow says about a run's tasks is read without mixing up names and indexes."""

from customer_sync_airflow.tasks.task_states import TaskStates


def test_states_are_told_apart_when_task_ids_overlap() -> None:
    """Green indexes are numbers in order, of that task alone; skipped and removed ones are nobody's fault."""
    states = TaskStates(
        {
            "extract": "success",
            "filter_0": "success",
            "filter_10": "success",
            "filter_2": "success",
            "filter_3": "failed",
            "filter_big_1": "success",
            "transform_0": "removed",
            "load": "skipped",
            "guard": None,
            "audit": "running",
        }
    )
    assert states.is_green("extract")
    assert not states.is_green("guard")
    assert states.green_indexes("filter") == [0, 2, 10]
    assert states.not_green(without="audit") == ["filter[3] (failed)", "guard (not started)"]
