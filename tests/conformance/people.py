"""Customers for a source, under names that nobody else has."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from customer_sync.model.customer import Contact, Customer, Location, PostalAddress
from customer_sync.sources.port import Changes, CustomerPage, Source
from tests.conformance.harness import SourceUnderTest

OAKLAND = PostalAddress(
    line1="410 Harbor Ave", line2="Suite 12", city="Oakland", state="CA", postal_code="94607", country="US"
)
ALAMEDA = PostalAddress(line1="2200 Wharf St", city="Alameda", state="CA", postal_code="94501", country="US")


@dataclass
class People:
    """Customers of one case.

    Args:
        under_test: Where people work.
        source: A session.
    """

    under_test: SourceUnderTest
    source: Source
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def contact(self, name: str = "ann") -> Contact:
        """A contact who is not in the source yet."""
        return Contact(
            contact_id="",
            email=f"{name}@{self.mark}.example",
            first_name=name.title(),
            last_name="Rivera",
            phone="+1 555 010 0101",
        )

    def location(self, location_id: str = "EAST") -> Location:
        """A location with an address of its own."""
        return Location(
            location_id=location_id, name=f"{location_id} warehouse", phone="+1 555 010 0102", address=ALAMEDA
        )

    def customer(self, name: str = "A", contacts: int = 2, locations: int = 1) -> Customer:
        """A customer who is not in the source yet."""
        return Customer(
            customer_id="",
            name=f"Company {name} {self.mark}",
            email=f"office-{name.lower()}@{self.mark}.example",
            phone="+1 555 010 0100",
            main_address=OAKLAND,
            contacts=tuple(self.contact(f"ann-{name.lower()}-{number}") for number in range(contacts)),
            locations=tuple(self.location(f"L{number}") for number in range(locations)),
        )

    def add(self, name: str = "A", contacts: int = 2, locations: int = 1) -> Customer:
        """A customer who is in the source."""
        return self.under_test.add(self.customer(name, contacts, locations))

    def read(self, customer_id: str) -> Customer:
        """A customer as the source shows it, which it must."""
        (found,) = customers(self.source.customers_of([customer_id]))
        return found

    def changed_since(self, moment: str, until: str = "") -> dict[str, Changes]:
        """What every stream reports since a moment."""
        since = dict.fromkeys((each.stream for each in self.source.changes({}, "")), moment)
        return {each.stream: each for each in self.source.changes(since, until)}

    def moment(self) -> str:
        """The source's time, with a second of quiet around it."""
        self.under_test.pass_time(2)
        # A session may go on from the time of its last answer, which was before the clock was turned.
        with self.under_test.make() as fresh:
            now = fresh.now_utc().isoformat()
        self.under_test.pass_time(2)
        return now


def customers(pages: Iterable[CustomerPage]) -> list[Customer]:
    """The customers of all pages, none of them unreadable."""
    found = []
    for page in pages:
        assert page.unreadable == {}
        found += page.customers
    return found
