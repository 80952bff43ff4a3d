"""An Airflow connection read as apache-airflow-providers-http reads it, and handed over as plain settings.

That provider's hook decides what host, scheme, port, ``verify``, ``cert``, ``proxies``, ``trust_env``,
``timeout`` and header fields of a connection mean, so that ours behave like every other HTTP
connection of the installation. Protocol, retries and rules are not its business, and its session
sends nothing.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret
from requests.utils import default_headers

from customer_sync.errors import ConfigError
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpSettings

log = logging.getLogger(__name__)

TRANSPORT_FIELDS = frozenset(
    {
        *("stream", "cert", "proxies", "proxy", "timeout", "verify", "verify_ssl", "allow_redirects", "max_redirects"),
        *("trust_env", "check_response", "srv_lookup", "headers"),
    }
)
"""Fields of ``extra`` that the HTTP provider itself understands, and ``headers``, which we unfold."""

TEST_RETRY = RetryPolicy(attempts=1, total_s=10.0)
"""For *Test*: whoever clicks waits for the answer, and a refusal must not be sent twice."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class HttpConnection:
    """What one Airflow connection says.

    Attributes:
        conn_id: Its id, for messages.
        login: User, or ``""``.
        password: Password or token, or ``""``; masked in Airflow's logs.
        http: Address, TLS, proxies and time-outs.
        fields: Our own fields of ``extra``; blank ones are left out.
    """

    conn_id: str
    login: str
    password: str = field(repr=False)
    http: HttpSettings
    fields: Mapping[str, Any] = field(repr=False)

    def text(self, name: str, default: str = "") -> str:
        """A field of ``extra`` as text."""
        return str(self.fields.get(name, default)).strip()

    def required(self, name: str, label: str) -> str:
        """A field of ``extra`` that must be filled in.

        Args:
            name: Its name in ``extra``.
            label: Its label in the connection form.

        Raises:
            ConfigError: It is missing or blank.
        """
        value = self.text(name)
        if not value:
            raise _missing(self.conn_id, label, f"the field {name} of extra")
        return value

    def user(self, label: str) -> str:
        """The login, which must be filled in.

        Args:
            label: Its label in the connection form.

        Raises:
            ConfigError: It is missing.
        """
        if not self.login.strip():
            raise _missing(self.conn_id, label, "login")
        return self.login

    def secret(self, label: str) -> str:
        """The password, which must be filled in.

        Args:
            label: Its label in the connection form.

        Raises:
            ConfigError: It is missing.
        """
        if not self.password:
            raise _missing(self.conn_id, label, "password")
        return self.password


def read_http_connection(
    conn_id: str, own_fields: frozenset[str], *, read_timeout_s: float, max_connections: int = 8
) -> HttpConnection:
    """Read a connection.

    Args:
        conn_id: Id of the Airflow connection.
        own_fields: Names in ``extra`` that belong to the connection type.
        read_timeout_s: Longest wait for an answer in seconds, where the connection names none.
        max_connections: Connections kept open at the same time.

    Returns:
        What it says.

    Raises:
        ConfigError: There is no such connection, or a value of it cannot be used; the message
            names the connection, the field and the remedy.
    """
    connection = _find(conn_id)
    if not (connection.host or "").strip():
        raise _missing(conn_id, "Base URL", "host")
    extra = _own_extra(conn_id, connection, own_fields)
    hook = HttpHook(http_conn_id=conn_id, auth_type=_no_auth)
    session = hook.get_conn()
    base_url = _place_port(conn_id, hook.base_url, connection.port)
    settings = session.merge_environment_settings(
        base_url, proxies=session.proxies or {}, stream=False, verify=session.verify, cert=session.cert
    )
    for name in ("password", "client_secret"):
        secret = connection.password if name == "password" else extra.get(name)
        if secret:
            mask_secret(secret, name)
    _warn_of_clear_text(conn_id, base_url)
    return HttpConnection(
        conn_id=conn_id,
        login=connection.login or "",
        password=connection.password or "",
        http=HttpSettings(
            base_url=base_url,
            verify=True if settings["verify"] is None else settings["verify"],
            cert=_pair(settings["cert"]),
            proxies={scheme: str(proxy) for scheme, proxy in settings["proxies"].items()},
            headers=_headers(session.headers, connection.extra_dejson, own_fields),
            read_timeout_s=_read_timeout_s(conn_id, hook.merged_extra.get("timeout"), read_timeout_s),
            max_connections=max_connections,
        ),
        fields={name: value for name, value in extra.items() if value is not None and str(value).strip()},
    )


def _find(conn_id: str) -> Any:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConfigError(
            f"There is no Airflow connection {conn_id!r}: create it under Admin > Connections, or set the environment "
            f"variable AIRFLOW_CONN_{conn_id.upper()} to its JSON form (a value that is no JSON counts as none).",
            setting=conn_id,
        ) from error


def _missing(conn_id: str, label: str, place: str) -> ConfigError:
    return ConfigError(
        f"The Airflow connection {conn_id!r} has no {label}: fill it in under Admin > Connections ({place}).",
        setting=f"{conn_id}: {label}",
    )


def _own_extra(conn_id: str, connection: Any, own_fields: frozenset[str]) -> dict[str, Any]:
    """Our fields of ``extra``; a name that is neither ours nor a header is most likely misspelt."""
    extra = connection.extra_dejson
    if not isinstance(extra, dict):
        raise ConfigError(
            f"The extra of the Airflow connection {conn_id!r} must be a JSON object such as {{}}.",
            setting=f"{conn_id}: extra",
        )
    unknown = sorted(set(extra) - own_fields - TRANSPORT_FIELDS)
    misspelt = [name for name in unknown if not _is_header_name(name)]
    if misspelt:
        raise ConfigError(
            f"The Airflow connection {conn_id!r} has unknown fields in extra: {', '.join(misspelt)}. Known are "
            f"{', '.join(sorted(own_fields | TRANSPORT_FIELDS))}, and header names such as X-Forwarded-For.",
            setting=f"{conn_id}: extra",
        )
    return {name: value for name, value in extra.items() if name in own_fields}


def _is_header_name(name: str) -> bool:
    return "-" in name


def _headers(
    session_headers: Mapping[str, Any], extra: Mapping[str, Any], own_fields: frozenset[str]
) -> dict[str, str]:
    """The headers that the connection adds; what the HTTP library would send by itself is not ours."""
    own = default_headers()
    found = {
        str(name): str(value)
        for name, value in session_headers.items()
        if name not in own_fields and name not in TRANSPORT_FIELDS and own.get(name) != value
    }
    nested = extra.get("headers")
    return found | {str(name): str(value) for name, value in (nested if isinstance(nested, dict) else {}).items()}


def _place_port(conn_id: str, base_url: str, port: int | None) -> str:
    """Move the port that the HTTP provider appends to the end (behind the path, too) to where it belongs."""
    if not port:
        return base_url
    parts = urlsplit(base_url.removesuffix(f":{port}"))
    try:
        standing = parts.port
    except ValueError as error:
        raise ConfigError(f"The host of the Airflow connection {conn_id!r} holds a wrong port: {error}.") from error
    if standing is None:
        return urlunsplit(parts._replace(netloc=f"{parts.netloc}:{port}"))
    if standing != port:
        raise ConfigError(
            f"The Airflow connection {conn_id!r} names two ports, {standing} in Base URL and {port} in Port: keep one.",
            setting=f"{conn_id}: port",
        )
    return urlunsplit(parts)


def _read_timeout_s(conn_id: str, value: Any, default_s: float) -> float:
    if value in (None, ""):
        return default_s
    last = value[-1] if isinstance(value, list) and value else value
    try:
        return float(last)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"The Airflow connection {conn_id!r} has the timeout {value!r}: give seconds, such as 60.",
            setting=f"{conn_id}: timeout",
        ) from error


def _pair(cert: Any) -> str | tuple[str, str] | None:
    # JSON has no pairs: a certificate and its key arrive as a list.
    return (str(cert[0]), str(cert[1])) if isinstance(cert, list | tuple) else cert


def _warn_of_clear_text(conn_id: str, base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        log.warning("The connection %s uses http to another machine: password and data travel in clear text.", conn_id)


def _no_auth(*_credentials: object) -> None:
    """Signing in is the client's business; the provider's session carries no credentials."""
