"""The one retry policy of both clients.

Only :class:`~customer_sync.errors.TransientApiError` is retried, bounded by attempts *and* by
seconds. A read is retried freely. A write is sent again only when the server certainly did
nothing: no connection was ever made, or it refused for want of budget or seats. Any other
failure of a write becomes :class:`~customer_sync.errors.AmbiguousWriteError`, which the caller
answers by reading back.

Sources: docs/architecture.md#errors; the reactions are those of docs/api/acumatica.md#error-reactions
and docs/api/better_b2b.md#statuses.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from customer_sync.errors import AmbiguousWriteError, ContractError, SyncError, TransientApiError
from customer_sync.http.transport import HttpRequest
from customer_sync.machine import sleep as pause

if TYPE_CHECKING:
    import tenacity

log = logging.getLogger(__name__)

T = TypeVar("T")


class Effect(Enum):
    """What sending a request twice would do."""

    READ = "read"
    """Nothing: retried freely."""
    REPEATABLE_WRITE = "repeatable write"
    """The same as once (PUT and DELETE of the store): retried, unknown when the retries run out."""
    WRITE = "write"
    """Perhaps a second record: sent again only when the server certainly did nothing."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and for how long to try.

    Args:
        attempts: Most tries of one request; refusals by rate limit do not count as tries.
        total_s: Longest time from the first try to the start of the last one, in seconds.
        first_delay_s: Pause after the first failure, in seconds; doubled each time.
        max_delay_s: Longest such pause, in seconds. A pause that the server asked for overrides it.
        sleep: Pauses for seconds; replaced in tests.
        clock: Seconds of a monotonic clock.
        rng: A number in ``[0, 1)``, for the jitter.
    """

    attempts: int = 5
    total_s: float = 300.0
    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    sleep: Callable[[float], None] = pause
    clock: Callable[[], float] = time.monotonic
    rng: Callable[[], float] = random.random

    def run(self, request: HttpRequest, effect: Effect, call: Callable[[], T], *, on_retry: Callable[[], None]) -> T:
        """Call until it succeeds, fails for good, or the bounds are reached.

        Args:
            request: What is sent, for log and messages.
            effect: What sending it twice would do.
            call: Sends it once and reads the answer.
            on_retry: Told before every further try, for counting.

        Returns:
            What ``call`` returned.

        Raises:
            AmbiguousWriteError: A write may or may not have been done.
            TransientApiError: The bounds are reached and nothing was done.
            SyncError: Anything else that ``call`` raised, at once.
        """
        tries = _Tries(self, request, effect, on_retry)
        try:
            return call()
        except (TransientApiError, ContractError) as failure:
            first = failure
        try:
            return self._again(first, call, tries)
        except (TransientApiError, ContractError) as error:
            if effect is Effect.READ or (isinstance(error, TransientApiError) and error.refused and not tries.unsure):
                raise
            raise AmbiguousWriteError(
                f"{error.message} The write was sent and its outcome is unknown: read it back by key before "
                "anything is sent again.",
                system=error.system,
                operation=error.operation,
                status=error.status,
                excerpt=error.excerpt,
            ) from error

    def _again(self, failure: SyncError, call: Callable[[], T], tries: _Tries) -> T:
        """Go on after a first failure; most processes meet none, and never need what is imported here."""
        import tenacity  # noqa: PLC0415 - see above

        failures = [failure]

        def one_more() -> T:
            if failures:
                raise failures.pop()
            return call()

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(tries.is_worth_another),
            stop=tries.is_enough,
            wait=tries.delay_s,
            sleep=self.sleep,
            before_sleep=tries.announce,
            reraise=True,
        )
        return retrying(one_more)


class _Tries:
    """One request's tries: tenacity asks, this answers with the policy's clock and the error's own wishes."""

    def __init__(self, policy: RetryPolicy, request: HttpRequest, effect: Effect, on_retry: Callable[[], None]) -> None:
        self._policy = policy
        self._request = request
        self._effect = effect
        self._on_retry = on_retry
        self._started_s = policy.clock()
        self._delay_s = policy.first_delay_s
        self._counted = 0
        self._next_delay_s = 0.0
        # Whether an earlier try of a repeatable write may have reached the server.
        self.unsure = False

    def is_worth_another(self, error: BaseException) -> bool:
        if not isinstance(error, TransientApiError):
            return False
        self._counted += error.counts_as_attempt
        self.unsure |= not error.refused
        if self._effect is Effect.WRITE and not error.refused:
            return False
        self._next_delay_s = self._choose_delay_s(error)
        return True

    def is_enough(self, _: tenacity.RetryCallState) -> bool:
        used_s = self._policy.clock() - self._started_s
        return self._counted >= self._policy.attempts or used_s + self._next_delay_s > self._policy.total_s

    def delay_s(self, _: tenacity.RetryCallState) -> float:
        return self._next_delay_s

    def announce(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._on_retry()
        log.warning(
            "%s %s: %s Trying again in %.1f s (try %d, %d of %d failures counted).",
            self._request.system,
            self._request.operation,
            error,
            self._next_delay_s,
            state.attempt_number + 1,
            self._counted,
            self._policy.attempts,
        )

    def _choose_delay_s(self, error: TransientApiError) -> float:
        if error.retry_after_s is not None:
            return error.retry_after_s + error.jitter_s * self._policy.rng()
        # Half fixed, half random: concurrent callers spread out and none comes back at once.
        delay_s = self._delay_s * (0.5 + 0.5 * self._policy.rng())
        self._delay_s = min(self._delay_s * 2, self._policy.max_delay_s)
        return delay_s
