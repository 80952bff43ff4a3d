"""An Airflow connection, read as apache-airflow-providers-http reads it, as neutral fields.

That provider's hook decides what host, scheme, ``verify``, ``cert``, ``proxies``, ``trust_env``, ``timeout`` and
header fields of a connection mean, so that ours behave like every other HTTP connection of the installation.
Protocol, retries and rules are not its business, and its session sends nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret
from requests.utils import default_headers

from customer_sync.errors import SyncError
from customer_sync.http.connection import TRANSPORT_FIELDS, is_header_name
from customer_sync.http.retry import RetryPolicy
from customer_sync.settings.connection_fields import ConnectionFields, extra_of, missing_connection
from customer_sync_airflow.hooks.stored_secrets import refuse_other_way

TEST_RETRY = RetryPolicy(attempts=1, total_s=10.0)
"""For *Test*: whoever clicks waits for the answer, and a refusal must not be sent twice."""


def read_connection(conn_id: str) -> ConnectionFields:
    """Read a connection inside of Airflow: in a task, or in the api-server.

    Args:
        conn_id: Id of the Airflow connection.

    Raises:
        ConfigError: There is no such connection, or its extra is no JSON object.
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise missing_connection(conn_id) from error
    return _fields_of(connection)


def tested(look: Callable[[], tuple[str, str]], conn_id: str) -> tuple[bool, str]:
    """What *Test* shows.

    Args:
        look: Tries the connection; gives what is missing, ``""`` for nothing, and the sentence for then.

        conn_id: Id of the connection that is tried.

    Returns:
        Whether all is well, and one sentence; on failure it says what to do.
    """
    try:
        refuse_other_way(read_connection(conn_id), find_connection)
        missing, sentence = look()
    except SyncError as error:
        return False, error.message
    return not missing, missing or sentence


def find_connection(conn_id: str) -> ConnectionFields | None:
    """Read a connection outside of Airflow's processes, from its secrets backends and its database.

    What the entry point of the group ``customer_sync.connections`` gives to the command line.

    Args:
        conn_id: Id of the Airflow connection.

    Returns:
        Its fields, or ``None`` when Airflow has no such connection.

    Raises:
        ConfigError: Its extra is no JSON object.
    """
    from airflow.models.connection import Connection  # noqa: PLC0415 - tasks have no access to the database

    try:
        connection = Connection.get_connection_from_secrets(conn_id)
    except AirflowNotFoundException:
        return None
    return _fields_of(connection)


def _fields_of(connection: Any) -> ConnectionFields:
    conn_id = str(connection.conn_id)
    extra = extra_of(conn_id, connection.extra_dejson)
    for name, secret in (("password", connection.password), ("client_secret", extra.get("client_secret"))):
        if secret:
            mask_secret(secret, name)
    own = {name: value for name, value in extra.items() if not (name in TRANSPORT_FIELDS or is_header_name(name))}
    fields = ConnectionFields(
        conn_id=conn_id,
        conn_type=connection.conn_type or "",
        host=connection.host or "",
        port=connection.port,
        login=connection.login or "",
        password=connection.password or "",
        schema=connection.schema or "",
        extra=own,
    )
    return _as_the_provider_reads_it(fields, connection, extra) if fields.host.strip() else fields


class _ProviderHook(HttpHook):
    """The provider's hook on a connection that was read already."""

    def __init__(self, connection: Any) -> None:
        super().__init__(http_conn_id=connection.conn_id, auth_type=_no_auth)
        self._connection = connection

    def get_connection(self, _conn_id: str) -> Any:  # type: ignore[override] # a class method there, since it reads anew
        """The connection."""
        return self._connection


def _as_the_provider_reads_it(fields: ConnectionFields, connection: Any, extra: Mapping[str, Any]) -> ConnectionFields:
    hook = _ProviderHook(connection)
    session = hook.get_conn()
    transport = {
        "verify": session.verify,
        "cert": session.cert,
        "proxies": session.proxies,
        "trust_env": session.trust_env,
        "timeout": hook.merged_extra.get("timeout"),
        "headers": _headers(session.headers) | _nested(extra.get("headers")),
    }
    # The provider appends the port behind the path, too; it is put in its place where the address is read.
    host = hook.base_url.removesuffix(f":{fields.port}") if fields.port else hook.base_url
    return replace(fields, host=host, extra={**fields.extra, **transport})


def _headers(session_headers: Mapping[str, Any]) -> dict[str, Any]:
    """The header fields that the connection adds; what the HTTP library would send by itself is not ours."""
    own = default_headers()
    return {name: value for name, value in session_headers.items() if is_header_name(name) and own.get(name) != value}


def _nested(headers: Any) -> dict[str, Any]:
    return headers if isinstance(headers, dict) else {}


def _no_auth(*_credentials: object) -> None:
    """Signing in is the client's business; the provider's session carries no credentials."""
