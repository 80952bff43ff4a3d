"""Tokens of the ERP: the requests that bring them, and what the answers mean (docs/api/acumatica.md#oauth)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from customer_sync.errors import AuthenticationFailed, SyncError
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.machine import machine
from customer_sync.settings.kept_tokens import Tokens
from customer_sync.sources.acumatica.answers import classify, classify_sign_in
from customer_sync.sources.acumatica.pages import decode_json, does_not_fit
from customer_sync.sources.acumatica.settings import SYSTEM, AcumaticaSettings

TOKEN_PATH: Final = "/identity/connect/token"  # noqa: S105 - a path
AUTHORIZE_PATH: Final = "/identity/connect/authorize"
DISCOVERY_PATH: Final = "/identity/.well-known/openid-configuration"
SCOPE: Final = "api offline_access"
"""What is asked for where tokens are refreshed."""

# Renewed a little early, so that a token does not end between two requests.
_MARGIN_S: Final = 60.0
_LIFE_S: Final = 3_600.0
_USUAL_PORTS: Final = {"http": 80, "https": 443}
_BAD_REQUEST: Final = 400
# No token endpoint is there: another host, another path, http instead of https.
_ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308, 404, 405})

_REFUSALS: Final = {
    "invalid_grant": "The consent has ended or was revoked, or its refresh token was used up elsewhere: run "
    "`customer-sync login` with the id of this connection. Runs go on from where they were.",
    "invalid_client": "Correct client_id and client_secret in the Airflow connection; a secret may have expired.",
    "unauthorized_client": "Give the connected application the flow 'Authorization Code' on its screen (SM303010).",
}


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token call brought.

    Attributes:
        access: The bearer. Not shown in ``repr``.
        usable_s: For how many seconds to use it.
        refresh: The refresh token, ``""`` where none was asked for. Not shown in ``repr``.
    """

    access: str = field(repr=False)
    usable_s: float
    refresh: str = field(default="", repr=False)

    def tokens(self) -> Tokens:
        """The same with the moment at which to renew it."""
        return Tokens(self.access, self.refresh, machine().utc_now() + timedelta(seconds=self.usable_s))


def token_owner(base_url: str, client_id: str, way: Mapping[str, Any]) -> str:
    """Whose tokens they are: of one application at one site, reached in one way. They are never sent elsewhere.

    Args:
        base_url: The site.
        client_id: The application.
        way: What the connection says of proxies and certificates, so that no other connection leads the tokens through
            a proxy, or to an unproven server, that this one does not name.
    """
    parts = urlsplit(base_url)
    port = parts.port or _USUAL_PORTS.get(parts.scheme)
    site = f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/').casefold()}"
    said = f" {json.dumps(way, sort_keys=True, default=str)}" if way else ""
    return hashlib.sha256(f"{site} {client_id.casefold()}{said}".encode()).hexdigest()


def token_request(settings: AcumaticaSettings, grant_type: str, **form: str) -> HttpRequest:
    """Build the token call of one grant.

    Args:
        settings: Hold the application's id and secret.
        grant_type: ``password``, ``authorization_code`` or ``refresh_token``.
        **form: What the grant needs besides.
    """
    whole = {
        "grant_type": grant_type,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        **form,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    body, timeout_s = urlencode(whole).encode(), settings.read_timeout_s
    return HttpRequest("POST", TOKEN_PATH, headers=headers, body=body, system=SYSTEM, read_timeout_s=timeout_s)


def read_granted(request: HttpRequest, answer: HttpResponse, *, wait_s: float, has_password: bool) -> Granted:
    """Read the answer to a token call.

    Args:
        request: The call.
        answer: What came back.
        wait_s: Shortest wait before asking for a seat again, in seconds.
        has_password: Whether a password was sent, which must not be sent again when it was refused.

    Raises:
        SyncError: What the answer means instead.
    """
    error = classify_sign_in(request, answer, wait_s) if has_password else _classify(request, answer, wait_s)
    if error:
        raise error
    body = decode_json(request, answer)
    fields = body if isinstance(body, dict) else {}
    access, refresh, life_s = (fields.get(name) for name in ("access_token", "refresh_token", "expires_in"))
    if not isinstance(access, str) or not access:
        raise does_not_fit(request, answer, "no access_token")
    usable_s = life_s if isinstance(life_s, int | float) and life_s > 0 else _LIFE_S
    kept = refresh if isinstance(refresh, str) else ""
    return Granted(access, max(usable_s - _MARGIN_S, usable_s / 2), kept)


def _classify(request: HttpRequest, answer: HttpResponse, wait_s: float) -> SyncError | None:
    """What the answer to a token call without a password means; such a call may be repeated."""
    if answer.status == _BAD_REQUEST:
        body = decode_json(request, answer)
        code = body.get("error") if isinstance(body, dict) else None
        remedy = _REFUSALS.get(str(code), "Check the connected application on its screen (SM303010).")
        return AuthenticationFailed(
            f"{SYSTEM} gave no token ({str(code)[:60]}). {remedy}",
            system=SYSTEM,
            operation=request.operation,
            status=answer.status,
        )
    if answer.status in _ELSEWHERE:
        return classify_sign_in(request, answer, wait_s)
    return classify(request, answer, wait_s)
