"""Quarantine: records that the store cannot or would not take, with the reason. It holds no payload, only its hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import quarantine
from customer_sync.ledger.storage.statement import among, chunks, upsert
from customer_sync.model.outcome import Finding, Reason


class Quarantined(NamedTuple):
    """One quarantined record.

    ``entity`` is ``customer``, ``contact``, ``location`` or ``payment``; ``holder_id`` the customer that holds the
    e-mail that a contact waits for, ``""`` where it is none of ours; ``asked_at_utc`` when the store last refused.
    """

    customer_id: str
    entity: str
    key: str
    reason: str
    field: str
    detail: str
    content_hash: str
    attempts: int
    first_seen_at_utc: datetime
    holder_id: str = ""
    asked_at_utc: datetime | None = None

    def history(self) -> str:
        """How long it has been there and how often it was seen there, for the log."""
        times = "once" if self.attempts == 1 else f"{self.attempts} times"
        return f"in quarantine since {self.first_seen_at_utc:%Y-%m-%d %H:%M} UTC, seen {times} before"

    def finding(self) -> Finding:
        """What was found, as it was said."""
        return Finding(
            reason=Reason(self.reason),
            entity=self.entity,
            key=self.key,
            field=self.field,
            detail=self.detail,
            hash=self.content_hash,
            holder=self.holder_id,
            asked_at_utc=self.asked_at_utc,
        )


class Quarantine:
    """The quarantine of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def load(self, customer_ids: Iterable[str]) -> dict[str, list[Quarantined]]:
        """The quarantined records of some customers."""
        found: dict[str, list[Quarantined]] = {}
        q = quarantine.c
        columns = (
            q.customer_id,
            q.entity,
            q.record_key,
            q.reason,
            q.field,
            q.detail,
            q.content_hash,
            q.attempts,
            q.first_seen_at_utc,
            q.holder_id,
            q.asked_at_utc,
        )
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                query = sa.select(*columns).where(q.connector_id == self._connector_id, among(q.customer_id, part))
                for row in connection.execute(query):
                    found.setdefault(row[0], []).append(Quarantined(*row))
        return found

    def customer_ids(self) -> list[str]:
        """All customers with anything in quarantine."""
        query = sa.select(quarantine.c.customer_id).where(quarantine.c.connector_id == self._connector_id).distinct()
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(quarantine.c.customer_id)).scalars())

    def waiting_customers(self, most: int) -> list[str]:
        """Customers of whom a contact waits for somebody else's e-mail; looked at longest ago first."""
        q = quarantine.c
        query = (
            sa.select(q.customer_id)
            .where(q.connector_id == self._connector_id, q.reason == str(Reason.EMAIL_IN_USE))
            .group_by(q.customer_id)
            .order_by(sa.func.min(q.last_seen_at_utc), q.customer_id)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query.limit(most)).scalars())

    def reason_counts(self) -> dict[str, int]:
        """Quarantined records by reason."""
        q = quarantine.c
        query = sa.select(q.reason, sa.func.count()).where(q.connector_id == self._connector_id).group_by(q.reason)
        with self._engine.connect() as connection:
            return dict(connection.execute(query).all())

    def first_seen(self) -> list[datetime]:
        """Since when each quarantined record has been there."""
        q = quarantine.c
        query = sa.select(q.first_seen_at_utc).where(q.connector_id == self._connector_id)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def replace(
        self, connection: sa.Connection, run_id: str, customer_ids: Sequence[str], found: Sequence[tuple[str, Finding]]
    ) -> None:
        """Make the quarantine of some customers equal to what was found.

        New rows come in, repeated ones are counted, the others go out. A record has one row: of
        several findings the first names its reason, and the detail names the others.

        Args:
            connection: A writing transaction.
            run_id: The run that found it.
            customer_ids: All customers that were judged.
            found: (customer id, finding) for what stays or comes in.
        """
        now = utc_now()
        known: dict[tuple[str, str, str], tuple[int, str, object]] = {}
        q = quarantine.c
        for part in chunks(customer_ids):
            query = sa.select(
                q.customer_id, q.entity, q.record_key, q.attempts, q.content_hash, q.first_seen_at_utc
            ).where(q.connector_id == self._connector_id, among(q.customer_id, part))
            for customer_id, entity, key, attempts, digest, first in connection.execute(query):
                known[(customer_id, entity, key)] = (attempts, digest, first)
            connection.execute(
                sa.delete(quarantine).where(q.connector_id == self._connector_id, among(q.customer_id, part))
            )
        rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        for customer_id, finding in found:
            place = (customer_id, finding.entity, finding.key)
            if place in rows:
                rows[place]["detail"] += f"; also {finding.reason} ({finding.field})"
                continue
            attempts, digest, first = known.get(place, (0, "", now))
            is_same = digest == finding.hash and attempts > 0
            rows[place] = {
                "connector_id": self._connector_id,
                "customer_id": customer_id,
                "entity": finding.entity,
                "record_key": finding.key,
                "reason": str(finding.reason),
                "field": finding.field[:100],
                "detail": finding.detail,
                "content_hash": finding.hash,
                "holder_id": finding.holder,
                "asked_at_utc": finding.asked_at_utc or now,
                "attempts": attempts + 1,
                "first_seen_at_utc": first if is_same else now,
                "last_seen_at_utc": now,
                "run_id": run_id,
            }
        for batch in chunks(rows.values()):
            upsert(connection, quarantine, batch)

    def release(self, connection: sa.Connection, customer_id: str) -> int:
        """Let a customer go; the next run that reads it tries again. Returns the number of rows."""
        q = quarantine.c
        statement = sa.delete(quarantine).where(q.connector_id == self._connector_id, q.customer_id == customer_id)
        return int(connection.execute(statement).rowcount)
