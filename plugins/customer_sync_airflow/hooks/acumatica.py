"""Acumatica connection -> settings -> client; holds no protocol and no rule."""

from typing import Any, Literal, cast

from airflow.sdk import BaseHook

from customer_sync.errors import SyncError
from customer_sync.http.pacing import Pacer, Schedule
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import Urllib3Transport
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.session import Seat
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync_airflow.hooks.expectations import lacking_in_erp
from customer_sync_airflow.hooks.http_connection import TEST_RETRY, HttpConnection, read_http_connection

OWN_FIELDS = frozenset(
    {"tenant", "endpoint_name", "endpoint_version", "branch", "locale", "auth_style", "client_id", "client_secret"}
)
"""Fields of ``extra`` that belong to this connection type."""

READ_TIMEOUT_S = 630.0
"""Longest wait for an answer where the connection names none: the server itself queues a request for up to ten
minutes without a word (docs/api/acumatica.md#queue)."""


class AcumaticaHook(BaseHook):
    """Turns an Airflow connection of type *Acumatica* into a client of one tenant.

    ``host`` and ``port`` are the site's address (an instance path may follow the host),
    ``login`` and ``password`` the API user; ``extra`` holds ``tenant``, ``endpoint_name``,
    ``endpoint_version``, and where wanted ``branch``, ``locale``, ``auth_style`` (``cookie``,
    or ``oauth_password`` with ``client_id`` and ``client_secret``), and what the HTTP provider
    understands (``timeout`` in seconds, ``verify``, ``cert``, ``proxies``, ``trust_env``, header
    names).

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
    ) -> AcumaticaClient:
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
        found = read_http_connection(
            self.acumatica_conn_id, OWN_FIELDS, read_timeout_s=READ_TIMEOUT_S, max_connections=1
        )
        settings = self._settings(found)
        pacer = Pacer(settings.requests_per_minute, share=1.0, burst=1, schedule=schedule)
        return AcumaticaClient(Urllib3Transport(found.http), settings, pacer=pacer, retry=retry, seat=seat)

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection: site, user and tenant, endpoint, commerce fields, and the right to read them.

        Returns:
            Whether all is well, and one sentence; on failure it says what to do.
        """
        try:
            with self.get_conn(TEST_RETRY) as client:
                client.check_endpoint()
                missing = lacking_in_erp(client, self._connector)
                endpoint = f"{client.settings.endpoint_name}/{client.settings.endpoint_version}"
        except SyncError as error:
            return False, error.message
        if missing:
            return False, missing
        return True, f"Connected: {endpoint} is served with the commerce fields, and the user may read them."

    def _settings(self, found: HttpConnection) -> AcumaticaSettings:
        return AcumaticaSettings(
            username=found.user("API user"),
            password=found.secret("Password"),
            tenant=found.required("tenant", "Tenant"),
            branch=found.text("branch"),
            locale=found.text("locale"),
            auth_style=cast("Literal['cookie', 'oauth_password']", found.text("auth_style", "cookie")),
            client_id=found.text("client_id"),
            client_secret=found.text("client_secret"),
            endpoint_name=found.required("endpoint_name", "Endpoint name"),
            endpoint_version=found.required("endpoint_version", "Endpoint version"),
            read_timeout_s=found.http.read_timeout_s,
            **self._rules(),
        )

    def _rules(self) -> dict[str, Any]:
        if self._connector is None:
            return {}
        erp = self._connector.erp
        return {"page_size": erp.page_size, "requests_per_minute": erp.requests_per_minute or 0}
