"""Spacing requests evenly within a share of a per-minute budget, and counting them.

Even spacing, because the ERP punishes bursts: from half its limit on it delays each answer by
(time left) / (requests left) (docs/api/acumatica.md#pacing). A share, because the store's budget
belongs to all integrations of the store (docs/api/better_b2b.md#rate).
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from customer_sync.errors import ConfigError, SyncError
from customer_sync.machine import machine
from customer_sync.machine import sleep as pause

log = logging.getLogger(__name__)

_MINUTE_S = 60.0
LONGEST_PAUSE_S: Final = 60.0
"""Longest pause that a server gets, in seconds: one window of its budget (docs/api/better_b2b.md#rate). However much it
asks for, it is asked again by then."""
_BLOCK_S: Final = 2.0
"""Turns that are reserved at once in a shared schedule span so many seconds at most: what a task that ends leaves
unused is lost to the others."""
_BLOCK_TURNS: Final = 50
_WORTH_SAYING_S: Final = 10.0
_SLOWER: Final = 1.5
"""Turns that were reserved at a pace so much faster than the present one are given up."""


class Schedule(Protocol):
    """The turns of one budget, shared by processes and machines."""

    def reserve(self, count: int, interval_s: float, burst: int) -> float:
        """Take the next ``count`` turns, ``interval_s`` apart.

        Args:
            count: How many.
            interval_s: Seconds between two turns.
            burst: Turns that may start at once after a quiet time.

        Returns:
            Seconds from now to the first of them; negative after a quiet time.
        """

    def admit(self) -> None:
        """Let a request leave whose turn has come.

        Raises:
            SyncError: This process may not send any more; nothing was sent.
        """

    def block(self, seconds: float) -> None:
        """Let no further turn begin for so many seconds, wherever it is taken."""


class Pacer:
    """Lets requests start at an even pace; shared by all threads that use one server.

    Until the server sends its budget, the pace is ``requests_per_minute``. From then on it is
    ``share`` of what the server allocates, and slower when others use the budget up too.

    Args:
        requests_per_minute: Pace before the first answer; 0 = no limit until the server names one.
        share: Part of the allocated budget to use, above 0 and at most 1.
        burst: Requests that may start at once after a quiet time.
        schedule: Where turns are reserved when other processes use the same budget; without it
            this pacer has the budget for itself.
        clock: Seconds of a monotonic clock.
        sleep: Pauses for seconds.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(
        self,
        requests_per_minute: float,
        *,
        share: float = 0.8,
        burst: int = 4,
        schedule: Schedule | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = pause,
    ) -> None:
        if requests_per_minute < 0:
            raise ConfigError(
                f"requests_per_minute is {requests_per_minute}: it must be 0 (no limit) or more.",
                setting="requests_per_minute",
            )
        if not 0 < share <= 1:
            raise ConfigError(f"The share of the request budget is {share}: it must be in (0, 1].", setting="share")
        self._share = share
        self._burst = max(burst, 1)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._interval_s = _MINUTE_S / requests_per_minute if requests_per_minute else 0.0
        self._squeezed_s = 0.0
        self._squeezed_until_s = 0.0
        self._next_s = clock()
        self._blocked_until_s = clock()
        self._in_flight = 0
        self._schedule = schedule
        self._reserved: deque[float] = deque()
        self._reserved_interval_s = 0.0
        self._block_turns = 1

    @property
    def requests_per_minute(self) -> float:
        """The pace in force now, squeezed or not; 0 = no limit.

        Never waits: whoever asks may hold the very database that a thread in :meth:`acquire` waits for to reserve
        its turn. Between two changes of the pace it may tell a mixture of both, which only sizes a queue.
        """
        interval_s = self._current_interval_s(self._clock())
        return _MINUTE_S / interval_s if interval_s else 0.0

    def acquire(self) -> float:
        """Wait for this request's turn.

        Returns:
            Seconds waited.

        Raises:
            SyncError: This process may not send any more, as the schedule says.
        """
        waited_s = 0.0
        with self._lock:
            now_s = self._clock()
            interval_s = self._current_interval_s(now_s)
            turn_s = self._next_turn_s(now_s, interval_s)
            self._in_flight += 1
        while (pause_s := max(turn_s, self._blocked_until_s) - self._clock()) > 0:
            # A pause can begin while we wait for our turn, hence the loop.
            if pause_s >= _WORTH_SAYING_S:
                until = machine().utc_now() + timedelta(seconds=pause_s)
                log.info("waiting %.0f s for a turn to send a request, until %s UTC", pause_s, f"{until:%H:%M:%S}")
            self._sleep(pause_s)
            waited_s += pause_s
        if self._schedule is not None:
            try:
                self._schedule.admit()
            except SyncError:
                self.release()
                raise
        return waited_s

    def release(self) -> None:
        """Say that a request that had its turn is over, answered or not."""
        with self._lock:
            self._in_flight -= 1

    def observe(
        self, *, allocated: float | None, window_s: float, remaining: float | None, resets_after_s: float | None
    ) -> None:
        """Correct the pace from what the server says about its budget.

        Args:
            allocated: Requests per window; ``None`` when the answer did not say.
            window_s: Length of the window in seconds.
            remaining: Requests left in the window, all integrations together.
            resets_after_s: Seconds until the window starts afresh.
        """
        with self._lock:
            if allocated and window_s > 0:
                self._interval_s = min(window_s / (allocated * self._share), LONGEST_PAUSE_S)
            if remaining is None or resets_after_s is None or resets_after_s <= 0:
                return
            now_s = self._clock()
            resets_after_s = min(resets_after_s, LONGEST_PAUSE_S)
            if remaining <= 0:
                self._block(now_s, resets_after_s)
            # What is on its way or has its turn already will be taken from `remaining` too.
            left = remaining - self._in_flight
            self._squeezed_until_s = now_s + resets_after_s
            self._squeezed_s = resets_after_s / left if left > 0 else resets_after_s

    def pause(self, seconds: float) -> None:
        """Let no request start for so many seconds, for instance after a 429; at most :data:`LONGEST_PAUSE_S`."""
        with self._lock:
            self._block(self._clock(), min(seconds, LONGEST_PAUSE_S))

    def _block(self, now_s: float, seconds: float) -> None:
        self._blocked_until_s = max(self._blocked_until_s, now_s + seconds)
        if self._schedule is not None:
            self._reserved.clear()
            self._schedule.block(seconds)

    def _next_turn_s(self, now_s: float, interval_s: float) -> float:
        # Turns that nobody took are kept up to the burst and no longer.
        oldest_s = now_s - (self._burst - 1) * interval_s
        if self._schedule is None or not interval_s:
            turn_s = max(self._next_s, oldest_s)
            self._next_s = turn_s + interval_s
            return turn_s
        if interval_s > _SLOWER * self._reserved_interval_s:
            self._reserved.clear()
        if self._reserved and self._reserved[0] < oldest_s:
            # More was reserved than this process can send; what it leaves unused the others lack.
            self._block_turns = max(1, len(self._reserved) // 2)
        while self._reserved and self._reserved[0] < oldest_s:
            self._reserved.popleft()
        if not self._reserved:
            self._reserve(self._schedule, interval_s)
        return self._reserved.popleft()

    def _reserve(self, schedule: Schedule, interval_s: float) -> None:
        """Take a block of turns: one at first, then more, so that a short task leaves next to none unused."""
        count = max(1, min(self._block_turns, int(_BLOCK_S / interval_s), _BLOCK_TURNS))
        first_s = self._clock() + schedule.reserve(count, interval_s, self._burst)
        self._reserved.extend(first_s + number * interval_s for number in range(count))
        self._reserved_interval_s = interval_s
        self._block_turns = 2 * count

    def _current_interval_s(self, now_s: float) -> float:
        if self._interval_s and now_s < self._squeezed_until_s:
            return max(self._interval_s, self._squeezed_s)
        return self._interval_s


@dataclass(frozen=True, slots=True)
class RequestUse:
    """How many requests were used.

    Args:
        total: Requests sent, refused ones and repetitions included.
        refused: Answers that refused for rate or seats.
        retried: Requests that were a repetition.
        by_method: Method → requests.
        by_status: Status → answers; 0 means no answer.
    """

    total: int
    refused: int
    retried: int
    by_method: dict[str, int]
    by_status: dict[int, int]


class RequestCounter:
    """Counts requests by method and status, so that a run can report what it used; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._methods: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._refused = 0
        self._retried = 0

    def count(self, method: str, status: int) -> None:
        """Count one request and its answer's status; 0 when no answer came."""
        with self._lock:
            self._methods[method] += 1
            self._statuses[status] += 1

    def count_refused(self) -> None:
        """Count one refusal for want of budget or seats."""
        with self._lock:
            self._refused += 1

    def count_retried(self) -> None:
        """Count one repetition."""
        with self._lock:
            self._retried += 1

    def snapshot(self) -> RequestUse:
        """Return the counts so far."""
        with self._lock:
            return RequestUse(
                total=self._methods.total(),
                refused=self._refused,
                retried=self._retried,
                by_method=dict(self._methods),
                by_status=dict(self._statuses),
            )
