"""A connection of type *Better B2B* → settings → client. Fields: docs/configuration.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, cast

from customer_sync.http.connection import http_settings
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer, Schedule
from customer_sync.http.retry import RetryPolicy
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector
from customer_sync.settings.system_rules import StoreRules
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings
from customer_sync.targets.better_b2b.shoppers import CORE_HOSTS

OWN_FIELDS: Final = frozenset({"store_hash", "auth_style", "api_prefix"})
"""Fields of ``extra`` that belong to this connection type."""

READ_TIMEOUT_S: Final = 60.0
"""Longest wait for an answer where the connection names none."""

_CONNECTIONS_OF_A_TEST: Final = 2


def open_target(
    connection: ConnectionFields,
    connector: Connector | None = None,
    *,
    retry: RetryPolicy | None = None,
    schedule: Schedule | None = None,
) -> BetterB2BTarget:
    """Build the target of one store; nothing is sent yet.

    Args:
        connection: Address, token and store.
        connector: Gives budget, bulk size, channels and key field; without it their defaults hold.
        retry: When the client tries again; its own policy by default.
        schedule: Where turns for requests are reserved when other tasks use the same store.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    at_once = connector.store.concurrency if connector else _CONNECTIONS_OF_A_TEST
    http = http_settings(connection, OWN_FIELDS, read_timeout_s=READ_TIMEOUT_S, max_connections=at_once)
    auth_style = cast("Literal['x_auth_token', 'authtoken']", connection.text("auth_style", "x_auth_token"))
    if auth_style == "x_auth_token":
        connection.required("store_hash", "Store hash")
    rules = connector.store if connector else StoreRules()
    settings = BetterB2BSettings(
        token=connection.secret("API token"),
        store_hash=connection.text("store_hash"),
        auth_style=auth_style,
        api_prefix=connection.text("api_prefix", "/api/v3/io"),
        address=http.base_url,
        rules=rules,
        read_timeout_s=http.read_timeout_s,
        # Whoever waits less for an answer does not make the store work less.
        longest_work_s=max(http.read_timeout_s, READ_TIMEOUT_S),
    )
    pacer = Pacer(rules.requests_per_minute, share=rules.share, schedule=schedule)
    target = BetterB2BTarget(CurlTransport(http), settings, pacer=pacer, retry=retry)
    core = CORE_HOSTS.get(http.base_url.rstrip("/"))
    if core is not None:
        target.core_transport = CurlTransport(replace(http, base_url=core))
    return target
