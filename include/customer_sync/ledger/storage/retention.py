"""What the ledger may forget by age, in bounded steps; never a link, a write without an answer, or quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import (
    access_removal,
    batch,
    customer_state,
    difference,
    journal,
    plan,
    quarantine,
    run,
    story,
    unfinished,
    watermark,
)
from customer_sync.ledger.story.batches import RunBatch, batches_of, forget_batches
from customer_sync.ledger.story.log import full_hour, remove_stories

STEP = 2000
"""Rows of one transaction: a sync that runs beside it waits for no longer than these take."""


class Retention:
    """Removes old rows of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def clean_log(self, now_utc: datetime, keep: timedelta) -> int:
        """Remove stories by age, but of each customer the latest; returns how many stories went."""
        newer = story.alias("newer")
        is_followed = sa.exists().where(
            newer.c.connector_id == story.c.connector_id,
            newer.c.customer_id == story.c.customer_id,
            newer.c.id > story.c.id,
        )
        old = sa.and_(story.c.connector_id == self._connector_id, story.c.logged_at_utc < full_hour(now_utc - keep))
        query = sa.select(story.c.id).where(old, is_followed).order_by(story.c.id).limit(STEP)
        total = 0
        while True:
            with writing(self._engine) as connection:
                ids = list(connection.execute(query).scalars())
                remove_stories(connection, ids)
                if len(ids) < STEP:
                    return total + len(ids)
            total += len(ids)

    def clean_runs(self, now_utc: datetime, keep: timedelta, undo: timedelta = timedelta()) -> dict[str, int]:
        """Remove old runs with what belongs to them.

        A run stays when it has not ended, when it has a write without an answer, when a company
        that is still being made has parts that only the journal knows, when a
        watermark or a row of quarantine names it, when it is the run in which a customer
        failed that is still to be taken up, or when it covered a data interval: a backfill
        that is processed again takes up the customers that it recorded.

        Args:
            now_utc: The moment to judge by.
            keep: Runs that ended later stay.
            undo: Runs that ended within this time stay too: with the journal of what they did, it can be undone.

        Returns:
            Table -> rows removed.
        """
        tables = (run, batch, plan, journal, difference, access_removal)
        removed = {table.name: 0 for table in tables}
        keep = max(keep, undo)
        for run_id in self._old_runs(now_utc - keep):
            settled = sa.and_(journal.c.run_id == run_id, journal.c.state != "open")
            removed["journal"] += self._remove_by_id(journal, settled)
            removed["difference"] += self._remove_by_id(difference, difference.c.run_id == run_id)
            with writing(self._engine) as connection:
                removed["batch"] += forget_batches(connection, self._connector_id, run_id)
                of_plan = sa.and_(plan.c.connector_id == self._connector_id, plan.c.run_id == run_id)
                removed["plan"] += int(connection.execute(sa.delete(plan).where(of_plan)).rowcount)
                mine = sa.and_(run.c.connector_id == self._connector_id, run.c.run_id == run_id)
                removed["run"] += int(connection.execute(sa.delete(run).where(mine)).rowcount)
        with writing(self._engine) as connection:
            gone = sa.and_(
                access_removal.c.connector_id == self._connector_id, access_removal.c.removed_at_utc < now_utc - keep
            )
            removed["access_removal"] = int(connection.execute(sa.delete(access_removal).where(gone)).rowcount)
        return removed

    def _old_runs(self, before_utc: datetime) -> Iterator[str]:
        """Runs that may go, oldest first, a step at a time."""
        mine = run.c.connector_id == self._connector_id
        waits = unfinished.c.connector_id == self._connector_id
        of_run = (journal.c.connector_id == run.c.connector_id, journal.c.run_id == run.c.run_id)
        is_needed = sa.or_(
            sa.exists().where(*of_run, journal.c.state == "open"),
            sa.exists().where(watermark.c.connector_id == run.c.connector_id, watermark.c.run_id == run.c.run_id),
            sa.exists().where(
                customer_state.c.connector_id == run.c.connector_id,
                customer_state.c.is_behind,
                customer_state.c.linked_at_utc <= run.c.ended_at_utc,
            ),
            sa.exists().where(quarantine.c.connector_id == run.c.connector_id, quarantine.c.run_id == run.c.run_id),
        )
        query = sa.select(run.c.run_id, run.c.window).where(mine, run.c.ended_at_utc < before_utc, ~is_needed)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(run.c.started_at_utc)).all()
            left = set(connection.execute(sa.select(unfinished.c.customer_id).where(waits)).scalars())
            naming_them = {
                run_id
                for run_id, _ in rows
                if left and any(left.intersection(each.customers) for each in self._batches(connection, run_id))
            }
        yield from (
            run_id for run_id, window in rows if not (window or {}).get("interval") and run_id not in naming_them
        )

    def _batches(self, connection: sa.Connection, run_id: str) -> Iterator[RunBatch]:
        return batches_of(connection, self._connector_id, run_id)

    def _remove_by_id(self, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
        total = 0
        while True:
            some = sa.select(table.c.id).where(table.c.connector_id == self._connector_id, condition).limit(STEP)
            with writing(self._engine) as connection:
                count = int(connection.execute(sa.delete(table).where(table.c.id.in_(some))).rowcount)
            total += count
            if count < STEP:
                return total
