"""The company as we last wrote it: its fields, users and addresses; masked unless a person may read names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from customer_sync.ledger import Ledger
from customer_sync.model.operation import AppliedCompany
from customer_sync.reporting.log_entry import masked_value
from customer_sync_airflow.pages.connector_of import readable_connectors


class PartNow(NamedTuple):
    """A user or an address: key in the ERP, id in the store, and what is to be read of it."""

    entity: str
    key: str
    store_id: int
    words: list[str]
    role: str


class CompanyNow(NamedTuple):
    """A company: how it is reached, where it is, and its parts."""

    reached: list[str]
    address: list[str]
    parts: list[PartNow]


def company_of(ledger: Ledger, customer_id: str, *, readable: bool) -> CompanyNow | None:
    """What the ledger holds of a customer's company; ``None`` where there is none."""
    applied = ledger.links.load([customer_id]).get(customer_id)
    named = {ledger.connector_id} if readable else set()
    connector = readable_connectors(frozenset(named))(ledger.connector_id)
    if applied is None or connector is None:
        return None

    def shown(record: Any, names: str) -> list[str]:
        pairs = [(name, getattr(record, name)) for name in names.split()]
        return [str(masked_value(name, value, connector)) for name, value in pairs if value]

    return CompanyNow(
        shown(applied.fields, "company_email company_phone"),
        shown(applied.fields, "address_line1 zip_code city state country"),
        list(_parts(applied, shown)),
    )


def _parts(applied: AppliedCompany, shown: Callable[[Any, str], list[str]]) -> Iterator[PartNow]:
    for key, user in sorted(applied.users.items()):
        yield PartNow("User", key, user.store_id, shown(user.fields, "first_name last_name"), user.fields.role)
    for key, each in sorted(applied.addresses.items()):
        yield PartNow(
            "Address", key, each.store_id, shown(each.fields, "address_line1 city state_name country_name"), ""
        )
