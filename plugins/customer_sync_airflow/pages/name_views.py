"""That a person read names is written down: once an hour for a list, and for each customer's page."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync_airflow.pages.rights import Viewer


def record_look(engine: sa.Engine, viewer: Viewer, connectors: Iterable[str], customer_id: str = "") -> None:
    """Record that a person saw names of some connectors' customers, or of one customer."""
    for connector_id in sorted(connectors):
        ledger = Ledger(engine, connector_id)
        if not ledger.operator_actions.has_looked(viewer.name, customer_id):
            with ledger.write() as connection:
                ledger.operator_actions.record_look(connection, actor=viewer.name, customer_id=customer_id)
