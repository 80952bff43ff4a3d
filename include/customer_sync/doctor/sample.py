"""The customers of the source, read page by page as a full run reads them, and judged by the rules of the sync.

Nothing of them is kept but counts, a few numbers as examples, and whose each e-mail is.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from customer_sync.model.company import Company
from customer_sync.model.customer import Customer
from customer_sync.model.operation import Operation
from customer_sync.model.outcome import Finding, Reason
from customer_sync.model.place import Place
from customer_sync.planning.diff import diff_company
from customer_sync.planning.request_estimate import expected_requests
from customer_sync.redaction import mask_email
from customer_sync.rules.company_mapping import to_company
from customer_sync.rules.eligibility import decide_eligibility
from customer_sync.rules.places import StorePlaces
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import CustomerPage, Source
from customer_sync.targets.port import TargetFacts

MOST_CUSTOMERS: Final = 25_000
"""So many are read at most."""

LONGEST_READ_S: Final = 240.0
"""No page is asked for later than so many seconds after the first."""

MOST_EXAMPLES: Final = 3
_COMPARED: Final = 20

_ONLY_EMAIL: Final = frozenset({Reason.EMAIL_MISSING, Reason.EMAIL_INVALID})


@dataclass
class Found:
    """How often a reason was found, on how many customers, and some of them."""

    records: int = 0
    customers: set[str] = field(default_factory=set)
    examples: list[str] = field(default_factory=list)
    fields: Counter[str] = field(default_factory=Counter)

    def note(self, customer_id: str, name: str, example: str = "") -> None:
        """Count one."""
        if customer_id not in self.customers and len(self.examples) < MOST_EXAMPLES:
            self.examples.append(example or customer_id)
        self.records += 1
        self.customers.add(customer_id)
        self.fields[name] += 1


class Holders:
    """Whose each e-mail is, and which are several customers'."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self.found = Found()

    @property
    def emails(self) -> list[str]:
        """All of them, case-folded."""
        return list(self._first)

    def note(self, email: str, customer_id: str) -> None:
        """Remember who has one."""
        holder = self._first.setdefault(email.casefold(), customer_id)
        if holder != customer_id:
            self.found.note(customer_id, "", f"{holder} and {customer_id} ({mask_email(email)})")
            self.found.customers.add(holder)


@dataclass
class Sample:
    """What was read and found.

    Attributes:
        read: Customers that were read, of whatever kind.
        eligible: Those of them that belong in the store.
        types: Type -> customers, as eligibility sees it.
        is_whole: Whether these are all that the source shows.
        seconds: How long reading took.
        pages: Pages that were read.
        parts: Contacts and locations that were read.
        first: Some customers, to be read again.
        stamps: Stream -> largest stamp.
        findings: Reason -> what was found.
        accounts: Whose Account Emails are.
        users: Whose e-mails of users are.
        store_requests: Requests to the store that a first load takes.
        references: References that a first load writes into the source.
    """

    read: int = 0
    eligible: int = 0
    types: Counter[str] = field(default_factory=Counter)
    is_whole: bool = False
    seconds: float = 0.0
    pages: int = 0
    parts: int = 0
    first: list[Customer] = field(default_factory=list)
    stamps: dict[str, datetime] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    findings: dict[Reason, Found] = field(default_factory=dict)
    accounts: Holders = field(default_factory=Holders)
    users: Holders = field(default_factory=Holders)
    store_requests: int = 0
    references: int = 0

    def found(self, reason: Reason) -> Found:
        """What was found of a reason."""
        return self.findings.setdefault(reason, Found())


class Reading:
    """Reads the source once, and judges what it read.

    Args:
        source: The source.
        connector: The rules.
        say: Hears how far it is.
        clock: Seconds of a clock that nobody sets.
    """

    def __init__(
        self,
        source: Source,
        connector: Connector,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sample = Sample()
        self._source = source
        self._connector = connector
        self._say = say
        self._clock = clock
        self._pages: Iterator[CustomerPage] | None = None
        self._waiting: list[CustomerPage] = []

    def first_page(self) -> CustomerPage | None:
        """Read the first page; ``None`` where the source shows nobody."""
        self._pages = self._source.customers_after("")
        page = self._next()
        if page is None:
            self.sample.is_whole = True
            return None
        self.sample.first = list(page.customers[:_COMPARED])
        self._waiting.append(page)
        return page

    def the_rest(self, facts: TargetFacts) -> Sample:
        """Read on, as far as the bounds let, and judge everything.

        Args:
            facts: The store's, for its countries and states.
        """
        judge = _Judge(self._connector, facts, self.sample)
        begun_s = self._clock()
        for page in self._waiting:
            judge.page(page)
        self._waiting.clear()
        while not self.sample.is_whole:
            if self.sample.read >= MOST_CUSTOMERS or self._clock() - begun_s >= LONGEST_READ_S:
                break
            further = self._next()
            if further is None:
                self.sample.is_whole = True
            else:
                judge.page(further)
                self._say(f"{self.sample.read:,} customers were read")
        return self.sample

    def again(self, customer_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """Read some customers by their numbers."""
        return self._source.customers_of(customer_ids)

    def _next(self) -> CustomerPage | None:
        begun_s = self._clock()
        page = next(self._pages, None) if self._pages is not None else None
        self.sample.seconds += self._clock() - begun_s
        self.sample.pages += page is not None
        return page


class _Judge:
    """Applies filter and transform's own rules to pages."""

    def __init__(self, connector: Connector, facts: TargetFacts, sample: Sample) -> None:
        self._connector = connector
        self._facts = facts
        self._sample = sample
        self._states: dict[str, Sequence[Place]] = {}
        self._places = StorePlaces(facts.countries, geography=connector.geography)

    def page(self, page: CustomerPage) -> None:
        sample = self._sample
        sample.unreadable |= page.unreadable
        for stream, stamp in page.stamps.items():
            sample.stamps[stream] = max(stamp, sample.stamps.get(stream, stamp))
        self._learn_places(page.customers)
        operations: list[Operation] = []
        for customer in page.customers:
            company = self._customer(customer)
            if company is not None:
                operations += diff_company(company, None, self._connector.policy)
        rules = self._connector.store
        requests, _ = expected_requests(operations, rules.bulk_size, single_creates=rules.is_one_by_one)
        sample.store_requests += requests

    def _customer(self, customer: Customer) -> Company | None:
        sample, connector = self._sample, self._connector
        sample.read += 1
        sample.parts += len(customer.contacts) + len(customer.locations)
        sample.types[customer.customer_type or "(none)"] += 1
        decision = decide_eligibility(customer, connector)
        if decision.reasons and _ONLY_EMAIL.issuperset(decision.reasons):
            for reason in decision.reasons:
                sample.found(reason).note(customer.customer_id, "email")
        if not decision.is_eligible:
            return None
        sample.eligible += 1
        sample.accounts.note(customer.email, customer.customer_id)
        made = to_company(customer, connector, self._places)
        self._note(customer.customer_id, made.findings)
        if made.company is None:
            return None
        sample.references += connector.writes_reference
        for user in made.company.users:
            sample.users.note(user.email, customer.customer_id)
        return made.company

    def _note(self, customer_id: str, findings: Sequence[Finding]) -> None:
        for each in findings:
            example = f"{customer_id}, {each.entity} {each.key}" if each.key else customer_id
            self._sample.found(each.reason).note(customer_id, each.field, example)

    def _learn_places(self, customers: Sequence[Customer]) -> None:
        needed = self._places.needed(customers) - self._states.keys()
        if needed:
            self._states |= {code: self._facts.states(code) for code in sorted(needed)}
            self._places = StorePlaces(self._facts.countries, self._states, geography=self._connector.geography)


def hours_and_minutes(seconds: float) -> str:
    """A duration as people say it, rounded up to minutes from one minute on."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    return f"{minutes / 60:,.1f} h" if minutes < 4320 else f"{minutes // 1440:,} days"  # noqa: PLR2004 - three days
