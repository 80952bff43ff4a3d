"""A connection of type *Acumatica* → settings → client. Fields: docs/configuration.md."""

from __future__ import annotations

from typing import Final, Literal, cast

from customer_sync.http.connection import http_settings
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer, Schedule
from customer_sync.http.retry import RetryPolicy
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.session import Seat
from customer_sync.sources.acumatica.settings import AcumaticaSettings
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
        connection: Address, user and tenant.
        connector: Gives the fields, page size and request budget.
        retry: When the client tries again; its own policy by default.
        schedule: Where turns for requests are reserved when other tasks use the same licence.
        seat: Counts the session among those of other tasks.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
    """
    http = http_settings(connection, OWN_FIELDS, read_timeout_s=READ_TIMEOUT_S, max_connections=1)
    settings = AcumaticaSettings(
        username=connection.user("API user"),
        password=connection.secret("Password"),
        tenant=connection.required("tenant", "Tenant"),
        branch=connection.text("branch"),
        locale=connection.text("locale"),
        auth_style=cast("Literal['cookie', 'oauth_password']", connection.text("auth_style", "cookie")),
        client_id=connection.text("client_id"),
        client_secret=connection.text("client_secret"),
        endpoint_name=connection.required("endpoint_name", "Endpoint name"),
        endpoint_version=connection.required("endpoint_version", "Endpoint version"),
        page_size=connector.erp.page_size,
        requests_per_minute=connector.erp.requests_per_minute or 0,
        read_timeout_s=http.read_timeout_s,
    )
    pacer = Pacer(settings.requests_per_minute, share=1.0, burst=1, schedule=schedule)
    return AcumaticaSource(CurlTransport(http), settings, connector, pacer=pacer, retry=retry, seat=seat)
