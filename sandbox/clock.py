"""The sandbox's own time: it runs with the machine's unless a test sets, advances or freezes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Time as both twins see it; everything that ages (sessions, tokens, rate windows, stamps) reads it here."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._frozen_at_s: float | None = None

    def now_s(self) -> float:
        """Seconds since 1970 in sandbox time."""
        if self._frozen_at_s is not None:
            return self._frozen_at_s
        return time.time() + self._offset_s

    def now_utc(self) -> datetime:
        """Sandbox time as an aware datetime."""
        return datetime.fromtimestamp(self.now_s(), UTC)

    @property
    def frozen(self) -> bool:
        """Whether time is stopped."""
        return self._frozen_at_s is not None

    @property
    def offset_s(self) -> float:
        """Distance to the machine's time in seconds."""
        return self.now_s() - time.time()

    def set(self, moment_utc: datetime) -> None:
        """Jump to a moment; a frozen clock stays frozen there."""
        self._jump(moment_utc.timestamp())

    def advance_s(self, seconds: float) -> None:
        """Jump forward (or back, when negative)."""
        self._jump(self.now_s() + seconds)

    def freeze(self, *, frozen: bool = True) -> None:
        """Stop time where it is, or let it run on from there."""
        now_s = self.now_s()
        self._frozen_at_s = now_s if frozen else None
        self._offset_s = now_s - time.time()

    def reset(self) -> None:
        """Back to the machine's time."""
        self._offset_s = 0.0
        self._frozen_at_s = None

    def _jump(self, target_s: float) -> None:
        self._offset_s = target_s - time.time()
        if self._frozen_at_s is not None:
            self._frozen_at_s = target_s
