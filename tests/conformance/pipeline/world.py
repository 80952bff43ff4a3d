"""An in-memory ERP and an in-memory store with a ledger between them: whole runs in this process, one after the other.

A case edits the ERP as people do, runs the sync, and looks at who has access in the store.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from customer_sync.ledger import Ledger
from customer_sync.ledger.story.customer_story import CustomerStory
from customer_sync.model.company import CompanyFields, CompanyStatus, PaymentTerms, UserFields
from customer_sync.model.customer import Contact, Customer, Location, PostalAddress
from customer_sync.model.operation import Action, CompanyOperation
from customer_sync.pipeline import perform
from customer_sync.planning.window import RunRequest
from customer_sync.reconcile.in_process import reconcile
from customer_sync.reconcile.request import ReconcileRequest
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.steps.audit import AuditReport
from customer_sync.targets.port import Order, StoredCompany
from tests.adapters.in_memory_source import InMemoryErp, InMemorySource
from tests.adapters.in_memory_target import InMemoryStore, InMemoryTarget
from tests.adapters.ledger_file import process_ledger
from tests.adapters.store_rules import ADMIN

OAKLAND = PostalAddress(line1="410 Harbor Ave", city="Oakland", state="CA", postal_code="94607", country="US")


@dataclass
class World:
    """Both systems, the connector and an empty ledger: the process's, so there is one world at a time.

    Args:
        rules: Sections of the connector file that differ from the defaults.
        session: How the ERP is reached.
    """

    rules: dict[str, Any] = field(default_factory=dict)
    erp: InMemoryErp = field(default_factory=InMemoryErp)
    store: InMemoryStore = field(default_factory=InMemoryStore)
    session: type[InMemorySource] = InMemorySource

    def __post_init__(self) -> None:
        self.lose_ledger()

    # -- what people do ----------------------------------------------------------------------------------------------

    def save(self, number: str, *contacts: Contact, **fields: Any) -> Customer:
        """Save a customer that trades, with these contacts and one place; an earlier one's other values are kept."""
        if number in self.erp.rows["customers"]:
            have = self.erp.customer(number)
            return self.erp.save(replace(have, **{"contacts": contacts or have.contacts, **fields}))
        values: dict[str, Any] = {
            "customer_id": number,
            "name": f"Firm {number}",
            "email": f"office@{number.lower()}.example",
            "customer_type": "B2B",
            "status": "Active",
            "enabled": True,
            "connection_type": "KNB",
            "phone": "+1 555 010 0100",
            "main_address": OAKLAND,
            "contacts": contacts,
            "locations": (Location(location_id="MAIN", name="Main", phone="+1 555 010 0102", address=OAKLAND),),
        }
        return self.erp.save(Customer(**{**values, **fields}))

    @staticmethod
    def contact(name: str, email: str = "", **fields: Any) -> Contact:
        """A contact that is switched on, by its id; by default its e-mail is made of the name."""
        values: dict[str, Any] = {
            "contact_id": name,
            "email": email or f"{name.lower()}@people.example",
            "first_name": name,
            "last_name": "Person",
            "phone": "+1 555 010 0101",
            "enabled": True,
            "connection_type": "KNB",
        }
        return Contact(**{**values, **fields})

    def change(self, number: str, name: str, **fields: Any) -> None:
        """Change one contact of a customer."""
        have = self.erp.customer(number)
        contacts = [replace(each, **fields) if each.contact_id == name else each for each in have.contacts]
        self.erp.save(replace(have, contacts=tuple(contacts)))

    def register(self, name: str, email: str, key: str = "") -> None:
        """A stranger registers in the shop, with a company of his own, and may type a customer's number."""
        extra = {"extra_fields": {self.connector.store.key_field: key}} if key else {}
        operation = CompanyOperation(
            action=Action.CREATE_COMPANY,
            key="",
            new=CompanyFields(
                company_name=name, company_phone="+1 555 010 0199", company_email=email, country="US", **extra
            ),
            admin=UserFields(email=email, first_name="Sam", last_name="Stranger", role=ADMIN),
        )
        self.store.write(Action.CREATE_COMPANY, Order(operation, 0))

    # -- what the product does ---------------------------------------------------------------------------------------

    @property
    def connector(self) -> Connector:
        """The connector, by its rules as they are now."""
        return Connector.model_validate({"id": "trial", "store": {"key_field": "Acumatica Customer ID"}, **self.rules})

    @property
    def ledger_url(self) -> str:
        """Where the ledger is."""
        return process_ledger().url

    def lose_ledger(self) -> None:
        """Begin with an empty one."""
        process_ledger().empty()

    def sync(self, **request: Any) -> AuditReport:
        """Run the pipeline once."""
        target, source = InMemoryTarget(self.store), self.session(self.erp)
        return self._perform(source, target, RunRequest.model_validate(request))

    def reconcile(self, *repairs: str, **request: Any) -> list[tuple[str, str, str]]:
        """Compare all three sides once; customer, class and record of each difference."""
        run_id, asked = f"reconcile__{uuid.uuid4().hex}", ReconcileRequest(repair=repairs or None, **request)
        source, target = InMemorySource(self.erp), InMemoryTarget(self.store)
        reconcile(self.connector, source, target, self.ledger_url, asked, run_id=run_id)
        with self.ledger() as ledger:
            rows = [row for page in ledger.differences.pages(run_id) for row in page]
        return sorted((row["customer_id"], row["kind"], f"{row['entity']}:{row['record_key']}") for row in rows)

    def explained(self, number: str) -> CustomerStory:
        """What a person is told of a customer."""
        with self.ledger() as ledger:
            story = ledger.stories.of(number, words=self.connector.source.words)
        assert story is not None
        return story

    def requests_of_one_more_run(self) -> dict[str, int]:
        """What a run asks of the store for customers and parts, by kind of request."""
        target, source = InMemoryTarget(self.store), InMemorySource(self.erp)
        self._perform(source, target, RunRequest())
        used = target.requests_used()
        return {method: used.by_method.get(method, 0) for method in ("GET", "POST")}

    def directory(self) -> set[tuple[str, str, str]]:
        """Customer, contact and stake of each row of the directory of e-mails."""
        with self.ledger() as ledger:
            rows = [
                row for found in ledger.directory.of_customers(self.erp.rows["customers"]).values() for row in found
            ]
        return {(row.customer_id, row.contact_key, str(row.stake)) for row in rows}

    def ledger(self) -> Ledger:
        """The ledger, opened anew."""
        return Ledger(process_ledger().ledger.engine, self.connector.id)

    def _perform(self, source: InMemorySource, target: InMemoryTarget, request: RunRequest) -> AuditReport:
        with self.ledger() as ledger:
            return perform(Run(self.connector, ledger, f"pipeline__{uuid.uuid4().hex}"), source, target, request)

    # -- what came of it ---------------------------------------------------------------------------------------------

    def company(self, number: str) -> StoredCompany:
        """The one company of a customer."""
        (company,) = [each for each in self.store.companies.values() if each.key == number]
        return company

    def users(self, number: str) -> dict[str, str]:
        """First part of the e-mail -> role of the users of a customer's company."""
        company_id = self.company(number).id
        users = [each.fields for each in self.store.users.values() if each.company_id == company_id]
        return {each.email.partition("@")[0]: each.role for each in users}

    def methods(self, number: str) -> set[str]:
        """Payment methods that are on for a customer's company."""
        have = self.store.methods.get(self.company(number).id, {})
        return {code for code, is_on in have.items() if is_on}

    def terms(self, number: str) -> PaymentTerms | None:
        """Payment terms of a customer's company."""
        return self.store.terms.get(self.company(number).id)

    def story(self, number: str) -> list[str]:
        """What the log says of a customer, newest first."""
        with self.ledger() as ledger:
            return [row["message"] for row in ledger.log.rows(customer_id=number, limit=100)]

    def may_enter(self, number: str) -> set[str]:
        """Who can buy for a customer: the users of a company that trades."""
        trades = self.company(number).status is CompanyStatus.APPROVED
        return set(self.users(number)) if trades else set()

    def waits(self, number: str) -> list[tuple[str, str]]:
        """Part and reason of what is in quarantine."""
        with self.ledger() as ledger:
            rows = ledger.quarantine.load([number]).get(number, [])
        return sorted((f"{row.entity}:{row.key}", row.reason) for row in rows)

    def outcome(self, number: str) -> str:
        """What became of a customer in the last run that read it."""
        with self.ledger() as ledger:
            story = ledger.stories.of(number)
        assert story is not None
        return story.outcome
