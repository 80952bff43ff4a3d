"""The whole pipeline in this process: an in-memory ERP, a target under test, a ledger file, and faults between them.

One trial is two syncs with edits between them. What a fault leaves behind is brought to its end by a plain next run, as
after the death of a process: from the ledger's file and the two systems alone.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from customer_sync.errors import SyncError
from customer_sync.ledger.storage.schema import lease
from customer_sync.model.customer import Contact, Customer, Location, PostalAddress
from customer_sync.model.operation import Action, CompanyOperation
from customer_sync.pipeline import run
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import Order, StoredCompany, Target
from tests.adapters.faults import Crash, FaultPlan, FaultySource, FaultyTarget
from tests.adapters.in_memory_source import InMemoryErp, InMemorySource
from tests.conformance.harness import TargetUnderTest

OAKLAND = PostalAddress(line1="410 Harbor Ave", city="Oakland", state="CA", postal_code="94607", country="US")
UTRECHT = PostalAddress(line1="Oudegracht 1", city="Utrecht", postal_code="3511 AB", country="NL")

_MOST_ATTEMPTS = 20


def connector_for(target: Target, key_field: str) -> Connector:
    """A connector that uses what the store has: its roles, payment methods and terms."""
    roles = sorted(target.facts.roles.values())
    first, second, *_ = sorted(target.facts.payment_methods)
    days = sorted(target.limits.term_days)
    return Connector.model_validate(
        {
            "id": "trial",
            "eligibility": {"types": ["B2B"], "connection_type": "KNB", "sync_statuses": ["Active"]},
            "contacts": {"opt_in_required": True, "primary_role": roles[0], "other_role": roles[1]},
            "terms": {
                "NET": {"days": days[-1], "payment_methods": {first: True, second: True}},
                "COD": {"days": days[0], "payment_methods": {first: True}},
            },
            "policy": {"customer": "deactivate", "contact": "delete", "location": "delete"},
            "store": {"key_field": key_field},
            "guards": {"always_allowed": 100},
        }
    )


@dataclass
class Trial:
    """One pair of syncs.

    Args:
        under_test: The store.
        folder: Where the ledger is.
        plan: What goes wrong.
    """

    under_test: TargetUnderTest
    folder: Path
    plan: FaultPlan = field(default_factory=FaultPlan)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    erp: InMemoryErp = field(default_factory=InMemoryErp)
    stops: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        with self.under_test.make() as target:
            self.connector = connector_for(target, self.under_test.key_field)
            # Companies that carry a key are the connector's: the trial must be alone with its own.
            for company in [each for each in target.companies() if each.key]:
                end = CompanyOperation(action=Action.DELETE_COMPANY, key=company.key, store_id=company.id)
                target.perform(Action.DELETE_COMPANY, [Order(end, company.id)])
            self._before = target.count_companies()

    # -- what people do ----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Four customers: three who are companies and one who is not yet."""
        for name in ("A", "B", "C"):
            self.erp.save(self.customer(name))
        self.erp.save(replace(self.customer("D"), enabled=False))

    def edit(self) -> None:
        """Changes that lead to every kind of write: see the comments."""
        a, b, c, d = (self.erp.customer(self.key(name)) for name in "ABCD")
        first, second, *_ = a.contacts
        self.erp.save(
            replace(
                a,
                name="Renamed",
                terms="COD",
                # One contact changes, one leaves, one comes; a place changes, one goes, one is added.
                contacts=(replace(first, last_name="Böhme"), replace(second, active=False), self.contact("A", 9)),
                locations=(
                    replace(a.locations[0], name="Depot", address=UTRECHT),
                    replace(a.locations[1], active=False),
                    self.location("NEW"),
                ),
            )
        )
        self.erp.save(replace(b, enabled=False))  # withdrawn
        promoted, demoted = replace(c.contacts[1], is_primary=True), replace(c.contacts[0], is_primary=False)
        self.erp.save(replace(c, contacts=(demoted, promoted)))
        self.erp.save(replace(d, enabled=True))  # enrolled later

    def key(self, name: str) -> str:
        """A customer's number."""
        return f"{self.mark}-{name}"

    def customer(self, name: str) -> Customer:
        """A customer with two contacts and two locations."""
        return Customer(
            customer_id=self.key(name),
            name=f"Company {name}",
            email=f"office-{name.lower()}@{self.mark}.example",
            customer_type="B2B",
            status="Active",
            enabled=True,
            connection_type="KNB",
            terms="NET",
            phone="+1 555 010 0100",
            main_address=OAKLAND,
            contacts=(self.contact(name, 1), self.contact(name, 2)),
            locations=(replace(self.location("MAIN"), is_default=True), self.location("SIDE")),
        )

    def contact(self, name: str, number: int) -> Contact:
        """A contact; the first of a customer is its primary one."""
        return Contact(
            contact_id=f"{self.mark}{name}{number}",
            email=f"buyer-{name.lower()}{number}@{self.mark}.example",
            first_name="Ann",
            last_name=f"Buyer {number}",
            phone="+1 555 010 0101",
            enabled=True,
            connection_type="KNB",
            is_primary=number == 1,
        )

    @staticmethod
    def location(location_id: str) -> Location:
        """A location."""
        return Location(location_id=location_id, name=location_id.title(), phone="+1 555 010 0102", address=OAKLAND)

    # -- what the product does ---------------------------------------------------------------------------------------

    def go(self) -> None:
        """Sync, let people edit, sync again; each run that does not end well is followed by a plain one."""
        self.prepare()
        self._sync_to_its_end()
        self.edit()
        self._sync_to_its_end()

    def _sync_to_its_end(self) -> None:
        for _ in range(_MOST_ATTEMPTS):
            try:
                self.sync(self.plan)
            except (Crash, SyncError) as error:
                self.stops.append(f"{type(error).__name__} {error}")
                # What is late arrives before the next process begins, as long as the target says that it may take.
                self.plan.deliver()
                self.plan.revive()
                self._let_leases_end()
            else:
                return
        raise AssertionError(f"{_MOST_ATTEMPTS} runs did not come to an end: {self.stops[-1]}")

    def sync(self, plan: FaultPlan) -> None:
        """Run the pipeline once, from a ledger that is opened anew."""
        target, source = FaultyTarget(self.under_test.make(), plan), FaultySource(InMemorySource(self.erp), plan)
        with plan.watching_commits(), target:
            run(self.connector, source, target, self._ledger_url)

    @property
    def _ledger_url(self) -> str:
        return f"sqlite:///{self.folder / f'{self.mark}.db'}"

    def _let_leases_end(self) -> None:
        """The process that had the lease is gone, which this one, in which it lived, is not."""
        engine = sa.create_engine(self._ledger_url)
        with engine.begin() as connection:
            if sa.inspect(connection).has_table(lease.name):
                connection.execute(sa.update(lease).values(holder=""))
        engine.dispose()

    # -- what came of it ---------------------------------------------------------------------------------------------

    def writes_of_one_more_run(self) -> list[str]:
        """What a run writes when nothing has changed."""
        plan = FaultPlan()
        self.sync(plan)
        return [event.what for event in plan.events if event.rows]

    def state(self) -> Mapping[str, Any]:
        """Store and ERP without ids, times and the trial's mark; two trials that mean the same are equal."""
        with self.under_test.make() as target:
            companies = {name: list(self._companies(target, name)) for name in "ABCD"}
            made = target.count_companies() - self._before
        references = {name: bool(self.erp.customer(self.key(name)).reference_id) for name in "ABCD"}
        shown = json.dumps([companies, made, references], sort_keys=True, default=str, ensure_ascii=False)
        state: Mapping[str, Any] = json.loads(shown.replace(self.mark, "MARK"))
        return state

    def wrong_references(self) -> list[str]:
        """Customers whose reference is not their company's id."""
        with self.under_test.make() as target:
            found = {name: target.companies_by_key(self.key(name)) for name in "ABCD"}
        shown = {name: self.erp.customer(self.key(name)).reference_id for name in found}
        return [name for name, companies in found.items() if [str(each.id) for each in companies] != [shown[name]]]

    def _companies(self, target: Target, name: str) -> Iterator[dict[str, Any]]:
        for company in target.companies_by_key(self.key(name)):
            yield {
                "fields": _plain(company.fields),
                "status": company.status.name,
                "users": sorted(map(repr, self._users(target, company))),
                "addresses": sorted(repr(_plain(each.fields)) for each in target.addresses(company_id=company.id)),
                "payment": _plain(target.payment_settings(company.id, methods=True, terms=True)),
            }

    def _users(self, target: Target, company: StoredCompany) -> Iterator[Any]:
        for user in target.users(company_id=company.id):
            yield [user.key, _plain(user.fields)]


def _plain(record: Any) -> Any:
    return msgspec.to_builtins(record)
