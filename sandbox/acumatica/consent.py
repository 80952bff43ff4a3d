"""The page on which a person signs in and lets an application act for him (docs/api/acumatica.md#authorization-code).

It answers `/identity/connect/authorize`: GET shows the page, its form comes back by POST, and the browser goes on to
the application's redirect URI with a code that can be exchanged once.
"""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox.acumatica.errors import ApiError
from sandbox.exchange import Answer, html_answer, redirect_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.sign_in import Accounts
    from sandbox.clock import Clock
    from sandbox.exchange import Call
    from sandbox.settings import Settings

PKCE_METHOD = "S256"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person has allowed.

    Attributes:
        client: The application, without its tenant.
        redirect_uri: Where its code was sent.
        user: Who allowed it.
        tenant: In which tenant.
        scope: Scopes, parted by blanks.
        challenge: Challenge of the PKCE method; empty without one.
        ends_s: End of the code's life, sandbox time.
    """

    client: str
    redirect_uri: str
    user: str
    tenant: str
    scope: str
    challenge: str
    ends_s: float


class Consents:
    """Asks people, and gives out codes."""

    def __init__(
        self, clock: Clock, settings: Settings, accounts: Accounts, tenant_of: Callable[[str], str | None]
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._accounts = accounts
        self._tenant_of = tenant_of
        self._given: dict[str, Consent] = {}

    def authorize(self, call: Call, scopes: set[str]) -> Answer:
        """Show the page, or take what came back from it.

        An unknown application or redirect URI is told to the person and never sent on: it may be anybody's address.
        """
        asked = call.query()
        client, _, suffix = asked.get("client_id", "").partition("@")
        tenant = self._tenant_of(suffix)
        redirect_uri = asked.get("redirect_uri", "")
        if client not in self._settings["oauth_clients"] or tenant is None:
            return _page("The client ID is unknown.", status=400)
        if redirect_uri not in self._settings["oauth_redirect_uris"]:
            return _page("The redirect URI is not registered for the application.", status=400)
        form = call.form() if call.method == "POST" else {}
        error = self._fault(asked, scopes) or ("access_denied" if form.get("decision") == "deny" else "")
        if error:
            return _back(redirect_uri, asked, error=error)
        scope = asked.get("scope", "api")
        return self._code(asked, form, tenant) if form else _page("", client, tenant, scope)

    def _fault(self, asked: dict[str, str], scopes: set[str]) -> str:
        if asked.get("response_type") != "code":
            return "unsupported_response_type"
        if not set(asked.get("scope", "api").split()) <= scopes:
            return "invalid_scope"
        return "invalid_request" if self._challenge(asked) and asked.get("code_challenge_method") != PKCE_METHOD else ""

    def _challenge(self, asked: dict[str, str]) -> str:
        return asked.get("code_challenge", "") if self._settings["oauth_pkce"] else ""

    def _code(self, asked: dict[str, str], form: dict[str, str], tenant: str) -> Answer:
        client, scope, user = asked["client_id"].partition("@")[0], asked.get("scope", "api"), form.get("username", "")
        try:
            self._accounts.check(user, form.get("password", ""))
        except ApiError:
            return _page("Invalid credentials. Please try again.", client, tenant, scope)
        code = secrets.token_urlsafe(32)
        ends_s = self._clock.now_s() + float(self._settings["oauth_code_seconds"])
        redirect_uri = asked["redirect_uri"]
        self._given[code] = Consent(client, redirect_uri, user, tenant, scope, self._challenge(asked), ends_s)
        return _back(redirect_uri, asked, code=code)

    def take(self, form: dict[str, str], client: str) -> Consent | None:
        """The consent behind a code, once; nothing when anything about it is not as it was given."""
        consent = self._given.pop(form.get("code", ""), None)
        if consent is None or self._clock.now_s() >= consent.ends_s or consent.client != client:
            return None
        if form.get("redirect_uri") != consent.redirect_uri:
            return None
        if consent.challenge and _challenged(form.get("code_verifier", "")) != consent.challenge:
            return None
        return consent

    def clear(self) -> None:
        """Forget all codes."""
        self._given.clear()


def _challenged(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _back(redirect_uri: str, asked: dict[str, str], **values: str) -> Answer:
    query = urlencode({**values, **({"state": asked["state"]} if asked.get("state") else {})})
    return redirect_answer(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}")


def _page(message: str, client: str = "", tenant: str = "", scope: str = "", status: int = 200) -> Answer:
    told = f"<p><b>{html.escape(message)}</b></p>" if message else ""
    form = (
        f"<p>Application {html.escape(client)} asks for: {html.escape(scope)}, in tenant {html.escape(tenant)}.</p>"
        '<form method="post"><input name="username" placeholder="user"> '
        '<input name="password" type="password" placeholder="password"> '
        '<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>'
    )
    body = f"<h1>Sign in</h1>{told}{form if client else ''}"
    return html_answer(f"<!doctype html><html><head><title>Sign in</title></head><body>{body}</body></html>", status)
