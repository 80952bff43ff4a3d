"""Differences between what was recorded and what we do, and the file that explains those that are meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

EXPLAINED: Final = Path(__file__).with_name("explained.yaml")
_PATTERNS: Final = ("part", "file", "subject", "field", "ours", "recorded")
_SHOWN: Final = 160


class ExplanationError(Exception):
    """The file of explained differences cannot be used; the message says why."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was recorded.

    Attributes:
        part: Which trial found it.
        file: File below the folder.
        subject: The request, the document or the value that was tried.
        field: Where in it.
        ours: What we say.
        recorded: What was recorded, or is expected.
    """

    part: str
    file: str
    subject: str
    field: str
    ours: str
    recorded: str

    def __str__(self) -> str:
        """One line of the report."""
        said = f"{self.part}: {self.file}: {self.subject}: {self.field}: ours {self.ours}, recorded {self.recorded}"
        return " ".join(said.split())


@dataclass
class Explanation:
    """Why differences of one kind are meant; patterns have ``*`` and ``?``."""

    patterns: dict[str, str]
    reason: str
    used: int = 0

    def explains(self, difference: Difference) -> bool:
        """Whether it is about this difference."""
        return all(fnmatchcase(getattr(difference, name), pattern) for name, pattern in self.patterns.items())

    def __str__(self) -> str:
        """Its patterns."""
        return ", ".join(f"{name} {pattern}" for name, pattern in self.patterns.items())


@dataclass
class Tally:
    """What one part tried and found.

    Attributes:
        tried: Kind of thing -> how many were tried.
        differences: What was found.
    """

    tried: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        """Both in one."""
        return Tally(self.tried + other.tried, [*self.differences, *other.differences])


def read_explanations(path: Path) -> list[Explanation]:
    """Read the file of explained differences.

    Raises:
        ExplanationError: It is no list of patterns with a reason each.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, yaml.YAMLError) as error:
        raise ExplanationError(f"{path} cannot be read: {error}") from error
    return [_explanation(path, number, row) for number, row in enumerate(rows, 1)]


def _explanation(path: Path, number: int, row: Any) -> Explanation:
    if not isinstance(row, dict) or not str(row.get("reason") or "").strip():
        raise ExplanationError(f"{path}: entry {number} has no reason")
    patterns = {name: str(value) for name, value in row.items() if name != "reason"}
    if unknown := set(patterns) - set(_PATTERNS):
        raise ExplanationError(f"{path}: entry {number}: {min(unknown)} is none of {', '.join(_PATTERNS)}")
    if not {"part", "field"} <= set(patterns):
        raise ExplanationError(f"{path}: entry {number} must name part and field")
    return Explanation(patterns, str(row["reason"]).strip())


def explain(differences: Iterable[Difference], explanations: Sequence[Explanation]) -> list[Difference]:
    """Count every explanation that fits, and return the differences that none explains."""
    unexplained = []
    for difference in differences:
        fitting = [each for each in explanations if each.explains(difference)]
        for each in fitting:
            each.used += 1
        if not fitting:
            unexplained.append(difference)
    return unexplained


def shown(value: Any) -> str:
    """A value for a report: short, on one line, without what a terminal would run."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text[: _SHOWN + 1])
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text
