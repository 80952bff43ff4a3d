"""What an adapter says of one field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

MaskKind = Literal["", "email", "phone", "name"]
"""What kind of personal data a field holds; ``""``: none."""


class FieldRule(NamedTuple):
    """One field of one entity in one system.

    Attributes:
        wire: Its name on the wire.
        most_chars: Longest text that the system holds; 0: not bounded, or no text.
        mask: How it is masked where people without the right look.
        can_clear: Whether the system takes an empty value for it.
    """

    wire: str
    most_chars: int = 0
    mask: MaskKind = ""
    can_clear: bool = True

    def holds(self, text: str) -> bool:
        """Whether the system holds a text as long as this one."""
        return not self.most_chars or len(text) <= self.most_chars


class EntityFields(NamedTuple):
    """The field tables of one kind of store: our field -> its rule."""

    company: Mapping[str, FieldRule]
    user: Mapping[str, FieldRule]
    address: Mapping[str, FieldRule]
