"""What discovery answers: settings with confidence, sample and reason; questions; warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from customer_sync.discovery.weights import CERTAIN


class Option(NamedTuple):
    """One answer that a question offers: its value, what it means, and a masked sample."""

    value: Any
    says: str
    sample: str = ""


class Proposal(NamedTuple):
    """A setting.

    Attributes:
        value: As it stands in a file.
        confidence: From 0 to 1; below 0.9 a person is asked.
        why: The reason, as a sentence without its full stop.
        sample: A value from the source or the store, masked; ``""`` where none belongs to it.
        question: What a person is asked, as a sentence; ``""``: its plain name is asked for.
        options: Other answers that are offered, after ``value``.
    """

    value: Any
    confidence: float
    why: str
    sample: str = ""
    question: str = ""
    options: tuple[Option, ...] = ()


class Question(NamedTuple):
    """What only a person knows; the first option is what the file says as long as nobody answers."""

    setting: str
    question: str
    options: tuple[Option, ...]


@dataclass(slots=True)
class Findings:
    """Everything that discovery says, by the path of the setting in the file."""

    settings: dict[str, Proposal] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def questions(self) -> list[Question]:
        """What is to be asked, in the order of the file."""
        return [
            Question(path, each.question or f"What is {path}?", _options(each))
            for path, each in self.settings.items()
            if each.confidence < CERTAIN
        ]

    def answer(self, setting: str, value: Any) -> None:
        """Take a person's answer."""
        self.settings[setting] = Proposal(value, 1.0, "you said so")

    def value(self, setting: str) -> Any:
        """What a setting is proposed to be."""
        return self.settings[setting].value

    def confidence(self, setting: str) -> float:
        """How certain a setting is."""
        return self.settings[setting].confidence

    def add(self, settings: Mapping[str, Proposal], warnings: Iterable[str] = ()) -> None:
        """Add what was found."""
        self.settings.update(settings)
        self.warnings += warnings


def _options(proposal: Proposal) -> tuple[Option, ...]:
    first = Option(proposal.value, proposal.why, proposal.sample)
    return (first, *(each for each in proposal.options if each.value != proposal.value))
