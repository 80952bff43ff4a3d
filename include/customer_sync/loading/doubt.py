"""Requests that may have been done and are sent again without a look: unknown until what repeats them is answered.

A load that stops in between leaves their intents open, and the next one reads them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

End = Literal["abandoned", "split"]
"""As what a request is closed that nobody answered, or that was refused as a whole and done in part."""


@dataclass(eq=False)
class Doubt:
    """One such request.

    Attributes:
        intents: Its rows of the journal.
        end: As what they are closed.
        left: How many of the writes that repeat it have no answer yet.
    """

    intents: Sequence[int]
    end: End
    left: int


Doubts = tuple[Doubt, ...]


def passed_on(doubts: Iterable[Doubt], to: int) -> None:
    """Have some writes stand for one that is not sent as it was."""
    for doubt in doubts:
        doubt.left += to - 1


def confirmed(doubts: Iterable[Doubt]) -> list[Doubt]:
    """Note that a repeating write was done; returns the doubts that this was the last for."""
    return _answered(doubts)


def refused(doubts: Iterable[Doubt]) -> list[Doubt]:
    """Note that one was refused; what is refused again was not done before, what had no answer may have been."""
    return _answered(doubt for doubt in doubts if doubt.end == "split")


def _answered(doubts: Iterable[Doubt]) -> list[Doubt]:
    ended: list[Doubt] = []
    for doubt in doubts:
        doubt.left -= 1
        if not doubt.left:
            ended.append(doubt)
    return ended
