"""What an adapter says of one field, and the fields that pass through unchanged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

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

    def masks(self) -> dict[str, MaskKind]:
        """Our field -> what it holds of a person, whatever record it is of; those of the first user with ``admin_``."""
        kinds: dict[str, MaskKind] = {}
        for table in self:
            kinds |= {name: rule.mask or kinds.get(name, "") for name, rule in table.items()}
        return kinds | {f"admin_{name}": rule.mask for name, rule in self.user.items()}


class PlainFields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Texts that a company takes over from its customer as they are, under one name and without a rule.

    A new one is a line here and a line in each adapter's field table (docs/contributing.md#plain-field).
    """


PLAIN_FIELDS: Final = PlainFields.__struct_fields__
"""Their names."""
