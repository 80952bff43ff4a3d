"""Compare ERP, ledger and store for one customer, and class what differs. Pure.

The rules are those of ``docs/reconcile.md``; its tests are tables.
"""

from __future__ import annotations

import msgspec

from customer_sync.model.difference import Difference, DifferenceClass, Standing
from customer_sync.model.operation import AppliedCompany
from customer_sync.reconcile.compare.eligible import EligibleCase
from customer_sync.reconcile.compare.ineligible import IneligibleCase
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.waiting import waits_of
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import StoredCompany


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one customer: its standing, its differences, and the store's real state.

    ``waits`` is what is not as it should be since it waits, beyond what the differences say.
    """

    customer_id: str
    standing: Standing
    differences: tuple[Difference, ...] = ()
    waits: tuple[Difference, ...] = ()
    real: AppliedCompany | None = None
    foreign: int = 0


def compare_customer(erp: ErpSide, ledger: LedgerSide, store: StoreSide, connector: Connector) -> Comparison:
    """Compare one customer three ways.

    Args:
        erp: What the ERP says.
        ledger: What the ledger remembers.
        store: What the store holds.
        connector: The rules: removal policy, write-back.

    Returns:
        Its standing and differences; the same three sides always give the same.
    """
    if erp.claim == "set_aside":
        return Comparison(customer_id=erp.customer_id, standing=Standing.SET_ASIDE)
    company, surplus = _choose(ledger, store)
    found = [
        Difference(
            kind=DifferenceClass.DUPLICATE_KEY,
            customer_id=erp.customer_id,
            company_id=other.id,
            store_id=other.id,
            detail=_beside(company),
        )
        for other in surplus
    ]
    if company is None and surplus:
        return Comparison(customer_id=erp.customer_id, standing=Standing.DIFFERENT, differences=tuple(found))
    case: EligibleCase | IneligibleCase
    if erp.claim == "eligible" and erp.desired is not None:
        case = EligibleCase(erp, ledger, store, connector, company)
        standing = case.compare(erp.desired, found)
    else:
        case = IneligibleCase(erp, ledger, store, connector, company)
        standing = case.compare(found)
    waits = tuple(waits_of(erp, ledger, company.id if company else 0, found, connector))
    if waits and standing in {Standing.EQUAL, Standing.ACCEPTED}:
        standing = Standing.WAITING
    return Comparison(
        customer_id=erp.customer_id,
        standing=Standing.DIFFERENT if found else standing,
        differences=tuple(found),
        waits=waits,
        real=case.real.applied if case.real else None,
        foreign=case.real.foreign if case.real else 0,
    )


def _choose(ledger: LedgerSide, store: StoreSide) -> tuple[StoredCompany | None, list[StoredCompany]]:
    """The company that is the customer's, and surplus ones with its key; several and none linked: none is."""
    linked_id = ledger.applied.company_id if ledger.applied else 0
    linked = next((company for company in store.companies if company.id == linked_id), None)
    others = [company for company in store.companies if company.id != linked_id]
    if linked is not None:
        return linked, others
    return (others[0], []) if len(others) == 1 else (None, others)


def _beside(company: StoredCompany | None) -> str:
    return f"beside company {company.id}, which is linked" if company else "none of them is linked"
