"""What comes before a session: sign-in and sign-out, tokens, discovery, and the few frames a client may meet."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from sandbox.acumatica.contract import endpoints
from sandbox.acumatica.discovery import endpoint_list
from sandbox.acumatica.errors import login_limit, not_found, not_logged_in
from sandbox.acumatica.swagger import swagger_document
from sandbox.acumatica.swagger_2 import as_swagger_2, is_swagger_2
from sandbox.exchange import Answer, html_answer, json_answer

if TYPE_CHECKING:
    from sandbox.acumatica.gate import Gate
    from sandbox.acumatica.oauth import OAuth
    from sandbox.acumatica.sign_in import SignIn
    from sandbox.exchange import Call
    from sandbox.settings import Settings


class Entrance:
    """Answers `/entity`, `/entity/auth/*`, `/identity/*`, `swagger.json` and `/Frames/*`."""

    def __init__(self, settings: Settings, gate: Gate, sign_in: SignIn, oauth: OAuth) -> None:
        self._settings = settings
        self._gate = gate
        self._sign_in = sign_in
        self._oauth = oauth

    def respond(self, call: Call, path: str) -> Answer:
        """Answer one call; `path` has no trailing slash.

        Raises:
            ApiError: No such call, or one that needs a session.
        """
        if path.startswith("/entity/auth/"):
            return self._signed_in_or_out(call, path.removeprefix("/entity/auth"))
        if path.startswith("/identity/"):
            return self._identity(call, path.removeprefix("/identity"))
        if call.method != "GET":
            raise not_found()
        return self._endpoints(call) if path == "/entity" else self._swagger(call, path)

    def frame(self, call: Call, path: str) -> Answer:
        """The page that names the tenant really used, and the one that a refused bearer is sent to.

        Source: docs/api/acumatica.md#tenant and #refusals.

        Raises:
            ApiError: No such page, or nobody is signed in.
        """
        if path == "/Frames/Error.aspx":
            return html_answer(f"<html><body><p>{html.escape(call.query().get('message', ''))}</p></body></html>")
        if path != "/Frames/Login.aspx":
            raise not_found()
        session = self._gate.present_session(call)
        if session is None:
            raise not_logged_in()
        if not self._settings["names_tenant"]:
            return html_answer("<html><body></body></html>")
        tenant = html.escape(session.tenant)
        return html_answer(f'<html><body><input type="hidden" id="txtSingleCompany" value="{tenant}"></body></html>')

    def _signed_in_or_out(self, call: Call, path: str) -> Answer:
        route = (call.method, path)
        if route == ("POST", "/login"):
            if call.effect.startswith("session_limit"):
                return login_limit()
            return self._sign_in.login(call)
        if route == ("POST", "/logout"):
            return self._sign_in.logout(self._gate.present_session(call))
        raise not_found()

    def _identity(self, call: Call, path: str) -> Answer:
        route = (call.method, path)
        if path == "/connect/authorize" and call.method in ("GET", "POST"):
            return self._oauth.authorize(call)
        if route == ("POST", "/connect/token"):
            return self._oauth.token(call)
        if route == ("POST", "/connect/revocation"):
            return self._oauth.revoke(call)
        if route == ("GET", "/.well-known/openid-configuration"):
            return self._oauth.discovery(call.base_url())
        raise not_found()

    def _endpoints(self, call: Call) -> Answer:
        session = self._gate.present_session(call)
        if session is None and "authorization" in call.headers:
            session, _ = self._gate.session_of(call)
        as_array = self._settings["endpoints_as_array"]
        return json_answer(endpoint_list(call.base_url(), is_anonymous=session is None, as_array=as_array))

    def _swagger(self, call: Call, path: str) -> Answer:
        if self._gate.present_session(call) is None and not self._settings["swagger_anonymous"]:
            self._gate.session_of(call)
        parts = path.removeprefix("/entity/").split("/")
        endpoint = endpoints().get((parts[0], parts[1])) if len(parts) == 3 else None  # noqa: PLR2004  # name, version, file
        if endpoint is None:
            raise not_found()
        document = swagger_document(endpoint, call.base_url())
        older = is_swagger_2(endpoint.version, self._settings["document_form"])
        return json_answer(as_swagger_2(document) if older else document)
