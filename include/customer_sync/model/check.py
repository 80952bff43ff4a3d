"""What is looked at before a run, and what was found: the words that *Test*, runs and ``doctor`` share. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec

Level = Literal["good", "warning", "bad", "unknown"]
"""``warning``: a run goes well all the same; ``unknown``: it was not looked at."""


class Fault(NamedTuple):
    """Something that is wrong, in a sentence, and what a person does about it."""

    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


class Verdict(NamedTuple):
    """What a look has shown.

    Attributes:
        level: How grave it is.
        sentence: What was seen.
        remedy: What a person does about it, ``""`` where nothing is to be done.
    """

    level: Level
    sentence: str
    remedy: str = ""


def good(sentence: str, remedy: str = "") -> Verdict:
    """All is well; what may be bettered all the same goes into ``remedy``."""
    return Verdict("good", sentence, remedy)


def warning(sentence: str, remedy: str) -> Verdict:
    """A run goes well, and somebody should look."""
    return Verdict("warning", sentence, remedy)


def bad(sentence: str, remedy: str) -> Verdict:
    """A run would fail, or do harm."""
    return Verdict("bad", sentence, remedy)


def not_looked_at(why: str, remedy: str = "") -> Verdict:
    """Nobody has looked."""
    return Verdict("unknown", f"Not looked at: {why}", remedy)


def waits_for(title: str) -> Verdict:
    """Nobody has looked, since something else has to be mended before."""
    return not_looked_at(f"{title} comes first.", "Mend that, and look again.")


def judged(faults: list[Fault], well: str) -> Verdict:
    """One verdict of several faults of one kind; without one, all is well."""
    if not faults:
        return good(well)
    return bad(" ".join(each.what for each in faults), " ".join(dict.fromkeys(each.remedy for each in faults)))


_BEFORE_REMEDY: Final = re.compile(
    r"(?<=[.!?])\s+(?=[A-Z'\"])|:\s+(?=(?:check|choose|correct|create|fill|give|keep|make|map|publish|put|set|write)\b)"
)
"""Between what happened and what to do: the end of a sentence, or a colon before an order."""


def fault_of(message: str) -> Fault:
    """Part the message of an error: what happened comes first, what to do is the rest."""
    what, *rest = _BEFORE_REMEDY.split(message.strip(), maxsplit=1)
    remedy = rest[0] if rest else ""
    return Fault(what if what.endswith((".", "!", "?")) else f"{what}.", remedy[:1].upper() + remedy[1:])


class Probe(NamedTuple):
    """One look, not yet taken.

    Attributes:
        id: Names it for programs, with the group before the dot: ``store.roles``.
        title: Names it for people, as in *Not looked at: {title} comes first*.
        look: Takes it; may raise the errors of :mod:`customer_sync.errors`, which are a bad verdict then.
        needs: Ids of those without which it cannot be taken, where they were taken at all.
    """

    id: str
    title: str
    look: Callable[[], Verdict]
    needs: tuple[str, ...] = ()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one look.

    Attributes:
        id: As in :class:`Probe`.
        title: As in :class:`Probe`.
        ok: Whether a run may go on; ``None``: not looked at.
        level: How grave it is.
        sentence: What was seen; personal data is masked.
        remedy: What a person does about it.
    """

    id: str
    title: str
    ok: bool | None
    level: Level
    sentence: str
    remedy: str = ""

    @property
    def group(self) -> str:
        """What it belongs to: the part of its id before the dot."""
        return self.id.partition(".")[0]


def checked(probe: Probe, verdict: Verdict) -> Check:
    """Put a verdict beside what was asked."""
    is_ok = None if verdict.level == "unknown" else verdict.level != "bad"
    return Check(
        id=probe.id,
        title=probe.title,
        ok=is_ok,
        level=verdict.level,
        sentence=verdict.sentence,
        remedy=verdict.remedy,
    )
