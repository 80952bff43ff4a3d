"""How batches travel between tasks: content under the batch's own key, and a note of who pushed it.

A batch is known by its key, never by its map index: indices shift when a failed batch is cleared
and comes back (docs/api/airflow.md#map-indexes). The note therefore carries the index of the pusher beside the
descriptor, and the reader checks key, count and hash of what it gets.
"""

from collections.abc import Iterable
from typing import Any, TypedDict

from airflow.sdk import Context

from customer_sync.errors import BatchDamaged
from customer_sync.model.batch import BatchDescriptor, read_descriptor
from customer_sync_airflow.tasks.private_values import push_private, unseal

UNMAPPED = -1
"""Airflow's map index of a task that is not mapped."""


class BatchNote(TypedDict):
    """A batch as a return value: small, plain JSON, no personal data.

    ``descriptor`` is a :class:`~customer_sync.model.batch.BatchDescriptor` as JSON,
    ``pushed_by`` the map index of the task instance whose XCom holds the content.
    """

    descriptor: dict[str, Any]
    pushed_by: int


def push_batch(context: Context, content: str, descriptor: BatchDescriptor) -> BatchNote:
    """Push a batch's content under its key."""
    push_private(context, descriptor.key, content)
    map_index = context["ti"].map_index
    return {"descriptor": descriptor.to_json(), "pushed_by": UNMAPPED if map_index is None else map_index}


def pull_batch(context: Context, note: BatchNote, *, pushed_to: str) -> tuple[Any, BatchDescriptor]:
    """Pull a batch's content; the step that decodes it checks that it is whole.

    Args:
        context: Airflow's context.
        note: What the earlier task returned.
        pushed_to: Id of the task that pushed the content.

    Raises:
        BatchDamaged: The note is none, or the content was encrypted with another key.
    """
    descriptor = descriptor_of(note)
    content = context["ti"].xcom_pull(task_ids=pushed_to, key=descriptor.key, map_indexes=note["pushed_by"])
    return unseal(content), descriptor


def pull_customers(context: Context, descriptor: BatchDescriptor) -> Any:
    """Pull a batch's customers, which extract pushed once; every later step reads them beside what it decides."""
    return unseal(context["ti"].xcom_pull(task_ids="extract", key=descriptor.key, map_indexes=UNMAPPED))


def descriptor_of(note: Any) -> BatchDescriptor:
    """The descriptor of a note that came through XCom.

    Raises:
        BatchDamaged: It is no note; Airflow hands back a path when the file of a value is gone.
    """
    if not isinstance(note, dict) or not isinstance(note.get("pushed_by"), int):
        raise BatchDamaged(
            "What an earlier task returned is not in XCom, or its file is gone: clear the run's tasks from extract on."
        )
    return read_descriptor(note.get("descriptor"))


def pull_notes(context: Context, task_id: str, map_indexes: Iterable[int]) -> list[BatchNote]:
    """Pull what some instances of a task returned.

    Args:
        context: Airflow's context.
        task_id: The task.
        map_indexes: Instances that are green *now*: Airflow keeps the return value of an
            earlier attempt when the next one never starts (docs/api/airflow.md#stale-xcom).

    Raises:
        BatchDamaged: A value is missing.
    """
    notes = [context["ti"].xcom_pull(task_ids=task_id, map_indexes=index) for index in map_indexes]
    for note in notes:
        descriptor_of(note)
    return notes
