"""A connection of type *Acumatica* → settings → client. Fields: docs/configuration.md."""

from __future__ import annotations

from functools import partial
from typing import Final, cast

from customer_sync.http.connection import http_settings, way_of
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer, Schedule
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpSettings
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.oauth import token_owner
from customer_sync.sources.acumatica.session import Seat
from customer_sync.sources.acumatica.settings import AcumaticaSettings, AuthStyle
from customer_sync.sources.acumatica.source import AcumaticaSource

OWN_FIELDS: Final = frozenset(
    {"tenant", "endpoint_name", "endpoint_version", "branch", "locale", "auth_style", "client_id", "client_secret"}
)
"""Fields of ``extra`` that belong to this connection type."""

READ_TIMEOUT_S: Final = 630.0
"""Longest wait for an answer where the connection names none: the server itself queues a request for up to ten
minutes without a word (docs/api/acumatica.md#queue)."""


def open_source(
    connection: ConnectionFields,
    connector: Connector,
    *,
    retry: RetryPolicy | None = None,
    schedule: Schedule | None = None,
    seat: Seat | None = None,
) -> AcumaticaSource:
    """Open one tenant; it is signed in to at the first request.

    Use it in a ``with`` block: leaving the block signs out and frees the seat, on failure and on cancel as well.

    Args:
        connection: Address, user, and the tenant where the site has several.
        connector: Gives the fields, page size and request budget.
        retry: When the client tries again; its own policy by default.
        schedule: Where turns for requests are reserved when other tasks use the same licence.
        seat: Counts the session among those of other tasks.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    http = acumatica_http(connection)
    settings = acumatica_settings(
        connection,
        page_size=connector.erp.page_size,
        requests_per_minute=connector.erp.requests_per_minute or 0,
        read_timeout_s=http.read_timeout_s,
    )
    pacer = Pacer(settings.requests_per_minute, share=1.0, burst=1, schedule=schedule)
    kept = connection.tokens
    owner = token_owner(http.base_url, settings.client_id, way_of(connection))
    tokens = partial(kept.current, owner) if kept is not None else None
    return AcumaticaSource(CurlTransport(http), settings, connector, pacer=pacer, retry=retry, seat=seat, tokens=tokens)


def acumatica_http(connection: ConnectionFields) -> HttpSettings:
    """Read the way to the site.

    Args:
        connection: The connection.

    Raises:
        ConfigError: A field of it is missing or wrong.
    """
    return http_settings(connection, OWN_FIELDS, read_timeout_s=READ_TIMEOUT_S, max_connections=1)


def acumatica_settings(connection: ConnectionFields, **limits: float) -> AcumaticaSettings:
    """Read the credentials and the endpoint.

    Args:
        connection: The connection.
        **limits: Settings that it does not hold.

    Raises:
        ConfigError: A field of it is missing or wrong.
    """
    auth_style = cast("AuthStyle", connection.text("auth_style", "cookie"))
    has_user = auth_style != "oauth_code"
    return AcumaticaSettings(
        username=connection.user("API user") if has_user else "",
        password=connection.secret("Password") if has_user else "",
        tenant=connection.text("tenant"),
        branch=connection.text("branch"),
        locale=connection.text("locale"),
        auth_style=auth_style,
        client_id=connection.text("client_id"),
        client_secret=connection.text("client_secret"),
        endpoint_name=connection.required("endpoint_name", "Endpoint name"),
        endpoint_version=connection.required("endpoint_version", "Endpoint version"),
        **limits,  # type: ignore[arg-type] # the settings check them
    )
