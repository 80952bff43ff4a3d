"""One request in one session: signing in when needed, signing in again when the session ended, signing out always."""

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self, TypeVar

from customer_sync.calls_in_flight import undivided
from customer_sync.errors import AuthenticationFailed, ConfigError
from customer_sync.http.exchange import Exchange
from customer_sync.http.pacing import Pacer, RequestCounter, RequestUse
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.server_clock import ServerClock
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport, encode_query, encode_segment
from customer_sync.sources.acumatica.answers import classify
from customer_sync.sources.acumatica.session import KeptTokens, Seat, Session
from customer_sync.sources.acumatica.settings import SYSTEM, AcumaticaSettings

T = TypeVar("T")

QUERY_CHARS_MAX: Final = 2_048
"""Longest query that the web server before the ERP takes (docs/api/acumatica.md#statement-33a)."""


class SessionCalls:
    """One session with one tenant; use it in a ``with`` block, which signs out whatever happens.

    It signs in at the first request, not before. One request is in flight at a time, because the ERP
    works off a session serially (docs/api/acumatica.md#serial); calling from several threads is safe and gains nothing.

    Args:
        transport: Sends requests to the site.
        settings: Credentials, endpoint, sizes.
        pacer: Shared by every client of the same licence; a new one by default.
        retry: When to try again; the default bounds four failures and twenty minutes, because one
            request alone may wait ten minutes in the ERP's queue.
        seat: Counts this session among those of other processes; by default nobody else counts.
        tokens: Where the tokens of a consent are kept, for that way to sign in.
    """

    def __init__(
        self,
        transport: Transport,
        settings: AcumaticaSettings,
        *,
        pacer: Pacer | None = None,
        retry: RetryPolicy | None = None,
        seat: Seat | None = None,
        tokens: KeptTokens | None = None,
    ) -> None:
        retry = retry or RetryPolicy(attempts=4, total_s=1_200.0, first_delay_s=1.0)
        self.settings = settings
        self._transport = transport
        self._exchange = Exchange(
            transport,
            pacer=pacer or Pacer(settings.requests_per_minute, share=1.0, burst=1),
            retry=retry,
            counter=RequestCounter(),
            on_answer=self._observe,
            secrets=(settings.password, settings.client_secret),
        )
        self._session = Session(settings, self._exchange, retry, retry.clock, seat, tokens)
        self._lock = threading.RLock()
        self._server_clock = ServerClock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Sign out, if signed in, and close the connection; the client may be used again."""
        with self._lock, undivided():
            try:
                self._session.close()
            finally:
                self._transport.close()

    def requests_used(self) -> RequestUse:
        """Return how many requests this client has used so far, sign-in and sign-out included."""
        return self._exchange.counter.snapshot()

    def reached_tenant(self) -> str:
        """Name the tenant that the session works in, ``""`` where the ERP does not say; signs in if need be."""
        with self._lock, undivided():
            self._session.open()
            return self._session.tenant()

    @property
    def _endpoint(self) -> str:
        settings = self.settings
        return f"/entity/{encode_segment(settings.endpoint_name)}/{encode_segment(settings.endpoint_version)}"

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[HttpRequest, HttpResponse], T],
        *,
        query: tuple[tuple[str, str], ...] = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        length = len(encode_query(query))
        if length > QUERY_CHARS_MAX:
            raise ConfigError(
                f"The query for {path} has {length:,} characters, and web servers refuse more than "
                f"{QUERY_CHARS_MAX:,}: select fewer fields in the connector's mapping.",
                setting="fields",
            )

        def build() -> HttpRequest:
            proof = {"Accept": "application/json", **(headers or {}), **self._session.headers}
            timeout_s = self.settings.read_timeout_s
            return HttpRequest(method, path, query, proof, body, SYSTEM, timeout_s)

        def read_answer(answer: HttpResponse) -> T:
            request = build()
            error = classify(request, answer, self.settings.session_limit_wait_s)
            if error:
                raise error
            return read(request, answer)

        effect = Effect.READ if method == "GET" else Effect.WRITE
        # The lock keeps other threads out, and would let in other calls of this one.
        with self._lock, undivided():
            self._session.open()
            try:
                return self._exchange.run(build, effect, read_answer)
            except AuthenticationFailed:
                # The session ended by itself (docs/api/acumatica.md#statement-5).
                # The ERP did nothing, so even a write may go again.
                self._session.refuse()
                self._session.open()
                return self._exchange.run(build, effect, read_answer)

    def _observe(self, answer: HttpResponse) -> None:
        self._session.absorb(answer)
        self._server_clock.observe(answer)
