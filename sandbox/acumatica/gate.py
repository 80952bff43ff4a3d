"""Who a call comes from: cookie, bearer token, or nobody (docs/api/acumatica.md#cookie-sign-in, #oauth and #limits)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.acumatica.errors import ApiError, login_limit_redirect, not_logged_in, plain_429
from sandbox.acumatica.sessions import SeatsTakenError, Session, Sessions
from sandbox.acumatica.sign_in import SESSION_COOKIE

if TYPE_CHECKING:
    from sandbox.acumatica.oauth import OAuth, Token
    from sandbox.exchange import Answer, Call
    from sandbox.settings import Settings


class Gate:
    """Finds or opens the session of a call."""

    def __init__(self, sessions: Sessions, oauth: OAuth, settings: Settings) -> None:
        self._sessions = sessions
        self._oauth = oauth
        self._settings = settings

    def session_of(self, call: Call) -> tuple[Session, bool]:
        """The call's session, and whether it was opened for this call.

        Raises:
            ApiError: 401 without a valid cookie or token; the licence's refusal when no seat is free.
        """
        bearer = _bearer(call)
        if bearer is None:
            session = self._sessions.of_cookie(call.cookies().get(SESSION_COOKIE, ""))
            if session is None or session.kind == "concurrent":
                raise not_logged_in()
            return session, False
        token = self._oauth.valid(bearer)
        if token is None:
            raise not_logged_in()
        existing = self._existing(call, token)
        if existing is not None:
            return existing, False
        kind = "concurrent" if token.is_concurrent else "token"
        try:
            return self._sessions.open(token.user, token.tenant, kind=kind, token=token.session_key), True
        except SeatsTakenError:
            raise ApiError(self._refusal()) from None

    def present_session(self, call: Call) -> Session | None:
        """The open session of a call, if there is one; none is opened."""
        bearer = _bearer(call)
        if bearer is None:
            return self._sessions.of_cookie(call.cookies().get(SESSION_COOKIE, ""))
        token = self._oauth.valid(bearer)
        return self._existing(call, token) if token is not None else None

    def _existing(self, call: Call, token: Token) -> Session | None:
        if not token.is_concurrent:
            return self._sessions.of_token(token.session_key)
        session = self._sessions.of_cookie(call.cookies().get(SESSION_COOKIE, ""))
        return session if session is not None and session.token == token.session_key else None

    def _refusal(self) -> Answer:
        return plain_429() if self._settings["session_limit_style"] == "plain_429" else login_limit_redirect()


def _bearer(call: Call) -> str | None:
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None
