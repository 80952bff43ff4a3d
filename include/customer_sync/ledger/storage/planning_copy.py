"""A ledger of its own for a plan that nobody applies: all that planning looks at, in a SQLite file, and no history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.journal.parts import stored_id
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import (
    STORE,
    customer_state,
    email,
    journal,
    known_customer,
    quarantine,
    run,
    set_aside,
    store_place,
    unfinished,
    watermark,
)
from customer_sync.ledger.storage.upgrade import writing

_AT_ONCE = 1000


def copy_for_planning(engine: sa.Engine, connector_id: str, path: Path) -> str:
    """Copy what a connector's plan is made of, as it is at one moment.

    Links with what was last applied, e-mails and claims (also those of connectors of the same store), what waits and
    who is set aside, watermarks, the lists of places, writes without an answer. Of runs the newest good ones alone:
    that there was one is what the guards ask. Log, stories, plans and settled writes stay behind.

    Args:
        engine: The ledger's database; it is only read.
        connector_id: Whose plan.
        path: A file that does not exist; its owner alone can read it.

    Returns:
        The copy's SQLAlchemy URL.
    """
    url = f"sqlite:///{path}"
    copy = open_engine(url)
    try:
        with engine.connect() as reading, writing(copy) as filling:
            if reading.dialect.name == "postgresql":
                reading.execution_options(isolation_level="REPEATABLE READ")
            for table, rows in _of_connector(reading, connector_id):
                _copy(table, rows, reading, filling)
    finally:
        copy.dispose()
    return url


def _of_connector(reading: sa.Connection, connector_id: str) -> Iterator[tuple[sa.Table, sa.Select[Any]]]:
    """Each table with its rows that matter."""
    for table in (customer_state, known_customer, quarantine, unfinished, set_aside):
        yield table, sa.select(table).where(table.c.connector_id == connector_id)
    is_mine = watermark.c.connector_id == connector_id
    # Which store the others reach says whose e-mails count.
    yield watermark, sa.select(watermark).where(is_mine | (watermark.c.name == STORE))
    yield email, sa.select(email).where(email.c.connector_id.in_(_of_the_same_store(connector_id)))
    yield store_place, sa.select(store_place)
    good = (run.c.connector_id == connector_id, run.c.state == "success", run.c.moves_watermark)
    newest = sa.select(sa.func.max(run.c.started_at_utc)).where(*good)
    yield run, sa.select(run).where(*good, run.c.started_at_utc == newest.scalar_subquery())
    yield journal, _writes_of_unsettled(reading, connector_id)


def _of_the_same_store(connector_id: str) -> sa.CompoundSelect[Any]:
    mine, other = watermark.alias("mine"), watermark.alias("other")
    same = (other.c.name == STORE, other.c.value == mine.c.value)
    sharing = sa.select(other.c.connector_id).join(mine, sa.and_(*same))
    return sa.union(
        sa.select(sa.literal(connector_id)), sharing.where(mine.c.connector_id == connector_id, mine.c.name == STORE)
    )


def _writes_of_unsettled(reading: sa.Connection, connector_id: str) -> sa.Select[Any]:
    """Writes without an answer, and the settled ones in which a company that is being made is still to be found."""
    row, c = customer_state.c, journal.c
    behind = sa.select(row.customer_id).where(row.connector_id == connector_id, row.is_behind)
    names = sorted(map(stored_id, reading.execute(behind).scalars()))
    is_meant = c.state == "open"
    if names:
        is_meant |= sa.and_(c.state == "confirmed", c.first_customer <= names[-1], c.last_customer >= names[0])
    return sa.select(journal).where(c.connector_id == connector_id, is_meant)


def _copy(table: sa.Table, rows: sa.Select[Any], reading: sa.Connection, filling: sa.Connection) -> None:
    found = reading.execution_options(yield_per=_AT_ONCE).execute(rows)
    for part in found.mappings().partitions(_AT_ONCE):
        filling.execute(sa.insert(table), [dict(row) for row in part])
