"""What travels between tasks is checked, because Airflow hands back a path when a file is gone."""

from typing import Any

import pytest

from customer_sync.errors import BatchDamaged
from customer_sync.model.batch import BatchDescriptor
from customer_sync_airflow.tasks.batches import descriptor_of

WHOLE = {"descriptor": {"key": "batch_000", "label": "C1 (1)", "count": 1}, "pushed_by": 0}


def test_descriptor_is_read_when_note_is_whole() -> None:
    """A note gives back the descriptor that was put into it."""
    descriptor = BatchDescriptor(key="batch_000", label="C1–C9 (9)", count=9, digest="ab", operations=3)  # noqa: RUF001 - the label's own dash
    assert descriptor_of({"descriptor": descriptor.to_json(), "pushed_by": -1}) == descriptor
    assert descriptor_of(WHOLE).key == "batch_000"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "/var/lib/connectors/xcom/customer_sync__knb/run/extract/0b6f.gz",
        [],
        {},
        {"descriptor": WHOLE["descriptor"]},
        {"descriptor": "batch_000", "pushed_by": 0},
        {"descriptor": {"key": "batch_000"}, "pushed_by": 0},
        {"descriptor": {**WHOLE["descriptor"], "count": "many"}, "pushed_by": 0},
    ],
)
def test_damage_is_told_when_note_is_no_note(value: Any) -> None:
    """A missing value, a path in its place or half a note stops the task with a sentence."""
    with pytest.raises(BatchDamaged) as caught:
        descriptor_of(value)
    assert "clear the run's tasks" in caught.value.message
