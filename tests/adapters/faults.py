"""Faults between the product and any adapter, by a plan: refused, lost, late and partial requests, and crashes.

A plan numbers the requests through all ports that share it. After a crash nothing leaves any more, as from a process
that is gone: whatever the product still tries on its way out ends in the same crash.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self, TypeVar

import sqlalchemy as sa

from customer_sync.calls_in_flight import undivided
from customer_sync.errors import AmbiguousWriteError, RateLimited, SyncError, TransientApiError
from customer_sync.http.pacing import RequestUse
from customer_sync.model.operation import Action
from customer_sync.model.place import Place
from customer_sync.sources.port import Changes, Contract, CustomerPage, Known, Reference, Source, nobody
from customer_sync.targets.port import (
    ActionCost,
    Extended,
    ExtraField,
    Order,
    PaymentSettings,
    StoredAddress,
    StoredCompany,
    StoredUser,
    Target,
    TargetFacts,
    TargetLimits,
)

T = TypeVar("T")
_CRAWL_STRIDE = 25
"""So many records of a crawl count as one request."""


class Crash(BaseException):
    """The process dies here. No ``except Exception`` sees it."""


class Fault(StrEnum):
    """What happens to one request, or to one commit of the ledger."""

    CRASH_BEFORE = "crash_before"
    """The process dies, the request never left."""
    CRASH_AFTER = "crash_after"
    """The request is done, the process dies before it learns so."""
    CRASH_PARTIAL = "crash_partial"
    """Half of the rows are done, then the process dies; as ``CRASH_AFTER`` where there are no rows to part."""
    REFUSED = "refused"
    """Nothing is done: the budget is used up."""
    NEVER_ARRIVED = "never_arrived"
    """Nothing is done and nobody can tell."""
    LOST = "lost"
    """The request is done and its answer is lost."""
    PARTIAL = "partial"
    """Half of the rows are done and the answer is lost; as ``LOST`` where there are no rows to part."""
    LATE = "late"
    """The answer is lost, and the request is done only after the next one that writes, or right before one that reads.

    Whoever learns that an answer is lost has waited as long as the port says that a store works on a request
    (``TargetLimits.longest_work_s``), so that asking afterwards finds it.
    """


COMMIT_FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
READ_FAULTS = (Fault.CRASH_BEFORE, Fault.REFUSED)


class Event(NamedTuple):
    """A request or commit that a plan has seen; ``rows`` is 0 unless it writes."""

    number: int
    side: str
    what: str
    rows: int = 0
    is_atomic: bool = True


@dataclass
class FaultPlan:
    """What happens to which request.

    Args:
        faults: Number of the event, from 1 -> what happens to it.
    """

    faults: Mapping[int, Fault] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    is_dead: bool = False
    _late: list[Callable[[], object]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _arriving: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, side: str, what: str, rows: int = 0, *, is_atomic: bool = True) -> Fault | None:
        """Count an event that is about to happen.

        Raises:
            Crash: The process dies before it, or is dead.
        """
        with self._lock:
            self.refuse_the_dead()
            event = Event(len(self.events) + 1, side, what, rows, is_atomic)
            self.events.append(event)
            fault = self.faults.get(event.number)
            if fault is Fault.CRASH_BEFORE:
                self.die()
        return fault

    def die(self) -> None:
        """End the process."""
        self.is_dead = True
        raise Crash

    def revive(self) -> None:
        """Begin a new process, in which the faults that are left go on."""
        self.is_dead = False

    def refuse_the_dead(self) -> None:
        """Let nothing more happen in a dead process."""
        if self.is_dead:
            raise Crash

    def read(self, side: str, what: str, ask: Callable[[], T]) -> T:
        """Ask a question, or fail to."""
        fault = self.begin(side, what)
        if fault is Fault.REFUSED:
            raise _refused()
        if fault in {Fault.NEVER_ARRIVED, Fault.LOST}:
            raise TransientApiError("The answer did not come.", system=side, operation=what)
        self.deliver()
        found = ask()
        if fault is not None:
            self.die()
        return found

    def write(
        self, side: str, what: str, send: Callable[[], T], half: Callable[[], object] | None = None, rows: int = 1
    ) -> T:
        """Send a request that writes, or what a fault leaves of it; ``half`` does the first half of its rows."""
        fault = self.begin(side, what, rows, is_atomic=half is None)
        if fault is Fault.REFUSED:
            raise _refused()
        if fault is None:
            done = send()
            self.deliver()
            return done
        if fault is not Fault.LATE and fault is not Fault.NEVER_ARRIVED:
            (half if half and fault in {Fault.PARTIAL, Fault.CRASH_PARTIAL} else send)()
        self.deliver()
        if fault is Fault.LATE:
            self._late.append(send)
        if fault in {Fault.CRASH_AFTER, Fault.CRASH_PARTIAL}:
            self.die()
        raise AmbiguousWriteError("The answer did not come.", system=side, operation=what)

    def deliver(self) -> None:
        """Let what is late arrive; who asks meanwhile waits until it has."""
        # Calls in flight share a thread: none of the others may ask while this one sends.
        with self._arriving, undivided():
            late, self._late = self._late, []
            for send in late:
                # Its answer, a refusal or not, reaches nobody.
                with suppress(SyncError):
                    send()

    @contextmanager
    def watching_commits(self) -> Iterator[None]:
        """Count every commit of every database of this process as an event."""

        def before(connection: sa.Connection) -> None:
            if threading.current_thread() is not threading.main_thread():
                return  # a sign of life, which comes when it comes
            if self.begin("ledger", "commit") is Fault.CRASH_AFTER:
                connection.info["dies"] = True

        def after(_: Any, record: Any) -> None:
            # The pool gets a connection back right after its transaction ended: the first moment after a commit.
            if record.info.pop("dies", False):
                self.die()

        sa.event.listen(sa.Engine, "commit", before)
        sa.event.listen(sa.pool.Pool, "checkin", after)
        try:
            yield
        finally:
            sa.event.remove(sa.Engine, "commit", before)
            sa.event.remove(sa.pool.Pool, "checkin", after)


def _refused() -> RateLimited:
    return RateLimited("The request budget is used up.", retry_after_s=0.0)


class _FaultyFacts:
    """Facts whose first reading is a request."""

    def __init__(self, facts: TargetFacts, plan: FaultPlan) -> None:
        self._facts = facts
        self._plan = plan
        self._known: dict[str, Any] = {}

    def _once(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._plan.read("target", name, lambda: getattr(self._facts, name))
        return self._known[name]

    @property
    def roles(self) -> Mapping[str, str]:
        return self._once("roles")  # type: ignore[no-any-return]  # as the wrapped property gives it

    @property
    def payment_methods(self) -> frozenset[str]:
        return self._once("payment_methods")  # type: ignore[no-any-return]  # as above

    @property
    def needs_catalogs(self) -> bool:
        return self._once("needs_catalogs")  # type: ignore[no-any-return]  # as above

    def extra_fields(self, kind: Extended) -> Mapping[str, ExtraField]:
        name = f"extra_fields of {kind}"
        if name not in self._known:
            self._known[name] = self._plan.read("target", name, lambda: self._facts.extra_fields(kind))
        return self._known[name]  # type: ignore[no-any-return]  # as above

    @property
    def countries(self) -> Sequence[Place]:
        return self._once("countries")  # type: ignore[no-any-return]  # as above

    def states(self, country_code: str) -> Sequence[Place]:
        return self._plan.read("target", "states", lambda: self._facts.states(country_code))


class FaultyTarget:
    """A target whose requests go through a plan."""

    def __init__(self, target: Target, plan: FaultPlan) -> None:
        self._target = target
        self._plan = plan
        self.facts = _FaultyFacts(target.facts, plan)

    def __enter__(self) -> Self:
        self._target.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._target.__exit__(None, None, None)

    @property
    def name(self) -> str:
        return self._target.name

    @property
    def identity(self) -> str:
        return self._target.identity

    @property
    def limits(self) -> TargetLimits:
        return self._target.limits

    def cost(self, action: Action) -> ActionCost:
        return self._target.cost(action)

    def useful_in_flight(self) -> int:
        return self._target.useful_in_flight()

    def requests_used(self) -> RequestUse:
        return self._target.requests_used()

    def _read(self, what: str, ask: Callable[[], T]) -> T:
        return self._plan.read("target", what, ask)

    def shoppers(self, emails: Sequence[str]) -> int | None:
        return self._read("shoppers", lambda: self._target.shoppers(emails))

    def count_companies(self) -> int:
        return self._read("count_companies", self._target.count_companies)

    def company(self, company_id: int) -> StoredCompany | None:
        return self._read("company", lambda: self._target.company(company_id))

    def companies_by_key(self, key: str) -> list[StoredCompany]:
        return self._read("companies_by_key", lambda: self._target.companies_by_key(key))

    def user(self, user_id: int) -> StoredUser | None:
        return self._read("user", lambda: self._target.user(user_id))

    def user_by_email(self, email: str) -> StoredUser | None:
        return self._read("user_by_email", lambda: self._target.user_by_email(email))

    def address(self, address_id: int) -> StoredAddress | None:
        return self._read("address", lambda: self._target.address(address_id))

    def addresses_by_key(self, external_ids: Sequence[str]) -> list[StoredAddress]:
        return self._read("addresses_by_key", lambda: self._target.addresses_by_key(external_ids))

    def payment_settings(self, company_id: int, *, methods: bool, terms: bool) -> PaymentSettings | None:
        return self._read(
            "payment_settings", lambda: self._target.payment_settings(company_id, methods=methods, terms=terms)
        )

    def companies(self, *, created_since_s: int | None = None) -> Iterator[StoredCompany]:
        return self._crawl("companies", self._target.companies(created_since_s=created_since_s))

    def users(self, *, company_id: int | None = None, created_since_s: int | None = None) -> Iterator[StoredUser]:
        return self._crawl("users", self._target.users(company_id=company_id, created_since_s=created_since_s))

    def addresses(
        self, *, company_id: int | None = None, modified_since_s: int | None = None
    ) -> Iterator[StoredAddress]:
        return self._crawl(
            "addresses", self._target.addresses(company_id=company_id, modified_since_s=modified_since_s)
        )

    def _crawl(self, what: str, records: Iterator[T]) -> Iterator[T]:
        number = 0
        self._read(what, lambda: None)
        for number, record in enumerate(records, start=1):
            yield record
            if number % _CRAWL_STRIDE == 0:
                self._read(what, lambda: None)

    def perform(self, action: Action, orders: Sequence[Order]) -> list[int | None]:
        can_part = len(orders) > 1 and not self._target.cost(action).is_atomic
        return self._plan.write(
            "target",
            action,
            lambda: self._target.perform(action, orders),
            (lambda: self._target.perform(action, orders[: len(orders) // 2])) if can_part else None,
            len(orders),
        )


class FaultySource:
    """A source whose requests go through a plan."""

    def __init__(self, source: Source, plan: FaultPlan) -> None:
        self._source = source
        self._plan = plan
        self.limits = source.limits

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._source.__exit__(None, None, None)

    def requests_used(self) -> RequestUse:
        return self._source.requests_used()

    def _read(self, what: str, ask: Callable[[], T]) -> T:
        return self._plan.read("source", what, ask)

    def now_utc(self) -> datetime:
        return self._read("now_utc", self._source.now_utc)

    def customers_after(self, resume_after: str, known: Known = nobody) -> Iterator[CustomerPage]:
        return self._paged("customers_after", self._source.customers_after(resume_after, known))

    def customers_of(self, customer_ids: Sequence[str], known: Known = nobody) -> Iterator[CustomerPage]:
        return self._paged("customers_of", self._source.customers_of(customer_ids, known))

    def customers_of_records(self, record_ids: Sequence[str]) -> Iterator[CustomerPage]:
        return self._paged("customers_of_records", self._source.customers_of_records(record_ids))

    def changes(self, since: Mapping[str, str], until: str) -> Iterator[Changes]:
        return self._paged("changes", self._source.changes(since, until))

    def _paged(self, what: str, pages: Iterator[T]) -> Iterator[T]:
        end: Any = object()
        while (page := self._read(what, lambda: next(pages, end))) is not end:
            yield page

    def deleted(self) -> Mapping[str, str] | None:
        return self._read("deleted", self._source.deleted)

    def contract(self) -> Contract:
        return self._read("contract", self._source.contract)

    def missing_fields(self) -> list[str]:
        return self._read("missing_fields", self._source.missing_fields)

    def write_reference(self, reference: Reference) -> None:
        self._plan.write("source", "write_reference", lambda: self._source.write_reference(reference))
