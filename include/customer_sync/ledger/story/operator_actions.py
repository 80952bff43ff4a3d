"""What people did to a customer by hand: who, when, what, why. Append-only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import operator_action

LOOKED = "read names"
"""Recorded of who reads names on the pages; it is no action on the customer."""


class OperatorActions:
    """The record of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def record(
        self, connection: sa.Connection, *, customer_id: str, actor: str, action: str, why: str, detail: str = ""
    ) -> None:
        """Write down an action, in the transaction that does it."""
        row = {
            "connector_id": self._connector_id,
            "customer_id": customer_id,
            "acted_at_utc": utc_now(),
            "actor": actor[:200],
            "action": action,
            "why": why,
            "detail": detail,
        }
        connection.execute(sa.insert(operator_action), [row])

    def has_looked(self, actor: str, customer_id: str, within: timedelta = timedelta(hours=1)) -> bool:
        """Whether it was recorded lately that a person read a customer's names; ``""`` stands for lists."""
        done = operator_action.c
        query = sa.select(done.id).where(
            done.connector_id == self._connector_id,
            done.customer_id == customer_id,
            done.actor == actor[:200],
            done.action == LOOKED,
            done.acted_at_utc > utc_now() - within,
        )
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def record_look(self, connection: sa.Connection, *, actor: str, customer_id: str) -> None:
        """Write down that a person read names."""
        self.record(connection, customer_id=customer_id, actor=actor, action=LOOKED, why="")

    def of_customer(self, customer_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """The newest actions on a customer first."""
        done = operator_action.c
        query = sa.select(operator_action).where(
            done.connector_id == self._connector_id, done.customer_id == customer_id, done.action != LOOKED
        )
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query.order_by(done.id.desc()).limit(limit)).mappings()]
