"""What doctor saw when it last looked at a connector."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import examination
from customer_sync.ledger.storage.statement import upsert
from customer_sync.model.check import Check


class LastLook(NamedTuple):
    """The newest look at one connector.

    Attributes:
        checks: In the order in which a person mends what they show.
        at_utc: When it ended.
    """

    checks: tuple[Check, ...]
    at_utc: datetime

    @property
    def is_ok(self) -> bool:
        """Whether nothing stands in the way of a run."""
        return all(check.ok is not False for check in self.checks)


class Examinations:
    """The newest look; an older one is of no use."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def put(self, connection: sa.Connection, checks: Collection[Check]) -> None:
        """Keep what was seen now, in place of what was seen before."""
        row: dict[str, Any] = {
            "connector_id": self._connector_id,
            "checks": msgspec.to_builtins(list(checks)),
            "ended_at_utc": utc_now(),
        }
        upsert(connection, examination, [row])

    def last(self) -> LastLook | None:
        """The newest look; ``None`` where nobody has looked."""
        return last_looks(self._engine, [self._connector_id]).get(self._connector_id)


def last_looks(engine: sa.Engine, connector_ids: Collection[str]) -> dict[str, LastLook]:
    """The newest look at each of some connectors, of those that were looked at."""
    row = examination.c
    query = sa.select(row.connector_id, row.checks, row.ended_at_utc).where(row.connector_id.in_(list(connector_ids)))
    with engine.connect() as connection:
        return {
            name: LastLook(tuple(msgspec.convert(checks, list[Check])), ended)
            for name, checks, ended in connection.execute(query)
        }
