"""The store's request budget: a window of 60 s of sandbox time, shown in headers with units.

Source: docs/api/better_b2b.md#rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.settings import Settings

WINDOW_S = 60.0

Headers = list[tuple[str, str]]


class RateWindow:
    """Counts the requests of the present window; the first request after its end opens the next one."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._allocated = 0
        self._began_s = 0.0
        self._used = 0
        self.reset()
        settings.on_change(self._take_settings)

    def reset(self) -> None:
        """Begin afresh with an unused window."""
        self._take_settings()
        self._began_s = self._clock.now_s()
        self._used = 0

    def take(self) -> bool:
        """Count one request; false when the window's budget is spent."""
        if not self._allocated:
            return True
        now_s = self._clock.now_s()
        # A clock that was set back must not leave a window open for ever.
        if not self._began_s <= now_s < self._began_s + WINDOW_S:
            self._began_s = now_s
            self._used = 0
        if self._used >= self._allocated:
            return False
        self._used += 1
        return True

    def resets_after_s(self) -> float:
        """Seconds of sandbox time until the present window ends."""
        return max(0.0, self._began_s + WINDOW_S - self._clock.now_s())

    def headers(self) -> Headers:
        """The headers of every answer (statement 5); none without a limit. The last name has no "s" in the original."""
        if not self._allocated:
            return []
        return self.headers_for(self._allocated - self._used, self.resets_after_s())

    def headers_for(self, remaining: int, resets_after_s: float) -> Headers:
        """The headers for given numbers; a store without a limit reports the end of the window only."""
        allocated = self._allocated
        ends = [("X-Request-Window-Resets-After", f"{resets_after_s:.3f} s")]
        if not allocated:
            return ends
        return [
            ("X-Requests-Allocated", f"{allocated} times/{WINDOW_S:.0f} s"),
            ("X-Requests-Window-Length", f"{allocated - remaining} times"),
            ("X-Requests-Remaining", f"{remaining} times"),
            *ends,
        ]

    def _take_settings(self) -> None:
        self._allocated = self._settings["requests_per_minute"]
