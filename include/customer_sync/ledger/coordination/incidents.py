"""Incidents: what is wrong now, and which channels have been told, so that each is told once."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import alert_incident, quarantine, unfinished
from customer_sync.ledger.story.batches import batches_of, with_outcome
from customer_sync.model.alert import Alert
from customer_sync.model.outcome import Outcome

_REJECTED = (str(Outcome.QUARANTINED), str(Outcome.FAILED))


class Incident(NamedTuple):
    """One incident; ``told`` are the channels that know of it, ``recovered_at_utc`` when it was over."""

    alert: Alert
    run_id: str
    facts: str
    link: str
    opened_at_utc: datetime
    recovered_at_utc: datetime | None
    told: frozenset[str]


class Rejected(NamedTuple):
    """Customers of a run that were rejected, of how many."""

    rejected: int
    total: int


class Incidents:
    """The incidents of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def all(self) -> list[Incident]:
        """Open incidents, and those that are over and of which some channel is not told yet; oldest first."""
        columns = alert_incident.c
        query = (
            sa.select(
                columns.alert,
                columns.run_id,
                columns.facts,
                columns.link,
                columns.opened_at_utc,
                columns.recovered_at_utc,
                columns.told,
            )
            .where(columns.connector_id == self._connector_id)
            .order_by(columns.opened_at_utc, columns.alert)
        )
        with self._engine.connect() as connection:
            return [
                Incident(Alert(alert), run_id, facts, link, opened, recovered, frozenset(filter(None, told.split(","))))
                for alert, run_id, facts, link, opened, recovered, told in connection.execute(query)
            ]

    def open(self, connection: sa.Connection, alert: Alert, *, run_id: str, facts: str, link: str) -> None:
        """Open an incident; one that is open already learns the newest run and facts, and nobody is told again."""
        values = {"run_id": run_id, "facts": facts, "link": link, "recovered_at_utc": None}
        found = connection.execute(sa.update(alert_incident).where(self._is(alert)).values(**values))
        if not found.rowcount:
            key = {"connector_id": self._connector_id, "alert": str(alert)}
            connection.execute(sa.insert(alert_incident).values(**key, **values, opened_at_utc=utc_now(), told=""))

    def recover(self, connection: sa.Connection, *alerts: Alert) -> None:
        """End incidents; those that nobody was told of are forgotten."""
        for alert in alerts:
            connection.execute(sa.delete(alert_incident).where(self._is(alert), alert_incident.c.told == ""))
            connection.execute(
                sa.update(alert_incident)
                .where(self._is(alert), alert_incident.c.recovered_at_utc.is_(None))
                .values(recovered_at_utc=utc_now())
            )

    def put_told(self, connection: sa.Connection, alert: Alert, channels: frozenset[str]) -> None:
        """Remember which channels know of an incident; one that is over and that none knows of is forgotten."""
        told = ",".join(sorted(channels))
        connection.execute(sa.update(alert_incident).where(self._is(alert)).values(told=told))
        is_over = alert_incident.c.recovered_at_utc.is_not(None)
        connection.execute(sa.delete(alert_incident).where(self._is(alert), is_over, alert_incident.c.told == ""))

    def rejected(self, run_id: str, *, still: bool = False) -> Rejected:
        """Customers that a run quarantined or failed.

        Args:
            run_id: The run.
            still: Count only those that are quarantined or unfinished now.
        """
        with self._engine.connect() as connection:
            batches = list(batches_of(connection, self._connector_id, run_id))
            rejected = {key for _, key, _ in with_outcome(batches, *_REJECTED)}
            if still:
                rejected &= self._waiting(connection)
        return Rejected(len(rejected), sum(len(each.customers) for each in batches))

    def _waiting(self, connection: sa.Connection) -> set[str]:
        held = sa.select(quarantine.c.customer_id).where(
            quarantine.c.connector_id == self._connector_id, quarantine.c.entity == "customer"
        )
        waiting = sa.select(unfinished.c.customer_id).where(unfinished.c.connector_id == self._connector_id)
        return {key for query in (held, waiting) for key in connection.execute(query).scalars()}

    def _is(self, alert: Alert) -> sa.ColumnElement[bool]:
        return sa.and_(alert_incident.c.connector_id == self._connector_id, alert_incident.c.alert == str(alert))
