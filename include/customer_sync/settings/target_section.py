"""The section ``target`` of a connector file: which kind of store holds the companies.

How companies are made there is the section ``store``; what a store of that kind holds is the adapter's, and known
without asking it.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, SerializeAsAny

from customer_sync.model.fields import EntityFields
from customer_sync.settings.adapter_kind import TARGETS, validate_section
from customer_sync.settings.section import Section

DEFAULT_KIND = "better_b2b"
"""The store of a connector file that names none."""


class TargetSection(Section):
    """What an adapter says without a network; its own section of the connector file derives from this.

    Attributes:
        kind: The adapter's name, as in the file.
        company_emails_unique: Whether only one company may have an e-mail.
        label: Name of the system, for people.
        fields: How long texts may be, and how fields are masked.
        opener: Where the function is that opens the store, as ``module:function``: it brings a client along, so it is
            imported when one is needed. It takes connection, connector, and the budget ``schedule``, and, where
            somebody waits less than a run, ``retry``.
    """

    kind: str = DEFAULT_KIND
    company_emails_unique: bool = True
    label: ClassVar[str]
    fields: ClassVar[EntityFields]
    opener: ClassVar[str]


ConfiguredTarget = Annotated[
    SerializeAsAny[TargetSection], BeforeValidator(partial(validate_section, TARGETS, DEFAULT_KIND))
]
"""The section ``target`` in the form of the adapter that it names."""
