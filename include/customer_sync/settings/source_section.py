"""The section ``source`` of a connector file: which system the customers come from, and what that needs to know.

The core knows the few things below; everything else in the section belongs to the adapter that ``kind`` names. Which
fields it reads from where, and in which words people see them, is the adapter's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from functools import partial
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, SerializeAsAny

from customer_sync.model.push_notification import Notification
from customer_sync.settings.adapter_kind import SOURCES, validate_section
from customer_sync.settings.section import Section

DEFAULT_KIND = "acumatica"
"""The source of a connector file that names none."""


class SourceSection(Section):
    """What an adapter says without a network; its own section of the connector file derives from this.

    Attributes:
        kind: The adapter's name, as in the file.
        label: Name of the system, for people.
        words: Neutral field -> what people see of it: ``main_address.state`` -> ``State on the General tab``. The
            remedies of reasons are filled in from it.
        default_key_field: Extra field of companies that holds a customer's number, where the file names none.
        default_connection_type: What marks customers for this sync, where the file names nothing; ``""``: nothing does.
        streams: Names of its lists of changes, each with a watermark of its own; the customers' own comes first.
        opener: Where the function is that opens a session, as ``module:function``: it brings a client along, so it is
            imported when one is needed. It takes connection, connector, and the budgets ``schedule`` and ``seat``, and,
            where somebody waits less than a run, ``retry``.
        consent: Where the function is that asks a person to let this application act for him, as for ``opener``; it
            takes a connection, and gives a :class:`~customer_sync.settings.consent.Consent`. ``""``: there is none.
    """

    kind: str = DEFAULT_KIND
    label: ClassVar[str]
    words: ClassVar[Mapping[str, str]]
    default_key_field: ClassVar[str] = "Customer ID"
    default_connection_type: ClassVar[str] = ""
    streams: ClassVar[tuple[str, ...]]
    opener: ClassVar[str]
    consent: ClassVar[str] = ""

    @property
    def unread(self) -> Collection[str]:
        """Neutral fields that the section names no place for, such as ``contact.enabled``."""
        return ()

    @property
    @abstractmethod
    def extra_field_names(self) -> Collection[str]:
        """Names of the store's extra fields that the section fills."""

    @property
    def contact_extra_field_names(self) -> Collection[str]:
        """Names of the extra fields of users that the section fills."""
        return ()

    @property
    def location_extra_field_names(self) -> Collection[str]:
        """Names of the extra fields of addresses that the section fills."""
        return ()

    @abstractmethod
    def read_notification(self, body: bytes, customer_fields: Collection[str]) -> Notification:
        """Read a push notification: the customers that it names, and its place in the order of events.

        Args:
            body: As it was sent.
            customer_fields: Of the connector's section ``push``; empty = the adapter's own.

        Raises:
            Malformed: It is none; the message quotes nothing of it.
        """


ConfiguredSource = Annotated[
    SerializeAsAny[SourceSection], BeforeValidator(partial(validate_section, SOURCES, DEFAULT_KIND))
]
"""The section ``source`` in the form of the adapter that it names."""
