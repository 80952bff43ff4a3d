"""The connection type *Better B2B*; what its fields mean is the adapter's business."""

from airflow.sdk import BaseHook

from customer_sync.http.pacing import Schedule
from customer_sync.http.retry import RetryPolicy
from customer_sync.settings.connector import Connector
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.connection import open_target
from customer_sync_airflow.hooks.connections import TEST_RETRY, read_connection, tested
from customer_sync_airflow.hooks.expectations import lacking_in_store


class BetterB2BHook(BaseHook):
    """Turns an Airflow connection of type *Better B2B* into a client of the store.

    ``host`` and ``port`` are the API's address, ``password`` the token; ``extra`` holds
    ``store_hash``, ``auth_style`` (``x_auth_token``, or the older ``authtoken``),
    ``api_prefix``, and what the HTTP provider understands (``timeout`` in seconds,
    ``verify``, ``cert``, ``proxies``, ``trust_env``, header names).

    Args:
        better_b2b_conn_id: Id of the connection.
        connector: Gives budget, bulk size, channels and key field; without it the client's
            own defaults hold, which is enough for *Test*.
    """

    conn_name_attr = "better_b2b_conn_id"
    default_conn_name = "better_b2b_default"
    conn_type = "better-b2b"
    hook_name = "Better B2B"

    def __init__(self, better_b2b_conn_id: str = default_conn_name, *, connector: Connector | None = None) -> None:
        super().__init__()
        self.better_b2b_conn_id = better_b2b_conn_id
        self._connector = connector

    def get_conn(self, retry: RetryPolicy | None = None, *, schedule: Schedule | None = None) -> BetterB2BTarget:
        """Read the connection and build the client; nothing is sent yet.

        Args:
            retry: When the client tries again; its own policy by default.
            schedule: Where turns for requests are reserved when other tasks use the same store.

        Raises:
            ConfigError: The connection is missing, or a field of it is missing or wrong.
        """
        connection = read_connection(self.better_b2b_conn_id)
        return open_target(connection, self._connector, retry=retry, schedule=schedule)

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection: is the store there, do token and hash fit, may we read, is all there that we rely on?

        Returns:
            Whether all is well, and one sentence; on failure it says what to do.
        """
        return tested(self._look, self.better_b2b_conn_id)

    def _look(self) -> tuple[str, str]:
        with self.get_conn(TEST_RETRY) as store:
            count = store.count_companies()
            missing = lacking_in_store(store, self._connector)
        has = "the key field, the roles and the payment methods"
        return missing, f"Connected: the store has {count} companies, {has}."


class ImportedBetterB2BHook(BetterB2BHook):
    """The same for a connection that Airflow read from an environment variable, a file or a URI.

    It turns the ``-`` of the type into ``_`` there.
    """

    conn_type = "better_b2b"
    hook_name = "Better B2B (imported)"
