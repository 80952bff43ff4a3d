"""Customers that a person took out of the sync: for good (`skip`) or as they are now (`handled`, `undone`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import set_aside
from customer_sync.ledger.storage.statement import Prepared, among, chunks, upsert
from customer_sync.planning.set_aside import Mark, MarkKind


class SetAside:
    """The marks of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def load(self, customer_ids: Iterable[str]) -> dict[str, Mark]:
        """The marks of some customers."""
        found: dict[str, Mark] = {}
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                for customer_id, kind, since, source_hash in _marks(connection, self._connector_id, part):
                    found[customer_id] = Mark(kind, since, source_hash)
        return found

    def put(self, connection: sa.Connection, customer_id: str, kind: MarkKind, source_hash: str = "") -> None:
        """Mark a customer from now on; ``source_hash`` identifies its source as it was seen, where it was."""
        row = {
            "connector_id": self._connector_id,
            "customer_id": customer_id,
            "kind": kind,
            "since_utc": utc_now(),
            "source_hash": source_hash,
        }
        upsert(connection, set_aside, [row])

    def note_sources(self, connection: sa.Connection, hashes: Mapping[str, str]) -> None:
        """Remember what customers looked like when a run first passed them over."""
        for customer_id, source_hash in hashes.items():
            mine = sa.and_(set_aside.c.connector_id == self._connector_id, set_aside.c.customer_id == customer_id)
            connection.execute(sa.update(set_aside).where(mine).values(source_hash=source_hash))

    def drop(self, connection: sa.Connection, customer_ids: Iterable[str]) -> int:
        """Take customers back into the sync; returns how many had a mark."""
        total = 0
        for part in chunks(customer_ids):
            mine = sa.and_(set_aside.c.connector_id == self._connector_id, among(set_aside.c.customer_id, part))
            total += int(connection.execute(sa.delete(set_aside).where(mine)).rowcount)
        return total

    def rename(self, connection: sa.Connection, moved: Mapping[str, str]) -> None:
        """Carry marks over to customers' new numbers (former -> present), which may go round in a circle."""
        rows = []
        for part in chunks(moved):
            mine = sa.and_(set_aside.c.connector_id == self._connector_id, among(set_aside.c.customer_id, part))
            rows += [dict(row) for row in connection.execute(sa.select(set_aside).where(mine)).mappings()]
        self.drop(connection, [row["customer_id"] for row in rows])
        upsert(connection, set_aside, [{**row, "customer_id": moved[row["customer_id"]]} for row in rows])

    def count(self) -> int:
        """How many customers are set aside."""
        query = sa.select(sa.func.count()).where(set_aside.c.connector_id == self._connector_id)
        with self._engine.connect() as connection:
            return int(connection.execute(query.select_from(set_aside)).scalar_one())


@Prepared
def _marks(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    c = set_aside.c
    mine = (c.connector_id == connector_id, among(c.customer_id, customer_ids))
    return sa.select(c.customer_id, c.kind, c.since_utc, c.source_hash).where(*mine)
