"""One request from pacing to classified answer: the path that both clients share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from customer_sync.errors import ConnectFailed, RateLimited, SessionLimit, SyncError
from customer_sync.http.pacing import Pacer, RequestCounter
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.redaction import MASK

T = TypeVar("T")

_SMOOTHING = 0.2
"""Weight of the newest answer in the estimate of the latency."""
_REFUSED: Final = 300
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
    ) -> None:
        self._transport = transport
        self._pacer = pacer
        self._retry = retry
        self._on_answer = on_answer
        self._secrets = [secret.encode() for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        self.counter = counter
        self.latency_s = 0.0
        """Seconds from sending to the whole answer, smoothed over some requests; 0 before the first."""

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
        try:
            answer = self._transport.send(request)
        except ConnectFailed:
            raise
        except SyncError as error:
            self.counter.count(request.method, getattr(error, "status", None) or 0)
            raise
        finally:
            self._pacer.release()
        self.counter.count(request.method, answer.status)
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

    def _without_secrets(self, answer: HttpResponse) -> HttpResponse:
        """Some servers quote in a refusal what they were sent, credentials included."""
        if answer.status < _REFUSED:
            return answer
        body = answer.body
        for secret in self._secrets:
            body = body.replace(secret, MASK.encode())
        return replace(answer, body=body)
