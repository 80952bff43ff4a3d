"""A connection of type *Better B2B* → settings → client. Fields: docs/configuration.md."""

from __future__ import annotations

from typing import Any, Final, Literal, cast

from customer_sync.http.connection import http_settings
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer, Schedule
from customer_sync.http.retry import RetryPolicy
from customer_sync.settings.connection import ConnectionFields
from customer_sync.settings.connector import Connector
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.client import BetterB2BClient
from customer_sync.targets.better_b2b.settings import BetterB2BSettings

OWN_FIELDS: Final = frozenset({"store_hash", "auth_style", "api_prefix"})
"""Fields of ``extra`` that belong to this connection type."""

READ_TIMEOUT_S: Final = 60.0
"""Longest wait for an answer where the connection names none."""

_CONNECTIONS_OF_A_TEST: Final = 2


def open_target(
    connection: ConnectionFields, connector: Connector, *, schedule: Schedule | None = None
) -> BetterB2BTarget:
    """Open a store: :func:`open_client` behind the port.

    Args:
        connection: Address, token and store.
        connector: Gives budget, bulk size, channels and key field.
        schedule: Where turns for requests are reserved when other tasks use the same store.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    return BetterB2BTarget(open_client(connection, connector, schedule=schedule), connector.store)


def open_client(
    connection: ConnectionFields,
    connector: Connector | None = None,
    *,
    retry: RetryPolicy | None = None,
    schedule: Schedule | None = None,
) -> BetterB2BClient:
    """Build the client of one store; nothing is sent yet.

    Args:
        connection: Address, token and store.
        connector: Gives budget, bulk size, channels and key field; without it the client's own defaults hold.
        retry: When the client tries again; its own policy by default.
        schedule: Where turns for requests are reserved when other tasks use the same store.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    at_once = connector.store.concurrency if connector else _CONNECTIONS_OF_A_TEST
    http = http_settings(connection, OWN_FIELDS, read_timeout_s=READ_TIMEOUT_S, max_connections=at_once)
    settings = _settings(connection, connector, http.read_timeout_s)
    pacer = Pacer(settings.requests_per_minute, share=settings.budget_share, schedule=schedule)
    return BetterB2BClient(CurlTransport(http), settings, pacer=pacer, retry=retry)


def _settings(connection: ConnectionFields, connector: Connector | None, read_timeout_s: float) -> BetterB2BSettings:
    auth_style = cast("Literal['x_auth_token', 'authtoken']", connection.text("auth_style", "x_auth_token"))
    if auth_style == "x_auth_token":
        connection.required("store_hash", "Store hash")
    return BetterB2BSettings(
        token=connection.secret("API token"),
        store_hash=connection.text("store_hash"),
        auth_style=auth_style,
        api_prefix=connection.text("api_prefix", "/api/v3/io"),
        read_timeout_s=read_timeout_s,
        **_rules(connector),
    )


def _rules(connector: Connector | None) -> dict[str, Any]:
    if connector is None:
        return {}
    store = connector.store
    return {
        "channel_ids": store.channel_ids,
        "origin_channel_id": store.origin_channel_id,
        "customer_group_id": store.customer_group_id,
        "requests_per_minute": store.requests_per_minute,
        "budget_share": store.share,
        "bulk_size": store.bulk_size,
        "erp_key_field": store.key_field,
    }
