"""What the suite needs of an adapter to try it, and where it is found by name.

A harness opens connections to one store, or sessions with one source, that may be written to. The suite makes records
with keys and e-mails of its own, so that the system may hold others, and it need not be emptied.

An adapter of another distribution is found by an entry point of the group ``customer_sync.conformance.targets`` or
``customer_sync.conformance.sources``, which names a function without arguments that gives a context manager of its
harness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import entry_points
from typing import Any, Protocol

from customer_sync.model.customer import Customer
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target


class TargetUnderTest(Protocol):
    """One store.

    It must have at least two roles of users and two payment methods, the two extra fields of companies below, and
    no demand beyond those of its adapter's field tables.
    """

    key_field: str
    """The extra field of a company that holds our key."""
    plain_extra_field: str
    """One whose values may repeat."""

    def make(self) -> Target:
        """A new connection."""

    def now_s(self) -> int:
        """The store's own time, Unix seconds."""

    def pass_time(self, seconds: int) -> None:
        """Let so much of it pass: by turning its clock, or by waiting."""


class SourceUnderTest(Protocol):
    """One source, and what people do in it."""

    def make(self) -> Source:
        """A new session."""

    def add(self, customer: Customer) -> Customer:
        """Make a customer with its contacts and locations: name, e-mail, phone, address; names, e-mails and phones.

        Returns:
            The same with the ids that the source gave to customer and contacts. Locations keep theirs; the source may
            make others by itself.
        """

    def change(self, customer: Customer) -> Customer:
        """Write names, e-mails and phones of a customer, its contacts and its locations.

        A contact without an id is new, and so is a location that the customer does not have; none is taken away.

        Returns:
            The same with the ids of what is new.
        """

    def delete(self, customer_id: str) -> None:
        """Delete a customer, so that the source does not show it any more."""

    def pass_time(self, seconds: int) -> None:
        """Let so much of the source's time pass: by turning its clock, or by waiting."""


TargetFactory = Callable[[], AbstractContextManager[TargetUnderTest]]
SourceFactory = Callable[[], AbstractContextManager[SourceUnderTest]]


def targets() -> Mapping[str, TargetFactory]:
    """Name -> harness of each target: the project's own, and those that are installed."""
    from tests.conformance import own_targets  # noqa: PLC0415 - they need this module

    return {**own_targets.TARGETS, **_installed("customer_sync.conformance.targets")}


def sources() -> Mapping[str, SourceFactory]:
    """Name -> harness of each source."""
    from tests.conformance import own_sources  # noqa: PLC0415 - they need this module

    return {**own_sources.SOURCES, **_installed("customer_sync.conformance.sources")}


def _installed(group: str) -> dict[str, Any]:
    return {entry.name: entry.load() for entry in entry_points(group=group)}
