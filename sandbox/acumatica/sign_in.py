"""Sign-in and sign-out with a cookie session, and the accounts behind them (docs/api/acumatica.md#cookie-sign-in)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from sandbox.acumatica.errors import (
    bad_request,
    invalid_credentials,
    locked_account,
    login_limit,
    plain_429,
    undefined_company,
)
from sandbox.acumatica.sessions import SeatsTakenError
from sandbox.exchange import Answer, empty_answer

if TYPE_CHECKING:
    from sandbox.acumatica.sessions import Session, Sessions
    from sandbox.clock import Clock
    from sandbox.exchange import Call
    from sandbox.settings import Settings

SESSION_COOKIE = "ASP.NET_SessionId"
TICKET_COOKIE = ".ASPXAUTH"
_BRANCH = 1


class Accounts:
    """Users with their passwords, and how often somebody guessed wrong."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._failures: dict[str, int] = {}
        self._locked_at_s: dict[str, float] = {}

    def check(self, name: str, password: str) -> None:
        """Pass when name and password belong together.

        Raises:
            ApiError: They do not, or the account is locked.
        """
        if self._is_locked(name):
            raise locked_account()
        user = self._settings["users"].get(name)
        if user is not None and user["password"] == password:
            self._failures.pop(name, None)
            return
        self._count_failure(name)
        raise invalid_credentials()

    def tenant(self, asked: str | None) -> str:
        """The tenant that a sign-in leads to.

        Raises:
            ApiError: The site has several tenants, and not this one.
        """
        tenants: list[str] = self._settings["tenants"]
        if self._settings["lands_in_tenant"]:
            return str(self._settings["lands_in_tenant"])
        if not asked or len(tenants) == 1:
            return tenants[0]
        for tenant in tenants:
            if tenant.casefold() == asked.casefold():
                return tenant
        raise undefined_company()

    def clear(self) -> None:
        """Forget failures and locks."""
        self._failures.clear()
        self._locked_at_s.clear()

    def _is_locked(self, name: str) -> bool:
        since_s = self._locked_at_s.get(name)
        if since_s is None:
            return False
        minutes = self._settings["lock_minutes"]
        if minutes and self._clock.now_s() - since_s >= minutes * 60:
            del self._locked_at_s[name]
            self._failures.pop(name, None)
            return False
        return True

    def _count_failure(self, name: str) -> None:
        if name not in self._settings["users"]:
            return
        self._failures[name] = self._failures.get(name, 0) + 1
        limit = self._settings["lock_after_failures"]
        if limit and self._failures[name] >= limit:
            self._locked_at_s[name] = self._clock.now_s()


class SignIn:
    """Answers `/entity/auth/login` and `/entity/auth/logout`."""

    def __init__(self, accounts: Accounts, sessions: Sessions, settings: Settings) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._settings = settings

    def login(self, call: Call) -> Answer:
        """Open a cookie session.

        Raises:
            ApiError: Wrong credentials, locked account, unknown tenant, unreadable body.
        """
        order = _credentials(call)
        name, password = order.get("name"), order.get("password")
        if not isinstance(name, str) or not isinstance(password, str):
            raise invalid_credentials()
        asked = order.get("tenant") or order.get("company")
        tenant = self._accounts.tenant(asked if isinstance(asked, str) else None)
        self._accounts.check(name, password)
        former = self._sessions.of_cookie(call.cookies().get(SESSION_COOKIE, ""))
        if former is not None:
            self._sessions.close(former)  # signing in again in the same web session keeps one seat
        try:
            session = self._sessions.open(name, tenant)
        except SeatsTakenError:
            return self.refusal()
        call.notes["session"] = session.id[:6]
        return empty_answer(204, _cookies(session, order, call.scheme == "https"))

    def refusal(self) -> Answer:
        """What a sign-in gets when no seat is free."""
        return plain_429() if self._settings["session_limit_style"] == "plain_429" else login_limit()

    def logout(self, session: Session | None) -> Answer:
        """Close a session; without one it is 204 all the same."""
        if session is not None:
            self._sessions.close(session)
        gone = "; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT"
        return empty_answer(204, [("Set-Cookie", f"{name}={gone}") for name in (SESSION_COOKIE, TICKET_COOKIE)])


def renewed_cookies(call: Call, spent_ms: float, now_s: float) -> list[tuple[str, str]]:
    """The cookies that every answer renews: `Locale`, `UserBranch`, `requestid`, `requeststat`."""
    sent = call.cookies()
    ticks = int((now_s + 62_135_596_800) * 10_000_000)
    stat = quote(f"+st:{spent_ms:.0f}+sc:~{call.path}+start:{ticks}+tg:", safe="+:~/")
    return [
        ("Set-Cookie", f"Locale={sent.get('Locale') or _locale('en-US')}; path=/"),
        ("Set-Cookie", f"UserBranch={sent.get('UserBranch') or _BRANCH}; path=/"),
        ("Set-Cookie", f"requestid={secrets.token_hex(16).upper()}; path=/"),
        ("Set-Cookie", f"requeststat={stat}; path=/"),
    ]


def session_cookie(session: Session) -> tuple[str, str]:
    """The cookie that names a session."""
    return ("Set-Cookie", f"{SESSION_COOKIE}={session.id}; path=/; HttpOnly; SameSite=Lax")


def _cookies(session: Session, order: dict[str, Any], is_secure: bool) -> list[tuple[str, str]]:  # noqa: FBT001  # private
    # On plain http Secure is left off (and with it SameSite=None), so that clients send the ticket back
    # (docs/api/acumatica.md#statement-1).
    flags = "; path=/; Secure; HttpOnly; SameSite=None" if is_secure else "; path=/; HttpOnly"
    culture = order.get("locale") if isinstance(order.get("locale"), str) else "en-US"
    once = [
        ("Set-Cookie", f"{TICKET_COOKIE}={session.ticket}{flags}"),
        session_cookie(session),
        ("Set-Cookie", f"CompanyID={quote(session.tenant)}; path=/"),
        ("Set-Cookie", f"Locale={_locale(culture)}; path=/"),
        ("Set-Cookie", f"UserBranch={_BRANCH}; path=/"),
    ]
    return [cookie for cookie in once for _ in range(2)]  # each was seen twice in the answer


def _locale(culture: object) -> str:
    return f"TimeZone=GMTM0800A&Culture={culture}"


def _credentials(call: Call) -> dict[str, Any]:
    if not call.body.strip():
        raise bad_request("The request body should not be empty.")
    if "form" in call.headers.get("content-type", ""):
        return dict(call.form())
    try:
        decoded = call.json()
    except msgspec.DecodeError as error:
        raise bad_request(f"The request body is not readable: {error}") from error
    if not isinstance(decoded, dict):
        raise bad_request("The request body should be an object.")
    return decoded
