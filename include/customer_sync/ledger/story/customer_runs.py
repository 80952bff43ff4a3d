"""What some runs were, and in which batch of theirs one customer was: for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import run
from customer_sync.ledger.storage.statement import chunks
from customer_sync.ledger.story.batches import naming


class CustomerInRun(NamedTuple):
    """A run and the batch in which it read a customer, ``""`` where it did not."""

    mode: str
    is_dry: bool
    batch: str


def runs_of_customer(
    engine: sa.Engine, connector_id: str, customer_id: str, run_ids: Iterable[str]
) -> dict[str, CustomerInRun]:
    """The runs among some that the ledger still has."""
    found: dict[str, CustomerInRun] = {}
    with engine.connect() as connection:
        for part in chunks(run_ids):
            meant = (run.c.connector_id == connector_id, run.c.run_id.in_(part))
            batches = {run_id: key for run_id, key, _ in naming(connection, connector_id, customer_id, *meant)}
            rows = connection.execute(sa.select(run.c.run_id, run.c.mode, run.c.dry_run).where(*meant))
            found |= {run_id: CustomerInRun(mode, is_dry, batches.get(run_id, "")) for run_id, mode, is_dry in rows}
    return found
