"""What people did to a customer by hand: who, when, what, why. Append-only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import operator_action


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

    def of_customer(self, customer_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """The newest actions on a customer first."""
        done = operator_action.c
        query = sa.select(operator_action).where(
            done.connector_id == self._connector_id, done.customer_id == customer_id
        )
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query.order_by(done.id.desc()).limit(limit)).mappings()]
