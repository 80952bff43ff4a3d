"""OAuth 2.0 with the resource owner's password (docs/api/acumatica.md#oauth)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.acumatica.errors import ApiError
from sandbox.exchange import Answer, empty_answer, json_answer

if TYPE_CHECKING:
    from sandbox.acumatica.sessions import Sessions
    from sandbox.acumatica.sign_in import Accounts
    from sandbox.clock import Clock
    from sandbox.exchange import Call
    from sandbox.settings import Settings

CONCURRENT_SCOPE = "api:concurrent_access"
_REFRESH_DAYS = 30
_SCOPES = {"api", CONCURRENT_SCOPE, "offline_access"}


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    Attributes:
        text: The bearer text.
        user: User it acts for.
        tenant: Tenant it works in.
        scope: Scopes, parted by blanks.
        ends_s: End of its life, sandbox time.
    """

    text: str
    user: str
    tenant: str
    scope: str
    ends_s: float

    @property
    def is_concurrent(self) -> bool:
        """Whether it may have several sessions, chosen by cookie."""
        return CONCURRENT_SCOPE in self.scope.split()


class OAuth:
    """Answers `/identity/connect/*`."""

    def __init__(self, clock: Clock, settings: Settings, accounts: Accounts, sessions: Sessions) -> None:
        self._clock = clock
        self._settings = settings
        self._accounts = accounts
        self._sessions = sessions
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}

    def token(self, call: Call) -> Answer:
        """The token call: grant types `password` and `refresh_token`."""
        form = call.form()
        client, _, suffix = form.get("client_id", "").partition("@")
        known = self._settings["oauth_clients"]
        if client not in known or form.get("client_secret") != known[client]:
            return _refused("invalid_client")
        tenant = self._tenant(suffix)
        if tenant is None:
            return _refused("invalid_grant", "invalid_username_or_password")
        if form.get("grant_type") == "password":
            return self._by_password(form, tenant)
        if form.get("grant_type") == "refresh_token":
            return self._by_refresh(form)
        return _refused("unsupported_grant_type")

    def revoke(self, call: Call) -> Answer:
        """Revocation: the token ends, its seat stays taken."""
        text = call.form().get("token", "")
        self._tokens.pop(text, None)
        self._refresh.pop(text, None)
        return empty_answer(200)

    def discovery(self, base_url: str) -> Answer:
        """The OpenID configuration."""
        identity = f"{base_url}/identity"
        return json_answer(
            {
                "issuer": identity,
                "authorization_endpoint": f"{identity}/connect/authorize",
                "token_endpoint": f"{identity}/connect/token",
                "revocation_endpoint": f"{identity}/connect/revocation",
                "scopes_supported": sorted(_SCOPES),
                "grant_types_supported": ["authorization_code", "implicit", "password", "refresh_token", "hybrid"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    def valid(self, text: str) -> Token | None:
        """The token behind a bearer text, while it lives; its sessions end with it."""
        token = self._tokens.get(text)
        if token is None:
            return None
        if self._clock.now_s() >= token.ends_s:
            del self._tokens[text]
            self._sessions.close_token(text)
            return None
        return token

    def clear(self) -> None:
        """Forget all tokens."""
        self._tokens.clear()
        self._refresh.clear()

    def _tenant(self, suffix: str) -> str | None:
        tenants: list[str] = self._settings["tenants"]
        if not self._settings["oauth_tenant_suffix"]:
            return tenants[0]
        return next((tenant for tenant in tenants if tenant.casefold() == suffix.casefold()), None)

    def _by_password(self, form: dict[str, str], tenant: str) -> Answer:
        name = form.get("username", "")
        scope = form.get("scope", "api")
        if not set(scope.split()) <= _SCOPES:
            return _refused("invalid_scope")
        try:
            self._accounts.check(name, form.get("password", ""))
        except ApiError:
            return _refused("invalid_grant", "invalid_username_or_password")
        if not self._settings["users"][name].get("api", True):
            return _refused("invalid_grant", "invalid_username_or_password")
        return self._granted(name, tenant, scope)

    def _by_refresh(self, form: dict[str, str]) -> Answer:
        former = self._refresh.pop(form.get("refresh_token", ""), None)
        if former is None or self._clock.now_s() >= former.ends_s:
            return _refused("invalid_grant")
        return self._granted(former.user, former.tenant, former.scope)

    def _granted(self, user: str, tenant: str, scope: str) -> Answer:
        now_s = self._clock.now_s()
        seconds = self._settings["token_seconds"]
        token = Token(f"eyJ{secrets.token_urlsafe(48)}", user, tenant, scope, now_s + seconds)
        self._tokens[token.text] = token
        answer = {"access_token": token.text, "expires_in": seconds, "token_type": "Bearer", "scope": scope}
        if "offline_access" in scope.split():
            answer["refresh_token"] = secrets.token_urlsafe(32)
            ends_s = now_s + _REFRESH_DAYS * 86_400
            self._refresh[str(answer["refresh_token"])] = Token(token.text, user, tenant, scope, ends_s)
        return json_answer(answer, headers=[("Cache-Control", "no-store")])


def _refused(error: str, description: str | None = None) -> Answer:
    body = {"error": error}
    if description is not None:
        body["error_description"] = description
    return json_answer(body, 400)
