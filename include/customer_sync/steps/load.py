"""Step five: apply the plan of one batch to the store, then write the reference ids to the ERP. (task: load)

Order of work (docs/api/better_b2b.md#order-of-writes): companies with their first admin, and behind
each its addresses; status, users, payment methods and terms side by side; then what
takes something away; then the reference ids. What remains to be done is always
compared anew with the ledger, so a repeated attempt goes on where the last stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from customer_sync.ledger import Lease
from customer_sync.loading.addresses import CreateAddresses, DeleteAddress, UpdateAddress
from customer_sync.loading.adoption import find_by_key, find_existing, read_parts
from customer_sync.loading.companies import CreateCompanies, DeleteCompany, SetStatus, UpdateCompanies
from customer_sync.loading.context import StoreFacts, Surroundings
from customer_sync.loading.creation import Creation
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import Dispatcher, Write
from customer_sync.loading.outcome_recorder import Closing
from customer_sync.loading.payments import SetPaymentMethods, SetPaymentTerms
from customer_sync.loading.reference import WriteReference, stop_changed_elsewhere
from customer_sync.loading.users import CreateUsers, DeleteUser, UpdateUser
from customer_sync.model.batch import BatchDescriptor, unpack_plans
from customer_sync.model.operation import Action, CustomerPlan, Operation
from customer_sync.planning.diff import is_late
from customer_sync.reporting.request_count import counting_requests
from customer_sync.run import Run
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.steps.contract_gate import check_contract
from customer_sync.targets.better_b2b.client import BetterB2BClient

ROUNDS = 4
"""How often what remains is compared and sent again: an adopted or lost record shows further work."""

MAX_HOLDER_CHARS = 250
"""Longest name of a lease's holder that the ledger keeps."""

_MakeBulk = Callable[[Surroundings, Sequence[tuple[Work, Operation]]], Write]
_MakeSingle = Callable[[Surroundings, Work, Operation], Write]

_BULK: dict[Action, _MakeBulk] = {
    Action.CREATE_COMPANY: CreateCompanies,
    Action.UPDATE_COMPANY: UpdateCompanies,
    Action.CREATE_USER: CreateUsers,
    Action.CREATE_ADDRESS: CreateAddresses,
}
_SINGLE: dict[Action, _MakeSingle] = {
    Action.SET_STATUS: SetStatus,
    Action.DELETE_COMPANY: DeleteCompany,
    Action.UPDATE_USER: UpdateUser,
    Action.DELETE_USER: DeleteUser,
    Action.UPDATE_ADDRESS: UpdateAddress,
    Action.DELETE_ADDRESS: DeleteAddress,
    Action.SET_PAYMENT_METHODS: SetPaymentMethods,
    Action.SET_PAYMENT_TERMS: SetPaymentTerms,
}
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
    descriptor: BatchDescriptor,
    *,
    store: BetterB2BClient,
    erp: AcumaticaClient,
    facts: StoreFacts | None = None,
) -> LoadReport:
    """Apply one batch's plan.

    Customers that are finished get their outcome even when an error stops the rest;
    the others are taken up by the next attempt or the next run.

    Args:
        run: The run.
        content: What transform wrote.
        descriptor: What guard passed on; ``withheld`` customers are left out.
        store: The store's client.
        erp: The ERP's client; it signs in at its first request.
        facts: What is known of the store already, from an earlier batch of the same run.

    Raises:
        BatchDamaged: The batch did not arrive whole.
        LeaseLost: Another attempt took over.
        TransientApiError: The store or the ERP is out of reach.
        ConfigError: A role, extra field or payment method of the connector file is not in
            the store, or a field that it reads is no longer in the ERP.
    """
    withheld = frozenset(descriptor.withheld)
    plans = [plan for plan in unpack_plans(content, descriptor).items if plan.customer_id not in withheld]
    # Airflow gives the runs of two connectors the same id, and two connectors may share a store.
    holder = f"{run.run_id} {descriptor.key} {run.connector.id}"[-MAX_HOLDER_CHARS:]
    lease = run.ledger.lease(f"store:{run.connector.store_budget}", holder, run.try_number)
    lease.acquire()
    load = _Load(Surroundings(run, store, facts or StoreFacts(store)), lease, plans, erp, descriptor.label)
    try:
        with counting_requests(run, acumatica=erp, better_b2b=store):
            load.perform()
    finally:
        counts = load.closing.finish()
        lease.release()
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing to do"
    lines = [f"{descriptor.label}: {told}"]
    return LoadReport(counts, load.dispatcher.writes_sent, lines)


class _Load:
    def __init__(
        self, around: Surroundings, lease: Lease, plans: Sequence[CustomerPlan], erp: AcumaticaClient, label: str
    ) -> None:
        run, store = around.run, around.store
        self._around = around
        self._erp = erp
        self._lease = lease
        applied = run.ledger.links.load(plan.customer_id for plan in plans)
        self.works = [
            Work(plan, run.connector, applied.get(plan.customer_id), held_back=set(plan.held_back)) for plan in plans
        ]
        self.closing = Closing(run, self.works, label)
        concurrency = run.connector.store.concurrency
        self.dispatcher = Dispatcher(run, lease, concurrency, store.useful_in_flight, meanwhile=self.closing)

    def perform(self) -> None:
        around, works = self._around, self.works
        check_contract(around.run, self._erp)
        self._answer_open_intents()
        find_existing(around, works)
        self._check_store()
        stop_changed_elsewhere(around, works)
        read_parts(around, works)
        self._create()
        read_parts(around, works)
        self._send(lambda operation: operation.action in _COMPANY)
        admin_role = around.connector.contacts.primary_role
        for _ in range(ROUNDS):
            early = self._send_early(admin_role)
            late = self._send_late(admin_role)
            if not early and not late:
                break
        for work in works:
            work.give_up_waiting()
        self._write_references()

    def _create(self) -> None:
        creation = Creation(self._around, self.works, self._writes)
        self.dispatcher.perform(creation.begin(), creation.then)
        if creation.is_unfinished:
            self.dispatcher.perform(creation.rest(), creation.then)

    def _answer_open_intents(self) -> None:
        """Read back what an earlier attempt sent without learning its outcome."""
        works = {work.customer_id: work for work in self.works}
        intents = self._around.ledger.intents.unanswered(works)
        if intents:
            self._outwait_the_older_attempt()
        for intent in intents:
            work = works[intent.customer_id]
            if intent.action == Action.CREATE_COMPANY and work.applied is None:
                find_by_key(self._around, work)
            elif intent.action in {Action.CREATE_USER, Action.CREATE_ADDRESS} and work.applied is not None:
                work.forget_parts()
        read_parts(self._around, self.works)
        if intents:
            with self._around.ledger.write() as connection:
                self._around.ledger.intents.settle(connection, [intent.id for intent in intents], "abandoned")

    def _outwait_the_older_attempt(self) -> None:
        """Let requests of an attempt that may still be alive arrive before the store is asked for their outcome."""
        wait_s = self._lease.unsettled_s(self._around.store.settings.read_timeout_s)
        if wait_s:
            self._around.run.sink(f"waiting {wait_s:.0f} s for what the attempt before may still have on its way", [])
            time.sleep(wait_s)

    def _check_store(self) -> None:
        """Compare the connector file with the store before the first write."""
        operations = [operation for work in self.works for operation in work.remaining()]
        if any(operation.action is Action.CREATE_COMPANY for operation in operations):
            _ = self._around.key_is_unique
        roles = {operation.values["role"] for operation in operations if "role" in operation.values}
        roles |= {
            user.role for work in self.works if not work.applied and work.plan.desired for user in work.desired.users
        }
        for role in roles:
            self._around.role_id(role)
        codes = [c for o in operations if o.action is Action.SET_PAYMENT_METHODS for c in o.values]
        if codes:
            self._around.check_payment_codes(codes)

    def _send(self, is_wanted: Callable[[Operation], bool]) -> int:
        parts = self._parts(is_wanted)
        self.dispatcher.perform(self._writes(parts))
        return len(parts)

    def _parts(self, is_wanted: Callable[[Operation], bool]) -> list[tuple[Work, Operation]]:
        return [
            (work, operation)
            for work in self.works
            for operation in work.remaining()
            if is_wanted(operation) and (work.applied is not None or operation.action is Action.CREATE_COMPANY)
        ]

    def _send_early(self, admin_role: str) -> int:
        """Give what is to be given, each once; an e-mail that goes from one user to the next, from the far end."""
        tried: set[tuple[str, Action, str]] = set()
        while True:
            parts = [
                (work, operation)
                for work, operation in self._parts(lambda operation: _is_early(operation, admin_role))
                if (work.customer_id, operation.action, operation.key) not in tried
            ]
            ready = [part for part in parts if not part[0].waits_for_colleague(part[1])]
            self.dispatcher.perform(self._writes(ready))
            tried |= {(work.customer_id, operation.action, operation.key) for work, operation in ready}
            if not ready or len(ready) == len(parts):
                break
        return len(tried)

    def _send_late(self, admin_role: str) -> int:
        """Take away what is to go, from customers to whom nothing remains to be given first."""
        parts = []
        for work in self.works:
            remaining = [o for o in work.remaining() if not _waits(work, o, admin_role)]
            if all(is_late(operation, admin_role) for operation in remaining):
                parts += [(work, operation) for operation in remaining]
        self.dispatcher.perform(self._writes(parts))
        return len(parts)

    def _writes(self, parts: Sequence[tuple[Work, Operation]]) -> Iterator[Write]:
        size = self._around.connector.store.bulk_size
        for action, bulk in _BULK.items():
            alike = [part for part in parts if part[1].action is action]
            for start in range(0, len(alike), size):
                yield bulk(self._around, alike[start : start + size])
        for work, operation in parts:
            single = _SINGLE.get(operation.action)
            if single is not None:
                yield single(self._around, work, operation)

    def _write_references(self) -> None:
        writes = [
            WriteReference(self._around, self._erp, work, operation)
            for work in self.works
            if not work.problem and work.applied is not None
            for operation in work.remaining_reference()
        ]
        self.dispatcher.perform(writes)


def _is_early(operation: Operation, admin_role: str) -> bool:
    return operation.action is not Action.CREATE_COMPANY and not is_late(operation, admin_role)


def _waits(work: Work, operation: Operation, admin_role: str) -> bool:
    """Whether a user waits until another one is gone; a future admin holds back what it replaces."""
    is_user = operation.action in {Action.CREATE_USER, Action.UPDATE_USER}
    return is_user and operation.key in work.waiting_for and operation.values.get("role") != admin_role
