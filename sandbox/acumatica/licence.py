"""The licence's request limits: slow answers from half the minute's budget on, a queue, and its refusal.

Source: docs/api/acumatica.md#limits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.clock import Clock
    from sandbox.settings import Settings


class QueueFullError(Exception):
    """Too many requests wait, or this one has waited too long."""


class Licence:
    """Delays and queues requests; it never refuses for requests per minute."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._minute = -1
        self._used = 0
        self._active = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Hold one of the concurrent places, after waiting for it and for the minute's budget.

        Raises:
            QueueFullError: More than the queue's length wait, or the wait was too long.
        """
        await self._enter()
        try:
            delay_s = self._minute_delay_s()
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            yield
        finally:
            self._leave()

    def reset(self) -> None:
        """Start the minute's count afresh."""
        self._minute = -1
        self._used = 0

    async def _enter(self) -> None:
        limit = self._settings["concurrent_requests"]
        if not limit or self._active < limit:
            self._active += 1
            return
        if len(self._queue) >= self._settings["queue_length"]:
            raise QueueFullError
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await asyncio.wait_for(place, self._settings["queue_seconds"])
        except TimeoutError:
            with contextlib.suppress(ValueError):
                self._queue.remove(place)
            raise QueueFullError from None

    def _leave(self) -> None:
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)  # the place is handed over, so the number of active ones stays
                return
        self._active -= 1

    def _minute_delay_s(self) -> float:
        """(Time left in the minute) / (requests left), from half of the limit on."""
        limit = self._settings["requests_per_minute"]
        if not limit:
            return 0.0
        now_s = self._clock.now_s()
        minute = int(now_s // 60)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        if self._used <= limit / 2:
            return 0.0
        time_left_s = 60.0 - now_s % 60
        return time_left_s / float(max(1, limit - self._used + 1))
