"""What one run wrote, from the journal: the ground of an undo."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.journal.parts import decode_parts
from customer_sync.ledger.storage.schema import journal
from customer_sync.ledger.storage.statement import Prepared
from customer_sync.model.operation import Action
from customer_sync.planning.undo import RunWrite


class WrittenCustomer(NamedTuple):
    """A customer to whom a run wrote: its number at that time, and its record in the source (``""``: unknown)."""

    customer_id: str
    record_id: str


def writes_of_run(connection: sa.Connection, connector_id: str, run_id: str) -> dict[WrittenCustomer, list[RunWrite]]:
    """What a run wrote, or may have written, customer by customer and in order.

    A write that was refused is none. One that was read back (``abandoned``) may have arrived: the store shows it.
    """
    found: dict[WrittenCustomer, list[RunWrite]] = {}
    for state, action, packed in _rows(connection, connector_id, run_id):
        for part in decode_parts(packed):
            write = RunWrite(
                Action(action),
                part.key,
                part.before_values(),
                part.after_values(),
                is_sure=state == "confirmed",
                is_open=state == "open",
            )
            found.setdefault(WrittenCustomer(part.customer_id, part.record_id), []).append(write)
    return found


@Prepared
def _rows(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    c = journal.c
    mine = (c.connector_id == connector_id, c.run_id == run_id, c.state.in_(("confirmed", "abandoned", "open")))
    return sa.select(c.state, c.action, c.parts).where(*mine).order_by(c.id)
