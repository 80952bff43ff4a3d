"""The store's state as the sync had made it at a moment, with run, approver and reason of each value."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from customer_sync.ledger import Ledger
from customer_sync.ledger.journal.run_writes import DatedWrite, writes_until
from customer_sync.model.operation import Action
from customer_sync.planning.undo_changes import part_of_write
from customer_sync.reporting.log_entry import journalled_changes
from customer_sync.settings.connector import Connector

_ENDS = frozenset({Action.DELETE_USER, Action.DELETE_ADDRESS, Action.DELETE_COMPANY})


class ValueAsOf(NamedTuple):
    """One value that the sync had written, and that it had not written over by then.

    Attributes:
        part: The part of the company, as ``docs/operating.md#as-of`` names it.
        field: The field.
        value: The value, masked as the connector file says.
        since_utc: When it was confirmed.
        run_id: The run that wrote it.
        why: Why that run was made.
        approved_by: Who said yes to its plan, ``""`` where nobody was asked.
    """

    part: str
    field: str
    value: Any
    since_utc: datetime
    run_id: str
    why: str
    approved_by: str


def state_as_of(ledger: Ledger, connector: Connector, customer_id: str, at_utc: datetime) -> list[ValueAsOf]:
    """The values of a customer's company as the sync had made them, by part and field.

    What runs wrote that the journal has no more is missing, as is what people did in the store.

    Args:
        ledger: The ledger.
        connector: Says how values are masked.
        customer_id: The number under which the values were written.
        at_utc: The moment.
    """
    with ledger.engine.connect() as connection:
        writes = writes_until(connection, connector.id, customer_id, at_utc)
    values = _folded(writes)
    runs = {each.run_id: ledger.runs.get(each.run_id) or {} for each, _ in values.values()}
    found = []
    for (part, field), (write, value) in sorted(values.items(), key=lambda item: item[0]):
        row = runs[write.run_id]
        approval = row.get("approval") or {}
        found.append(
            ValueAsOf(
                part=part,
                field=field,
                value=journalled_changes({}, {field: value}, connector)[field][1],
                since_utc=write.settled_at_utc,
                run_id=write.run_id,
                why=str((row.get("window") or {}).get("why", "")),
                approved_by=str(approval.get("by", "")) if approval.get("state") == "approved" else "",
            )
        )
    return found


def _folded(writes: list[DatedWrite]) -> dict[tuple[str, str], tuple[DatedWrite, Any]]:
    """The last value of each field; what was deleted has none, and of a deleted company nothing is left."""
    values: dict[tuple[str, str], tuple[DatedWrite, Any]] = {}
    for each in writes:
        part = part_of_write(each.write)
        if each.write.action is Action.DELETE_COMPANY:
            values = {}
        elif each.write.action in _ENDS:
            values = {name: value for name, value in values.items() if name[0] != part}
        else:
            values |= {(part, field): (each, value) for field, value in each.write.after.items()}
    return values
