"""The address, TLS, proxies, time-out and headers that a connection names, as settings of the transport.

Fields of ``extra`` mean what they mean to apache-airflow-providers-http, so that a connection reads the same
with Airflow (where that provider's hook reads it first) and without.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests

from customer_sync.errors import ConfigError
from customer_sync.http.transport import HttpSettings
from customer_sync.settings.connection_fields import ConnectionFields

log = logging.getLogger(__name__)

TRANSPORT_FIELDS: Final = frozenset(
    {
        *("stream", "cert", "proxies", "proxy", "timeout", "verify", "verify_ssl", "allow_redirects", "max_redirects"),
        *("trust_env", "check_response", "srv_lookup", "headers"),
    }
)
"""Fields of ``extra`` that the HTTP provider itself understands, and ``headers``, which we unfold."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def http_settings(
    connection: ConnectionFields, own_fields: frozenset[str], *, read_timeout_s: float, max_connections: int = 8
) -> HttpSettings:
    """Read what a connection says of the way to its server.

    Args:
        connection: The connection.
        own_fields: Names in ``extra`` that belong to the connection type.
        read_timeout_s: Longest wait for an answer in seconds, where the connection names none.
        max_connections: Connections kept open at the same time.

    Raises:
        ConfigError: A value cannot be used; the message names the connection, the field and the remedy.
    """
    if not connection.host.strip():
        raise connection.lacks("Base URL", "host")
    _refuse_misspelt(connection, own_fields)
    base_url = _base_url(connection)
    verify, cert, proxies = _surroundings(base_url, connection.extra)
    _warn_of_clear_text(connection.conn_id, base_url)
    return HttpSettings(
        base_url=base_url,
        verify=verify,
        cert=cert,
        proxies=proxies,
        headers=_headers(connection.extra),
        read_timeout_s=_read_timeout_s(connection, read_timeout_s),
        max_connections=max_connections,
    )


_OF_THE_WAY: Final = ("verify", "cert", "proxies", "trust_env", "srv_lookup")
_OTHER_NAMES: Final = {"verify": "verify_ssl", "proxies": "proxy"}
_USUAL: Final = {"verify": True, "trust_env": True}


def way_of(connection: ConnectionFields) -> dict[str, Any]:
    """What a connection itself says of the way that its secrets take beside the address; ``{}`` where it says nothing.

    Proxies, certificates and header fields, without those that the machine prescribes and without defaults.
    """
    said = {name: connection.extra.get(name, connection.extra.get(_OTHER_NAMES.get(name, ""))) for name in _OF_THE_WAY}
    said["headers"] = {name.casefold(): value for name, value in _headers(connection.extra).items()}
    kept = {name: value for name, value in said.items() if value not in (None, "", [], {})}
    return {name: value for name, value in kept.items() if value is not _USUAL.get(name)}


def is_header_name(name: str) -> bool:
    """Whether a name in ``extra`` is meant as a header field: those have a ``-``, ours never do."""
    return "-" in name


def _refuse_misspelt(connection: ConnectionFields, own_fields: frozenset[str]) -> None:
    """A name in ``extra`` that is neither ours nor a header is most likely misspelt."""
    unknown = sorted(set(connection.extra) - own_fields - TRANSPORT_FIELDS)
    misspelt = [name for name in unknown if not is_header_name(name)]
    if misspelt:
        raise ConfigError(
            f"The Airflow connection {connection.conn_id!r} has unknown fields in extra: {', '.join(misspelt)}. Known "
            f"are {', '.join(sorted(own_fields | TRANSPORT_FIELDS))}, and header names such as X-Forwarded-For.",
            setting=f"{connection.conn_id}: extra",
        )


def _base_url(connection: ConnectionFields) -> str:
    host = connection.host.strip()
    base_url = host if "://" in host else f"{connection.schema or 'http'}://{host}"
    if not connection.port:
        return base_url
    parts = urlsplit(base_url)
    try:
        present = parts.port
    except ValueError as error:
        raise ConfigError(
            f"The host of the Airflow connection {connection.conn_id!r} holds a wrong port: {error}."
        ) from error
    if present is None:
        return urlunsplit(parts._replace(netloc=f"{parts.netloc}:{connection.port}"))
    if present != connection.port:
        raise ConfigError(
            f"The Airflow connection {connection.conn_id!r} names two ports, {present} in Base URL and "
            f"{connection.port} in Port: keep one.",
            setting=f"{connection.conn_id}: port",
        )
    return base_url


def _surroundings(
    base_url: str, extra: Mapping[str, Any]
) -> tuple[bool | str, str | tuple[str, str] | None, dict[str, str]]:
    """TLS and proxies: the connection's, else those that the machine prescribes."""
    with requests.Session() as session:
        session.trust_env = bool(extra.get("trust_env", True))
        verify = extra.get("verify", extra.get("verify_ssl", True))
        proxies = extra.get("proxies", extra.get("proxy")) or {}
        merged = session.merge_environment_settings(base_url, dict(proxies), False, verify, extra.get("cert"))  # noqa: FBT003 - requests' signature
    return (
        True if merged["verify"] is None else merged["verify"],
        _pair(merged["cert"]),
        {scheme: str(proxy) for scheme, proxy in merged["proxies"].items() if proxy},
    )


def _pair(cert: Any) -> str | tuple[str, str] | None:
    # JSON has no pairs: a certificate and its key arrive as a list.
    return (str(cert[0]), str(cert[1])) if isinstance(cert, list | tuple) else cert


def _headers(extra: Mapping[str, Any]) -> dict[str, str]:
    nested = extra.get("headers")
    named = {name: value for name, value in extra.items() if is_header_name(name)}
    return {str(name): str(value) for name, value in (named | (nested if isinstance(nested, dict) else {})).items()}


def _read_timeout_s(connection: ConnectionFields, default_s: float) -> float:
    value = connection.extra.get("timeout")
    if value in (None, ""):
        return default_s
    last = value[-1] if isinstance(value, list) and value else value
    try:
        return float(last)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"The Airflow connection {connection.conn_id!r} has the timeout {value!r}: give seconds, such as 60.",
            setting=f"{connection.conn_id}: timeout",
        ) from error


def _warn_of_clear_text(conn_id: str, base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        log.warning("The connection %s uses http to another machine: password and data travel in clear text.", conn_id)
