"""Step five: apply the plan of one batch to the store, then write the reference ids to the ERP. (task: load)

Order of work (docs/api/better_b2b.md#order-of-writes): companies with their first admin, and behind
each its addresses; status, users, payment methods and terms side by side; then what
takes something away; then the reference ids. What remains to be done is always
compared anew with the ledger, so a repeated attempt goes on where the last stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from customer_sync.errors import BatchDamaged
from customer_sync.gc_paused import gc_paused
from customer_sync.ledger import Lease
from customer_sync.ledger.coordination.watermarks import BULK_LOSES_KEYS
from customer_sync.loading.adoption import find_existing, read_back, read_parts, weigh_links
from customer_sync.loading.context import LoadContext, StoreCensus
from customer_sync.loading.creation import Creation
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.dispatch import Dispatcher
from customer_sync.loading.key_release import release_keys
from customer_sync.loading.outcome_recorder import OutcomeRecorder
from customer_sync.loading.refusals import wake
from customer_sync.loading.setting_writes import stop_changed_elsewhere
from customer_sync.loading.write import writes_of
from customer_sync.machine import machine
from customer_sync.model.batch import BatchDescriptor, PlannedChange, unpack_changes, unpack_customers
from customer_sync.model.company import CompanyStatus
from customer_sync.model.customer import Customer
from customer_sync.model.operation import (
    FORMER,
    Action,
    CustomerPlan,
    MethodsOperation,
    Operation,
    StatusOperation,
    UserOperation,
)
from customer_sync.planning.access import withdrawal_plan
from customer_sync.planning.diff import is_late
from customer_sync.reporting.request_count import counting_requests
from customer_sync.rules.company_mapping import to_company
from customer_sync.rules.company_users import account_successor, leavers
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Source
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
    if descriptor.mapping != run.connector.mapping_fingerprint():
        raise BatchDamaged(
            f"{run.connector.id}.yaml was changed since batch {descriptor.label} was planned: clear the run's tasks "
            "from filter on, so that what is applied is what was planned."
        )
    withheld = frozenset(descriptor.withheld)
    planned = [each for each in unpack_changes(changes, descriptor).items if each.customer_id not in withheld]
    customers = {each.customer_id: each for each in unpack_customers(content, descriptor).items}
    plans = [_plan(each, customers[each.customer_id], run.connector) for each in planned]
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
    # Airflow gives the runs of two connectors the same id, and two connectors may share a store.
    holder = f"{run.run_id} {descriptor.key} {run.connector.id}"[-MAX_HOLDER_CHARS:]
    lease = run.ledger.lease(f"store:{run.connector.store_budget}", holder, run.try_number)
    lease.acquire()
    context = LoadContext(run, target, source, census or StoreCensus())
    load = _Load(context, lease, plans, descriptor.label)
    try:
        with counting_requests(run, source=source, target=target):
            load.perform()
    finally:
        counts = load.recorder.finish()
        lease.release()
    done = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing to do"
    return LoadReport(counts, load.dispatcher.writes_sent, [f"{descriptor.label}: {done}"])


def _plan(change: PlannedChange, customer: Customer, connector: Connector) -> CustomerPlan:
    """The plan of one customer, its desired state made anew from what extract read: the rules are pure."""
    if change.kind == "sync":
        plan = CustomerPlan(
            customer_id=customer.customer_id,
            kind=change.kind,
            record_id=customer.record_id,
            erp_reference=customer.reference_id,
            desired=to_company(customer, connector).company,
            leavers=leavers(customer, connector).union(change.leavers),
            successors=account_successor(customer, connector),
        )
    else:
        plan = withdrawal_plan(customer, change.kind, connector, change.leavers)
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
    def __init__(self, context: LoadContext, lease: Lease, plans: Sequence[CustomerPlan], label: str) -> None:
        run = context.run
        self._context = context
        self._lease = lease
        applied = run.ledger.links.load(plan.customer_id for plan in plans)
        indexed = run.ledger.links.indexed(plan.customer_id for plan in plans)
        self.loads = [
            CustomerLoad(
                plan,
                run.connector,
                applied.get(plan.customer_id),
                held_back=set(plan.held_back),
                indexed=indexed.get(plan.customer_id, frozenset()),
            )
            for plan in plans
        ]
        self.recorder = OutcomeRecorder(run, self.loads, label)
        concurrency = run.connector.store.concurrency
        self.dispatcher = Dispatcher(run, lease, concurrency, context.target.useful_in_flight, idle_task=self.recorder)

    def perform(self) -> None:
        context, loads = self._context, self.loads
        if context.target.identity:
            context.ledger.links.note_store(context.run.run_id, context.target.identity)
        context.census.loses_keys |= BULK_LOSES_KEYS in context.ledger.watermarks.load()
        weigh_links(context, loads)
        self._answer_open_intents()
        # Whatever the store demands of what is made: who has left loses access before that is looked at.
        unlinked = [load for load in loads if load.applied is None]
        stop_changed_elsewhere(context, [load for load in loads if load.applied is not None])
        self._take_access_away()
        find_existing(context, loads)
        self._check_store()
        stop_changed_elsewhere(context, unlinked)
        read_parts(context, loads)
        self._take_access_away()
        release_keys(context, loads, self.dispatcher)
        self._create()
        read_parts(context, loads)
        self._send(lambda operation: operation.action in _COMPANY)
        admin_role = context.connector.contacts.primary_role
        for _ in range(ROUNDS):
            early = self._send_early(admin_role)
            late = self._send_late(admin_role)
            if wake(context, loads):
                self._create()
                read_parts(context, loads)
            elif not early and not late:
                break
        for load in loads:
            load.give_up_waiting()
        self._write_references()

    def _take_access_away(self) -> None:
        """Remove the users of those who have left, before anything is given; an admin's successor comes first."""
        role = self._context.connector.contacts.primary_role
        for _ in range(ROUNDS):
            parts = [Part(load, operation) for load in self.loads for operation in _access(load, role)]
            if not parts:
                return
            self.dispatcher.perform(writes_of(self._context, parts))

    def _create(self) -> None:
        creation = Creation(self._context, self.loads)
        self.dispatcher.perform(creation.begin(), creation.then)
        if creation.is_unfinished:
            self.dispatcher.perform(creation.rest(), creation.then)

    def _answer_open_intents(self) -> None:
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
        wait_s = self._lease.unsettled_s(self._context.target.limits.read_timeout_s)
        if wait_s:
            self._context.run.sink(f"waiting {wait_s:.0f} s for what the attempt before may still have on its way", [])
            machine().sleep(wait_s)

    def _check_store(self) -> None:
        """Compare the connector file with the store before the first write."""
        operations = [operation for load in self.loads for operation in load.remaining()]
        if any(operation.action is Action.CREATE_COMPANY for operation in operations):
            _ = self._context.key_is_unique
        self._context.check_demands({operation.action for operation in operations})
        # Users alone have a role, and to list what changes takes time.
        changes = [operation.values for operation in operations if isinstance(operation, UserOperation)]
        roles = {values["role"] for values in changes if "role" in values}
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
            if not load.problem and load.applied is not None
            for operation in load.remaining_reference()
        ]
        self.dispatcher.perform(writes_of(self._context, parts))


def _access(load: CustomerLoad, admin_role: str) -> list[Operation]:
    """What takes access away from people of a customer now; while the last admin is among them, who comes first."""
    if load.applied is None or load.is_deleted:
        return []
    remaining = load.remaining()
    stays = {user.key for user in load.desired.users} if load.plan.desired else set()
    removals = {
        operation.store_id: operation
        for operation in remaining
        if operation.action is Action.DELETE_USER and operation.key.removesuffix(FORMER) not in stays
    }
    ends = [operation for operation in remaining if _ends_trade(operation)]
    if not removals:
        return ends
    others = [record for record in load.applied.users.values() if record.store_id not in removals]
    if any(record.fields.role == admin_role for record in others):
        return [*removals.values(), *ends]
    for operation in remaining:
        is_admin = isinstance(operation, UserOperation) and operation.values.get("role") == admin_role
        if is_admin and not load.waits_for_colleague(operation):
            return [operation]
    return ends


def _ends_trade(operation: Operation) -> bool:
    return operation.action is Action.DELETE_COMPANY or (
        isinstance(operation, StatusOperation) and operation.new == CompanyStatus.INACTIVE
    )


def _is_early(operation: Operation, admin_role: str) -> bool:
    return operation.action is not Action.CREATE_COMPANY and not is_late(operation, admin_role)


def _waits(load: CustomerLoad, operation: Operation, admin_role: str) -> bool:
    """Whether a user waits until another one is gone; a future admin holds back what it replaces."""
    is_user = operation.action in {Action.CREATE_USER, Action.UPDATE_USER}
    return is_user and operation.key in load.waiting_for and operation.values.get("role") != admin_role
