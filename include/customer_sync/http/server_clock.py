"""The server's own time, by the ``Date`` of its answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from customer_sync.http.transport import HttpResponse


@dataclass
class ServerClock:
    """Remembers when the server answered last, and goes on from there by a clock that nobody sets.

    Attributes:
        monotonic_s: The clock for durations, in seconds.
    """

    monotonic_s: Callable[[], float] = time.monotonic
    _date: str = ""
    _seen_s: float = field(default=0.0)

    def observe(self, answer: HttpResponse) -> None:
        """Remember an answer's date, to the second."""
        date = answer.headers.get("Date")
        if date:
            self._date, self._seen_s = date, self.monotonic_s()

    def now_utc(self) -> datetime | None:
        """The server's time; ``None`` while no answer bore a date."""
        try:
            moment = parsedate_to_datetime(self._date)
        except ValueError:
            return None
        return moment + timedelta(seconds=self.monotonic_s() - self._seen_s)
