"""Make a history that breaks a promise shorter, as long as it breaks the same one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.world import Event

Breaks = Callable[[Sequence[Event]], bool]


def shrink(events: Sequence[Event], breaks: Breaks) -> list[Event]:
    """Take out ever smaller pieces of a history, then single faults of its runs, until nothing more can be spared."""
    kept = list(events)
    size = max(1, len(kept) // 2)
    while size:
        start, is_shorter = 0, False
        while start < len(kept):
            without = [*kept[:start], *kept[start + size :]]
            if breaks(without):
                kept, is_shorter = without, True
            else:
                start += size
        if not is_shorter:
            size //= 2
    return _without_faults(kept, breaks)


def _without_faults(kept: list[Event], breaks: Breaks) -> list[Event]:
    for place, event in enumerate(kept):
        for fault in [each for each in event.args if isinstance(each, tuple)]:
            lighter = Event(event.kind, tuple(each for each in kept[place].args if each != fault))
            without = [*kept[:place], lighter, *kept[place + 1 :]]
            if breaks(without):
                kept = without
    return kept
