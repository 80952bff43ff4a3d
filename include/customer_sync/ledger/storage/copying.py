"""Copy a whole ledger into an empty one, such as from a SQLite file to a PostgreSQL server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from customer_sync.errors import ConfigError
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import lease, metadata, request_turn, session_seat
from customer_sync.ledger.storage.upgrade import writing

_AT_ONCE = 1000
_SILENT = timedelta(minutes=1)
_OF_THE_MOMENT = (lease, request_turn, session_seat)
"""Who may do what at this moment; nothing of it is true elsewhere."""


def copy_ledger(from_url: str, to_url: str) -> dict[str, int]:
    """Copy all connectors' rows, of every table, in one transaction.

    Args:
        from_url: SQLAlchemy URL of the ledger to read; it stays as it is.
        to_url: SQLAlchemy URL of the ledger to fill; its tables are made, and must be empty.

    Returns:
        Table -> rows copied.

    Raises:
        ConfigError: There is no ledger to read, the other one holds something, or a load is at work.
        TransientApiError: One of the databases is out of reach.
    """
    url = make_url(from_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise ConfigError(f"There is no ledger at {from_url}: give the address of the one to copy.", setting="FROM")
    source, target = open_engine(from_url), open_engine(to_url)
    try:
        with source.connect() as reading, writing(target) as filling:
            if reading.dialect.name == "postgresql":
                reading.execution_options(isolation_level="REPEATABLE READ")
            _refuse_while_writing(reading)
            _refuse_unless_empty(filling)
            tables = [table for table in metadata.sorted_tables if table not in _OF_THE_MOMENT]
            return {table.name: _copy(table, reading, filling) for table in tables}
    finally:
        source.dispose()
        target.dispose()


def _refuse_while_writing(reading: sa.Connection) -> None:
    held = sa.select(lease.c.name).where(lease.c.holder != "", lease.c.seen_at_utc > utc_now() - _SILENT)
    name = reading.execute(held).scalars().first()
    if name is not None:
        raise ConfigError(
            f"{name} is at work, and what it writes next would be in the old ledger only: pause the "
            "connectors' DAGs, wait for their runs to end, and copy then.",
            setting="FROM",
        )


def _refuse_unless_empty(filling: sa.Connection) -> None:
    for table in metadata.sorted_tables:
        if filling.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            raise ConfigError(
                f"The ledger to fill has rows in {table.name}: give an empty database, so that two ledgers never mix.",
                setting="TO",
            )


def _copy(table: sa.Table, reading: sa.Connection, filling: sa.Connection) -> int:
    count = 0
    # Rows that a server counts itself go on after the largest that is copied.
    rows = reading.execution_options(yield_per=_AT_ONCE).execute(sa.select(table).order_by(*table.primary_key))
    for part in rows.mappings().partitions(_AT_ONCE):
        filling.execute(sa.insert(table), [dict(row) for row in part])
        count += len(part)
    counted = table.autoincrement_column
    if count and counted is not None and filling.dialect.name == "postgresql":
        last = sa.select(sa.func.max(counted)).scalar_subquery()
        sequence = sa.func.pg_get_serial_sequence(table.name, counted.name)
        filling.execute(sa.select(sa.func.setval(sequence, last)))
    return count
