"""A small ERP and a small store in this process, a ledger file, and the real pipeline between them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from msgspec.structs import replace

from customer_sync.ledger import Ledger
from customer_sync.model.customer import Contact, Customer, Location, PostalAddress
from customer_sync.pipeline import perform
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.steps.audit import AuditReport
from customer_sync.targets.port import StoredCompany, StoredUser
from tests.adapters.in_memory_source import InMemoryErp, InMemorySource
from tests.adapters.in_memory_target import InMemoryStore, InMemoryTarget
from tests.adapters.ledger_file import process_ledger
from tests.adapters.store_rules import ADMIN, KEY_FIELD

STREET = PostalAddress(line1="410 Harbor Ave", city="Oakland", state="CA", postal_code="94607", country="US")


@dataclass
class TurnedClock:
    """A clock that moves on by itself a little at each look, and that tests turn on."""

    at_utc: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        self.at_utc += timedelta(milliseconds=1)
        return self.at_utc


@dataclass
class SmallWorld:
    """Both systems and an empty ledger: the process's, so there is one world at a time.

    Args:
        connector_id: Whose it is.
        settings: Of the connector file.
    """

    connector_id: str = "small"
    settings: dict[str, Any] = field(default_factory=dict)
    clock: TurnedClock = field(default_factory=TurnedClock)
    erp: InMemoryErp = field(init=False)
    store: InMemoryStore = field(default_factory=InMemoryStore)
    contact_ids: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.erp = InMemoryErp(now_utc=self.clock)
        self.lose_ledger()

    @property
    def connector(self) -> Connector:
        """The connector's rules."""
        return Connector.model_validate(
            {
                "id": self.connector_id,
                "eligibility": {"types": ["B2B"], "connection_type": "KNB", "sync_statuses": ["Active"]},
                "contacts": {"opt_in_required": True, "primary_role": ADMIN, "other_role": "Junior Buyer"},
                "policy": {"customer": "deactivate", "contact": "delete", "location": "delete"},
                "store": {"key_field": KEY_FIELD},
                "guards": {"always_allowed": 10_000},
                **self.settings,
            }
        )

    @property
    def ledger_url(self) -> str:
        """The ledger's address."""
        return process_ledger().url

    def ledger(self) -> Ledger:
        """The ledger, to be looked into."""
        return Ledger(process_ledger().ledger.engine, self.connector_id)

    def lose_ledger(self) -> None:
        """Go on with an empty one."""
        process_ledger().empty()

    # -- the ERP -----------------------------------------------------------------------------------------------------

    def firm(self, number: str, *emails: str, name: str = "", **changes: Any) -> Customer:
        """Save an eligible customer with a contact for each e-mail; by default one."""
        emails = emails or (f"{number.lower()}@firm.example",)
        contacts = tuple(self.contact(email, is_primary=position == 0) for position, email in enumerate(emails))
        customer = Customer(
            customer_id=number,
            name=name or f"Firm {number}",
            email=f"office-of-{emails[0]}",
            customer_type="B2B",
            status="Active",
            enabled=True,
            connection_type="KNB",
            phone="+1 555 010 0100",
            main_address=STREET,
            contacts=contacts,
            locations=(
                Location(location_id="MAIN", name="Main", phone="+1 555 010 0102", address=STREET, is_default=True),
            ),
        )
        return self.erp.save(replace(customer, **changes))

    def contact(self, email: str, *, is_primary: bool = False) -> Contact:
        """A new contact."""
        return Contact(
            contact_id=f"{next(self.contact_ids):06d}",
            email=email,
            first_name="Ann",
            last_name="Buyer",
            phone="+1 555 010 0101",
            enabled=True,
            connection_type="KNB",
            is_primary=is_primary,
        )

    def swap(self, one: str, other: str) -> None:
        """Two customers exchange their numbers."""
        self.erp.rename(one, "BETWEEN")
        self.erp.rename(other, one)
        self.erp.rename("BETWEEN", other)

    # -- the product -------------------------------------------------------------------------------------------------

    def sync(self, **request: Any) -> AuditReport:
        """Run once; minutes pass before."""
        self.clock.at_utc += timedelta(hours=1)
        source, target = InMemorySource(self.erp), InMemoryTarget(self.store)
        with self.ledger() as ledger:
            run = Run(self.connector, ledger, f"pipeline__{uuid.uuid4().hex}")
            return perform(run, source, target, RunRequest(**request))

    def settle(self) -> AuditReport:
        """Run until nothing is left to be done; returns the last, full run, which wrote nothing."""
        self.sync()
        self.sync()
        before = self.shown()
        report = self.sync(mode="full")
        assert self.shown() == before
        return report

    # -- the store ---------------------------------------------------------------------------------------------------

    def shown(self) -> tuple[Any, ...]:
        """Everything in the store."""
        return tuple(
            sorted(map(str, (*map(_all, self.store.companies.values()), *map(_all, self.store.users.values()))))
        )

    def company(self, key: str) -> StoredCompany:
        """The company with a key; exactly one has it."""
        (found,) = [each for each in self.store.companies.values() if each.key == key]
        return found

    def keys(self) -> dict[str, str]:
        """Key -> name of each company."""
        return {each.key: each.fields.company_name for each in self.store.companies.values()}

    def people(self, key: str) -> set[str]:
        """E-mails of a company's users."""
        return {each.fields.email for each in self.users(key)}

    def users(self, key: str) -> list[StoredUser]:
        """A company's users."""
        company_id = self.company(key).id
        return [each for each in self.store.users.values() if each.company_id == company_id]


def _all(record: Any) -> Any:
    return {name: getattr(record, name) for name in record.__struct_fields__ if name != "updated_at_s"}
