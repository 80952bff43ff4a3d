"""Read customers whole: their rows, and the contacts and locations that belong to them.

Contacts and locations of a page of customers are asked for by the page's key range,
not one request per customer. Range bounds are built only from keys whose order is the
same in every collation (plain letters and digits); other keys are named one by one.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

import msgspec

from customer_sync.errors import ContractError
from customer_sync.gc_paused import gc_paused
from customer_sync.model.customer import Contact, Customer
from customer_sync.one_line import one_line
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica import odata_filter as erp_filter
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.pages import BadRow, Page
from customer_sync.sources.acumatica.reader import (
    ContactHead,
    ContactReader,
    CustomerHead,
    CustomerReader,
    LocationHead,
    LocationReader,
)
from customer_sync.sources.acumatica.section import reads_locations
from customer_sync.sources.acumatica.selection import Row, Selection
from customer_sync.sources.acumatica.server_filter import server_filter
from customer_sync.sources.port import CustomerPage, Known, nobody

_PLAIN_KEY = re.compile(r"[A-Z0-9]+")
_FEW = 40
"""Up to so many customers are named one by one; a range could span the whole table."""


_WORTH_A_RANGE = 0.1
"""Of a page of customers that are named one by one a request names about a tenth of what a page of parts holds."""


class _Parts(NamedTuple):
    """The contacts and locations of one customer, as rows beside their heads, and what identifies each row."""

    contacts: list[tuple[ContactHead, Row]]
    locations: list[tuple[LocationHead, Row]]
    texts: list[bytes]


class _Read(NamedTuple):
    """What was read of one customer: its row beside its head, as a text, and its parts."""

    head: CustomerHead
    row: Row
    text: bytes
    parts: _Parts

    def identified(self) -> str:
        """Identify all that is read of a customer: whatever may lead to another record changes it."""
        return hashlib.blake2b(b"".join((self.text, *self.parts.texts)), digest_size=16).hexdigest()


class CustomerPages:
    """Reads pages of whole customers.

    Args:
        erp: A session.
        connector: Says what is read from where.
        known: Names those of whom no record need be made, and those of whom nothing is believed to be empty unseen.
    """

    def __init__(self, erp: AcumaticaClient, connector: Connector, known: Known = nobody) -> None:
        self._erp = erp
        self._connector = connector
        self._known = known
        self._customers = CustomerReader(connector)
        self._contacts = ContactReader(connector)
        self._locations = LocationReader(connector)
        self._shares: dict[str, float] = {}

    def all_after(self, customer_id: str) -> Iterator[CustomerPage]:
        """Every customer whose key is greater, in key order, but for those whom the server's filter leaves out."""
        where = erp_filter.all_of(
            erp_filter.gt("CustomerID", customer_id) if customer_id else None, server_filter(self._connector)
        )
        pages = self._erp.read_in_key_order(
            self._customers.selection, ("CustomerID",), where=where, page_size=self._connector.erp.page_size
        )
        for page in pages:
            yield self._complete(page, is_range=True)

    def of(self, customer_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """The customers with these keys; those that the ERP does not show are left out."""
        for page in self._erp.read_by_ids(self._customers.selection, "CustomerID", customer_ids):
            yield self._complete(page, is_range=False)

    def of_records(self, record_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """The customers with these record ids; what is no GUID names none."""
        found = [guid for each in record_ids if (guid := _guid(each)) is not None]
        selection = self._customers.selection
        has_id = "NoteID" in selection.fields
        pages = self._erp.read_by_ids(selection, "NoteID", found) if has_id else self._erp.read_singly(selection, found)
        for page in pages:
            yield self._complete(page, is_range=False)

    @gc_paused()
    def _complete(self, page: Page, *, is_range: bool) -> CustomerPage:
        result = CustomerPage(unreadable=dict(_unreadable(bad) for bad in page.bad_rows))
        heads = list(map(self._customers.head, page.rows))
        odd = {head.customer_id: one_line(head.customer_id) for head in heads if not head.customer_id.isprintable()}
        if odd:
            result.unreadable |= dict.fromkeys(odd.values(), "its number holds a control character")
            page = Page([row for row, head in zip(page.rows, heads, strict=True) if head.customer_id not in odd])
            heads = [head for head in heads if head.customer_id not in odd]
        keys = [head.customer_id for head in heads]
        texts = _texts(page.rows)
        parts = {_folded(key): _Parts([], [], []) for key in keys}
        if self._connector.contacts.include:
            self._gather_contacts(keys, parts, result, is_range=is_range)
        if reads_locations(self._connector):
            self._gather_locations(keys, parts, result, is_range=is_range)
        _see(result, "customers", heads)
        read = {
            head.customer_id: _Read(head, row, text, parts[_folded(head.customer_id)])
            for head, row, text in zip(heads, page.rows, texts, strict=True)
            if head.customer_id and head.customer_id not in result.unreadable
        }
        rows = {key: each.identified() for key, each in read.items()}
        known = set(self._known(rows))
        doubted = self._known.with_company(rows.keys() - known)
        if again := {key: found for key in doubted if (found := self._confirmed(read[key], result)) is not read[key]}:
            read |= again
            rows |= {key: each.identified() for key, each in again.items()}
            known |= set(self._known({key: rows[key] for key in again}))
        for key, each in read.items():
            if key in result.unreadable:
                continue
            if key in known:
                result.as_before.append(key)
            else:
                result.rows[key] = rows[key]
                result.customers.append(self._to_customer(each.row, each.head, each.parts))
        return result

    def _confirmed(self, read: _Read, result: CustomerPage) -> _Read:
        """What was read of a customer, with what the lists left empty of it read by key; the same if that is so."""
        confirm = self._erp.confirmed_row
        row = confirm(self._customers.selection, read.row) or read.row
        contacts = [confirm(self._contacts.selection, each) or each for _, each in read.parts.contacts]
        places = [confirm(self._locations.selection, each) or each for _, each in read.parts.locations]
        before = [read.row, *(each for _, each in (*read.parts.contacts, *read.parts.locations))]
        now = [row, *contacts, *places]
        if all(new is old for new, old in zip(now, before, strict=True)):
            return read
        if bad := next((each for each in now if isinstance(each, BadRow)), None):
            result.unreadable[read.head.customer_id] = bad.reason
            return read
        text, *texts = _texts(now)
        parts = _Parts(
            [(self._contacts.head(each), each) for each in contacts],
            [(self._locations.head(each), each) for each in places],
            texts,
        )
        return _Read(self._customers.head(row), row, text, parts)

    def _to_customer(self, row: Row, head: CustomerHead, parts: _Parts) -> Customer:
        primary = head.primary_contact_id
        to_contact, to_location = self._contacts.to_contact, self._locations.to_location
        people = {each.contact_id: to_contact(of_contact, each, primary) for each, of_contact in parts.contacts}
        places = [to_location(of_location, each) for each, of_location in parts.locations]
        found = {each.location_id: each for each in places}
        contacts = sorted(people.values(), key=_number_of)
        return self._customers.to_customer(row, head, contacts, sorted(found.values(), key=_location_id))

    def _gather_contacts(
        self, keys: Sequence[str], found: Mapping[str, _Parts], result: CustomerPage, *, is_range: bool
    ) -> None:
        for page in self._children(
            self._contacts.selection, "BusinessAccount", ("ContactID",), keys, is_range=is_range
        ):
            heads = list(map(self._contacts.head, page.rows))
            _see(result, "contacts", heads)
            for head, row, text in zip(heads, page.rows, _texts(page.rows), strict=True):
                parts = found.get(_folded(head.customer_id))
                if parts is not None and head.is_person:
                    parts.contacts.append((head, row))
                    parts.texts.append(text)
            for bad in page.bad_rows:
                owner, part = self._owner_of_contact(bad), f"its contact {bad.key[0]}"
                self._note_unreadable(owner, part, bad.reason, keys, result)

    def _gather_locations(
        self, keys: Sequence[str], found: Mapping[str, _Parts], result: CustomerPage, *, is_range: bool
    ) -> None:
        fields = ("Customer", "LocationID")
        for page in self._children(self._locations.selection, "Customer", fields, keys, is_range=is_range):
            heads = list(map(self._locations.head, page.rows))
            _see(result, "locations", heads)
            for head, row, text in zip(heads, page.rows, _texts(page.rows), strict=True):
                parts = found.get(_folded(head.customer_id))
                if parts is not None:
                    parts.locations.append((head, row))
                    parts.texts.append(text)
            for bad in page.bad_rows:
                owner, reason = _unreadable(bad)
                self._note_unreadable(owner, f"its location {bad.key[-1]}", reason, keys, result)

    @staticmethod
    def _note_unreadable(owner: str, part: str, reason: str, keys: Sequence[str], result: CustomerPage) -> None:
        for key in keys:
            if _folded(key) == _folded(owner):
                result.unreadable[key] = f"{part} cannot be read: {reason}"

    def _children(
        self, selection: Selection, owner: str, key_fields: tuple[str, ...], keys: Sequence[str], *, is_range: bool
    ) -> Iterator[Page]:
        plain = sorted(key for key in keys if _PLAIN_KEY.fullmatch(key)) if is_range else []
        if len(plain) > _FEW and self._shares.get(owner, 1.0) > _WORTH_A_RANGE:
            where = erp_filter.all_of(erp_filter.ge(owner, plain[0]), erp_filter.le(owner, plain[-1]))
            size = self._connector.erp.page_size
            ours = {_folded(key) for key in keys}
            for page in self._erp.read_in_key_order(selection, key_fields, where=where, page_size=size):
                self._note_share(selection, owner, page, ours)
                yield page
        else:
            plain = []
        others = sorted(set(keys) - set(plain))
        if others:
            yield from self._erp.read_by_ids(selection, owner, others)

    def _note_share(self, selection: Selection, owner: str, page: Page, ours: Collection[str]) -> None:
        """Remember how much of a range was of use: where the ERP leaves customers out, their parts lie between."""
        if page.rows and server_filter(self._connector) is not None:
            owner_of = selection.getter(owner)
            self._shares[owner] = sum(_folded(str(owner_of(row))) in ours for row in page.rows) / len(page.rows)

    def _owner_of_contact(self, bad: BadRow) -> str:
        """Ask again for nothing but the contact's account; a contact without a known owner stops the run."""
        if bad.key and bad.key[0] is not None:
            selection = Selection("Contact", ("ContactID", "BusinessAccount"))
            page = self._erp.list_rows(selection, where=erp_filter.eq("ContactID", bad.key[0]))
            if page.rows:
                return str(selection.getter("BusinessAccount")(page.rows[0]) or "")
        raise ContractError(
            f"A contact cannot be read ({bad.reason}), and it does not show whose it is. Open contact "
            f"{bad.key[0] if bad.key else bad.id} in the ERP; nothing was written.",
            system="Acumatica",
            operation="read contacts",
        )


def _see(result: CustomerPage, stream: str, heads: Iterable[CustomerHead | ContactHead | LocationHead]) -> None:
    latest = max(filter(None, [head.modified_at_utc for head in heads]), default=None)
    if latest is not None:
        result.stamps[stream] = max(latest, result.stamps.get(stream, latest))


def _unreadable(bad: BadRow) -> tuple[str, str]:
    if not bad.key or not bad.key[0]:
        raise ContractError(
            f"A record of the ERP cannot be read and does not show its key ({bad.reason}; id {bad.id or 'unknown'}). "
            "Open it in the ERP; nothing was written.",
            system="Acumatica",
            operation="read customers",
        )
    return str(bad.key[0]).strip(), bad.reason


def _guid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _number_of(contact: Contact) -> tuple[int, str]:
    """Contacts in the order of their numbers, without trusting that they are numbers."""
    return len(contact.contact_id), contact.contact_id


_location_id = attrgetter("location_id")
_encoder = msgspec.msgpack.Encoder()


def _texts(rows: Sequence[Row]) -> list[bytes]:
    """All that rows say, each as one text; made right after decoding: later it takes the processor twice the time."""
    try:
        return list(map(_encoder.encode, rows))
    except OverflowError:
        # A number of more than 64 bits, which JSON allows.
        return [repr(row).encode() for row in rows]


def _folded(key: str) -> str:
    return key.strip().casefold()
