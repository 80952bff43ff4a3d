"""The project's own sources under test: the in-memory ERP, and Acumatica over its twin."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpSettings
from customer_sync.model.customer import Contact, Customer, Location, PostalAddress
from customer_sync.settings.connector_file import load_connector
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.sources.acumatica.source import AcumaticaSource
from customer_sync.sources.port import Source
from sandbox.server import running_acumatica
from tests.adapters.erp_editor import ErpEditor
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
    ids: count[int] = field(default_factory=lambda: count(1))

    def make(self) -> Source:
        return InMemorySource(self.erp)

    def add(self, customer: Customer) -> Customer:
        return self._save(replace(customer, customer_id=f"C{next(self.ids):06}"))

    def change(self, customer: Customer) -> Customer:
        have = self.erp.customer(customer.customer_id)
        return self._save(
            replace(
                have,
                name=customer.name,
                email=customer.email,
                phone=customer.phone,
                contacts=customer.contacts,
                locations=customer.locations,
            )
        )

    def _save(self, customer: Customer) -> Customer:
        contacts = [
            contact if contact.contact_id else replace(contact, contact_id=f"{next(self.ids):06}")
            for contact in customer.contacts
        ]
        return self.erp.save(replace(customer, contacts=tuple(contacts)))

    def delete(self, customer_id: str) -> None:
        self.erp.delete(customer_id)

    def pass_time(self, seconds: int) -> None:
        self.clock.ahead += timedelta(seconds=seconds)


@contextmanager
def in_memory() -> Iterator[SourceUnderTest]:
    """As the documents describe the ERP."""
    clock = TurnedClock()
    yield InMemoryUnderTest(InMemoryErp(clock, page_customers=3), clock)


@contextmanager
def in_memory_silent() -> Iterator[SourceUnderTest]:
    """An ERP that does not say what was deleted, and shows one customer a page."""
    clock = TurnedClock()
    yield InMemoryUnderTest(InMemoryErp(clock, page_customers=1, tells_deletions=False), clock)


_QUICK = RetryPolicy(attempts=3, total_s=5.0, first_delay_s=0.01, rng=lambda: 0.0)


def _settings() -> AcumaticaSettings:
    return AcumaticaSettings(
        username="admin",
        password="sandbox",
        tenant="Sandbox",
        endpoint_name="KNCommerce",
        page_size=3,
        session_limit_wait_s=0.05,
    )


@dataclass
class AcumaticaUnderTest:
    """Acumatica's adapter over the ERP's twin."""

    url: str

    def make(self) -> Source:
        return AcumaticaSource(self._transport(), _settings(), _connector(), retry=_QUICK)

    def client(self) -> ErpEditor:
        """A session of the client."""
        return ErpEditor(self._transport(), _settings(), retry=_QUICK)

    def _transport(self) -> CurlTransport:
        return CurlTransport(HttpSettings(base_url=self.url))

    def add(self, customer: Customer) -> Customer:
        with self.client() as erp:
            row = erp.add(
                "Customer",
                {
                    "CustomerName": customer.name,
                    "CustomerClass": "B2B",
                    "Email": customer.email,
                    "EnableKensiumCommerce": True,
                    "ConnectionType": "KNB",
                    "MainContact": {
                        "Email": customer.email,
                        "Phone1": customer.phone,
                        "Address": _address(customer.main_address),
                    },
                },
            )
            key = row["CustomerID"]["value"]
            made = replace(customer, customer_id=key, record_id=row["id"])
            return self._put_parts(erp, made)

    def change(self, customer: Customer) -> Customer:
        with self.client() as erp:
            body = {
                "CustomerID": customer.customer_id,
                "CustomerName": customer.name,
                "Email": customer.email,
                "MainContact": {"Phone1": customer.phone},
            }
            erp.edit("Customer", body)
            return self._put_parts(erp, customer)

    def _put_parts(self, erp: ErpEditor, customer: Customer) -> Customer:
        for location in customer.locations:
            erp.add("CustomerLocation", _location(customer.customer_id, location))
        contacts = [self._put_contact(erp, customer.customer_id, contact) for contact in customer.contacts]
        return replace(customer, contacts=tuple(contacts))

    def _put_contact(self, erp: ErpEditor, customer_id: str, contact: Contact) -> Contact:
        body: dict[str, Any] = {
            "BusinessAccount": customer_id,
            "FirstName": contact.first_name,
            "LastName": contact.last_name,
            "Email": contact.email,
            "Phone1": contact.phone,
            "EnableKensiumCommerce": True,
            "ConnectionType": "KNB",
        }
        if contact.contact_id:
            body["ContactID"] = int(contact.contact_id)
        row = erp.edit("Contact", body) if contact.contact_id else erp.add("Contact", body)
        return replace(contact, contact_id=str(row["ContactID"]["value"]))

    def delete(self, customer_id: str) -> None:
        # The product's client cannot delete.
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        sign_in = json.dumps({"name": "admin", "password": "sandbox", "tenant": "Sandbox"}).encode()
        for method, path, body in (
            ("POST", "/entity/auth/login", sign_in),
            ("DELETE", f"/entity/KNCommerce/24.200.001/Customer/{customer_id}", None),
            ("POST", "/entity/auth/logout", b""),
        ):
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{self.url}{path}", body, headers, method=method)  # noqa: S310 - a twin's address
            opener.open(request, timeout=30).close()

    def pass_time(self, seconds: int) -> None:
        body = json.dumps({"advance_s": seconds}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sandbox/clock", body, headers, method="PUT")  # noqa: S310 - a twin's address
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - a twin's address


def _location(customer_id: str, location: Location) -> dict[str, Any]:
    body: dict[str, Any] = {
        "Customer": customer_id,
        "LocationID": location.location_id,
        "LocationName": location.name,
        "ContactOverride": True,
        "LocationContact": {"Phone1": location.phone},
    }
    if location.address.line1:
        body |= {"AddressOverride": True}
        body["LocationContact"]["Address"] = _address(location.address)
    return body


def _address(address: PostalAddress) -> dict[str, str]:
    return {
        "AddressLine1": address.line1,
        "AddressLine2": address.line2,
        "City": address.city,
        "State": address.state,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }


def _connector() -> Any:
    return load_connector(Path(__file__).resolve().parents[2] / "include" / "connectors" / "knb.yaml")


@contextmanager
def acumatica() -> Iterator[SourceUnderTest]:
    """As the twin behaves by default."""
    with running_acumatica(customers=4) as twin:
        yield AcumaticaUnderTest(twin.url)


SOURCES: Mapping[str, SourceFactory] = {
    "in_memory": in_memory,
    "in_memory_silent": in_memory_silent,
    "acumatica": acumatica,
}
"""Name -> harness. Those that need a server do not begin with ``in_memory``."""
