"""Quarantine: records that the store cannot or would not take, with the reason. It holds no payload, only its hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import quarantine
from customer_sync.ledger.storage.statement import Prepared, among, chunks, upsert
from customer_sync.model.outcome import WAITS_FOR_EMAIL, Finding, Reason


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

    @property
    def part(self) -> str:
        """What waits, as a plan names it: who waits for an e-mail is no user, who is refused stays as he is."""
        is_email = self.entity == "contact" and self.reason in WAITS_FOR_EMAIL
        return f"{'email' if is_email else self.entity}:{self.key}"

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
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                for row in _of_customers(connection, self._connector_id, part):
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
            .where(q.connector_id == self._connector_id, q.reason.in_(sorted(map(str, WAITS_FOR_EMAIL))))
            .group_by(q.customer_id)
            .order_by(sa.func.min(q.last_seen_at_utc), q.customer_id)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query.limit(most)).scalars())

    def due(self, before_utc: datetime, most: int) -> set[tuple[str, str]]:
        """Customer and contact of those who wait for a stranger's e-mail and were last asked for before a time.

        Args:
            before_utc: The time.
            most: So many at most, those asked for longest ago.
        """
        q = quarantine.c
        query = (
            sa.select(q.customer_id, q.record_key)
            .where(
                q.connector_id == self._connector_id,
                q.entity == "contact",
                q.reason == str(Reason.EMAIL_IN_USE),
                q.holder_id == "",
                q.asked_at_utc < before_utc,
            )
            .order_by(q.asked_at_utc, q.customer_id, q.record_key)
        )
        with self._engine.connect() as connection:
            return {(customer_id, key) for customer_id, key in connection.execute(query.limit(most))}

    def with_reason(self, reason: Reason) -> list[str]:
        """Customers with a record in quarantine for a reason."""
        q = quarantine.c
        query = sa.select(q.customer_id).where(q.connector_id == self._connector_id, q.reason == str(reason)).distinct()
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(q.customer_id)).scalars())

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
        for part in chunks(customer_ids):
            had = [Quarantined(*row) for row in _of_customers(connection, self._connector_id, part)]
            known |= {
                (row.customer_id, row.entity, row.key): (row.attempts, row.content_hash, row.first_seen_at_utc)
                for row in had
            }
            if had:
                _remove(connection, self._connector_id, part)
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


_q = quarantine.c


@Prepared
def _of_customers(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    return sa.select(
        _q.customer_id,
        _q.entity,
        _q.record_key,
        _q.reason,
        _q.field,
        _q.detail,
        _q.content_hash,
        _q.attempts,
        _q.first_seen_at_utc,
        _q.holder_id,
        _q.asked_at_utc,
    ).where(_q.connector_id == connector_id, among(_q.customer_id, customer_ids))


@Prepared
def _remove(connector_id: Any, customer_ids: Any) -> sa.Delete:
    return sa.delete(quarantine).where(_q.connector_id == connector_id, among(_q.customer_id, customer_ids))
