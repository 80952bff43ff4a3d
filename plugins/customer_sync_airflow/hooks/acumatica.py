"""The connection type *Acumatica*; what its fields mean is the adapter's business."""

from dataclasses import replace

from airflow.sdk import BaseHook

from customer_sync.http.pacing import Schedule
from customer_sync.http.retry import RetryPolicy
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.connection import open_source
from customer_sync.sources.acumatica.session import Seat
from customer_sync.sources.acumatica.source import AcumaticaSource
from customer_sync_airflow.hooks.connections import TEST_RETRY, read_connection, tested
from customer_sync_airflow.hooks.expectations import lacking_in_erp
from customer_sync_airflow.hooks.kept_tokens import LedgerTokens


class AcumaticaHook(BaseHook):
    """Turns an Airflow connection of type *Acumatica* into a client of one tenant.

    ``host`` and ``port`` are the site's address (an instance path may follow the host),
    ``login`` and ``password`` the API user; ``extra`` holds ``endpoint_name``,
    ``endpoint_version``, and optionally ``tenant``, ``branch``, ``locale``, ``auth_style``
    (``cookie``; ``oauth_password`` with ``client_id`` and ``client_secret``; ``oauth_code`` with
    the same and the consent that ``customer-sync login`` brought, without user and password),
    and what the HTTP provider understands (``timeout`` in seconds, ``verify``, ``cert``,
    ``proxies``, ``trust_env``, header names).

    Args:
        acumatica_conn_id: Id of the connection.
        connector: Gives page size and request budget; without it the client's own defaults
            hold, which is enough for *Test*.
    """

    conn_name_attr = "acumatica_conn_id"
    default_conn_name = "acumatica_default"
    conn_type = "acumatica"
    hook_name = "Acumatica"

    def __init__(self, acumatica_conn_id: str = default_conn_name, *, connector: Connector | None = None) -> None:
        super().__init__()
        self.acumatica_conn_id = acumatica_conn_id
        self._connector = connector

    def get_conn(
        self, retry: RetryPolicy | None = None, *, schedule: Schedule | None = None, seat: Seat | None = None
    ) -> AcumaticaSource:
        """Read the connection and build the client; it signs in at its first request.

        Use it in a ``with`` block: leaving the block signs out and frees the seat, on failure and
        on cancel as well.

        Args:
            retry: When the client tries again; its own policy by default.
            schedule: Where turns for requests are reserved when other tasks use the same licence.
            seat: Counts the session among those of other tasks.

        Raises:
            ConfigError: The connection is missing, or a field of it is missing or wrong.
        """
        connection = replace(read_connection(self.acumatica_conn_id), tokens=LedgerTokens())
        connector = self._connector or Connector(id="default")
        return open_source(connection, connector, retry=retry, schedule=schedule, seat=seat)

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection: site, user and tenant, endpoint, commerce fields, and the right to read them.

        Returns:
            Whether all is well, and one sentence; on failure it says what to do.
        """
        return tested(self._look, self.acumatica_conn_id)

    def _look(self) -> tuple[str, str]:
        with self.get_conn(TEST_RETRY) as client:
            info = client.check_endpoint()
            tenant = client.reached_tenant()
            missing = lacking_in_erp(client, self._connector)
        served = f"{info.name}/{info.version}"
        place = f" to the tenant {tenant}" if tenant else ""
        return missing, f"Connected{place}: {served} is served with the commerce fields, and the user may read them."
