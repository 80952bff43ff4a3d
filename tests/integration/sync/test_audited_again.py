"""A green run whose audit runs a second time: its commit was not answered, or a person cleared the task."""

from __future__ import annotations

import sqlalchemy as sa

from customer_sync.ledger.coordination.watermarks import RESUME_AFTER
from customer_sync.ledger.storage.schema import watermark
from customer_sync.model.batch import BatchDescriptor
from customer_sync.run import Run
from customer_sync.steps.audit import audit_run
from tests.integration.twin_world import World


def audit_again(world: World, run_id: str) -> None:
    """Run the task audit of a run once more; all its tasks are green."""
    with world.ledger() as ledger:
        row = ledger.runs.get(run_id)
        assert row is not None
        read = [BatchDescriptor(key="all", label="all batches of the run", count=row["extracted"])]
        audit_run(Run(world.connector, ledger, run_id).as_task("audit"), extracted=read, failed_tasks=())


def marks(world: World) -> dict[str, tuple[str, str]]:
    """Where the connector's reading stands, and the run that put it there."""
    engine = sa.create_engine(world.ledger_url)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(watermark.c.name, watermark.c.value, watermark.c.run_id)).all()
    engine.dispose()
    return {name: (value, run_id) for name, value, run_id in rows}


def test_long_read_stays_ended_when_its_first_run_is_audited_again(world: World) -> None:
    """A later run read to the end; the earlier one's second audit does not send the next one back to the middle."""
    in_parts = world.with_rules(batch={"size": 20, "largest": 20, "count": 3})
    in_parts.sync(mode="full", run_id="first_part")
    assert RESUME_AFTER in marks(in_parts)
    in_parts.sync(run_id="the_rest")
    at_the_end = marks(in_parts)
    assert RESUME_AFTER not in at_the_end

    audit_again(in_parts, "first_part")

    assert marks(in_parts) == at_the_end


def test_watermark_stays_where_the_newest_run_put_it_when_an_older_one_is_audited_again(world: World) -> None:
    """Neither its stamps nor the run that it names, which retention keeps, are those of the older run."""
    world.sync(mode="full", run_id="older")
    world.edit("Customer", CustomerID="C000001", CustomerName="Elbe Neu")
    world.sync(run_id="newer")
    before = marks(world)

    for run_id in ("older", "newer", "older"):
        audit_again(world, run_id)

    assert marks(world) == before
