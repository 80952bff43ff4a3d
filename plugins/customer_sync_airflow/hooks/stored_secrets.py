"""*Test* sends the stored secrets of a connection only in the way that the stored connection names.

Airflow puts them in for masked ones, and compares host and port alone: proxies, certificates, header fields and the
scheme are taken from the form that the browser, or anybody with its right, has sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from customer_sync.errors import ConfigError
from customer_sync.http.connection import way_of
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync_airflow.connection_test_port_fix import form_under_test

_MASKED: Final = "***"


def refuse_other_way(tried: ConnectionFields, find: Callable[[str], ConnectionFields | None]) -> None:
    """See that a test which may use stored secrets goes the stored way; other tests bring all secrets themselves.

    Args:
        tried: The connection as the form made it.
        find: Reads a stored connection by its id.

    Raises:
        ConfigError: It goes another way.
    """
    body = form_under_test.get()
    if body is None:
        return  # a stored connection is tried as it is
    form = _object(body)
    if form is not None and _brings_all(form, tried):
        return
    stored = find(str((form or {}).get("connection_id", "")))
    if stored is None or (tried.host, tried.port, way_of(tried)) != (stored.host, stored.port, way_of(stored)):
        raise ConfigError(
            "The form names another address, proxy, certificate, check of certificates or header field than the "
            "stored connection, and stored secrets are sent in the stored way only: save the connection first, or "
            "fill in its secrets in the form.",
            setting="extra",
        )


def _brings_all(form: dict[str, Any], tried: ConnectionFields) -> bool:
    """Whether no secret comes from what is stored; the tokens of a consent always do, and are bound to their way."""
    password, extra = form.get("password"), form.get("extra")
    has_password = bool(password) and password != _MASKED
    has_extra = isinstance(extra, str) and _MASKED not in extra
    return has_extra and (has_password or tried.text("auth_style") == "oauth_code")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        form = json.loads(body)
    except ValueError:
        return None
    return form if isinstance(form, dict) else None
