"""What the route uses: the secret, and the ledger of each connector that takes push notifications."""

import hmac
import logging
import time
from dataclasses import dataclass, field

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.push_inbox import Taken
from customer_sync.ledger.storage.database import PAGE_WAIT_S
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector

log = logging.getLogger(__name__)

KNOWN_FOR_S = 30.0
"""How long connector file and secret are remembered: a flood of refused requests must not reach the database."""


@dataclass(frozen=True)
class _Known:
    connector: Connector | None
    secret: bytes
    until_s: float


@dataclass
class Inbox:
    """Takes push notifications for all connectors of one process."""

    _known: dict[str, _Known] = field(default_factory=dict)
    _ledgers: dict[str, Ledger] = field(default_factory=dict)

    def admits(self, connector_id: str, secret: str) -> bool:
        """Whether the secret is that of the connector; compared in constant time, and always compared.

        Args:
            connector_id: As in the address; one that takes no notifications has no secret.
            secret: As it was sent.
        """
        known = self._find(connector_id)
        is_equal = hmac.compare_digest(secret.encode(), known.secret)
        return is_equal and bool(known.secret) and known.connector is not None

    def take(self, connector_id: str, body: bytes) -> Taken:
        """Read a notification and have its customers wait.

        Args:
            connector_id: A connector whose secret was right.
            body: The notification.

        Raises:
            Malformed: It is none.
            SyncError: The ledger cannot be reached.
        """
        connector = self._find(connector_id).connector
        assert connector is not None  # noqa: S101 - admits() said so
        notification = connector.source.read_notification(body, connector.push.customer_fields)
        if connector_id not in self._ledgers:
            # Silences Alembic's up-to-date messages.
            logging.getLogger("alembic").setLevel(logging.WARNING)
            self._ledgers[connector_id] = Ledger.open(connector_id, wait_s=PAGE_WAIT_S)
        taken = self._ledgers[connector_id].push.receive(notification)
        log.info(
            "Push notification for %s: %d customers wait now, %d were known, %d did not fit.", connector_id, *taken
        )
        return taken

    def _find(self, connector_id: str) -> _Known:
        now_s = time.monotonic()
        known = self._known.get(connector_id)
        if known is None or known.until_s < now_s:
            known = _look_up(connector_id, now_s + KNOWN_FOR_S)
            if len(self._known) > 100:  # noqa: PLR2004 - many more than there are connectors: somebody is guessing
                self._known.clear()
            self._known[connector_id] = known
        return known


def _look_up(connector_id: str, until_s: float) -> _Known:
    nobody = _Known(None, b"", until_s)
    try:
        connector = find_connector(connector_id)
    except ConfigError:
        return nobody
    if not connector.push.enabled or not connector.active:
        return nobody
    try:
        secret = BaseHook.get_connection(connector.push_connection_id).password or ""
    except AirflowException:
        log.warning(
            "There is no Airflow connection %s with the secret of push notifications: all are refused.",
            connector.push_connection_id,
        )
        return nobody
    return _Known(connector, secret.encode(), until_s)
