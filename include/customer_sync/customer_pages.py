"""Read customers whole: their rows, and the contacts and locations that belong to them.

Contacts and locations of a page of customers are asked for by the page's key range,
not one request per customer. Range bounds are built only from keys whose order is the
same in every collation (plain letters and digits); other keys are named one by one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from acumatica import filter as erp_filter
from acumatica.client import AcumaticaClient
from acumatica.pages import BadRow, Page
from acumatica.selection import Row, Selection
from customer_sync.connector import Connector
from customer_sync.customer import Contact, Customer, Location
from customer_sync.erp_reader import ContactReader, CustomerReader, LocationReader
from customer_sync.errors import ContractError
from customer_sync.garbage import uncollected

_PLAIN_KEY = re.compile(r"[A-Z0-9]+")
_FEW = 40
"""Up to so many customers are named one by one; a range could span the whole table."""


@dataclass
class CustomerPage:
    """Customers that were read, and those that could not be, with what does not fit."""

    customers: list[Customer] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


class CustomerPages:
    """Reads pages of whole customers.

    Attributes:
        stamps: Largest stamp seen per stream (``customers``, ``contacts``, ``locations``).
    """

    def __init__(self, erp: AcumaticaClient, connector: Connector) -> None:
        self._erp = erp
        self._connector = connector
        self._customers = CustomerReader(connector)
        self._contacts = ContactReader(connector)
        self._locations = LocationReader(connector)
        self.stamps: dict[str, datetime] = {}

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

    @uncollected()
    def _complete(self, page: Page, *, is_range: bool) -> CustomerPage:
        result = CustomerPage(unreadable=dict(_unreadable(bad) for bad in page.bad_rows))
        keys = [self._customers.key(row) for row in page.rows]
        contacts: dict[str, dict[str, Row]] = defaultdict(dict)
        locations: dict[str, dict[str, Row]] = defaultdict(dict)
        if self._connector.contacts.include:
            self._gather_contacts(keys, contacts, result, is_range=is_range)
        if self._connector.locations.include:
            self._gather_locations(keys, locations, result, is_range=is_range)
        self._see("customers", map(self._customers.modified_at_utc, page.rows))
        for key, row in zip(keys, page.rows, strict=True):
            if key and key not in result.unreadable:
                result.customers.append(self._customer(row, contacts[_folded(key)], locations[_folded(key)]))
        return result

    def _customer(self, row: Row, contacts: dict[str, Row], locations: dict[str, Row]) -> Customer:
        primary = self._customers.primary_contact_id(row)
        people: list[Contact] = [self._contacts.to_contact(item, primary) for item in contacts.values()]
        places: list[Location] = [self._locations.to_location(item) for item in locations.values()]
        people.sort(key=lambda contact: (len(contact.contact_id), contact.contact_id))
        places.sort(key=lambda location: location.location_id)
        return self._customers.to_customer(row, people, places)

    def _gather_contacts(
        self, keys: Sequence[str], found: dict[str, dict[str, Row]], result: CustomerPage, *, is_range: bool
    ) -> None:
        wanted = {_folded(key): key for key in keys}
        for page in self._children(
            self._contacts.selection, "BusinessAccount", ("ContactID",), keys, is_range=is_range
        ):
            heads = list(map(self._contacts.head, page.rows))
            self._see("contacts", [head.modified_at_utc for head in heads])
            for head, row in zip(heads, page.rows, strict=True):
                owner = _folded(head.owner)
                if owner in wanted and head.is_person:
                    found[owner][head.key] = row
            for bad in page.bad_rows:
                owner = _folded(self._owner_of_contact(bad))
                if owner in wanted:
                    result.unreadable[wanted[owner]] = f"its contact {bad.key[0]} cannot be read: {bad.reason}"

    def _gather_locations(
        self, keys: Sequence[str], found: dict[str, dict[str, Row]], result: CustomerPage, *, is_range: bool
    ) -> None:
        wanted = {_folded(key): key for key in keys}
        fields = ("Customer", "LocationID")
        for page in self._children(self._locations.selection, "Customer", fields, keys, is_range=is_range):
            heads = list(map(self._locations.head, page.rows))
            self._see("locations", [head.modified_at_utc for head in heads])
            for head, row in zip(heads, page.rows, strict=True):
                owner = _folded(head.owner)
                if owner in wanted:
                    found[owner][head.key] = row
            for bad in page.bad_rows:
                key, detail = _unreadable(bad)
                if _folded(key) in wanted:
                    result.unreadable[wanted[_folded(key)]] = f"its location {bad.key[-1]} cannot be read: {detail}"

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

    def _see(self, stream: str, stamps: Iterable[datetime | None]) -> None:
        latest = max(filter(None, stamps), default=None)
        if latest is not None and (stream not in self.stamps or latest > self.stamps[stream]):
            self.stamps[stream] = latest


def _unreadable(bad: BadRow) -> tuple[str, str]:
    if not bad.key or not bad.key[0]:
        raise ContractError(
            f"A record of the ERP cannot be read and does not show its key ({bad.reason}; id {bad.id or 'unknown'}). "
            "Open it in the ERP; nothing was written.",
            system="Acumatica",
            operation="read customers",
        )
    return str(bad.key[0]).strip(), bad.reason


def _folded(key: str) -> str:
    return key.strip().casefold()
