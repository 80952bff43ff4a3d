"""One customer's three sides, and what all rules need of them. Pure."""

from __future__ import annotations

from typing import Any

from customer_sync.model.difference import Difference, DifferenceClass
from customer_sync.reconcile.compare.evidence import Evidence
from customer_sync.reconcile.compare.real_state import RealState, read_real_state
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import StoredCompany


class Case:
    """One customer's three sides.

    Attributes:
        real: What the store holds of it, ``None`` where there is no company.
    """

    def __init__(
        self, erp: ErpSide, ledger: LedgerSide, store: StoreSide, connector: Connector, company: StoredCompany | None
    ) -> None:
        self._erp, self._ledger, self._store, self._connector = erp, ledger, store, connector
        self._company = company
        self._applied = ledger.applied
        self._evidence = Evidence(ledger, store, company)
        if company is None:
            self.real: RealState | None = None
        else:
            self.real = read_real_state(erp, ledger, store, company, connector.geography)

    def behind(self, entity: str, key: str, store_id: int, detail: str) -> Difference:
        """What the store holds of ours and the ledger does not know, or holds otherwise."""
        kind = DifferenceClass.MISSING_IN_LEDGER
        return self.difference(kind, entity=entity, key=key, store_id=store_id, detail=detail)

    def difference(self, kind: DifferenceClass, **facts: Any) -> Difference:
        """A difference of this customer."""
        company_id = self._company.id if self._company else 0
        return Difference(kind=kind, customer_id=self._erp.customer_id, company_id=company_id, **facts)
