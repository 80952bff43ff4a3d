"""Customers that are read once and planned twice: a session with a source that keeps the pages which it has shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from customer_sync.http.pacing import RequestUse
from customer_sync.machine import machine
from customer_sync.model.check import Probe
from customer_sync.sources.port import Changes, Contract, CustomerPage, Known, Limits, Reference, Source, nobody

_LENGTH_BYTES = 8


class OneReading:
    """A session whose full read is kept in a file; who reads again is shown the same.

    Nobody is left out by the source because the ledger knows all that it says: of two plans one may need the record
    that the other does not. What either leaves out is left out here.

    Args:
        source: The session; it is the caller's, who opens and closes it.
        path: Where the pages wait; a folder of the caller's that nobody else can look into.

    Attributes:
        read_until_s: When the last customer was read, on the machine's monotonic clock.
    """

    def __init__(self, source: Source, path: Path) -> None:
        self._source = source
        self._path = path
        self._is_whole = False
        self.read_until_s = 0.0

    def customers_after(self, resume_after: str, known: Known = nobody) -> Iterator[CustomerPage]:
        """Read every customer: the first time from the source, later from what it showed then.

        Raises:
            ValueError: A read of a part; plans that nobody applies begin at the beginning.
        """
        if resume_after:
            raise ValueError("what is read once is read from the beginning")
        for page in self._kept() if self._is_whole else self._read():
            yield _without(page, known)

    def _read(self) -> Iterator[CustomerPage]:
        with self._path.open("wb") as file:
            self._path.chmod(0o600)
            for page in self._source.customers_after(""):
                packed = _encoder.encode(page)
                file.write(len(packed).to_bytes(_LENGTH_BYTES))
                file.write(packed)
                yield page
        self._is_whole = True
        self.read_until_s = machine().monotonic_s()

    def _kept(self) -> Iterator[CustomerPage]:
        with self._path.open("rb") as file:
            while length := file.read(_LENGTH_BYTES):
                yield _decoder.decode(_whole(file, int.from_bytes(length)))

    # -- all else is the session's ------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """What the session can take."""
        return self._source.limits

    def now_utc(self) -> datetime:
        """The source's own time."""
        return self._source.now_utc()

    def customers_of(self, customer_ids: Sequence[str], known: Known = nobody) -> Iterator[CustomerPage]:
        """Read these customers."""
        return self._source.customers_of(customer_ids, known)

    def customers_of_records(self, record_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """Read these customers by their record ids."""
        return self._source.customers_of_records(record_ids)

    def changes(self, since: Mapping[str, str], until: str) -> Iterator[Changes]:
        """Name what changed in a window."""
        return self._source.changes(since, until)

    def deleted(self) -> Mapping[str, str] | None:
        """Name the customers that were deleted."""
        return self._source.deleted()

    def contract(self) -> Contract:
        """Say what is served at present."""
        return self._source.contract()

    def missing_fields(self) -> list[str]:
        """Name each field that the connector file reads and the source does not have."""
        return self._source.missing_fields()

    def probes(self) -> Sequence[Probe]:
        """What can be looked at in this system beside."""
        return self._source.probes()

    def write_reference(self, reference: Reference) -> None:
        """Refuse: nothing is written by a plan that nobody applies.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"a what-if writes nothing, and so not {reference.customer_id}")

    def requests_used(self) -> RequestUse:
        """Count the requests since the session was made."""
        return self._source.requests_used()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CustomerPage)


def _whole(file: BinaryIO, length: int) -> bytes:
    packed = file.read(length)
    if len(packed) != length:
        raise EOFError("the file of pages was cut")
    return packed


def _without(page: CustomerPage, known: Known) -> CustomerPage:
    """The page as a source would have shown it to who knows some of its customers already."""
    as_before = known(page.rows)
    if not as_before:
        return page
    left = [each for each in page.customers if each.customer_id not in as_before]
    return CustomerPage(
        customers=left,
        rows={each.customer_id: page.rows[each.customer_id] for each in left if each.customer_id in page.rows},
        as_before=list(as_before),
        unreadable=page.unreadable,
        stamps=page.stamps,
    )
