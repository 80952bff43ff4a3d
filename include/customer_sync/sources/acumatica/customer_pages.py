"""Read customers whole: their rows, and the contacts and locations that belong to them.

Contacts and locations of a page of customers are asked for by the page's key range,
not one request per customer. Range bounds are built only from keys whose order is the
same in every collation (plain letters and digits); other keys are named one by one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from customer_sync.errors import ContractError
from customer_sync.gc_paused import gc_paused
from customer_sync.model.customer import Contact, Location
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
from customer_sync.sources.acumatica.selection import Selection
from customer_sync.sources.port import CustomerPage

_PLAIN_KEY = re.compile(r"[A-Z0-9]+")
_FEW = 40
"""Up to so many customers are named one by one; a range could span the whole table."""


class CustomerPages:
    """Reads pages of whole customers."""

    def __init__(self, erp: AcumaticaClient, connector: Connector) -> None:
        self._erp = erp
        self._connector = connector
        self._customers = CustomerReader(connector)
        self._contacts = ContactReader(connector)
        self._locations = LocationReader(connector)

    def all_after(self, customer_id: str) -> Iterator[CustomerPage]:
        """Every customer whose key is greater, in key order."""
        where = erp_filter.gt("CustomerID", customer_id) if customer_id else None
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
        for page in self._erp.read_by_ids(self._customers.selection, "NoteID", found):
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
        owners = [_folded(key) for key in keys]
        people: dict[str, dict[str, Contact]] = {owner: {} for owner in owners}
        places: dict[str, dict[str, Location]] = {owner: {} for owner in owners}
        if self._connector.contacts.include:
            primary = {owner: head.primary_contact_id for owner, head in zip(owners, heads, strict=True)}
            self._gather_contacts(keys, primary, people, result, is_range=is_range)
        if self._connector.locations.include:
            self._gather_locations(keys, places, result, is_range=is_range)
        _see(result, "customers", heads)
        for head, owner, row in zip(heads, owners, page.rows, strict=True):
            if head.customer_id and head.customer_id not in result.unreadable:
                contacts = sorted(people[owner].values(), key=_number_of)
                locations = sorted(places[owner].values(), key=_location_id)
                result.customers.append(self._customers.to_customer(row, head, contacts, locations))
        return result

    def _gather_contacts(
        self,
        keys: Sequence[str],
        primary: Mapping[str, str],
        found: dict[str, dict[str, Contact]],
        result: CustomerPage,
        *,
        is_range: bool,
    ) -> None:
        """Read the contacts of these customers; each row is made a record at once, while it is near in memory."""
        for page in self._children(
            self._contacts.selection, "BusinessAccount", ("ContactID",), keys, is_range=is_range
        ):
            heads = list(map(self._contacts.head, page.rows))
            _see(result, "contacts", heads)
            for head, row in zip(heads, page.rows, strict=True):
                owner = _folded(head.customer_id)
                if owner in found and head.is_person:
                    found[owner][head.contact_id] = self._contacts.to_contact(row, head, primary[owner])
            for bad in page.bad_rows:
                owner, part = self._owner_of_contact(bad), f"its contact {bad.key[0]}"
                self._note_unreadable(owner, part, bad.reason, keys, result)

    def _gather_locations(
        self, keys: Sequence[str], found: dict[str, dict[str, Location]], result: CustomerPage, *, is_range: bool
    ) -> None:
        fields = ("Customer", "LocationID")
        for page in self._children(self._locations.selection, "Customer", fields, keys, is_range=is_range):
            heads = list(map(self._locations.head, page.rows))
            _see(result, "locations", heads)
            for head, row in zip(heads, page.rows, strict=True):
                owner = _folded(head.customer_id)
                if owner in found:
                    location = self._locations.to_location(row, head)
                    found[owner][location.location_id] = location
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
        if len(plain) > _FEW:
            where = erp_filter.all_of(erp_filter.ge(owner, plain[0]), erp_filter.le(owner, plain[-1]))
            size = self._connector.erp.page_size
            yield from self._erp.read_in_key_order(selection, key_fields, where=where, page_size=size)
        else:
            plain = []
        others = sorted(set(keys) - set(plain))
        if others:
            yield from self._erp.read_by_ids(selection, owner, others)

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


def _folded(key: str) -> str:
    return key.strip().casefold()
