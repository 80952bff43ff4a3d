"""What must hold before a person pairs a customer with a company by hand."""

from __future__ import annotations

from fastapi import HTTPException

from customer_sync.ledger import Ledger
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import StoredCompany

_CONFLICT = 409


def must_be_idle(ledger: Ledger, connector: Connector) -> None:
    """Refuse while a load writes to the store: it would work with the pair that is being changed.

    Raises:
        HTTPException: 409.
    """
    if ledger.is_store_busy(connector.store_budget):
        raise HTTPException(_CONFLICT, "A run is writing to the store right now: try again when it has ended.")


def read_company(connector: Connector, customer_id: str, company_id: int) -> StoredCompany:
    """Ask the store for the company.

    Raises:
        HTTPException: 409, there is none, or it bears another customer's key.
        SyncError: The store cannot be asked.
    """
    from customer_sync_airflow.hooks.better_b2b import BetterB2BHook  # noqa: PLC0415 - only who links by hand needs the client

    with BetterB2BHook(connector.target_connection_id, connector=connector).get_conn() as store:
        company = store.company(company_id)
    if company is None:
        raise HTTPException(_CONFLICT, f"The store has no company {company_id}.")
    if company.key not in ("", customer_id):
        raise HTTPException(
            _CONFLICT, f"Company {company_id} bears the Customer ID {company.key}: it belongs to that customer."
        )
    return company
