"""The store's rate headers, whose values carry units: ``150 times/60 s`` (docs/api/better_b2b.md#rate)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from customer_sync.http.transport import Headers

_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_DEFAULT_WINDOW_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What the headers of one answer say; ``None`` for what they do not.

    Args:
        allocated: Requests per window for the whole store.
        window_s: Length of the window in seconds.
        remaining: Requests left in it.
        resets_after_s: Seconds until it starts afresh.
        retry_after_s: Seconds that the store asks to wait; documented nowhere, honoured when sent.
    """

    allocated: float | None
    window_s: float
    remaining: float | None
    resets_after_s: float | None
    retry_after_s: float | None


def read_budget(headers: Headers | Mapping[str, str]) -> Budget:
    """Read the rate headers of an answer; unreadable values count as absent."""
    allocated = _numbers(headers.get("X-Requests-Allocated"))
    return Budget(
        allocated=allocated[0] if allocated else None,
        window_s=(allocated[1] if len(allocated) > 1 else 0) or _DEFAULT_WINDOW_S,
        remaining=_first(headers.get("X-Requests-Remaining")),
        # No "s" on Request in this one.
        resets_after_s=_first(headers.get("X-Request-Window-Resets-After")),
        retry_after_s=_whole(headers.get("Retry-After")),
    )


def _numbers(text: str | None) -> list[float]:
    return [float(found) for found in _NUMBER.findall(text or "")]


def _first(text: str | None) -> float | None:
    numbers = _numbers(text)
    return numbers[0] if numbers and math.isfinite(numbers[0]) else None


def _whole(text: str | None) -> float | None:
    # The other form of Retry-After, a date, would need the server's clock: the window header is better then.
    return float(text) if text and text.strip().isdecimal() and len(text) < 10 else None  # noqa: PLR2004 - sane seconds
