"""The source port: what a system must do to be a source of customers.

An adapter (``sources/<kind>/``, or a package of its own that registers the entry point ``customer_sync.sources``)
is two classes. Its section of the connector file says which it is, reads its own settings, and knows what needs no
network: the words of its screens and the form of its push notifications. Its session reads and writes.

Everything that crosses the port is neutral: records of :mod:`customer_sync.model.customer`, and fields by the
model's names: ``email``, ``main_address.state``, ``contact.first_name``, ``location.address.city``. Texts are trimmed,
moments are aware and in UTC. A *stream* is the source's own name for a list of changes with a stamp of its own
(``customers``, ``contacts``); the core only keeps one watermark for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Final, Literal, NamedTuple, Protocol, Self

from customer_sync.http.pacing import RequestUse
from customer_sync.model.check import Probe
from customer_sync.model.customer import Customer


class Known(Protocol):
    """What the core knows of the customers that a source reads: asked for each page, before it makes the records."""

    def __call__(self, rows: Mapping[str, str], /) -> Collection[str]:
        """Take customer id -> what identifies its rows, and name those of whom no record need be made: all is known."""

    def with_company(self, customer_ids: Collection[str]) -> Collection[str]:
        """Name those that have a company in the store, which must not lose what a source only failed to show."""


@dataclass(frozen=True)
class _Nobody:
    """Nobody is known to be as before."""

    have_companies: bool

    def __call__(self, _rows: Mapping[str, str], /) -> Collection[str]:
        return ()

    def with_company(self, customer_ids: Collection[str]) -> Collection[str]:
        return customer_ids if self.have_companies else ()


nobody: Final[Known] = _Nobody(have_companies=False)
"""What is known where every customer is to be read whole."""

suspected: Final[Known] = _Nobody(have_companies=True)
"""The same where what is read is looked at for a second time, and must hold."""


@dataclass
class CustomerPage:
    """Customers that were read, and those that could not be.

    Attributes:
        customers: Whole customers with all contacts and locations, in the order of the source's keys.
        rows: For each of them what identifies all that the source says of it, its contacts and its locations: equal as
            long as none of that changes, another one as soon as some of it does.
        as_before: Ids of those that were named as known; they are not among ``customers``.
        unreadable: Customer id -> what does not fit, for people; such a customer is not among ``customers``.
        stamps: Stream -> largest stamp on this page.
    """

    customers: list[Customer] = field(default_factory=list)
    rows: dict[str, str] = field(default_factory=dict)
    as_before: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, datetime] = field(default_factory=dict)


class Changes(NamedTuple):
    """What one stream reports for a window.

    Attributes:
        stream: Its name.
        entity: Kind of the records in it.
        owners: Ids of the customers whose records changed, as these records name them now.
        records: Ids of contacts, which may have moved: a record names its new owner only, the ledger knows the former.
            Of other entities the owners' ids suffice.
        latest_utc: Largest stamp seen; ``None`` when nothing changed.
    """

    stream: str
    entity: Literal["customer", "contact", "location"]
    owners: frozenset[str]
    records: frozenset[str]
    latest_utc: datetime | None


class Contract(NamedTuple):
    """What the source serves at present.

    Attributes:
        fingerprint: Changes whenever the answer of :meth:`Source.missing_fields` may change.
        served_by: For people, such as ``the endpoint KNCommerce/24.200.001 of build 24.207.0012``.
        remedy: What a person does about a missing field, as the end of ``Correct the file, or …``.
    """

    fingerprint: str
    served_by: str
    remedy: str


class Reference(NamedTuple):
    """The store's id of a customer, to be written into the source; ``record_id`` may be ``""`` if it is unknown."""

    customer_id: str
    record_id: str
    reference_id: str


class Limits(NamedTuple):
    """What one session can take: requests in flight that gain anything, and whether a session occupies a seat."""

    useful_in_flight: int
    takes_seat: bool


class Source(Protocol):
    """A session with a source of customers, for a ``with`` block, which ends it whatever happens.

    It opens at the first request, not before, and may be entered again. Every method may raise the errors of
    :mod:`customer_sync.errors`: ``TransientApiError`` when its own retries ran out, ``PermanentApiError`` and
    ``ConfigError`` for what only a person can change, ``ContractError`` when nothing may be concluded from an answer.
    """

    @property
    def limits(self) -> Limits:
        """What the session can take."""

    def now_utc(self) -> datetime:
        """The source's own time, as of the session's last answer; no stamp beyond it is to be believed.

        May cost one request.
        """

    def customers_after(self, resume_after: str, known: Known = nobody) -> Iterator[CustomerPage]:
        """Read every customer whose key is greater, in key order; ``""`` = all. Each customer comes once.

        Where the connector sets ``erp.server_filter``, those whose type, class or status the eligibility rules refuse
        may be left out.
        """

    def customers_of(self, customer_ids: Sequence[str], known: Known = nobody) -> Iterator[CustomerPage]:
        """Read these customers; those that the source does not show are in no page. Repeated ids count once."""

    def customers_of_records(self, record_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """Read these customers by their record ids, whatever their numbers are now; else as :meth:`customers_of`."""

    def changes(self, since: Mapping[str, str], until: str) -> Iterator[Changes]:
        """Name what changed in a window, one answer for each stream, in an order that never changes.

        Args:
            since: Stream -> first moment (inclusive, ISO 8601); a stream that is not in it is read from its beginning.
            until: First moment that is not in the window; ``""`` = open.
        """

    def deleted(self) -> Mapping[str, str] | None:
        """Name the customers that were deleted: id -> moment (ISO 8601); ``None`` where the source does not say."""

    def contract(self) -> Contract:
        """Say what is served at present, in at most one request."""

    def missing_fields(self) -> list[str]:
        """Name each field that the connector file reads and the source does not have; ``[]`` when it has all."""

    def probes(self) -> Sequence[Probe]:
        """What can be looked at in this system beside what the other methods show, in an order in which it is mended.

        Nothing is asked before a look is taken, and nothing is written. Each is named ``erp.…``, one of them
        ``erp.sign_in``; reading customers needs ``erp.tenant``, ``erp.endpoint``, ``erp.fields`` and ``erp.rights`` of
        a source that has them.
        """

    def write_reference(self, reference: Reference) -> None:
        """Write the store's id of a customer into its record; never makes a record, and may be repeated.

        Raises:
            RecordRejected: The source refused the value.
            NotFound: There is no such customer.
            AmbiguousWriteError: It may or may not have been stored.
        """

    def requests_used(self) -> RequestUse:
        """Count the requests since the session was made, signing in and out included."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
