"""Watches the ledger for customers that push notifications named, in Airflow's triggerer."""

# ruff: noqa: PLC0415 -- the DAG file names the trigger; what it needs is imported where it runs

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from asgiref.sync import sync_to_async

if TYPE_CHECKING:
    from customer_sync.ledger import Ledger

log = logging.getLogger(__name__)

POLL_S = 2.0
"""Seconds between two looks at the ledger."""
PAUSE_AFTER_TROUBLE_S = 30.0
"""Seconds until the ledger is asked again after it could not be reached."""


class PushTrigger(BaseEventTrigger):
    """Fires when customers have waited long enough to be synced together.

    Args:
        connector_id: The connector.
        debounce_s: How long customers are gathered, in seconds.
    """

    def __init__(self, connector_id: str, debounce_s: float) -> None:
        self._ledger: Ledger | None = None
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's, untyped
        self.connector_id = connector_id
        self.debounce_s = debounce_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow keeps of it."""
        path = f"{type(self).__module__}.{type(self).__name__}"
        return path, {"connector_id": self.connector_id, "debounce_s": self.debounce_s}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, and fire; it never ends."""
        while True:
            count = await sync_to_async(self._look)()
            if count > 0:
                yield TriggerEvent({"customers": count})  # type: ignore[no-untyped-call] # Airflow's, untyped
            await asyncio.sleep(POLL_S if count >= 0 else PAUSE_AFTER_TROUBLE_S)

    async def cleanup(self) -> None:
        """Close the ledger when Airflow stops the trigger, or gives it to another triggerer."""
        if self._ledger is not None:
            await sync_to_async(self._ledger.close)()

    def _look(self) -> int:
        """Customers to be fetched now; -1 when the ledger cannot be reached."""
        from customer_sync.errors import SyncError
        from customer_sync.ledger import Ledger

        # Silences Alembic's up-to-date messages.
        logging.getLogger("alembic").setLevel(logging.WARNING)
        try:
            if self._ledger is None:
                self._ledger = Ledger.open(self.connector_id)
            return self._ledger.push.announce(self.debounce_s)
        except SyncError as error:
            log.error("Push notifications of %s cannot be looked at: %s", self.connector_id, error.message)  # noqa: TRY400 - the sentence says it all
            return -1
