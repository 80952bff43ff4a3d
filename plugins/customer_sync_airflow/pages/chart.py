"""Counts over time as an inline SVG: stacked columns, one colour per outcome, each with its words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from customer_sync.ledger.story.log_chart import LogCounts
from customer_sync.model.outcome import Outcome

WIDTH, HEIGHT = 1000, 96
_MOST_COLUMNS = 120
_LEVELS = ("info", "debug", "warning", "error")


@dataclass(frozen=True)
class Bar:
    """One coloured piece of a column, in the units of the SVG."""

    x: float
    y: float
    width: float
    height: float
    word: str
    title: str


@dataclass(frozen=True)
class Chart:
    """What the template draws.

    Attributes:
        bars: All pieces.
        legend: (word, rows) in the order of the stack.
        first: Start of the first column.
        last: Start of the last column.
        top: Rows of the highest column.
        summary: The whole in one sentence, for who does not see it.
    """

    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, int], ...]
    first: datetime | None
    last: datetime | None
    top: int
    summary: str


def draw(counts: LogCounts) -> Chart:
    """Lay the columns out; long spans share columns."""
    words = [str(outcome) for outcome in Outcome] if not counts.by_level else list(_LEVELS)
    totals: Counter[str] = Counter()
    for (_, word), rows in counts.counts.items():
        totals[word] += rows
    legend = tuple((word, totals[word]) for word in words if totals[word])
    if not legend:
        return Chart((), (), None, None, 0, "No customer was closed in this range.")
    starts = [start for start, _ in counts.counts]
    first, last = min(starts), max(starts)
    columns = _columns(counts, first, last)
    top = max(sum(column.values()) for column in columns.values())
    number = max(columns) + 1
    width = min(WIDTH / max(number, 12), 60.0)
    bars = [bar for index, column in columns.items() for bar in _stack(column, words, top, index * width, width)]
    counted = ", ".join(f"{rows} {word}" for word, rows in legend)
    return Chart(
        tuple(bars), legend, first, last, top, f"{counted}, from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    )


def _columns(counts: LogCounts, first: datetime, last: datetime) -> dict[int, Counter[str]]:
    steps = (last - first) // counts.step + 1
    per_column = -(-steps // _MOST_COLUMNS)
    columns: dict[int, Counter[str]] = {}
    for (start, word), rows in counts.counts.items():
        index = (start - first) // counts.step // per_column
        columns.setdefault(index, Counter())[word] += rows
    return columns


def _stack(column: Counter[str], words: list[str], top: int, x: float, width: float) -> list[Bar]:
    bars: list[Bar] = []
    y = float(HEIGHT)
    for word in words:
        rows = column[word]
        if not rows:
            continue
        # A single failed customer among thousands must still be seen.
        height = max(HEIGHT * rows / top, 1.5)
        y -= height
        bars.append(
            Bar(round(x, 1), round(max(y, 0.0), 1), round(width * 0.86, 1), round(height, 1), word, f"{rows} {word}")
        )
    return bars


def span_in_words(step: timedelta) -> str:
    """``hour`` or ``day``."""
    return "hour" if step <= timedelta(hours=1) else "day"
