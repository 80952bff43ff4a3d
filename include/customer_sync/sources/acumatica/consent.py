"""The first consent of the authorization code flow (docs/api/acumatica.md#authorization-code)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import urlencode

import msgspec

from customer_sync.errors import ConfigError, ContractError
from customer_sync.http.connection import way_of
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpRequest
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector
from customer_sync.settings.kept_tokens import TokenStore
from customer_sync.sources.acumatica.connection import acumatica_http, acumatica_settings, open_source
from customer_sync.sources.acumatica.oauth import (
    AUTHORIZE_PATH,
    DISCOVERY_PATH,
    SCOPE,
    read_granted,
    token_owner,
    token_request,
)
from customer_sync.sources.acumatica.settings import SYSTEM

_OK = 200
_METHOD = "S256"
_TIMEOUT_S = 60.0
_RETRY = RetryPolicy(attempts=2, total_s=30.0)


class AcumaticaConsent:
    """Asks for a person's consent; see :class:`~customer_sync.settings.consent.Consent`.

    Args:
        connection: Site and application.
        tokens: Where the tokens are kept.
    """

    def __init__(self, connection: ConnectionFields, tokens: TokenStore) -> None:
        self._connection = connection
        self._tokens = tokens
        self._http = acumatica_http(connection)
        self._settings = acumatica_settings(connection, read_timeout_s=_TIMEOUT_S)
        self._transport = CurlTransport(self._http)
        self._verifier = ""

    def address(self, redirect_uri: str, state: str) -> str:
        """The address that the person opens."""
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
        }
        if self._checks_pkce():
            self._verifier = secrets.token_urlsafe(48)
            digest = hashlib.sha256(self._verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            asked |= {"code_challenge": challenge, "code_challenge_method": _METHOD}
        return f"{self._http.base_url.rstrip('/')}{AUTHORIZE_PATH}?{urlencode(asked)}"

    def finish(self, redirect_uri: str, code: str) -> str:
        """Exchange the code, keep the tokens, and see what they open."""
        form = {"code": code, "redirect_uri": redirect_uri}
        if self._verifier:
            form["code_verifier"] = self._verifier
        request = token_request(self._settings, "authorization_code", **form)
        answer = self._transport.send(request)
        granted = read_granted(request, answer, wait_s=0.0, has_password=False)
        if not granted.refresh:
            raise ContractError(
                f"{SYSTEM} gave no refresh token, so a person would be needed every hour: allow the scope "
                "offline_access to the connected application on its screen (SM303010).",
                system=SYSTEM,
                operation=request.operation,
            )
        owner = token_owner(self._http.base_url, self._settings.client_id, way_of(self._connection))
        self._tokens.replace(owner, granted.tokens(), self._connection.conn_id)
        self._transport.close()
        with open_source(self._connection, Connector(id="login"), retry=_RETRY) as erp:
            info = erp.check_endpoint()
        return f"the endpoint {info.name}/{info.version} in the tenant {self._settings.client_tenant}"

    def _checks_pkce(self) -> bool:
        """Whether the site says that it checks PKCE; one that does not may refuse what it does not know."""
        answer = self._transport.send(HttpRequest("GET", DISCOVERY_PATH, system=SYSTEM, read_timeout_s=_TIMEOUT_S))
        try:
            said = msgspec.json.decode(answer.body) if answer.status == _OK else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = None
        methods = said.get("code_challenge_methods_supported") if isinstance(said, dict) else None
        return isinstance(methods, list) and _METHOD in methods


def ask_for_consent(connection: ConnectionFields) -> AcumaticaConsent:
    """Begin to ask; nothing is sent yet.

    Args:
        connection: The connection, with the place where its tokens are kept.

    Raises:
        ConfigError: A field of it is missing or wrong, or it signs in in another way.
    """
    if connection.text("auth_style") != "oauth_code":
        raise ConfigError(
            f"The connection {connection.conn_id!r} needs no consent: it signs in by auth_style "
            f"'{connection.text('auth_style', 'cookie')}'. Set auth_style to oauth_code, with client_id and "
            "client_secret.",
            setting=f"{connection.conn_id}: auth_style",
        )
    if connection.tokens is None:
        raise ConfigError("Tokens are kept in the ledger, and there is none here.")
    return AcumaticaConsent(connection, connection.tokens)
