"""One customer's three sides, and what all rules need of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from customer_sync.loading.adoption_evidence import Claimant, judge, with_record
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
            self.real = read_real_state(erp, ledger, store, company)

    def unproven(self) -> Iterator[Difference]:
        """A link for which nothing speaks: nobody weighed it, or neither reference, key, e-mail nor record id fit."""
        erp, company = self._erp, self._company
        if company is None or self._applied is None or self._applied.company_id != company.id:
            return
        claimant = Claimant(erp.customer_id, erp.record_id, erp.email, erp.reference_id)
        weighed = judge(with_record(company, self._connector.store.record_field), claimant)
        if self._ledger.is_weighed and weighed.signs:
            return
        kind = DifferenceClass.LINK_UNPROVEN
        yield self.difference(kind, store_id=company.id, detail=f"what speaks for it: {weighed.in_words}")

    def unknown_users(self) -> Iterator[Difference]:
        """Users whom the source does not know: every Admin, and all where the policy lets none of them stay."""
        role = self._connector.contacts.primary_role.casefold()
        stay = self._connector.policy.foreign_users == "report"
        for user in self.real.foreign_users if self.real and self._applied else ():
            if not stay or user.fields.role.casefold() == role:
                yield self.difference(
                    DifferenceClass.FOREIGN_USER,
                    entity="contact",
                    key=f"user {user.id}",
                    store_id=user.id,
                    field="role",
                    store=user.fields.role,
                )

    def behind(self, entity: str, key: str, store_id: int, detail: str) -> Difference:
        """What the store holds of ours and the ledger does not know, or holds otherwise."""
        kind = DifferenceClass.MISSING_IN_LEDGER
        return self.difference(kind, entity=entity, key=key, store_id=store_id, detail=detail)

    def difference(self, kind: DifferenceClass, **facts: Any) -> Difference:
        """A difference of this customer."""
        company_id = self._company.id if self._company else 0
        return Difference(kind=kind, customer_id=self._erp.customer_id, company_id=company_id, **facts)
