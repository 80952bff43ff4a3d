"""Looks at how the source is read: one real page, the stamps of its records, and everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from customer_sync.doctor.sample import LONGEST_READ_S, MOST_CUSTOMERS, Reading, hours_and_minutes
from customer_sync.doctor.source_checks import beyond
from customer_sync.model.check import Probe, Verdict, bad, good, not_looked_at, warning
from customer_sync.model.customer import Customer
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target

_SIGNED_IN: Final = ("erp.sign_in", "erp.tenant", "erp.endpoint", "erp.fields", "erp.rights")


class ReadingChecks:
    """Every look at reading.

    Args:
        reading: Reads the customers.
        connector: The rules.
        source: The source.
        target: The store, for its places; ``None`` where its connection cannot be read.
    """

    def __init__(self, reading: Reading, connector: Connector, source: Source, target: Target | None) -> None:
        self._reading = reading
        self._connector = connector
        self._source = source
        self._target = target

    def probes(self) -> Iterator[Probe]:
        """Every look."""
        yield Probe("erp.page", "one real page", self._page, _SIGNED_IN)
        yield Probe("erp.stamps", "the stamps of records", self._stamps, ("erp.page",))
        yield Probe(
            "erp.customers", "reading all customers", self._everybody, ("erp.page", "store.settings", "store.sign_in")
        )

    def _page(self) -> Verdict:
        page = self._reading.first_page()
        if page is None:
            return good("The ERP shows no customer, so that no page could be tried.")
        contacts = sum(len(customer.contacts) for customer in page.customers)
        locations = sum(len(customer.locations) for customer in page.customers)
        return good(
            f"The first page came with everything that is read of it: {len(page.customers):,} customers, {contacts:,} "
            f"contacts and {locations:,} locations in {self._reading.sample.seconds:.1f} s."
        )

    def _stamps(self) -> Verdict:
        """Read some customers again: what is equal but for its stamp was saved by nobody."""
        first = self._reading.sample.first
        if not first:
            return not_looked_at("there is no customer to read twice.")
        now = self._source.now_utc()
        again = {
            customer.customer_id: customer
            for page in self._reading.again([customer.customer_id for customer in first])
            for customer in page.customers
        }
        pairs = [(before, again[before.customer_id]) for before in first if before.customer_id in again]
        moved = [before.customer_id for before, after in pairs if _moved_alone(before, after)]
        if moved:
            return bad(
                f"The stamps of {len(moved)} of {len(pairs)} customers moved between two reads although nothing of "
                f"them changed: {', '.join(moved[:3])}. Every run would read them again.",
                "Find what saves them in the ERP (an automation schedule, a business event, another integration) and "
                "have it save only what it changes.",
            )
        ahead = {name: stamp for name, stamp in self._reading.sample.stamps.items() if beyond(stamp, now)}
        if ahead:
            name, stamp = max(ahead.items(), key=lambda each: each[1])
            return bad(
                f"A record of {name} bears the stamp {stamp:%Y-%m-%d %H:%M} UTC, later than the ERP's own time "
                f"({now:%Y-%m-%d %H:%M}).",
                "Set the ERP's clock and time zone right, and save the record once more; runs take no stamp from "
                "beyond its time.",
            )
        return good(f"The stamps of {len(pairs)} customers stayed as they were between two reads.")

    def _everybody(self) -> Verdict:
        if self._target is None:
            return not_looked_at("the store's connection comes first.")
        sample = self._reading.the_rest(self._target.facts)
        took = f"{sample.read:,} customers with {sample.parts:,} contacts and locations in {sample.seconds:.1f} s"
        if sample.is_whole:
            return good(f"All were read: {took}.")
        return warning(
            f"Not all were read: {took}.",
            f"Nothing is wrong by that; this look ends after {MOST_CUSTOMERS:,} customers or "
            f"{hours_and_minutes(LONGEST_READ_S)}. A dry run in mode full sees everybody.",
        )


def _but_for_stamps(customer: Customer) -> Customer:
    contacts = tuple(replace(contact, modified_at_utc="") for contact in customer.contacts)
    return replace(customer, modified_at_utc="", contacts=contacts)


def _stamps_of(customer: Customer) -> tuple[str, ...]:
    return (customer.modified_at_utc, *(contact.modified_at_utc for contact in customer.contacts))


def _moved_alone(before: Customer, after: Customer) -> bool:
    return _but_for_stamps(before) == _but_for_stamps(after) and _stamps_of(before) != _stamps_of(after)
