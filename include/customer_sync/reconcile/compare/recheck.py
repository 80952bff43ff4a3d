"""Every suspected difference is re-read from all three sides, as close together as can be, before it is reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from customer_sync.model.difference import DifferenceClass
from customer_sync.reconcile.compare.compare_customer import Comparison, compare_customer
from customer_sync.reconcile.compare.ledger_side import in_flight, ledger_sides
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.source_side import ErpSides
from customer_sync.reconcile.compare.target_side import StoreSides
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target


@dataclass(frozen=True)
class RecheckedCustomer:
    """A customer, and its three sides as read anew."""

    erp: ErpSide
    ledger: LedgerSide
    comparison: Comparison


@dataclass
class Recheck:
    """Fetches customers one by one, bypassing list pages.

    Attributes:
        run: The run; its ledger is the third side.
        source: The ERP.
        target: The store.
        is_customer: Returns whether the owner in an address's external id is a customer.
        renamed: CustomerID -> the one under which its company is linked.
        deleted: CustomerID -> when it was deleted, where the ERP reports it.
        with_payment: Customers whose payment settings are read, too.
    """

    run: Run
    source: Source
    target: Target
    is_customer: Callable[[str], bool]
    renamed: Mapping[str, str] = field(default_factory=dict)
    deleted: Mapping[str, str] = field(default_factory=dict)
    with_payment: Collection[str] = ()

    def read(self, keys: Sequence[str]) -> dict[str, RecheckedCustomer | None]:
        """Read customers anew and compare them; ``None`` for one that was changing during the read.

        The ledger is read before and after, and so is the ERP for those that differ: a
        customer that changed in between is not compared.
        """
        former = [self.renamed[key] for key in keys if key in self.renamed]
        moving = in_flight(self.run.ledger, [*keys, *former])
        erp = self._erp_sides(keys)
        before = ledger_sides(self.run.ledger, erp, self.renamed, with_writes=True)
        found: dict[str, RecheckedCustomer | None] = {}
        for key, side in erp.items():
            store = self._store_side(side, before[key])
            comparison = compare_customer(side, before[key], store, self.run.connector)
            found[key] = RecheckedCustomer(side, before[key], comparison)
        after = ledger_sides(self.run.ledger, erp, self.renamed, with_writes=True)
        differing = [key for key, each in found.items() if each and each.comparison.differences]
        erp_after = self._erp_sides(differing)
        for key, side in erp.items():
            is_other = key in erp_after and erp_after[key] != side
            if key in moving or self.renamed.get(key) in moving or after[key] != before[key] or is_other:
                found[key] = None
        return found

    def _erp_sides(self, keys: Sequence[str]) -> dict[str, ErpSide]:
        sides = ErpSides(self.run, self.source, self.target).of(keys) if keys else {}
        return {
            key: ErpSide(customer_id=key, deleted_at_utc=self.deleted.get(key, "")) if side.claim == "absent" else side
            for key, side in sides.items()
        }

    def _store_side(self, erp: ErpSide, ledger: LedgerSide) -> StoreSide:
        sides = StoreSides(self.target, self.run.connector)
        side = sides.of(
            self.renamed.get(erp.customer_id, erp.customer_id),
            erp.desired,
            ledger.applied,
            with_payment=erp.customer_id in self.with_payment,
            is_customer=self.is_customer,
            holders=self.run.ledger.links.holders,
        )
        # Only a value that differs from what we applied makes anybody ask when an address was changed.
        first = compare_customer(erp, ledger, side, self.run.connector)
        kinds = {DifferenceClass.DRIFT, DifferenceClass.WRITE_LOST}
        if any(each.entity == "location" and each.kind in kinds for each in first.differences):
            return sides.with_stamps(side, ledger.written_at_s)
        return side
