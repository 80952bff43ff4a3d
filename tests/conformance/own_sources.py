"""The project's own sources under test: the in-memory ERP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from customer_sync.model.customer import Customer
from customer_sync.sources.port import Source
from tests.adapters.in_memory_source import InMemoryErp, InMemorySource
from tests.conformance.harness import SourceFactory, SourceUnderTest


@dataclass
class TurnedClock:
    """A clock that tests turn on."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class InMemoryUnderTest:
    """One in-memory ERP."""

    erp: InMemoryErp
    clock: TurnedClock

    def make(self) -> Source:
        return InMemorySource(self.erp)

    def add(self, customer: Customer) -> Customer:
        return self.erp.save(customer)

    def change(self, customer: Customer) -> None:
        self.erp.save(replace(self.erp.customer(customer.customer_id), **_changed(customer)))

    def delete(self, customer_id: str) -> None:
        self.erp.delete(customer_id)

    def pass_time(self, seconds: int) -> None:
        self.clock.ahead += timedelta(seconds=seconds)


def _changed(customer: Customer) -> dict[str, object]:
    names = ("name", "email", "phone", "contacts", "locations")
    return {name: getattr(customer, name) for name in names}


@contextmanager
def in_memory() -> Iterator[SourceUnderTest]:
    """As the documents describe the ERP."""
    clock = TurnedClock()
    yield InMemoryUnderTest(InMemoryErp(clock, page_customers=3), clock)


SOURCES: Mapping[str, SourceFactory] = {"in_memory": in_memory}
"""Name -> harness."""
