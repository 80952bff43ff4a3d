"""The section ``source`` of a connector file: which system the customers come from, and what that needs to know.

The core knows the few things below; everything else in the section belongs to the adapter that ``kind`` names. An
adapter is found by the entry point ``customer_sync.sources``, or, where nothing was installed, in the folder of its
name beside the port.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import ClassVar

from customer_sync.model.push_notification import Notification
from customer_sync.settings.section import Section


class SourceSection(Section):
    """What an adapter says without a network; its own section of the connector file derives from this.

    Attributes:
        kind: The adapter's name, as in the file.
        label: Name of the system, for people.
        words: Neutral field -> what people see of it: ``main_address.state`` -> ``State on the General tab``. The
            remedies of reasons are filled in from it.
    """

    kind: str
    label: ClassVar[str]
    words: ClassVar[Mapping[str, str]]

    @property
    @abstractmethod
    def extra_field_names(self) -> Collection[str]:
        """Names of the store's extra fields that the section fills."""

    @abstractmethod
    def read_notification(self, body: bytes, customer_fields: Collection[str]) -> Notification:
        """Read a push notification: the customers that it names, and its place in the order of events.

        Args:
            body: As it was sent.
            customer_fields: Of the connector's section ``push``; empty = the adapter's own.

        Raises:
            Malformed: It is none; the message quotes nothing of it.
        """
