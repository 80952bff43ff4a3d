"""One simulated world: an ERP with its people, a store with its strangers, a ledger, and the product between them.

Events happen one after the other; after each the promises are checked that hold at every moment. All time is virtual.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from customer_sync.errors import RunUnbalanced, SyncError
from customer_sync.machine import running_on
from customer_sync.model.customer import Customer
from customer_sync.pipeline import perform
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from tests.adapters.faults import Crash, Fault, FaultPlan, FaultySource, FaultyTarget
from tests.adapters.in_memory_source import InMemoryErp, InMemorySource
from tests.adapters.in_memory_target import InMemoryTarget
from tests.adapters.ledger_file import LedgerFile
from tests.simulation.expectation import Judgement, Violation, may_buy, standing
from tests.simulation.merchant import Merchant
from tests.simulation.promises import (
    broken_after_reading,
    broken_for,
    broken_links,
    broken_now,
    broken_twice,
    secure_people,
)
from tests.simulation.situations import Situations
from tests.simulation.store import STRANGER, SimulatedStore
from tests.simulation.virtual_machine import VirtualMachine

EVENT_TAKES_S: Final = 180
_TRIED_ONCE_MORE: Final = 4
CONNECTOR: Final = Connector.model_validate(
    {
        "id": "simulated",
        "terms": {
            "NET": {"days": 30, "payment_methods": {"cheque": True, "bankdeposit": True}},
            "COD": {"days": 0, "payment_methods": {"cheque": True}},
        },
        "locations": {"billing_address": False},
        "guards": {
            "most_withdrawn_share": 1,
            "most_removed_share": 1,
            "least_eligible_share": 0,
            "always_allowed": 1000,
        },
    }
)


class Event(NamedTuple):
    """One thing that happens: a method of :class:`World` or of the merchant, and what it is given."""

    kind: str
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.kind, *map(str, self.args)])


@dataclass
class World:
    """A world from its beginning.

    Attributes:
        log: What happened, a line each; the same for the same events.
        found: Promises that were broken.
        may_be: What each customer may be in the store by the runs so far: what the last good one read of it, and what
            later ones may have applied; of a customer on hold, what it was before.
        taken: E-mails of each customer's people that somebody else's user had at the beginning or end of a run.
        missed: Those of them that somebody else had after the runs from which ``may_be`` follows.
        numbers: The numbers under which runs have met each customer.
        followed: E-mails of users who followed the admin of each customer since it is on hold.
        wrote: What the last run wrote to the store or the ERP.
        situations: What it came through.
    """

    ledger_file: LedgerFile
    log: list[str] = field(default_factory=list)
    found: list[Violation] = field(default_factory=list)
    runs: int = 0
    wrote: set[str] = field(default_factory=set)
    may_be: dict[str, list[Customer | None]] = field(default_factory=dict)
    taken: dict[str, set[str]] = field(default_factory=dict)
    missed: dict[str, set[str]] = field(default_factory=dict)
    numbers: dict[str, set[str]] = field(default_factory=dict)
    followed: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.machine = VirtualMachine()
        self.merchant = Merchant(InMemoryErp(now_utc=self.machine.utc_now, tells_deletions=False))
        self.store = SimulatedStore(
            clock=self.machine.unix_s,
            owner_of_number=self.merchant.owner_of_number,
            contact_with=self.merchant.contact_with,
        )
        self.ledger = self.ledger_file.empty()
        self.situations = Situations(self.merchant)

    def happen(self, event: Event) -> None:
        """Let one event happen, and check what must hold after it."""
        self.machine.pass_time(EVENT_TAKES_S)
        with running_on(self.machine):
            act = getattr(self, event.kind, None) or getattr(self.merchant, event.kind)
            done = act(*event.args)
        self.log.append(f"{self.machine.now:%d %H:%M:%S} {event}: {'done' if done else 'not possible'}")
        self.situations.look()
        self.found += broken_now(self.store)

    # -- what happens outside of the ERP -----------------------------------------------------------------------------

    def wait(self, minutes: int) -> bool:
        """Time passes."""
        self.machine.pass_time(60 * minutes)
        return True

    def register(self, name: str, email: str, is_pending: int) -> bool:
        """A stranger registers in the shop, with the number of a customer as his key, or without a key."""
        key = self.merchant.numbers.get(name, "") if name else ""
        return self.store.register(key, email, is_pending=bool(is_pending))

    def take_email(self, contact: str) -> bool:
        """A stranger registers in the shop with the e-mail of a contact."""
        row = self.merchant.erp.rows["contacts"].get(contact)
        return row is not None and self.store.register("", getattr(row.values, "email", ""), is_pending=False)

    def run(self, mode: str, seed: int, *faults: tuple[int, str]) -> bool:
        """Run the product, with faults at some of its requests and commits."""
        plan = FaultPlan({number: Fault(fault) for number, fault in faults})
        people = secure_people(self.store, self.merchant)
        self._note_taken()
        error = self._sync(mode, seed, plan)
        self._remember(self._note_taken(), is_good=error is None, is_full=mode == "full")
        if error is None:
            self.found += broken_twice(self.store)
            self.found += broken_for(people, self.store)
            self.found += broken_after_reading(self.store, self.merchant, is_full=mode == "full")
        elif not faults:
            self._say("run without faults failed", f"{type(error).__name__}: {error}")
        self.found += broken_links(self.ledger_file)
        return error is None

    # -- the product -------------------------------------------------------------------------------------------------

    def _sync(self, mode: str, seed: int, plan: FaultPlan) -> BaseException | None:
        self.runs += 1
        self.machine.order = random.Random(seed)
        target, source = InMemoryTarget(self.store), InMemorySource(self.merchant.erp)
        run = Run(CONNECTOR, self.ledger, f"run_{self.runs:03d}")
        before = len(self.store.writes)
        error: BaseException | None = None
        try:
            with plan.watching_commits(), FaultyTarget(target, plan) as faulty:
                report = perform(run, FaultySource(source, plan), faulty, RunRequest.model_validate({"mode": mode}))
            if report.extracted != sum(report.outcomes.values()):
                self._say("outcomes differ from extracted", f"{report.extracted} and {report.outcomes}")
            said = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes.items())
        except (SyncError, Crash) as caught:
            error, said = caught, f"{type(caught).__name__} {caught}"
            if isinstance(caught, RunUnbalanced) and "outcome" in said:
                self._say("run without a balance", said)
        except Exception as caught:  # noqa: BLE001 - whatever else it is, is a fault of the product
            error, said = caught, f"{type(caught).__name__} {caught}"
            self._say("the product failed", said)
        if isinstance(error, Crash):
            self.ledger_file.close()
        plan.deliver()
        self.wrote = {event.what for event in plan.events if event.rows}
        happened = [(each, plan.faults.get(each.number, "")) for each in plan.events]
        self.situations.requests(happened)
        self.log += [f"  {each.side} {each.what} {each.rows} {fault}".rstrip() for each, fault in happened]
        self.log += [f"  store: {line}" for line in self.store.writes[before:]]
        self.log.append(f"  {run.run_id} {mode}: {said}")
        return error

    def _note_taken(self) -> dict[str, set[str]]:
        owners = {
            user.fields.email.casefold(): self.store.owners.get(user.company_id, STRANGER)
            for user in self.store.users.values()
        }
        now = {}
        for name, customer in self.merchant.customers().items():
            emails = {each.email.casefold() for each in (*customer.contacts, customer)}
            now[name] = {each for each in emails if owners.get(each, name) != name}
            self.taken.setdefault(name, set()).update(now[name])
            self.numbers.setdefault(name, set()).add(customer.customer_id)
        return now

    def _remember(self, taken: dict[str, set[str]], *, is_good: bool, is_full: bool) -> None:
        customers, judgement = self.merchant.customers(), self._judgement()
        for name in self.merchant.records:
            customer, before = customers.get(name), self.may_be.get(name, [None])
            if standing(customer) != "hold":
                # A deletion leaves no stamp: whether an incremental run saw it, only what it read says.
                is_sure = is_good and (is_full or not any(map(self._has_deleted, before)))
                now = [customer] if customer is None or judgement.may_trade(customer) else [customer, None]
                self.may_be[name] = now if is_sure else [*before, *now]
                missed = taken.get(name, set())
                self.missed[name] = missed if is_sure else missed | self.missed.get(name, set())
                if is_sure:
                    self.followed.pop(name, None)
                continue
            self.followed[name] = judgement.followers(name)
            if name in self.may_be:
                # Who has left loses access on hold too, and who comes back is a creation, which waits.
                left = [self._less_leavers(name, each) for each in before]
                self.may_be[name] = left if is_good else [*before, *left]

    def _has_deleted(self, customer: Customer | None) -> bool:
        contacts = customer.contacts if customer else ()
        return any(each.contact_id not in self.merchant.erp.rows["contacts"] for each in contacts)

    def _less_leavers(self, name: str, before: Customer | None) -> Customer | None:
        customer = self.merchant.customer(name)
        if before is None or customer is None:
            return before
        now = {each.contact_id: each for each in customer.contacts}
        staying = (
            each
            for each in before.contacts
            if (may_buy(now[each.contact_id]) if each.contact_id in now else self._is_nobodys(each.contact_id))
        )
        return replace(before, contacts=tuple(staying))

    def _is_nobodys(self, contact: str) -> bool:
        return self.merchant.owner_of_contact(contact) is None

    def _say(self, kind: str, detail: str) -> None:
        self.found.append(Violation(kind, detail))

    def judge(self) -> list[Violation]:
        """What of the store is not as it must be now, if no run has anything left to do."""
        return self._judgement().judge()

    def _judgement(self) -> Judgement:
        customers, ever = self.merchant.customers(), sorted(self.merchant.records)
        known = (self.may_be, self.taken, self.missed, self.numbers, self.followed)
        return Judgement(customers, ever, self.store, *known)

    # -- the end -----------------------------------------------------------------------------------------------------

    def end(self, seed: int) -> None:
        """Faults end: two full runs lead to what must be, one more writes nothing.

        Where the second wrote nothing it was that one already, but for a seed in four: what it left in the ledger may
        differ from what it found there.
        """
        for number in range(2):
            self.happen(Event("run", ("full", seed + number)))
        self.found += self.judge()
        if not self.wrote and seed % _TRIED_ONCE_MORE:
            return
        with running_on(self.machine):
            self.machine.pass_time(EVENT_TAKES_S)
            self._sync("full", seed + 2, FaultPlan())
        if self.wrote:
            self._say("one more run writes", ", ".join(sorted(self.wrote)))


def relive(events: Sequence[Event], ledger_file: LedgerFile, seed: int) -> World:
    """Let events happen in a new world until a promise is broken, then stop; else bring it to its end."""
    world = World(ledger_file)
    for event in events:
        world.happen(event)
        if world.found:
            return world
    world.end(seed)
    return world
