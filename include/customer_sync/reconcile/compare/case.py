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
        """A company that may be another's: linked though nothing in it fits, or found by a key that proves too little.

        What a sync would not adopt (docs/people.md#adoption) is neither adopted nor written as a reference here.
        """
        company = self._company
        if company is None:
            return
        claimant = Claimant(self._erp.customer_id, self._erp.record_id, self._erp.email, self._erp.reference_id)
        weighed = judge(with_record(company, self._connector.store.record_field), claimant)
        if self.is_linked:
            is_doubtful, how = not (self._ledger.is_weighed and weighed.signs), "linked"
        else:
            is_doubtful, how = weighed.against is not None, f"not linked, {weighed.against}"
        if is_doubtful:
            detail = f"{how}; what speaks for it: {weighed.in_words}"
            yield self.difference(DifferenceClass.LINK_UNPROVEN, store_id=company.id, detail=detail)

    @property
    def is_linked(self) -> bool:
        """Whether the ledger links the company that was found."""
        return bool(self._company and self._applied and self._applied.company_id == self._company.id)

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
