"""The section ``target`` of a connector whose store is Better B2B."""

from __future__ import annotations

from typing import ClassVar, Literal

from customer_sync.model.fields import EntityFields
from customer_sync.settings.target_section import TargetSection
from customer_sync.targets.better_b2b.field_table import FIELDS


class BetterB2BSection(TargetSection):
    """A Better B2B store."""

    label: ClassVar[str] = "Better B2B"
    fields: ClassVar[EntityFields] = FIELDS
    opener: ClassVar[str] = "customer_sync.targets.better_b2b.connection:open_target"
    describer: ClassVar[str] = "customer_sync.targets.better_b2b.describe:describe"

    kind: Literal["better_b2b"] = "better_b2b"


SECTION = BetterB2BSection
"""What the entry point names."""
