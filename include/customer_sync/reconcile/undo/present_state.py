"""Read what is there now of the customers that a run wrote to, and plan what takes its writes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from customer_sync.calls_in_flight import side_by_side
from customer_sync.ledger.journal.run_writes import WrittenCustomer, customers_written, writes_of_run
from customer_sync.model.operation import Action, AppliedCompany, CustomerPlan
from customer_sync.model.outcome import Reason
from customer_sync.planning.diff import diff_company, diff_unenrolment, restored_reference
from customer_sync.planning.set_aside import source_hash
from customer_sync.planning.undo import Present, Undoing, plan_undo
from customer_sync.planning.undo_changes import Left, RunWrite, changes_of
from customer_sync.planning.undo_settings import former_reference
from customer_sync.reconcile.compare.real_state import read_real_state
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.source_side import erp_side
from customer_sync.reporting.request_count import counting_requests
from customer_sync.run import Run
from customer_sync.sources.port import Source, suspected
from customer_sync.steps.store_places import PlaceReader
from customer_sync.targets.port import Target

_METHODS: Final = Action.SET_PAYMENT_METHODS
_TERMS: Final = Action.SET_PAYMENT_TERMS
_GONE: Final = Left("customer:", "", Reason.COMPANY_GONE)


class UndoneCustomer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer to whom the run wrote: its number now, and what it was to the run.

    A company follows its record, so two of the run's customers may be one by now.
    """

    customer_id: str
    written_as: tuple[WrittenCustomer, ...]


class LeftOf(NamedTuple):
    """What an undo leaves of one customer."""

    customer_id: str
    left: Left

    @property
    def is_kept(self) -> bool:
        """Whether it is kept because it changed since; else it is impossible."""
        return self.left.is_kept


class PlannedUndo(NamedTuple):
    """The undo of some customers.

    Attributes:
        plans: One each where there is anything to do.
        left: All that stays.
        names: Customer -> masked name, of those whom the source shows.
        sources: Customer -> what identifies its source as it was read.
    """

    plans: list[CustomerPlan]
    left: list[LeftOf]
    names: dict[str, str]
    sources: dict[str, str]


def undone_customers(run: Run, undone_run_id: str) -> list[UndoneCustomer]:
    """The customers to whom a run wrote, by the number that each has now."""
    with run.ledger.engine.connect() as connection:
        written = customers_written(connection, run.connector.id, undone_run_id)
    found: dict[str, list[WrittenCustomer]] = {}
    for customer in written:
        now = run.ledger.links.of_record(customer.record_id) if customer.record_id else None
        found.setdefault(now or customer.customer_id, []).append(customer)
    return [UndoneCustomer(customer_id=key, written_as=tuple(names)) for key, names in sorted(found.items())]


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
        self._undone_run_id = undone_run_id

    def plan(self, customers: Sequence[UndoneCustomer]) -> PlannedUndo:
        """Plan the undo of some of the run's customers, from what is there now.

        Raises:
            TransientApiError: The ERP or the store is out of reach.
        """
        run = self._run
        ids = [each.customer_id for each in customers]
        planned = PlannedUndo([], [], {}, {})
        with counting_requests(run, source=self._source, target=self._target):
            sides = self._erp_sides(ids, planned)
            applied = run.ledger.links.load(ids)
            made = run.ledger.links.made_by(self._undone_run_id, ids)
            writes = self._writes(customers)
            shown = self._store_sides(applied, writes)
            for key in ids:
                erp = sides.get(key, ErpSide(customer_id=key))
                have = applied.get(key), shown.get(key)
                self._plan_one(erp, *have, writes[key], planned, is_made_by_run=made.get(key, False))
        return planned

    def _writes(self, customers: Sequence[UndoneCustomer]) -> dict[str, list[RunWrite]]:
        named = [name for each in customers for name in each.written_as]
        with self._run.ledger.engine.connect() as connection:
            found = writes_of_run(connection, self._run.connector.id, self._undone_run_id, named)
        return {
            each.customer_id: [write for name in each.written_as for write in found.get(name, ())] for each in customers
        }

    def _plan_one(
        self,
        erp: ErpSide,
        applied: AppliedCompany | None,
        shown: StoreSide | None,
        writes: Sequence[RunWrite],
        planned: PlannedUndo,
        *,
        is_made_by_run: bool,
    ) -> None:
        key = erp.customer_id
        if applied is None or shown is None:
            undoing = _undoing_without_company(erp, applied, writes)
        else:
            present = self._present(erp, applied, shown)._replace(is_made_by_run=is_made_by_run)
            undoing = plan_undo(key, present, writes)
        planned.left.extend(LeftOf(key, left) for left in undoing.left)
        plan = self._as_plan(erp, applied, undoing)
        if plan.operations:
            planned.plans.append(plan)

    def _erp_sides(self, customer_ids: Sequence[str], planned: PlannedUndo) -> dict[str, ErpSide]:
        """What the ERP says of each, also of those that are set aside."""
        sides: dict[str, ErpSide] = {}
        reader = PlaceReader(self._run, self._target)
        for page in self._source.customers_of(customer_ids, suspected):
            places = reader.of(page.customers)
            sides |= {each.customer_id: erp_side(each, self._run.connector, places) for each in page.customers}
            planned.sources.update((each.customer_id, source_hash(each)) for each in page.customers)
        planned.names.update((key, side.name) for key, side in sides.items())
        return sides

    def _store_sides(
        self, applied: Mapping[str, AppliedCompany], writes: Mapping[str, Sequence[RunWrite]]
    ) -> dict[str, StoreSide | None]:
        """What the store shows of each company, several asked about at once; ``None`` where it is gone."""
        found: dict[str, StoreSide | None] = {}
        linked, at_once = list(applied), self._run.connector.store.concurrency
        for start in range(0, len(linked), at_once):
            part = linked[start : start + at_once]
            questions = [partial(self._store_side, applied[key].company_id, writes[key]) for key in part]
            found.update(zip(part, side_by_side(questions), strict=True))
        return found

    def _store_side(self, company_id: int, writes: Sequence[RunWrite]) -> StoreSide | None:
        target, actions = self._target, {write.action for write in writes}
        methods, terms = _METHODS in actions, _TERMS in actions
        company = target.company(company_id)
        if company is None:
            return None
        return StoreSide(
            companies=(company,),
            users=tuple(target.users(company_id=company_id)),
            addresses=tuple(target.addresses(company_id=company_id)),
            payment=target.payment_settings(company_id, methods=methods, terms=terms) if methods or terms else None,
        )

    def _present(self, erp: ErpSide, applied: AppliedCompany, store: StoreSide) -> Present:
        connector = self._run.connector
        (company,) = store.companies
        # The state is put in the words of what was applied, which is what it is compared with.
        real = read_real_state(ErpSide(customer_id=erp.customer_id), LedgerSide(applied=applied), store, company)
        return Present(
            applied=applied,
            real=real.applied,
            emails=_emails(erp),
            may_trade=erp.desired is not None,
            reference=_reference_in_source(erp),
            admin_role=connector.contacts.primary_role,
            key_field=connector.store.key_field,
        )

    def _as_plan(self, erp: ErpSide, applied: AppliedCompany | None, undoing: Undoing) -> CustomerPlan:
        connector, key = self._run.connector, erp.customer_id
        plan = CustomerPlan(
            customer_id=key,
            kind="unenroll" if undoing.desired is None else "sync",
            name=erp.name,
            record_id=erp.record_id,
            erp_reference=erp.reference_id,
            company_id=applied.company_id if applied is not None else _id_of(erp.reference_id),
            desired=undoing.desired,
            reasons=(str(Reason.UNDONE),),
            # Nothing of an undo's own is written where the run did not write.
            former_reference=erp.reference_id if undoing.reference is None else undoing.reference,
            undoes=self._undone_run_id,
        )
        if _GONE in undoing.left:
            return plan
        operations = (
            ()
            if applied is None
            else diff_unenrolment(key, applied, connector.policy)
            if undoing.desired is None
            else diff_company(undoing.desired, applied, connector.policy)
        )
        if undoing.reference is not None and connector.writes_reference:
            operations += restored_reference(key, plan.company_id, erp.reference_id, undoing.reference)
        return msgspec.structs.replace(plan, operations=operations)


def _undoing_without_company(erp: ErpSide, applied: AppliedCompany | None, writes: Sequence[RunWrite]) -> Undoing:
    """Of a company that the run made and that is gone, only the source knows still; others cannot be had again."""
    changes = changes_of(writes)
    own = changes.get("customer:")
    if own is None or own.was_there:
        return Undoing(None, None, (_GONE,))
    known = applied.reference_id if applied is not None else None
    reference, left = former_reference(changes.get("customer:reference"), _reference_in_source(erp), known)
    return Undoing(None, reference, tuple(left))


def _reference_in_source(erp: ErpSide) -> str | None:
    """What the source holds as the company's id; ``None`` where it has no such record."""
    return erp.reference_id if erp.record_id or erp.claim != "absent" else None


def _emails(erp: ErpSide) -> Mapping[str, str]:
    desired = erp.desired.users if erp.desired is not None else ()
    return {user.key: user.email.casefold() for user in (*erp.successors, *desired)}


def _id_of(reference: str) -> int:
    """The company's id that a reference names, 0 where it names none."""
    return int(reference) if reference.isdecimal() and reference.isascii() else 0
