"""Finds a connection without Airflow: in the environment first, then where an installed package offers to look."""

from __future__ import annotations

import json
import os
from importlib.metadata import entry_points
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from customer_sync.errors import ConfigError
from customer_sync.settings.connection_fields import ConnectionFields, extra_of, missing_connection, variable_of

GROUP: Final = "customer_sync.connections"
"""Group of the entry points that look for a connection elsewhere: ``(conn_id) -> ConnectionFields | None``."""


def find_connection(conn_id: str) -> ConnectionFields:
    """Find a connection.

    Args:
        conn_id: Its id, such as ``erp_knb``.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    value = os.environ.get(variable_of(conn_id), "").strip()
    if value:
        return read_connection_text(conn_id, value)
    for entry in entry_points(group=GROUP):
        found: ConnectionFields | None = entry.load()(conn_id)
        if found is not None:
            return found
    raise missing_connection(conn_id)


def read_connection_text(conn_id: str, value: str) -> ConnectionFields:
    """Read a connection from one of the two forms that Airflow knows.

    Args:
        conn_id: Its id.
        value: A JSON object, or a URI such as ``type://:token@host/https?field=value``.

    Raises:
        ConfigError: It is neither. The message does not quote it, since it holds secrets.
    """
    try:
        return _from_json(conn_id, value) if value.startswith("{") else _from_uri(conn_id, value)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"The environment variable {variable_of(conn_id)} holds no connection ({type(error).__name__}): write "
            'JSON such as {"conn_type": "...", "host": "https://erp.example.com", "login": "...", '
            '"password": "...", "extra": {}}, or the URI that `airflow connections get` shows.',
            setting=variable_of(conn_id),
        ) from None


def _from_json(conn_id: str, value: str) -> ConnectionFields:
    fields: dict[str, Any] = json.loads(value)
    port = fields.get("port")
    return ConnectionFields(
        conn_id=conn_id,
        conn_type=_type(fields.get("conn_type") or ""),
        host=fields.get("host") or "",
        port=int(port) if port else None,
        login=fields.get("login") or "",
        password=fields.get("password") or "",
        schema=fields.get("schema") or "",
        extra=_extra(conn_id, fields.get("extra")),
    )


def _from_uri(conn_id: str, value: str) -> ConnectionFields:
    conn_type, has_type, rest = value.partition("://")
    if not has_type:
        raise ValueError("no scheme")
    # type://scheme://host…: the host brings its own scheme along.
    protocol, has_protocol, _ = rest.partition("://")
    if has_protocol and ("@" in protocol or ":" in protocol or "/" in protocol or "?" in protocol):
        protocol, has_protocol = "", ""
    parts = urlsplit(rest if has_protocol else f"//{rest}")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = _host(parts)
    return ConnectionFields(
        conn_id=conn_id,
        conn_type=_type(conn_type),
        host=f"{protocol}://{host}" if has_protocol and host else host,
        port=parts.port,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        schema=unquote(parts.path[1:]),
        extra=_extra(conn_id, query.get("__extra__", query)),
    )


def _host(parts: SplitResult) -> str:
    """The host as it was written: ``hostname`` would fold its case, and cuts what is percent-encoded off."""
    after_login = parts.netloc.rpartition("@")[2]
    if after_login.startswith("["):
        return unquote(after_login[: after_login.find("]") + 1])
    return unquote(after_login.partition(":")[0])


def _extra(conn_id: str, extra: Any) -> Any:
    return extra_of(conn_id, json.loads(extra) if isinstance(extra, str) and extra else extra or {})


def _type(conn_type: str) -> str:
    """Airflow names a type with ``_`` where a connection is read from text."""
    return conn_type.replace("-", "_")
