"""What one run wrote, from the journal: the ground of an undo."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.journal.parts import decode_parts, stored_id
from customer_sync.ledger.storage.schema import journal
from customer_sync.ledger.storage.statement import Prepared
from customer_sync.model.operation import Action
from customer_sync.planning.undo_changes import RunWrite


class WrittenCustomer(NamedTuple):
    """A customer to whom a run wrote: its number at that time, and its record in the source (``""``: unknown)."""

    customer_id: str
    record_id: str


def customers_written(connection: sa.Connection, connector_id: str, run_id: str) -> list[WrittenCustomer]:
    """Whom a run wrote to, or may have written to, in order."""
    rows = _rows(connection, connector_id, run_id, _FIRST, _LAST)
    found = {
        WrittenCustomer(part.customer_id, part.record_id) for _, _, packed in rows for part in decode_parts(packed)
    }
    return sorted(found)


def writes_of_run(
    connection: sa.Connection, connector_id: str, run_id: str, customers: Collection[WrittenCustomer]
) -> dict[WrittenCustomer, list[RunWrite]]:
    """What a run wrote to some customers, or may have written, in order.

    A write that was refused is none. One that was read back (``abandoned``) may have arrived: the store shows it.

    Args:
        connection: A connection to the ledger.
        connector_id: Whose run it is.
        run_id: The run.
        customers: The customers, as the run wrote to them.
    """
    meant = frozenset(customers)
    numbers = [each.customer_id for each in meant]
    found: dict[WrittenCustomer, list[RunWrite]] = {}
    if not numbers:
        return found
    for state, action, packed in _rows(connection, connector_id, run_id, min(numbers), max(numbers)):
        for part in decode_parts(packed):
            if (whose := WrittenCustomer(part.customer_id, part.record_id)) not in meant:
                continue
            write = RunWrite(
                Action(action),
                part.key,
                part.before_values(),
                part.after_values(),
                is_sure=state == "confirmed",
                is_open=state == "open",
            )
            found.setdefault(whose, []).append(write)
    return found


_FIRST, _LAST = "", "\U0010ffff"


@Prepared
def _rows(connector_id: Any, run_id: Any, first: Any, last: Any) -> sa.Select[Any]:
    c = journal.c
    mine = (
        c.connector_id == connector_id,
        c.run_id == run_id,
        c.state.in_(("confirmed", "abandoned", "open")),
        c.first_customer <= last,
        c.last_customer >= first,
    )
    return sa.select(c.state, c.action, c.parts).where(*mine).order_by(c.id)


class DatedWrite(NamedTuple):
    """A confirmed write with its run and the moment of its answer."""

    run_id: str
    settled_at_utc: datetime
    write: RunWrite


def writes_until(connection: sa.Connection, connector_id: str, customer_id: str, at_utc: datetime) -> list[DatedWrite]:
    """What was confirmed for a customer, under this number, until a moment, in order."""
    meant = stored_id(customer_id)
    return [
        DatedWrite(run_id, settled, RunWrite(Action(action), part.key, part.before_values(), part.after_values()))
        for run_id, settled, action, packed in _dated(connection, connector_id, meant, at_utc)
        for part in decode_parts(packed)
        if part.customer_id == meant
    ]


@Prepared
def _dated(connector_id: Any, customer_id: Any, at_utc: Any) -> sa.Select[Any]:
    c = journal.c
    mine = (
        c.connector_id == connector_id,
        c.first_customer <= customer_id,
        c.last_customer >= customer_id,
        c.state == "confirmed",
        c.settled_at_utc <= at_utc,
    )
    return sa.select(c.run_id, c.settled_at_utc, c.action, c.parts).where(*mine).order_by(c.settled_at_utc, c.id)
