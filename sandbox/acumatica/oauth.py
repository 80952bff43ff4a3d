"""OAuth 2.0: tokens for a password, for a code, and for a refresh token (docs/api/acumatica.md#oauth)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.consent import PKCE_METHOD, Consents
from sandbox.acumatica.errors import ApiError
from sandbox.exchange import Answer, empty_answer, json_answer

if TYPE_CHECKING:
    from sandbox.acumatica.sessions import Sessions
    from sandbox.acumatica.sign_in import Accounts
    from sandbox.clock import Clock
    from sandbox.exchange import Call
    from sandbox.settings import Settings

CONCURRENT_SCOPE = "api:concurrent_access"
_DAY_S = 86_400
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
        session_key: What its session belongs to: the token alone, or all tokens of one chain of refreshes.
    """

    text: str
    user: str
    tenant: str
    scope: str
    ends_s: float
    session_key: str

    @property
    def is_concurrent(self) -> bool:
        """Whether it may have several sessions, chosen by cookie."""
        return CONCURRENT_SCOPE in self.scope.split()

    @property
    def shares_session(self) -> bool:
        """Whether the tokens that a refresh brings go on with its session."""
        return self.session_key != self.text


@dataclass(slots=True)
class _Refresh:
    """A refresh token: for whom, the chain it belongs to, its end, and when it was used."""

    client: str
    user: str
    tenant: str
    scope: str
    chain: str
    chain_began_s: float
    ends_s: float
    used_s: float | None = None


class OAuth:
    """Answers `/identity/connect/*`."""

    def __init__(self, clock: Clock, settings: Settings, accounts: Accounts, sessions: Sessions) -> None:
        self._clock = clock
        self._settings = settings
        self._accounts = accounts
        self._sessions = sessions
        self._consents = Consents(clock, settings, accounts, self._tenant)
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, _Refresh] = {}

    def authorize(self, call: Call) -> Answer:
        """The page of the authorization code flow, and its form."""
        return self._consents.authorize(call, _SCOPES)

    def token(self, call: Call) -> Answer:
        """The token call: grant types `password`, `authorization_code` and `refresh_token`."""
        form = call.form()
        client, _, suffix = form.get("client_id", "").partition("@")
        known = self._settings["oauth_clients"]
        if client not in known or form.get("client_secret") != known[client]:
            return _refused("invalid_client")
        tenant = self._tenant(suffix)
        if tenant is None:
            return _refused("invalid_grant", "invalid_username_or_password")
        grants = {
            "password": self._by_password,
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
        }
        grant = grants.get(form.get("grant_type", ""))
        return _refused("unsupported_grant_type") if grant is None else grant(form, client, tenant)

    def revoke(self, call: Call) -> Answer:
        """Revocation: the token ends, its seat stays taken."""
        text = call.form().get("token", "")
        self._tokens.pop(text, None)
        self._refresh.pop(text, None)
        return empty_answer(200)

    def discovery(self, base_url: str) -> Answer:
        """The OpenID configuration."""
        identity = f"{base_url}/identity"
        pkce = {"code_challenge_methods_supported": [PKCE_METHOD]} if self._settings["oauth_pkce"] else {}
        return json_answer(
            {
                "issuer": identity,
                "authorization_endpoint": f"{identity}/connect/authorize",
                "token_endpoint": f"{identity}/connect/token",
                "revocation_endpoint": f"{identity}/connect/revocation",
                "scopes_supported": sorted(_SCOPES),
                "grant_types_supported": ["authorization_code", "implicit", "password", "refresh_token", "hybrid"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **pkce,
            }
        )

    def valid(self, text: str) -> Token | None:
        """The token behind a bearer text, while it lives; its sessions end with it unless refreshes go on."""
        token = self._tokens.get(text)
        if token is None:
            return None
        if self._clock.now_s() >= token.ends_s:
            del self._tokens[text]
            if not token.shares_session:
                self._sessions.close_token(text)
            return None
        return token

    def clear(self) -> None:
        """Forget all tokens."""
        self._tokens.clear()
        self._refresh.clear()
        self._consents.clear()

    def _tenant(self, suffix: str) -> str | None:
        tenants: list[str] = self._settings["tenants"]
        if not self._settings["oauth_tenant_suffix"]:
            return tenants[0]
        return next((tenant for tenant in tenants if tenant.casefold() == suffix.casefold()), None)

    def _by_password(self, form: dict[str, str], client: str, tenant: str) -> Answer:
        name = form.get("username", "")
        scope = form.get("scope", "api")
        if not set(scope.split()) <= _SCOPES:
            return _refused("invalid_scope")
        try:
            self._accounts.check(name, form.get("password", ""))
        except ApiError:
            return _refused("invalid_grant", "invalid_username_or_password")
        return self._begun(client, name, tenant, scope)

    def _by_code(self, form: dict[str, str], client: str, tenant: str) -> Answer:
        consent = self._consents.take(form, client)
        if consent is None or consent.tenant != tenant:
            return _refused("invalid_grant")
        return self._begun(client, consent.user, tenant, consent.scope)

    def _by_refresh(self, form: dict[str, str], client: str, _tenant: str) -> Answer:
        text, now_s = form.get("refresh_token", ""), self._clock.now_s()
        former = self._refresh.get(text)
        if former is None or former.client != client:
            return _refused("invalid_grant")
        again_s = float(self._settings["refresh_again_seconds"])
        if now_s >= former.ends_s or (former.used_s is not None and now_s - former.used_s >= again_s):
            del self._refresh[text]
            return _refused("invalid_grant")
        if former.used_s is None:
            former.used_s = now_s
        return self._granted(client, former.user, former.tenant, former.scope, former.chain, former.chain_began_s)

    def _begun(self, client: str, user: str, tenant: str, scope: str) -> Answer:
        """The first tokens of a chain."""
        if not self._settings["users"][user].get("api", True):
            return _refused("invalid_grant", "invalid_username_or_password")
        return self._granted(client, user, tenant, scope, secrets.token_hex(8), self._clock.now_s())

    def _granted(self, client: str, user: str, tenant: str, scope: str, chain: str, chain_began_s: float) -> Answer:
        now_s = self._clock.now_s()
        seconds = self._settings["token_seconds"]
        text = f"eyJ{secrets.token_urlsafe(48)}"
        can_refresh = "offline_access" in scope.split()
        shares = can_refresh and self._settings["refreshed_token_keeps_session"]
        token = Token(text, user, tenant, scope, now_s + seconds, chain if shares else text)
        self._tokens[text] = token
        answer: dict[str, Any] = {"access_token": text, "expires_in": seconds, "token_type": "Bearer", "scope": scope}
        if can_refresh:
            answer["refresh_token"] = secrets.token_urlsafe(32)
            life_s = float(self._settings["refresh_days"]) * _DAY_S
            ends_s = (now_s if self._settings["refresh_slides"] else chain_began_s) + life_s
            self._refresh[answer["refresh_token"]] = _Refresh(client, user, tenant, scope, chain, chain_began_s, ends_s)
        return json_answer(answer, headers=[("Cache-Control", "no-store")])


def _refused(error: str, description: str | None = None) -> Answer:
    body = {"error": error}
    if description is not None:
        body["error_description"] = description
    return json_answer(body, 400)
