"""What is not in the store as it should be since it waits: never equal, though no side says something else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from customer_sync.model.difference import Difference, DifferenceClass
from customer_sync.model.waiting import waits_for
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, Waiting
from customer_sync.settings.connector import Connector


def waits_of(
    erp: ErpSide, ledger: LedgerSide, company_id: int, found: Sequence[Difference], connector: Connector
) -> Iterator[Difference]:
    """What of a customer waits, beyond what is told of the same record already.

    Args:
        erp: What the ERP says.
        ledger: What is in quarantine.
        company_id: The customer's company, 0 where it has none.
        found: The differences of the customer.
        connector: Its rules, for the words of the source's screens.
    """
    if erp.claim not in {"eligible", "kept", "unstorable"}:
        return
    told = {(each.entity, each.key) for each in found} | {("extra_field", each.field) for each in found}
    for row in _rows(erp, ledger):
        if (row.entity, row.key) not in told:
            until = waits_for(row.reason, connector.source.words.get(row.field, row.field), row.holder)
            yield Difference(
                kind=DifferenceClass.WAITING,
                customer_id=erp.customer_id,
                entity=row.entity,
                key=row.key,
                company_id=company_id,
                detail=f"{row.reason}: waits for {until}",
            )


def _rows(erp: ErpSide, ledger: LedgerSide) -> tuple[Waiting, ...]:
    """What is in quarantine; what no run has read yet the ERP's own side says."""
    whole = [row for row in ledger.quarantine if row.entity == "customer"]
    if erp.claim != "unstorable" or whole:
        return ledger.quarantine
    return (*(Waiting(entity="customer", key="", reason=reason) for reason in erp.reasons[:1]), *ledger.quarantine)
