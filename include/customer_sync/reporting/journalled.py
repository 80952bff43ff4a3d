"""What was done, with before and after: lines of the log say which operation it was, the journal has its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.journal.intents import Intents
from customer_sync.model.operation import Action, ConfirmedWrite
from customer_sync.reporting.log_entry import journalled_changes, record_key
from customer_sync.settings.connector import Connector

_ACTIONS = frozenset(map(str, Action))

_Written = Mapping[tuple[str, str, str], Sequence[ConfirmedWrite]]


def with_changes(
    engine: sa.Engine, rows: Iterable[Mapping[str, Any]], connector_of: Callable[[str], Connector | None]
) -> list[dict[str, Any]]:
    """Lines of the log, those about what was done with their ``changes``, masked as the connector file says.

    Args:
        engine: The ledger's database.
        rows: Lines as the log gives them.
        connector_of: The connector file of an id; where there is none, values stay hidden.
    """
    listed = [dict(row) for row in rows]
    bare = [row for row in listed if row["action"] in _ACTIONS and not row["changes"]]
    for (connector_id, run_id), group in groupby(sorted(bare, key=_run_of), key=_run_of):
        connector = connector_of(connector_id)
        if connector is not None:
            of_run = list(group)
            written = Intents(engine, connector_id).written(run_id, {row["customer_id"] for row in of_run})
            _fill(of_run, written, connector)
    return listed


def _fill(rows: Iterable[dict[str, Any]], written: _Written, connector: Connector) -> None:
    """Give each line its operation's values; the n-th line about one record is about the n-th write to it."""
    seen: dict[tuple[str, str, str], int] = {}
    for row in sorted(rows, key=lambda row: row["id"]):
        name = (row["customer_id"], row["action"], record_key(row))
        writes = written.get(name)
        if writes:
            place = seen[name] = seen.get(name, -1) + 1
            write = writes[min(place, len(writes) - 1)]
            changes = journalled_changes(write.before, write.after, connector)
            row["changes"] = msgspec.json.encode(changes).decode()


def _run_of(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["connector_id"], row["run_id"])
