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

import msgspec

from customer_sync.errors import AmbiguousWriteError, ApiError, ConfigError
from customer_sync.http.exchange import Exchange
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.machine import machine
from customer_sync.settings.kept_tokens import Tokens
from customer_sync.sources.acumatica.answers import classify_sign_in
from customer_sync.sources.acumatica.oauth import Granted, read_granted, token_request
from customer_sync.sources.acumatica.pages import does_not_fit
from customer_sync.sources.acumatica.settings import SYSTEM, AcumaticaSettings
from customer_sync.sources.acumatica.tenant import PAGE, read_tenant, refuse_another

log = logging.getLogger(__name__)

_LOGIN: Final = "/entity/auth/login"
_LOGOUT: Final = "/entity/auth/logout"

KeptTokens = Callable[[Callable[[Tokens], bool], Callable[[str], Tokens]], Tokens]
"""Gives the tokens of the consent that a session works under: ``TokenStore.current`` of one owner."""


class Seat(Protocol):
    """A seat of the licence that this session occupies, counted wherever sessions are opened."""

    def take(self) -> None:
        """Wait for a free one; nothing to do while one is held.

        Raises:
            SessionLimit: None became free in time.
        """

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
        tokens: Where the tokens of a consent are kept, for that way to sign in.
    """

    def __init__(
        self,
        settings: AcumaticaSettings,
        exchange: Exchange,
        retry: RetryPolicy,
        clock: Callable[[], float] = time.monotonic,
        seat: Seat | None = None,
        tokens: KeptTokens | None = None,
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        # Signing out gets a second try and no more: a task that is being cancelled has little time.
        self._sign_out_retry = replace(retry, attempts=2, total_s=min(retry.total_s, 30.0))
        self._clock = clock
        self._cookies: dict[str, str] = {}
        self._bearer = ""
        self._bearer_ends_s = 0.0
        self._refused = ""
        self._tokens = tokens
        self._is_open = False
        self._tenant = ""
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
        """Sign in, unless that was done, and see that it led to the tenant that is named.

        Raises:
            AuthenticationFailed: The credentials were refused; never retried.
            SessionLimit: No seat became free in time.
            ConfigError: Host or tenant is wrong, or the sign-in reached another tenant; it is signed out then.
            TransientApiError: The ERP could not be reached.
        """
        if self._is_open and self._bearer and self._clock() >= self._bearer_ends_s:
            if self._settings.auth_style == "oauth_code":
                self._use_kept()  # the next token goes on in the session of this one (docs/api/acumatica.md#oauth)
                return
            # This session ends with its token, so the seat must not be kept beside the new one.
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
        try:
            self._check_tenant()
        except BaseException:
            self.close()
            raise

    def tenant(self) -> str:
        """The tenant that the open session works in, ``""`` where the ERP does not say.

        Raises:
            TransientApiError: The ERP could not be asked.
        """
        if not self._tenant:
            self._tenant = self._settings.client_tenant or self._ask_for_tenant()
        return self._tenant

    def _check_tenant(self) -> None:
        # With a token the client id alone decides the tenant, and the settings have compared it.
        if self._settings.tenant and not self._settings.client_tenant:
            refuse_another(self._settings.tenant, self.tenant())

    def _ask_for_tenant(self) -> str:
        request = HttpRequest(
            "GET", PAGE, headers=self.headers, system=SYSTEM, read_timeout_s=self._settings.read_timeout_s
        )
        return self._exchange.run(lambda: request, Effect.READ, lambda answer: read_tenant(request, answer))

    def _sign_in(self) -> None:
        if self._settings.auth_style == "oauth_code":
            self._use_kept()
        elif self._settings.auth_style == "oauth_password":
            self._use(self._ask_for_token("password", **self._credentials()))
        else:
            self._log_in()

    def _credentials(self) -> dict[str, str]:
        return {"username": self._settings.username, "password": self._settings.password, "scope": "api"}

    def _log_in(self) -> None:
        request = self._cookie_request()
        try:
            self._exchange.run(lambda: request, Effect.WRITE, lambda answer: self._read_login(request, answer))
        except AmbiguousWriteError as error:
            # Nothing is written by signing in: what happened counts, not that its outcome is unknown.
            raise error.__cause__ or error from error

    def _ask_for_token(self, grant_type: str, **form: str) -> Granted:
        request = token_request(self._settings, grant_type, **form)
        has_password = "password" in form
        wait_s = self._settings.session_limit_wait_s
        try:
            return self._exchange.run(
                lambda: request,
                # A refused password counts; a refresh token that was lost on its way may be sent again.
                Effect.WRITE if has_password else Effect.REPEATABLE_WRITE,
                lambda answer: read_granted(request, answer, wait_s=wait_s, has_password=has_password),
            )
        except AmbiguousWriteError as error:
            raise error.__cause__ or error from error

    def _use(self, granted: Granted) -> None:
        self._exchange.hide(granted.access)
        self._bearer = granted.access
        self._bearer_ends_s = self._clock() + granted.usable_s
        self._is_open = True

    def _use_kept(self) -> None:
        """Use the tokens that all processes share, renewed if they are about to end or this one was refused."""
        if self._tokens is None:
            raise ConfigError("Tokens are kept in the ledger, and this client was opened without one.")
        kept = self._tokens(self._is_stale, self._renewed)
        self._exchange.hide(kept.refresh)
        self._use(Granted(kept.access, (kept.renew_at_utc - machine().utc_now()).total_seconds()))

    def _is_stale(self, tokens: Tokens) -> bool:
        return tokens.access == self._refused or tokens.renew_at_utc <= machine().utc_now()

    def _renewed(self, refresh: str) -> Tokens:
        self._exchange.hide(refresh)
        tokens = self._ask_for_token("refresh_token", refresh_token=refresh).tokens()
        # A server that does not exchange refresh tokens sends none.
        return tokens if tokens.refresh else replace(tokens, refresh=refresh)

    def absorb(self, answer: HttpResponse) -> None:
        """Take up the cookies of an answer; later answers refresh some (docs/api/acumatica.md#cookie-sign-in)."""
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].strip().partition("=")
            if value:
                self._cookies[name] = value
            else:
                self._cookies.pop(name, None)

    def forget(self) -> None:
        """Drop a session that the ERP has ended."""
        self._is_open = False
        self._tenant = ""
        self._bearer = ""
        self._cookies.clear()

    def refuse(self) -> None:
        """Drop a session that the ERP has ended, and use its token no more."""
        self._refused = self._bearer
        self.forget()

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
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        timeout_s = settings.read_timeout_s
        return HttpRequest(
            "POST", _LOGIN, headers=headers, body=msgspec.json.encode(body), system=SYSTEM, read_timeout_s=timeout_s
        )

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


def _read_logout(request: HttpRequest, answer: HttpResponse) -> None:
    error = classify_sign_in(request, answer)
    # 401: the session had ended by itself, so its seat is free.
    if error and answer.status != 401:  # noqa: PLR2004 - an HTTP status
        raise error
