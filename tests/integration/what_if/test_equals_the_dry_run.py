"""A what-if's figures are those of the dry run that follows with the draft in place, whatever the draft changes."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.model.customer import Location, PostalAddress
from customer_sync.model.operation import CREATIONS, entity_of
from customer_sync.pipeline import perform
from customer_sync.planning.window import RunRequest
from customer_sync.rules.eligibility import decide_eligibility
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.steps.audit import AuditReport
from customer_sync.what_if.answer import Answer, Plan
from customer_sync.what_if.what_if import Draft, Systems, what_if
from tests.adapters.in_memory_source import InMemorySource
from tests.adapters.in_memory_target import InMemoryTarget
from tests.conformance.pipeline.world import World

CHANGES = 500
PARTS = 25
CUSTOMERS = 24
_PLACES = (
    PostalAddress(line1="410 Harbor Ave", city="Oakland", state="CA", postal_code="94607", country="US"),
    PostalAddress(line1="1 Main Street", city="Albany", state="NY", postal_code="12207", country="US"),
    PostalAddress(line1="Oudegracht 1", city="Utrecht", postal_code="3511 AB", country="NL"),
    PostalAddress(line1="5 Lost Road", city="Nowhere", state="ZZ", postal_code="1", country="US"),
)


@dataclass
class DryRun:
    """A dry run in mode full with a connector, and all that it says."""

    report: AuditReport
    ledger: Ledger
    run_id: str
    said: list[str]

    def found(self, pattern: str) -> str:
        """What a pattern finds in what the run said; ``0`` where it finds nothing."""
        found = re.search(pattern, "\n".join(self.said))
        return found[1] if found else "0"


@dataclass
class Shop:
    """A world with customers of all kinds, some synced long ago, some changed since."""

    seed: random.Random
    world: World = field(default_factory=World)
    refused: int = 0

    def __post_init__(self) -> None:
        self.world.rules = {
            "eligibility": {"types": ["B2B"], "connection_type": "KNB"},
            "terms": {"30D": {"days": 30, "payment_methods": {"cheque": True}}},
            "guards": {"always_allowed": 2},
        }
        for number in range(CUSTOMERS):
            self.save(f"C{number:03d}")
        self.world.sync(mode="full")
        self.edit()

    def save(self, number: str) -> None:
        """Save a customer with anything that a draft may be about."""
        pick = self.seed.choice
        contacts = [
            self.world.contact(
                f"{number}-{each}",
                self.seed.choice(["", "", f"shared{self.seed.randrange(4)}@people.example"]),
                enabled=pick([True, True, False]),
                active=pick([True, True, True, False]),
                is_primary=each == 0,
            )
            for each in range(self.seed.randrange(4))
        ]
        self.world.save(
            number,
            *contacts,
            name=f"Firm {number} {self.seed.randrange(9)}",
            customer_type=pick(["B2B", "B2B", "B2B", "B2C"]),
            customer_class=pick(["RETAIL", "TRADE", ""]),
            status=pick(["Active", "Active", "Credit Hold", "On Hold", "Inactive"]),
            enabled=pick([True, True, True, False]),
            terms=pick(["30D", "60D", ""]),
            phone=pick(["+1 555 010 0100", ""]),
            main_address=pick(_PLACES),
            locations=tuple(
                Location(
                    location_id=f"L{each}",
                    name=f"Place {each}",
                    enabled=pick([True, True, False]),
                    is_default=each == 0,
                    address=pick(_PLACES),
                )
                for each in range(1 + self.seed.randrange(3))
            ),
        )

    def edit(self) -> None:
        """Change some customers, make one, delete one."""
        numbers = sorted(self.world.erp.rows["customers"])
        for number in self.seed.sample(numbers, 3):
            self.save(number)
        self.save(f"N{self.seed.randrange(10_000):05d}")
        if len(numbers) > CUSTOMERS:
            self.world.erp.delete(self.seed.choice(numbers))

    def draft(self) -> dict[str, Any]:
        """The present file's sections with one to three changes."""
        while True:
            rules = deepcopy(self.world.rules)
            for _ in range(self.seed.randrange(1, 4)):
                change = self.seed.choice(_CHANGES)
                change(rules, self.seed, sorted(self.world.erp.rows["customers"]))
            if rules != self.world.rules:
                return rules

    def connector(self, rules: dict[str, Any]) -> Connector:
        """The connector of some sections."""
        return Connector.model_validate({"id": "trial", "store": {"key_field": "Acumatica Customer ID"}, **rules})

    def tried(self, draft: Connector) -> Answer:
        """The what-if; where the ledger does not keep what it needs of the store, with the store."""
        answer, asked = self._what_if(draft, with_store=False), 0
        if answer is None:
            self.refused += 1
            answer = self._what_if(draft, with_store=True)
            asked = 1
        assert answer is not None
        assert (answer.plan.shoppers is None) == (asked == 0)
        return answer

    def _what_if(self, draft: Connector, *, with_store: bool) -> Answer | None:
        targets: list[InMemoryTarget] = []

        def target_of(_: Connector) -> InMemoryTarget:
            targets.append(InMemoryTarget(self.world.store))
            return targets[-1]

        with self.world.ledger() as ledger:
            systems = Systems(ledger, lambda _: InMemorySource(self.world.erp), target_of, with_store=with_store)
            try:
                found = what_if(systems, self.world.connector, Draft(draft, "draft.yaml"))
            except ConfigError as error:
                if with_store or "--with-store" not in error.message:
                    raise
                return None
        if not with_store:
            assert [each.requests_used().total for each in targets] == [0] * len(targets)
        return found

    def eligible(self, connector: Connector) -> set[str]:
        """Who trades by the rules, one customer at a time."""
        customers = map(self.world.erp.customer, self.world.erp.rows["customers"])
        return {each.customer_id for each in customers if decide_eligibility(each, connector).is_eligible}

    @contextmanager
    def dry_run(self, connector: Connector) -> Iterator[DryRun]:
        """What the sync itself says with that file in place."""
        said: list[str] = []
        run_id = f"dry__{self.seed.getrandbits(64):016x}"
        source, target = InMemorySource(self.world.erp), InMemoryTarget(self.world.store)
        with self.world.ledger() as ledger:
            run = Run(connector, ledger, run_id, sink=lambda title, _: said.append(title))
            report = perform(run, source, target, RunRequest(mode="full", dry_run=True))
            yield DryRun(report, ledger, run_id, said)

    def go_live(self, rules: dict[str, Any]) -> None:
        """Put a draft in the place of the present file and sync by it, whatever the guards would say."""
        self.world.rules = {**rules, "guards": {"always_allowed": 1000, "least_eligible_share": 0}}
        self.world.sync(mode="full")
        self.world.rules = {**rules, "guards": {"always_allowed": 2}}


Change = Callable[[dict[str, Any], random.Random, list[str]], None]


def _set(section: str, name: str, *values: Any) -> Change:
    def change(rules: dict[str, Any], seed: random.Random, _: list[str]) -> None:
        rules.setdefault(section, {})[name] = deepcopy(seed.choice(values))

    return change


def _switch(section: str, name: str) -> Change:
    return _set(section, name, *(value == "on" for value in ("on", "off")))


def _pilot(rules: dict[str, Any], seed: random.Random, numbers: list[str]) -> None:
    some = seed.sample(numbers, seed.randrange(len(numbers)))
    rules.setdefault("eligibility", {})["only"] = some


_CHANGES: tuple[Change, ...] = (
    _set("eligibility", "types", ["B2B"], ["B2B", "B2C"], ["B2C"]),
    _set("eligibility", "classes", [], ["RETAIL"], ["TRADE", "RETAIL"], ["NONE"]),
    _set("eligibility", "connection_type", "KNB", "OTHER"),
    _switch("eligibility", "opt_in_required"),
    _set("eligibility", "sync_statuses", ["Active"], ["Active", "Credit Hold"], ["Active", "Inactive"]),
    _set("eligibility", "hold_statuses", ["On Hold"], [], ["Credit Hold", "On Hold"]),
    _pilot,
    _switch("contacts", "include"),
    _switch("contacts", "opt_in_required"),
    _set("contacts", "primary_role", "Admin", "Senior Buyer"),
    _set("contacts", "other_role", "Junior Buyer", "Senior Buyer"),
    _set("contacts", "admin_fallback", "account", "refuse"),
    _set("contacts", "welcome_email", "never", "always"),
    _switch("locations", "include"),
    _switch("locations", "opt_in_required"),
    _switch("locations", "billing_address"),
    _set("policy", "customer", "leave", "deactivate", "delete"),
    _set("policy", "contact", "leave", "delete"),
    _set("policy", "location", "leave", "delete"),
    _set("store", "default_phone", "+1 555 010 0999", "+1 555 010 0888"),
    _set("store", "bulk_size", 10, 3, 1),
    _set("store", "requests_per_minute", 150, 30),
    _switch("store", "single_creates"),
    _set("geography", "states", {"US": {"ZZ": "TX"}}, {"US": {"CA": "NY"}}, {}),
    _set("geography", "countries", {"NL": "GB"}, {}),
    _set("terms", "60D", {"days": 60}, {"enabled": False}, {"days": 30, "payment_methods": {"cod": True}}),
    _set("terms", "30D", {"days": 45}, {"days": 30, "payment_methods": {"cheque": False, "cod": True}}),
    _set("guards", "always_allowed", 0, 2, 100),
    _set("guards", "most_withdrawn", 1, 200),
    _set("guards", "most_created_share", 0, 0.1, 0.5),
    _set("guards", "least_eligible_share", 0, 0.5, 1),
    _set("approval", "ask", "on_guard", "never", "always"),
    _switch("erp", "server_filter"),
    _switch("erp", "write_reference"),
    _set("batch", "size", 5, 500),
    _switch("masking", "names"),
)


def _fields(run: DryRun) -> Counter[tuple[str, str, bool]]:
    """Which field is written how often, from the plan that the dry run left."""
    return Counter(
        (entity_of(operation.action), name, operation.action in CREATIONS)
        for each in run.ledger.plans.operations(run.run_id)
        for operation in each.operations
        for name, value in operation.values.items()
        if value or operation.action not in CREATIONS
    )


def _same_figures(plan: Plan, run: DryRun) -> None:
    """Everything that both say, exactly."""
    row = run.ledger.runs.get(run.run_id)
    assert row is not None
    planned = run.ledger.plans.customers(run.run_id, _batches(run))
    assert plan.plan_hash == row["plan_hash"]
    assert plan.extracted == row["extracted"] == run.report.extracted
    assert plan.outcomes == run.report.outcomes
    assert plan.reasons == run.report.reasons
    assert plan.customers == len(planned)
    assert plan.operations == sum(each.operations for each in planned)
    assert plan.actions == run.ledger.plans.actions(run.run_id, _batches(run))
    assert plan.created <= plan.actions.get("create_company", 0)
    assert plan.withdrawn == sum(1 for each in planned if each.kind == "unenroll")
    assert plan.removed == plan.actions.get("delete_user", 0) + plan.actions.get("delete_address", 0)
    assert {part.reason: part.count for part in plan.unknown} == Counter(
        each.unknown for each in planned if each.unknown
    )
    assert list(plan.guard.tripped) == [
        line.removeprefix("Guard: ") for line in _lines(run) if line.startswith("Guard: ")
    ]
    waits = any("would wait for a person's approval" in line for line in _lines(run))
    refuses = any("would be refused" in line for line in _lines(run))
    assert plan.guard.verdict == ("refuses" if refuses else "asks" if waits else "passes")
    assert str(plan.requests.store) == run.found(r"Expected: about (\d+) requests") or not plan.operations
    assert str(plan.requests.source) == run.found(r"a minute; (\d+) to ") or not plan.operations
    assert str(plan.welcomed) == run.found(r"e-mail of welcome to (\d+) new user")


def _lines(run: DryRun) -> list[str]:
    return [line for text in run.said for line in text.split("\n")]


def _batches(run: DryRun) -> set[str]:
    return {batch for _, batch, _, _ in run.ledger.runs.customers(run.run_id)}


def _withdrawn(run: DryRun) -> set[str]:
    planned = run.ledger.plans.customers(run.run_id, _batches(run))
    return {each.customer_id for each in planned if each.kind == "unenroll"}


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, PARTS))])
def test_of_500_random_changes_every_figure_is_the_dry_runs(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    """Counts, reasons, hash, guard, requests and fields; every tenth draft goes live, and the ERP changes meanwhile."""
    shop = Shop(random.Random(part))
    differing = 0
    for number in range(CHANGES // PARTS):
        rules = shop.draft()
        tried, present = shop.connector(rules), shop.world.connector
        answer = shop.tried(tried)
        assert answer.now is not None
        assert answer.difference is not None
        with shop.dry_run(present) as now:
            _same_figures(answer.now, now)
            withdrawn_now = _withdrawn(now)
        with shop.dry_run(tried) as run:
            _same_figures(answer.plan, run)
            written = {(each.entity, each.field, each.is_new_record): each.changes for each in answer.fields}
            assert Counter(written) == _fields(run)
            assert answer.difference.withdrawn.count == len(_withdrawn(run) - withdrawn_now)
        then, before = shop.eligible(tried), shop.eligible(present)
        assert (answer.plan.eligible, answer.now.eligible) == (len(then), len(before))
        assert answer.difference.becomes_eligible.count == len(then - before)
        assert answer.difference.no_longer_eligible.count == len(before - then)
        differing += answer.plan.plan_hash != answer.now.plan_hash
        if number % 10 == 9:
            shop.go_live(rules)
            shop.edit()
    record_property(
        "figure",
        f"what-if, part {part}: {CHANGES // PARTS} random changes, all figures equal; {differing} change the plan, "
        f"{shop.refused} needed the store's lists",
    )
