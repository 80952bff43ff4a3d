"""Step five: apply the plan of one batch to the store, then write the reference ids to the ERP. (task: load)

Order of work (docs/api/better_b2b.md#order-of-writes): companies with their first admin, and behind
each its addresses; status, users, payment methods and terms side by side; then what
takes something away; then the reference ids. What remains to be done is always
compared anew with the ledger, so a repeated attempt goes on where the last stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from operator import is_
from typing import Any

import msgspec

from customer_sync.errors import BatchDamaged, SyncError
from customer_sync.gc_paused import gc_paused
from customer_sync.ledger import Lease
from customer_sync.ledger.coordination.watermarks import BULK_KEYS
from customer_sync.loading.access_steps import access_steps
from customer_sync.loading.adoption import find_existing, read_back, weigh_links
from customer_sync.loading.context import LoadContext, StoreCensus
from customer_sync.loading.creation import Creation
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.dispatch import Dispatcher
from customer_sync.loading.emails import free_emails, settle_emails
from customer_sync.loading.first_companies import make_first
from customer_sync.loading.found_parts import prove_settled, read_parts
from customer_sync.loading.key_release import release_keys
from customer_sync.loading.outcome_recorder import OutcomeRecorder
from customer_sync.loading.setting_writes import stop_changed_elsewhere
from customer_sync.loading.write import writes_of
from customer_sync.machine import machine
from customer_sync.model.batch import BatchDescriptor, PlannedChange, unpack_changes, unpack_customers
from customer_sync.model.customer import Customer
from customer_sync.model.operation import (
    Action,
    CustomerPlan,
    MethodsOperation,
    Operation,
    UserOperation,
)
from customer_sync.planning.access import withdrawal_plan
from customer_sync.planning.diff import is_late
from customer_sync.reporting.log_entry import operation_entry
from customer_sync.reporting.request_count import counting_requests
from customer_sync.rules.company_mapping import to_company
from customer_sync.rules.company_users import account_successor, leavers
from customer_sync.rules.places import StorePlaces
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Source
from customer_sync.steps.store_places import PlaceReader
from customer_sync.targets.port import Target

ROUNDS = 4
"""How often what remains is compared and sent again: an adopted or lost record shows further load."""

MAX_HOLDER_CHARS = 250
"""Longest name of a lease's holder that the ledger keeps."""

_COMPANY = frozenset({Action.UPDATE_COMPANY, Action.SET_STATUS, Action.DELETE_COMPANY})


@dataclass(frozen=True)
class LoadReport:
    """What one batch's load did.

    Attributes:
        outcomes: Customers by outcome.
        writes: Requests that wrote.
        lines: The report in words.
    """

    outcomes: dict[str, int]
    writes: int
    lines: list[str] = field(default_factory=list)


def load_batch(
    run: Run,
    content: Any,
    changes: Any,
    descriptor: BatchDescriptor,
    *,
    target: Target,
    source: Source,
    census: StoreCensus | None = None,
) -> LoadReport:
    """Apply one batch's plan.

    Args:
        run: The run.
        content: What extract wrote.
        changes: What transform wrote.
        descriptor: What guard passed on; ``withheld`` customers are left out.
        target: The store.
        source: The ERP; its session opens at the first request.
        census: What is known of the store already, from an earlier batch of the same run.

    Returns:
        What was done.

    Raises:
        BatchDamaged: The batch did not arrive whole, or the connector file's rules changed since it was planned.
        LeaseLost: Another attempt took over.
        TransientApiError: The store or the ERP is out of reach.
        ConfigError: A role, extra field or payment method of the connector file is not in the store.
    """
    withheld = frozenset(descriptor.withheld)
    planned = [each for each in unpack_changes(changes, descriptor).items if each.customer_id not in withheld]
    customers = {each.customer_id: each for each in unpack_customers(content, descriptor).items}
    places = PlaceReader(run, target).of(customers[each.customer_id] for each in planned if each.kind == "sync")
    if descriptor.mapping != run.mapping_fingerprint():
        raise BatchDamaged(
            f"{run.connector.id}.yaml was changed since batch {descriptor.label} was planned, or the store's list of "
            "countries and states: clear the run's tasks from filter on, so that what is applied is what was planned."
        )
    plans = [_plan(each, customers[each.customer_id], run.connector, places) for each in planned]
    return load_plans(run, plans, descriptor, target=target, source=source, census=census)


@gc_paused()
def load_plans(
    run: Run,
    plans: Sequence[CustomerPlan],
    descriptor: BatchDescriptor,
    *,
    target: Target,
    source: Source,
    census: StoreCensus | None = None,
) -> LoadReport:
    """Bring customers to their desired state.

    Customers that are finished get their outcome even when an error stops the rest;
    the others are taken up by the next attempt or the next run.

    Args:
        run: The run.
        plans: The customers.
        descriptor: Names the batch.
        target: The store.
        source: The ERP; its session opens at the first request.
        census: What is known of the store already, from an earlier batch of the same run.

    Returns:
        What was done.

    Raises:
        LeaseLost: Another attempt took over.
        TransientApiError: The store or the ERP is out of reach.
        ConfigError: A role, extra field or payment method of the connector file is not in the store.
    """
    context = LoadContext(run, target, source, census or StoreCensus())
    with _lease_for(run, descriptor.key, descriptor.label) as lease:
        load = _Load(context, lease, plans, descriptor)
        try:
            asked_for = lambda: context.census.holders_asked_for  # noqa: E731 - a number that grows
            with counting_requests(run, source=source, target=target, holders=asked_for):
                load.perform()
        finally:
            counts = load.recorder.finish()
    done = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing to do"
    return LoadReport(counts, load.dispatcher.writes_sent, [f"{descriptor.label}: {done}"])


def load_removals(run: Run, plans: Sequence[CustomerPlan], *, target: Target, source: Source) -> None:
    """Take access away from those who have left, as some plans say, and do nothing else: no customer is finished by it.

    Args:
        run: The run.
        plans: Plans of kind ``access``.
        target: The store.
        source: The ERP; it is not asked.

    Raises:
        LeaseLost: Another attempt took over.
        TransientApiError: The store is out of reach.
    """
    batch = BatchDescriptor(key="removals", label="removals", count=len(plans))
    with _lease_for(run, batch.key, batch.label) as lease:
        load = _Load(LoadContext(run, target, source), lease, plans, batch, closes=False)
        with counting_requests(run, source=source, target=target):
            load.answer_open_intents()
            load.take_access_away()
    entries = [
        operation_entry(each.customer_id, each.plan.name, operation, run.connector, verb="done")
        for each in load.loads
        for operation in each.done
    ]
    with run.ledger.write() as connection:
        run.as_task("load").record(connection, entries)
    run.sink(f"{len(entries)} operations take access away from people who have left", entries)


@contextmanager
def _lease_for(run: Run, part: str, label: str) -> Iterator[Lease]:
    """The right to write to the store, taken for a block and given back after it."""
    # Airflow gives the runs of two connectors the same id, and two connectors may share a store.
    holder = f"{run.run_id} {part} {run.connector.id}"[-MAX_HOLDER_CHARS:]
    name = f"load of run {run.run_id} ({label}, try {run.try_number})"
    lease = run.ledger.lease(f"store:{run.connector.store_budget}", holder, run.try_number, name)
    lease.acquire()
    is_settled = False
    try:
        yield lease
        is_settled = True
    except SyncError:
        is_settled = True  # what was in flight was awaited
        raise
    finally:
        lease.release(may_have_sent=not is_settled)


def _plan(change: PlannedChange, customer: Customer, connector: Connector, places: StorePlaces) -> CustomerPlan:
    """The plan of one customer, its desired state made anew from what extract read: the rules are pure."""
    if change.kind == "sync":
        plan = CustomerPlan(
            customer_id=customer.customer_id,
            kind=change.kind,
            record_id=customer.record_id,
            erp_reference=customer.reference_id,
            desired=to_company(customer, connector, places).company,
            leavers=leavers(customer, connector).union(change.leavers),
            successors=account_successor(customer, connector),
        )
    else:
        plan = withdrawal_plan(customer, change.kind, connector, change.leavers, change.reasons)
    return msgspec.structs.replace(
        plan,
        name=change.name,
        company_id=change.company_id,
        reasons=change.reasons,
        held_back=change.held_back,
        outcome=change.outcome,
        access_ended_at_utc=change.access_ended_at_utc,
        was_inactive=change.was_inactive,
    )


class _Load:
    def __init__(
        self,
        context: LoadContext,
        lease: Lease,
        plans: Sequence[CustomerPlan],
        descriptor: BatchDescriptor,
        *,
        closes: bool = True,
    ) -> None:
        run = context.run
        self._context = context
        self._lease = lease
        applied = run.ledger.links.load(plan.customer_id for plan in plans)
        indexed = run.ledger.links.indexed(plan.customer_id for plan in plans)
        with run.ledger.links.snapshot() as links:
            behind = links.behind(applied)
        self.loads = [
            CustomerLoad(
                plan,
                run.connector,
                applied.get(plan.customer_id),
                held_back=set(plan.held_back),
                indexed=indexed.get(plan.customer_id, {}),
                is_being_made=plan.customer_id in behind,
            )
            for plan in plans
        ]
        self._settled: Sequence[Sequence[object]] = []
        self.recorder = OutcomeRecorder(run, self.loads, descriptor)
        concurrency = run.connector.store.concurrency
        idle_task = self.recorder if closes else None
        self.dispatcher = Dispatcher(run, lease, concurrency, context.target.useful_in_flight, idle_task=idle_task)

    def perform(self) -> None:
        context, loads = self._context, self.loads
        if context.target.identity:
            context.ledger.links.note_store(context.run.run_id, context.target.identity)
        if not context.census.keys_in_bulk:
            context.census.keys_in_bulk = context.ledger.watermarks.load().get(BULK_KEYS, "")
        weigh_links(context, loads)
        self.answer_open_intents()
        self._settle_emails()
        # Whatever the store demands of what is made: who has left loses access before that is looked at.
        unlinked = [load for load in loads if load.applied is None]
        stop_changed_elsewhere(context, [load for load in loads if load.applied is not None])
        self.take_access_away()
        find_existing(context, loads)
        self._check_store()
        stop_changed_elsewhere(context, unlinked)
        read_parts(context, loads)
        self._settle_emails()
        self.take_access_away()
        release_keys(context, loads, self.dispatcher)
        free_emails(context, loads, self.dispatcher)
        self._settle_emails(is_freed=True)
        self.take_access_away()
        self._create()
        read_parts(context, loads)
        self._send(lambda operation: operation.action in _COMPANY)
        admin_role = context.connector.contacts.primary_role
        for _ in range(ROUNDS):
            early = self._send_early(admin_role)
            late = self._send_late(admin_role)
            if self._settle_emails(is_freed=True):
                self._create()
                read_parts(context, loads)
            elif not early and not late:
                break
        prove_settled(context, loads)
        for load in loads:
            load.give_up_waiting()
        self._write_references()

    def _settle_emails(self, *, is_freed: bool = False) -> bool:
        """Settle whose each e-mail is, unless nobody wanted another's and nothing happened to a company since.

        Returns:
            Whether anybody was taken back who was left out.
        """
        now = [(load.applied, load.problem) for load in self.loads]
        is_free = not any(load.lost or load.awaited or load.held_back for load in self.loads)
        if is_free and self._settled and all(map(_is_same, now, self._settled)):
            return False
        found = settle_emails(self._context, self.loads, is_freed=is_freed)
        self._settled = now
        return found

    def take_access_away(self) -> None:
        """Remove the users of those who have left, before anything is given; an admin's successor comes first."""
        kept_out: list[tuple[CustomerLoad, str]] = []
        for _ in range(ROUNDS):
            parts = self._access_steps()
            made = {part.load.customer_id: part.load for part in parts if part.operation.action is Action.CREATE_USER}
            if made and not self._context.takes_new_users:
                # Whom the store would refuse is nobody's successor now, and is tried again when it would not.
                kept_out += [(load, part) for load in made.values() for part in load.keep_out_new_users()]
                parts = self._access_steps()
            if not parts:
                break
            self.dispatcher.perform(writes_of(self._context, parts))
        for load, part in kept_out:
            load.held_back.discard(part)

    def _access_steps(self) -> list[Part]:
        role = self._context.connector.contacts.primary_role
        return [Part(load, operation) for load in self.loads for operation in access_steps(load, role)]

    def _create(self) -> None:
        creation = Creation(self._context, self.loads)
        make_first(self._context, creation, self.dispatcher)
        self.dispatcher.perform(creation.begin(), creation.then)
        if creation.is_unfinished:
            self.dispatcher.perform(creation.rest(), creation.then)

    def answer_open_intents(self) -> None:
        """Read back what an earlier attempt sent without learning its outcome."""
        records = {load.customer_id: load.plan.record_id for load in self.loads}
        intents = self._context.ledger.intents.unanswered_by(records)
        for load in self.loads:
            load.unanswered = intents.get(load.customer_id, [])
        if intents:
            self._outwait_the_older_attempt()
        read_back(self._context, self.loads)
        if intents:
            with self._context.ledger.write() as connection:
                self._context.ledger.intents.abandon(connection, [each for its in intents.values() for each in its])

    def _outwait_the_older_attempt(self) -> None:
        """Let requests of an attempt that may still be alive arrive before the store is asked for their outcome."""
        target = self._context.target
        longest_s = target.limits.longest_work_s
        wait_s = self._lease.unsettled_s(longest_s)
        if wait_s:
            until = machine().utc_now() + timedelta(seconds=wait_s)
            self._context.run.sink(
                f"waiting {wait_s:.0f} s, until {until:%H:%M:%S} UTC, for requests of the attempt before that had no "
                f"answer: {target.name} may work on one for {longest_s:.0f} s",
                [],
            )
            machine().sleep(wait_s)

    def _check_store(self) -> None:
        """Compare the connector file with the store before the first write."""
        operations = [operation for load in self.loads for operation in load.remaining()]
        if any(operation.action is Action.CREATE_COMPANY for operation in operations):
            _ = self._context.key_is_unique
        actions = {operation.action for operation in operations}
        self._context.check_demands(actions)
        self._context.check_channels(actions)
        # Users alone have a role; a creation names no changes.
        users = [(each.new, each.changed) for each in operations if isinstance(each, UserOperation)]
        roles = {user.role for user, changed in users if user is not None and (not changed or "role" in changed)}
        roles |= {
            user.role for load in self.loads if not load.applied and load.plan.desired for user in load.desired.users
        }
        self._context.check_roles(sorted(roles))
        codes = [code for each in operations if isinstance(each, MethodsOperation) for code in each.new]
        if codes:
            self._context.check_payment_codes(codes)

    def _send(self, is_wanted: Callable[[Operation], bool]) -> int:
        parts = self._parts(is_wanted)
        self.dispatcher.perform(writes_of(self._context, parts))
        return len(parts)

    def _parts(self, is_wanted: Callable[[Operation], bool]) -> list[Part]:
        return [
            Part(load, operation)
            for load in self.loads
            for operation in load.remaining()
            if is_wanted(operation) and (load.applied is not None or operation.action is Action.CREATE_COMPANY)
        ]

    def _send_early(self, admin_role: str) -> int:
        """Give what is to be given, each once; an e-mail that goes from one user to the next, from the far end."""
        tried: set[tuple[str, Action, str]] = set()
        while True:
            parts = [
                Part(load, operation)
                for load, operation in self._parts(lambda operation: _is_early(operation, admin_role))
                if (load.customer_id, operation.action, operation.key) not in tried
            ]
            ready = [part for part in parts if not part[0].waits_for_colleague(part[1])]
            self.dispatcher.perform(writes_of(self._context, ready))
            tried |= {(load.customer_id, operation.action, operation.key) for load, operation in ready}
            if not ready or len(ready) == len(parts):
                break
        return len(tried)

    def _send_late(self, admin_role: str) -> int:
        """Take away what is to go, from customers to whom nothing remains to be given first."""
        parts = []
        for load in self.loads:
            remaining = [o for o in load.remaining() if not _waits(load, o, admin_role)]
            if all(is_late(operation, admin_role) for operation in remaining):
                parts += [Part(load, operation) for operation in remaining]
        self.dispatcher.perform(writes_of(self._context, parts))
        return len(parts)

    def _write_references(self) -> None:
        parts = [
            Part(load, operation)
            for load in self.loads
            if not load.problem and (load.applied is not None or load.plan.former_reference is not None)
            for operation in load.remaining_reference()
        ]
        self.dispatcher.perform(writes_of(self._context, parts))


def _is_same(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether two rows hold the same objects; what is applied is replaced, never changed."""
    return all(map(is_, one, other))


def _is_early(operation: Operation, admin_role: str) -> bool:
    return operation.action is not Action.CREATE_COMPANY and not is_late(operation, admin_role)


def _waits(load: CustomerLoad, operation: Operation, admin_role: str) -> bool:
    """Whether a user waits until another one is gone; a future admin holds back what it replaces."""
    is_user = operation.action in {Action.CREATE_USER, Action.UPDATE_USER}
    return is_user and operation.key in load.waiting_for and operation.values.get("role") != admin_role
