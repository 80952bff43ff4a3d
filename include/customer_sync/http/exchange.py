"""One request from pacing to classified answer: the path that both clients share."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar

from customer_sync.errors import ConnectFailed, RateLimited, SessionLimit, SyncError
from customer_sync.http.pacing import Pacer, RequestCounter
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.machine import machine
from customer_sync.redaction import MASK

log = logging.getLogger(__name__)

T = TypeVar("T")

_SMOOTHING = 0.2
"""Weight of the newest answer in the estimate of the latency."""
_REFUSED: Final = 300
_READ: Final = "GET"
_GIVEN_UP: Final = frozenset({502, 504, *range(520, 530)})
"""Statuses with which something before the server says that it waits no longer; the server may work on."""
_SHORTEST_SECRET: Final = 8
"""Shorter credentials are ordinary words too often: taking them out would garble what a server says."""


class Exchange:
    """Sends requests paced, counted and retried; safe to use from several threads.

    Args:
        transport: Sends one request once.
        pacer: Spaces the requests; shared by every client of the same server.
        retry: When to try again.
        counter: Counts what was used.
        on_answer: Sees every answer before it is read, for budget headers and cookies.
        secrets: Credentials that are sent; a refusal that quotes one loses it before anybody reads it.
        longest_work_s: How long the server may work on a request, in seconds. A write that stays without an answer
            fails only when it is over: whoever asks then for what became of it gets an answer that lasts. 0 where it
            does no harm that a write is done late.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        pacer: Pacer,
        retry: RetryPolicy,
        counter: RequestCounter,
        on_answer: Callable[[HttpResponse], None],
        secrets: Sequence[str] = (),
        longest_work_s: float = 0.0,
    ) -> None:
        self._transport = transport
        self._pacer = pacer
        self._retry = retry
        self._on_answer = on_answer
        self._secrets = [secret.encode() for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        self._longest_work_s = longest_work_s
        self.counter = counter
        self.latency_s = 0.0
        """Seconds from sending to the whole answer, smoothed over some requests; 0 before the first."""

    def hide(self, secret: str) -> None:
        """Take a credential that became known later out of whatever quotes it."""
        coded = secret.encode()
        if len(secret) >= _SHORTEST_SECRET and coded not in self._secrets:
            self._secrets.append(coded)

    def run(self, build: Callable[[], HttpRequest], effect: Effect, read: Callable[[HttpResponse], T]) -> T:
        """Send until an answer can be read, within the retry policy.

        Args:
            build: Makes the request; called for every try, because credentials may have changed.
            effect: What sending it twice would do.
            read: Turns an answer into a value, or raises the error that it stands for.

        Returns:
            What ``read`` returned.

        Raises:
            SyncError: As :meth:`RetryPolicy.run` says.
        """
        return self._retry.run(build(), effect, lambda: self.once(build(), read), on_retry=self.counter.count_retried)

    def once(self, request: HttpRequest, read: Callable[[HttpResponse], T]) -> T:
        """Send one request once, in its turn, and read its answer.

        Raises:
            SyncError: Whatever the transport or ``read`` raised; nothing is retried.
        """
        self._pacer.acquire()
        sent_s = self._retry.clock()
        try:
            answer = self._transport.send(request)
        except ConnectFailed:
            raise
        except SyncError as error:
            status = getattr(error, "status", None) or 0
            self.counter.count(request.method, status)
            if not status:
                self._outwait(request, sent_s, "got no answer")
            raise
        finally:
            self._pacer.release()
        self.counter.count(request.method, answer.status)
        if answer.status in _GIVEN_UP:
            self._outwait(request, sent_s, f"was given up on its way (status {answer.status})")
        # Threads may overwrite each other's value: it is an estimate, and every one of them is right.
        self.latency_s += (answer.elapsed_s - self.latency_s) * (_SMOOTHING if self.latency_s else 1.0)
        self._on_answer(answer)
        try:
            return read(self._without_secrets(answer))
        except (RateLimited, SessionLimit) as error:
            self.counter.count_refused()
            if isinstance(error, RateLimited) and error.retry_after_s is not None:
                self._pacer.pause(error.retry_after_s)
            raise

    def _outwait(self, request: HttpRequest, sent_s: float, what: str) -> None:
        """Let pass the time for which the server may still work on a write that nobody will hear of."""
        left_s = self._longest_work_s - (self._retry.clock() - sent_s)
        if request.method == _READ or left_s <= 0:
            return
        until = machine().utc_now() + timedelta(seconds=left_s)
        log.warning(
            "%s %s %s: waiting %.0f s, until %s UTC, since the server may still work on it.",
            request.system,
            request.operation,
            what,
            left_s,
            f"{until:%H:%M:%S}",
        )
        self._retry.sleep(left_s)

    def _without_secrets(self, answer: HttpResponse) -> HttpResponse:
        """Some servers quote in a refusal what they were sent, credentials included."""
        if answer.status < _REFUSED:
            return answer
        body = answer.body
        for secret in self._secrets:
            body = body.replace(secret, MASK.encode())
        return replace(answer, body=body)
