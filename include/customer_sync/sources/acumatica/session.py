"""One session of the ERP: signed in when first needed, signed out always.

A seat of the licence is a scarce thing: an unclosed cookie session keeps it for ten minutes and
cannot be ended from outside (docs/api/acumatica.md#sign-out). Revoking a bearer token does not free it
either, signing out with the bearer does (docs/api/acumatica.md#revocation).
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol
from urllib.parse import urlencode

import msgspec

from customer_sync.errors import AmbiguousWriteError, ApiError
from customer_sync.http.exchange import Exchange
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.sources.acumatica.answers import classify_sign_in
from customer_sync.sources.acumatica.pages import decode_json, does_not_fit
from customer_sync.sources.acumatica.settings import SYSTEM, AcumaticaSettings

log = logging.getLogger(__name__)

_LOGIN: Final = "/entity/auth/login"
_LOGOUT: Final = "/entity/auth/logout"
_TOKEN: Final = "/identity/connect/token"  # noqa: S105 - a path
# Renewed a little early, so that a token does not end between two requests.
_TOKEN_MARGIN_S: Final = 60.0
_TOKEN_LIFE_S: Final = 3_600.0


class Seat(Protocol):
    """A seat of the licence that this session occupies, counted wherever sessions are opened."""

    def take(self) -> None:
        """Wait for a free one; nothing to do while one is held.

        Raises:
            SessionLimit: None became free in time.
        """

    def keep(self) -> None:
        """Say that the session is in use."""

    def give_back(self) -> None:
        """Free it; nothing to do when none is held."""


class Session:
    """Credentials in use: cookies or a bearer token. Not thread-safe: the client lets one request at a time in.

    Args:
        settings: Credentials and how to use them.
        exchange: Sends requests, paced and counted.
        retry: The client's policy; a sign-in is repeated only when the ERP certainly did nothing.
        clock: Seconds of a monotonic clock, for the life of a token.
        seat: Taken before signing in and given back after signing out, where several processes
            share the licence's seats.
    """

    def __init__(
        self,
        settings: AcumaticaSettings,
        exchange: Exchange,
        retry: RetryPolicy,
        clock: Callable[[], float] = time.monotonic,
        seat: Seat | None = None,
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        # Signing out gets a second try and no more: a task that is being cancelled has little time.
        self._sign_out_retry = replace(retry, attempts=2, total_s=min(retry.total_s, 30.0))
        self._clock = clock
        self._cookies: dict[str, str] = {}
        self._bearer = ""
        self._bearer_ends_s = 0.0
        self._is_open = False
        self._seat = seat

    @property
    def is_open(self) -> bool:
        """Whether a seat is held, as far as is known here."""
        return self._is_open

    @property
    def headers(self) -> dict[str, str]:
        """What proves the session in a request."""
        if self._bearer:
            return {"Authorization": f"Bearer {self._bearer}"}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    def open(self) -> None:
        """Sign in, unless that was done.

        Raises:
            AuthenticationFailed: The credentials were refused; never retried.
            SessionLimit: No seat became free in time.
            ConfigError: Host or tenant is wrong.
            TransientApiError: The ERP could not be reached.
        """
        if self._is_open and self._bearer and self._clock() >= self._bearer_ends_s:
            # The session ends with its token (docs/api/acumatica.md#oauth),
            # so the seat must not be kept beside the new one.
            self.close()
        if self._is_open:
            return
        if self._seat is not None:
            self._seat.take()
        try:
            self._sign_in()
        except BaseException:
            if self._seat is not None:
                self._seat.give_back()
            raise

    def _sign_in(self) -> None:
        request = self._oauth_request() if self._settings.auth_style == "oauth_password" else self._cookie_request()
        read = self._read_token if self._settings.auth_style == "oauth_password" else self._read_login
        try:
            self._exchange.run(lambda: request, Effect.WRITE, lambda answer: read(request, answer))
        except AmbiguousWriteError as error:
            # Nothing is written by signing in: what happened counts, not that its outcome is unknown.
            raise error.__cause__ or error from error

    def absorb(self, answer: HttpResponse) -> None:
        """Take up the cookies of an answer; later answers refresh some (docs/api/acumatica.md#cookie-sign-in)."""
        if self._seat is not None and self._is_open:
            self._seat.keep()
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].strip().partition("=")
            if value:
                self._cookies[name] = value
            else:
                self._cookies.pop(name, None)

    def forget(self) -> None:
        """Drop a session that the ERP has ended."""
        self._is_open = False
        self._bearer = ""
        self._cookies.clear()

    def close(self) -> None:
        """Sign out, if signed in. A failure is logged and not raised: it must not hide what came before it."""
        if not self._is_open:
            return
        # Without an explicit length the web server answers 411 and the seat stays taken
        # (docs/api/acumatica.md#sign-out).
        request = HttpRequest(
            "POST", _LOGOUT, headers={**self.headers, "Content-Length": "0"}, body=b"", system=SYSTEM, read_timeout_s=30
        )
        self.forget()
        try:
            self._sign_out_retry.run(
                request,
                Effect.REPEATABLE_WRITE,
                lambda: self._exchange.once(request, lambda answer: _read_logout(request, answer)),
                on_retry=self._exchange.counter.count_retried,
            )
        except ApiError as error:
            log.warning("Signing out of %s failed; the seat stays taken for up to ten minutes. %s", SYSTEM, error)
        finally:
            self._cookies.clear()
            if self._seat is not None:
                self._seat.give_back()

    def _cookie_request(self) -> HttpRequest:
        settings = self._settings
        named = {"tenant": settings.tenant, "branch": settings.branch, "locale": settings.locale}
        body = {"name": settings.username, "password": settings.password}
        body |= {name: value for name, value in named.items() if value}
        return self._post(_LOGIN, msgspec.json.encode(body), "application/json")

    def _oauth_request(self) -> HttpRequest:
        settings = self._settings
        form = {
            "grant_type": "password",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "username": settings.username,
            "password": settings.password,
            "scope": "api",
        }
        return self._post(_TOKEN, urlencode(form).encode(), "application/x-www-form-urlencoded")

    def _post(self, path: str, body: bytes, content_type: str) -> HttpRequest:
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        timeout_s = self._settings.read_timeout_s
        return HttpRequest("POST", path, headers=headers, body=body, system=SYSTEM, read_timeout_s=timeout_s)

    def _check(self, request: HttpRequest, answer: HttpResponse) -> None:
        error = classify_sign_in(request, answer, self._settings.session_limit_wait_s)
        if error:
            self._cookies.clear()
            raise error

    def _read_login(self, request: HttpRequest, answer: HttpResponse) -> None:
        self._check(request, answer)
        if not self._cookies:
            raise does_not_fit(request, answer, "a sign-in without cookies")
        self._is_open = True

    def _read_token(self, request: HttpRequest, answer: HttpResponse) -> None:
        self._check(request, answer)
        body = decode_json(request, answer)
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not token:
            raise does_not_fit(request, answer, "no access_token")
        life_s = body.get("expires_in")
        usable_s = life_s if isinstance(life_s, int | float) and life_s > 0 else _TOKEN_LIFE_S
        self._bearer = token
        self._bearer_ends_s = self._clock() + max(usable_s - _TOKEN_MARGIN_S, usable_s / 2)
        self._is_open = True


def _read_logout(request: HttpRequest, answer: HttpResponse) -> None:
    error = classify_sign_in(request, answer)
    # 401: the session had ended by itself, so its seat is free.
    if error and answer.status != 401:  # noqa: PLR2004 - an HTTP status
        raise error
