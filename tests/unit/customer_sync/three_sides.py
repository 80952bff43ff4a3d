"""Builds the three sides of a comparison in agreement; a test then spoils one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from customer_sync.model.company import Company, CompanyStatus, company_fields, user_fields
from customer_sync.model.operation import AppliedCompany
from customer_sync.reconcile.compare.compare_customer import Comparison, compare_customer
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import StoredAddress, StoredCompany, StoredUser
from tests.unit.customer_sync.builders import a_company, a_connector, a_user, an_entry, applied

COMPANY_ID = 61427
WRITTEN_S = 1_700_000_000.0
"""When we last wrote every record."""


def a_whole_company(**changes: Any) -> Company:
    """Make a company with two users and an address."""
    parts = {"users": (a_user("100815"), a_user("100816", role="Junior Buyer")), "addresses": (an_entry(),)}
    return a_company(**{**parts, **changes})


@dataclass
class Sides:
    """ERP, ledger and store, in agreement until a test changes one."""

    desired: Company | None = field(default_factory=a_whole_company)
    claim: Any = "eligible"
    reference: str = str(COMPANY_ID)
    erp: dict[str, Any] = field(default_factory=dict)
    known: AppliedCompany | None = None
    ledger: dict[str, Any] = field(default_factory=dict)
    companies: list[StoredCompany] = field(default_factory=list)
    users: list[StoredUser] = field(default_factory=list)
    addresses: list[StoredAddress] = field(default_factory=list)
    store: dict[str, Any] = field(default_factory=dict)

    def compare(self, connector: Connector | None = None) -> Comparison:
        """Compare them."""
        return compare_customer(
            ErpSide(
                customer_id="C001042",
                claim=self.claim,
                reference_id=self.reference,
                contact_ids=("100815", "100816", "100817"),
                desired=self.desired,
                **self.erp,
            ),
            LedgerSide(applied=self.known, written_at_s=self._written(), **self.ledger),
            StoreSide(
                companies=tuple(self.companies),
                users=tuple(self.users),
                addresses=tuple(self.addresses),
                **self.store,
            ),
            connector or a_connector(),
        )

    def _written(self) -> dict[str, float]:
        if self.known is None:
            return {}
        parts = [f"contact:{key}" for key in self.known.users]
        parts += [f"location:{key}" for key in self.known.addresses]
        return dict.fromkeys(["created", "company", *parts], WRITTEN_S)

    # -- spoiling ----------------------------------------------------------------------------------

    def spoil_company(self, *, updated_at_s: float = WRITTEN_S + 60, status: int | None = None, **fields: Any) -> Sides:
        """Change the company in the store."""
        stamp = int(updated_at_s)
        self.companies[0] = _spoilt(self.companies[0], fields, updated_at_s=stamp)
        if status is not None:
            self.companies[0] = msgspec.structs.replace(self.companies[0], status=CompanyStatus(status))
        return self

    def spoil_user(self, key: str, *, updated_at_s: float = WRITTEN_S + 60, **fields: Any) -> Sides:
        """Change a user in the store."""
        position = next(i for i, user in enumerate(self.users) if user.key == key)
        self.users[position] = _spoilt(self.users[position], fields, updated_at_s=int(updated_at_s))
        return self

    def spoil_address(self, *, changed: bool | None = True, **fields: Any) -> Sides:
        """Change the address in the store; ``changed``: whether the store says that it was changed after our write."""
        self.addresses[0] = _spoilt(self.addresses[0], fields)
        if changed is not None:
            self.store["changed_addresses"] = {self.addresses[0].id: changed}
        return self

    def drop_user(self, key: str) -> Sides:
        """Take a user out of the store."""
        self.users = [user for user in self.users if user.key != key]
        return self

    def forget(self, entity: str, key: str) -> Sides:
        """Drop a part from the ledger."""
        assert self.known is not None
        parts = getattr(self.known, entity)
        self.known = msgspec.structs.replace(self.known, **{entity: {k: v for k, v in parts.items() if k != key}})
        return self


def agreeing(desired: Company | None = None) -> Sides:
    """Three sides that say the same."""
    company = desired or a_whole_company()
    known = applied(company, company_id=COMPANY_ID, reference_id=str(COMPANY_ID))
    return Sides(
        desired=company,
        known=known,
        companies=[a_store_company(company)],
        users=[
            StoredUser(
                id=known.users[user.key].store_id,
                fields=user_fields(user),
                key=user.key,
                company_id=COMPANY_ID,
                updated_at_s=int(WRITTEN_S),
            )
            for user in company.users
        ],
        addresses=[
            StoredAddress(id=known.addresses[each.external_id].store_id, fields=each, company_id=COMPANY_ID)
            for each in company.addresses
        ],
    )


def a_store_company(company: Company, company_id: int = COMPANY_ID, **changes: Any) -> StoredCompany:
    """The company as the store holds it."""
    facts: dict[str, Any] = {
        "id": company_id,
        "fields": company_fields(company),
        "key": company.customer_id,
        "status": CompanyStatus.APPROVED,
        "updated_at_s": int(WRITTEN_S),
    }
    return StoredCompany(**{**facts, **changes})


def remembered(company: Company, **changes: Any) -> AppliedCompany:
    """What the ledger holds of a company."""
    return applied(company, **{"company_id": COMPANY_ID, "reference_id": str(COMPANY_ID), **changes})


Stored = TypeVar("Stored", StoredCompany, StoredUser, StoredAddress)


def _spoilt(record: Stored, fields: dict[str, Any], **changes: Any) -> Stored:
    return msgspec.structs.replace(record, fields=msgspec.structs.replace(record.fields, **fields), **changes)
