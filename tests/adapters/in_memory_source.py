"""A source of customers in dictionaries, behind the source port.

It behaves as docs/api/acumatica.md says that the ERP does, as far as the port shows it: every record has a stamp of its
own, a write of equal values moves none, a written reference moves its customer's, and what is deleted leaves no stamp.
Faults are not its business (``faults``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Final, Literal, NamedTuple, Self

from msgspec.structs import replace

from customer_sync.errors import NotFound, RecordRejected
from customer_sync.http.pacing import RequestCounter, RequestUse
from customer_sync.model.check import Probe, good
from customer_sync.model.company import content_hash
from customer_sync.model.customer import Contact, Customer, Location
from customer_sync.sources.port import Changes, Contract, CustomerPage, Known, Limits, Reference, nobody

_NAME: Final = "In-memory ERP"
_MOST_REFERENCE_CHARS: Final = 50
Stream = Literal["customers", "contacts", "locations"]
_ENTITIES: Final[Mapping[Stream, Literal["customer", "contact", "location"]]] = {
    "customers": "customer",
    "contacts": "contact",
    "locations": "location",
}


class Row(NamedTuple):
    """One record: the number of its customer, its values, and when they last changed."""

    owner: str
    values: Customer | Contact | Location
    at_utc: datetime


@dataclass
class InMemoryErp:
    """The records of one ERP; sources are sessions with it.

    Args:
        now_utc: Its own clock.
        tells_deletions: Whether it says what was deleted.
        page_customers: Customers of one page.
        missing_fields: What a connector file reads and this ERP lacks.
    """

    now_utc: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    tells_deletions: bool = True
    page_customers: int = 40
    missing_fields: Sequence[str] = ()
    rows: dict[Stream, dict[str, Row]] = field(default_factory=lambda: {stream: {} for stream in _ENTITIES})
    unreadable: dict[str, str] = field(default_factory=dict)
    deleted: dict[str, datetime] = field(default_factory=dict)
    ids: count[int] = field(default_factory=lambda: count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def save(self, customer: Customer) -> Customer:
        """Save a customer with all of its contacts and locations; what did not change keeps its stamp.

        Returns:
            The customer as sessions read it from now on.
        """
        key = customer.customer_id
        with self.lock:
            have = self.rows["customers"].get(key)
            record_id = customer.record_id or (
                have.values.record_id if have and isinstance(have.values, Customer) else ""
            )
            record_id = record_id or f"record-{next(self.ids):06d}"
            made_at = customer.created_at_utc or getattr(have and have.values, "created_at_utc", "")
            made = {"record_id": record_id, "created_at_utc": made_at or self.now_utc().isoformat()}
            self._put("customers", key, key, replace(customer, **made, contacts=(), locations=()))
            contacts = {each.contact_id: each for each in customer.contacts}
            locations = {f"{key}/{each.location_id}": each for each in customer.locations}
            self._drop(key, "contacts", contacts)
            self._drop(key, "locations", locations)
            for contact_id, contact in contacts.items():
                self._put("contacts", contact_id, key, contact)
            for location_key, location in locations.items():
                self._put("locations", location_key, key, location)
            self.deleted.pop(key, None)
            return self.customer(key)

    def delete(self, customer_id: str) -> None:
        """Delete a customer with its contacts and locations."""
        with self.lock:
            for stream in _ENTITIES:
                self._drop(customer_id, stream, ())
            self.deleted[customer_id] = self.now_utc()

    def rename(self, customer_id: str, new_id: str) -> Customer:
        """Give a customer another number: its record stays, its former number is kept nowhere."""
        with self.lock:
            have = self.customer(customer_id)
            for stream in _ENTITIES:
                self._drop(customer_id, stream, ())
            return self.save(replace(have, customer_id=new_id))

    def customer(self, customer_id: str) -> Customer:
        """A whole customer, its parts in the order of their keys."""
        with self.lock:
            head = self.rows["customers"][customer_id]
            parts = {
                stream: [row for _, row in sorted(self.rows[stream].items()) if row.owner == customer_id]
                for stream in _ENTITIES
            }
        if not isinstance(head.values, Customer):
            raise TypeError(f"{customer_id} is no customer")
        contacts = ((row.values, row.at_utc) for row in parts["contacts"])
        return replace(
            head.values,
            modified_at_utc=head.at_utc.isoformat(),
            contacts=tuple(replace(values, modified_at_utc=at_utc.isoformat()) for values, at_utc in contacts),
            locations=tuple(row.values for row in parts["locations"]),
        )

    def _put(self, stream: Stream, key: str, owner: str, values: Customer | Contact | Location) -> None:
        texts = {name: value for name in values.__struct_fields__ if isinstance(value := getattr(values, name), str)}
        values = replace(values, **{name: text.strip() for name, text in texts.items()})
        if not isinstance(values, Location):
            values = replace(values, modified_at_utc="")
        have = self.rows[stream].get(key)
        if have is None or have[:2] != (owner, values):
            self.rows[stream][key] = Row(owner, values, self.now_utc())

    def _drop(self, owner: str, stream: Stream, but: Sequence[str] | Mapping[str, object]) -> None:
        rows = self.rows[stream]
        for key in [key for key, row in rows.items() if row.owner == owner and key not in but]:
            del rows[key]


class InMemorySource:
    """One session.

    Args:
        erp: With whom.
    """

    def __init__(self, erp: InMemoryErp) -> None:
        self._erp = erp
        self.limits = Limits(useful_in_flight=2, takes_seat=False)
        self._counter = RequestCounter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def requests_used(self) -> RequestUse:
        return self._counter.snapshot()

    def _asked(self, method: str = "GET") -> InMemoryErp:
        """The ERP, at the price of one request."""
        self._counter.count(method, 200)
        return self._erp

    def now_utc(self) -> datetime:
        return self._asked().now_utc()

    def customers_after(self, resume_after: str, known: Known = nobody) -> Iterator[CustomerPage]:
        while keys := self._next_keys(resume_after):
            yield self._page(keys, known)
            resume_after = keys[-1]

    def _next_keys(self, after: str) -> list[str]:
        with self._erp.lock:
            return sorted(key for key in self._erp.rows["customers"] if key > after)[: self._erp.page_customers]

    def customers_of(self, customer_ids: Sequence[str], known: Known = nobody) -> Iterator[CustomerPage]:
        keys = sorted(set(customer_ids))
        for start in range(0, len(keys), self._erp.page_customers):
            yield self._page(keys[start : start + self._erp.page_customers], known)

    def customers_of_records(self, record_ids: Sequence[str]) -> Iterator[CustomerPage]:
        with self._erp.lock:
            numbers = {getattr(row.values, "record_id", ""): key for key, row in self._erp.rows["customers"].items()}
        yield from self.customers_of([numbers[each] for each in record_ids if each in numbers])

    def _page(self, keys: Sequence[str], known: Known) -> CustomerPage:
        erp, page = self._asked(), CustomerPage()
        with erp.lock:
            shown = [key for key in keys if key in erp.rows["customers"]]
            page.unreadable = {key: erp.unreadable[key] for key in shown if key in erp.unreadable}
            found = {key: erp.customer(key) for key in shown if key not in erp.unreadable}
            for stream in _ENTITIES:
                stamps = [row.at_utc for row in erp.rows[stream].values() if row.owner in shown]
                if stamps:
                    page.stamps[stream] = max(stamps)
        rows = {key: content_hash(each) for key, each in found.items()}
        page.as_before = list(known(rows))
        page.customers = [each for key, each in found.items() if key not in page.as_before]
        page.rows = {each.customer_id: rows[each.customer_id] for each in page.customers}
        return page

    def changes(self, since: Mapping[str, str], until: str) -> Iterator[Changes]:
        for stream, entity in _ENTITIES.items():
            erp = self._asked()
            first = datetime.fromisoformat(since[stream]) if stream in since else datetime.min.replace(tzinfo=UTC)
            end = datetime.fromisoformat(until) if until else datetime.max.replace(tzinfo=UTC)
            with erp.lock:
                found = {key: row for key, row in erp.rows[stream].items() if first <= row.at_utc < end}
            yield Changes(
                stream,
                entity,
                frozenset(row.owner for row in found.values()),
                frozenset(found),
                max((row.at_utc for row in found.values()), default=None),
            )

    def deleted(self) -> Mapping[str, str] | None:
        erp = self._asked()
        return {key: at.isoformat() for key, at in erp.deleted.items()} if erp.tells_deletions else None

    def contract(self) -> Contract:
        missing = self._asked().missing_fields
        return Contract(f"in-memory without {sorted(missing)}", _NAME, "add the field to the ERP")

    def missing_fields(self) -> list[str]:
        return list(self._asked().missing_fields)

    def probes(self) -> Sequence[Probe]:
        return (Probe("erp.sign_in", "the in-memory ERP", lambda: good(self.contract().served_by)),)

    def write_reference(self, reference: Reference) -> None:
        erp = self._asked("PUT")
        with erp.lock:
            if reference.customer_id not in erp.rows["customers"]:
                raise NotFound(f"{_NAME} has no customer {reference.customer_id}.", system=_NAME)
            if len(reference.reference_id) > _MOST_REFERENCE_CHARS:
                raise RecordRejected("The reference is too long.", system=_NAME, texts=["The reference is too long."])
            have = erp.customer(reference.customer_id)
            erp.save(replace(have, reference_id=reference.reference_id))
