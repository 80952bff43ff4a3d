"""Sessions and seats: who is signed in, for how long, and how many may be.

Source: docs/api/acumatica.md#cookie-sign-in, #oauth and #limits.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.settings import Settings


class SeatsTakenError(Exception):
    """All seats of the licence are taken."""


@dataclass(slots=True, eq=False)
class Session:
    """One open session; it carries the rights that its user had when it began.

    Attributes:
        id: Value of the session cookie.
        user: Name of the user.
        tenant: Tenant that is worked in.
        kind: `cookie`, `token` (scope `api`) or `concurrent` (scope `api:concurrent_access`).
        token: Access token that it belongs to, or chain of refreshed ones, if any.
        customer_classes: Classes that may be seen, none for all.
        without_rights: Screens that may not be used.
        used_s: Last use in sandbox time.
        ticket: Value of the `.ASPXAUTH` cookie.
        turn: Held while one call of the session is handled.
        busy_until_s: End of a running long operation, sandbox time.
    """

    id: str
    user: str
    tenant: str
    kind: str
    token: str | None
    customer_classes: frozenset[str] | None
    without_rights: frozenset[str]
    used_s: float
    ticket: str = field(default_factory=lambda: secrets.token_hex(48).upper())
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    busy_until_s: float = 0.0


class Sessions:
    """All open sessions of the twin."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._open: dict[str, Session] = {}
        self._by_token: dict[str, Session] = {}

    def open(self, user: str, tenant: str, *, kind: str = "cookie", token: str | None = None) -> Session:
        """Take a seat.

        Raises:
            SeatsTakenError: None is free.
        """
        self._drop_idle()
        seats = self._settings["sessions"]
        if seats and len(self._open) >= seats:
            raise SeatsTakenError
        rights: dict[str, Any] = self._settings["users"].get(user, {})
        classes = rights.get("customer_classes")
        session = Session(
            id=secrets.token_hex(12),
            user=user,
            tenant=tenant,
            kind=kind,
            token=token,
            customer_classes=None if classes is None else frozenset(classes),
            without_rights=frozenset(rights.get("without_rights", ())),
            used_s=self._clock.now_s(),
        )
        self._open[session.id] = session
        if token is not None and kind == "token":
            self._by_token[token] = session
        return session

    def of_cookie(self, session_id: str) -> Session | None:
        """The open session of a cookie; using it keeps it open."""
        return self._used(self._open.get(session_id))

    def of_token(self, token: str) -> Session | None:
        """The one session of an `api` token, or of a chain of refreshed ones; using it keeps it open."""
        return self._used(self._by_token.get(token))

    def close(self, session: Session) -> None:
        """Free the seat at once."""
        self._open.pop(session.id, None)
        if session.token is not None and self._by_token.get(session.token) is session:
            del self._by_token[session.token]

    def close_token(self, token: str) -> None:
        """End every session of an expired token."""
        for session in [session for session in self._open.values() if session.token == token]:
            self.close(session)

    def taken(self) -> int:
        """How many seats are taken now."""
        self._drop_idle()
        return len(self._open)

    def described(self) -> list[dict[str, Any]]:
        """Open sessions for people and tests; no cookie or token is shown."""
        self._drop_idle()
        return [
            {"user": session.user, "tenant": session.tenant, "kind": session.kind, "id": session.id[:6]}
            for session in self._open.values()
        ]

    def clear(self) -> None:
        """End all sessions."""
        self._open.clear()
        self._by_token.clear()

    def _used(self, session: Session | None) -> Session | None:
        if session is None:
            return None
        now_s = self._clock.now_s()
        if self._is_idle(session, now_s):
            self.close(session)
            return None
        session.used_s = now_s
        return session

    def _is_idle(self, session: Session, now_s: float) -> bool:
        return not session.turn.locked() and now_s - session.used_s >= float(self._settings["idle_minutes"]) * 60

    def _drop_idle(self) -> None:
        now_s = self._clock.now_s()
        for session in [session for session in self._open.values() if self._is_idle(session, now_s)]:
            self.close(session)
