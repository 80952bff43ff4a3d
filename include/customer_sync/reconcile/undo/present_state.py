"""Read what is there now of the customers that a run wrote to, and plan what takes its writes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from customer_sync.ledger.journal.run_writes import WrittenCustomer, writes_of_run
from customer_sync.model.operation import Action, AppliedCompany, CustomerPlan
from customer_sync.planning.diff import diff_company, diff_unenrolment, restored_reference
from customer_sync.planning.undo import KEPT, Left, Present, RunWrite, Undoing, plan_undo
from customer_sync.reconcile.compare.real_state import read_real_state
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.source_side import erp_side
from customer_sync.reporting.request_count import counting_requests
from customer_sync.run import Run
from customer_sync.sources.port import Source, suspected
from customer_sync.steps.store_places import PlaceReader
from customer_sync.targets.port import StoredCompany, Target

_METHODS: Final = Action.SET_PAYMENT_METHODS
_TERMS: Final = Action.SET_PAYMENT_TERMS


class LeftOf(NamedTuple):
    """What an undo leaves of one customer."""

    customer_id: str
    left: Left

    @property
    def is_kept(self) -> bool:
        """Whether it is kept because it changed since; else it is impossible."""
        return self.left.why in KEPT


class PlannedUndo(NamedTuple):
    """The undo of some customers: a plan each where there is anything to do, and all that stays."""

    plans: list[CustomerPlan]
    left: list[LeftOf]


class PresentState:
    """Reads source, ledger and store of customers to whom a run wrote."""

    def __init__(self, run: Run, source: Source, target: Target, undone_run_id: str) -> None:
        """Make a reader.

        Args:
            run: The run that undoes; its connector says what happens to companies that were made.
            source: The ERP.
            target: The store.
            undone_run_id: The run that is undone.
        """
        self._run = run
        self._source = source
        self._target = target
        with run.ledger.engine.connect() as connection:
            written = writes_of_run(connection, run.connector.id, undone_run_id)
        self.writes = self._by_number(written)

    def _by_number(self, written: Mapping[WrittenCustomer, list[RunWrite]]) -> dict[str, list[RunWrite]]:
        """The writes by the number that each record has now: a company follows its record."""
        found: dict[str, list[RunWrite]] = {}
        for customer, writes in written.items():
            now = self._run.ledger.links.of_record(customer.record_id) if customer.record_id else None
            found.setdefault(now or customer.customer_id, []).extend(writes)
        return dict(sorted(found.items()))

    def plan(self, customer_ids: Sequence[str]) -> PlannedUndo:
        """Plan the undo of some of the run's customers, from what is there now.

        Raises:
            TransientApiError: The ERP or the store is out of reach.
        """
        run = self._run
        planned = PlannedUndo([], [])
        with counting_requests(run, source=self._source, target=self._target):
            sides = self._erp_sides(customer_ids)
            applied = run.ledger.links.load(customer_ids)
            for key in customer_ids:
                self._plan_one(key, sides.get(key, ErpSide(customer_id=key)), applied.get(key), planned)
        return planned

    def _plan_one(self, key: str, erp: ErpSide, applied: AppliedCompany | None, planned: PlannedUndo) -> None:
        company = self._target.company(applied.company_id) if applied is not None else None
        if applied is None or company is None:
            planned.left.append(LeftOf(key, Left("customer:", "", "company_gone")))
            return
        undoing = plan_undo(key, self._present(erp, applied, company, self.writes[key]), self.writes[key])
        planned.left.extend(LeftOf(key, left) for left in undoing.left)
        plan = self._as_plan(key, erp, applied, undoing)
        if plan.operations:
            planned.plans.append(plan)

    def _erp_sides(self, customer_ids: Sequence[str]) -> dict[str, ErpSide]:
        """What the ERP says of each, also of those that are set aside."""
        sides: dict[str, ErpSide] = {}
        reader = PlaceReader(self._run, self._target)
        for page in self._source.customers_of(customer_ids, suspected):
            places = reader.of(page.customers)
            sides |= {each.customer_id: erp_side(each, self._run.connector, places) for each in page.customers}
        return sides

    def _present(
        self, erp: ErpSide, applied: AppliedCompany, company: StoredCompany, writes: Sequence[RunWrite]
    ) -> Present:
        connector, target = self._run.connector, self._target
        actions = {write.action for write in writes}
        methods, terms = _METHODS in actions, _TERMS in actions
        store = StoreSide(
            companies=(company,),
            users=tuple(target.users(company_id=company.id)),
            addresses=tuple(target.addresses(company_id=company.id)),
            payment=target.payment_settings(company.id, methods=methods, terms=terms) if methods or terms else None,
        )
        # The state is put in the words of what was applied, which is what it is compared with.
        real = read_real_state(ErpSide(customer_id=erp.customer_id), LedgerSide(applied=applied), store, company)
        desired = erp.desired.users if erp.desired is not None else ()
        return Present(
            applied=applied,
            real=real.applied,
            emails={user.key: user.email.casefold() for user in (*erp.successors, *desired)},
            may_trade=erp.desired is not None,
            reference=erp.reference_id if erp.record_id or erp.claim != "absent" else None,
            admin_role=connector.contacts.primary_role,
            key_field=connector.store.key_field,
        )

    def _as_plan(self, key: str, erp: ErpSide, applied: AppliedCompany, undoing: Undoing) -> CustomerPlan:
        connector = self._run.connector
        plan = CustomerPlan(
            customer_id=key,
            kind="unenroll" if undoing.desired is None else "sync",
            name=erp.name,
            record_id=erp.record_id,
            erp_reference=erp.reference_id,
            company_id=applied.company_id,
            desired=undoing.desired,
            # Nothing of an undo's own is written where the run did not write.
            former_reference=erp.reference_id if undoing.reference is None else undoing.reference,
        )
        if _is_gone(undoing):
            return plan
        operations = (
            diff_unenrolment(key, applied, connector.policy)
            if undoing.desired is None
            else diff_company(undoing.desired, applied, connector.policy)
        )
        if undoing.reference is not None and connector.writes_reference:
            operations += restored_reference(key, applied.company_id, erp.reference_id, undoing.reference)
        return msgspec.structs.replace(plan, operations=operations)


def _is_gone(undoing: Undoing) -> bool:
    return any(left.why == "company_gone" for left in undoing.left)
