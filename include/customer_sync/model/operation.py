"""Operations, what was applied, and the plan of a customer. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import msgspec

from customer_sync.model.company import STATUS_APPROVED, Company, content_hash


class Action(StrEnum):
    """One kind of change in the store (the last: in the ERP)."""

    CREATE_COMPANY = "create_company"
    UPDATE_COMPANY = "update_company"
    SET_STATUS = "set_company_status"
    DELETE_COMPANY = "delete_company"
    CREATE_USER = "create_user"
    UPDATE_USER = "update_user"
    DELETE_USER = "delete_user"
    CREATE_ADDRESS = "create_address"
    UPDATE_ADDRESS = "update_address"
    DELETE_ADDRESS = "delete_address"
    SET_PAYMENT_METHODS = "set_payment_methods"
    SET_PAYMENT_TERMS = "set_payment_terms"
    WRITE_REFERENCE = "write_reference"


CREATIONS = frozenset({Action.CREATE_COMPANY, Action.CREATE_USER, Action.CREATE_ADDRESS})
"""Actions that make a new record."""

REMOVALS = frozenset({Action.DELETE_USER, Action.DELETE_ADDRESS})
"""Actions that take a part of a company away."""


ENDS_ACCESS = frozenset({Action.DELETE_USER, Action.DELETE_COMPANY, Action.SET_STATUS})
"""Actions that can take a person's or a company's access to the store away."""


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change: ``values`` are sent, ``before`` are the last applied values of the same fields.

    ``key`` is the ContactID of a user, the external id of an address, else the
    CustomerID; ``store_id`` is 0 for what does not exist yet.
    """

    action: Action
    key: str
    store_id: int = 0
    values: dict[str, Any] = {}
    before: dict[str, Any] = {}


class AppliedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What we last applied to one user or address, and its id in the store."""

    store_id: int
    fields: dict[str, Any]


class AppliedCompany(msgspec.Struct, frozen=True, kw_only=True):
    """What we last applied to one company and its parts, from the ledger.

    ``content_hash`` identifies the last desired state that was applied whole, ``""``
    if none was. ``reference_id`` is what we last wrote into the ERP. ``parts_known`` is
    false for a company that was found in the store and whose users and addresses were
    not read yet.
    """

    company_id: int
    status: int = STATUS_APPROVED
    fields: dict[str, Any] = {}
    users: dict[str, AppliedRecord] = {}
    addresses: dict[str, AppliedRecord] = {}
    payment_methods: dict[str, bool] = {}
    payment_terms: dict[str, Any] | None = None
    reference_id: str = ""
    content_hash: str = ""
    parts_known: bool = True


PlanKind = Literal["sync", "unenroll"]


class CustomerPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is to happen for one customer.

    ``desired`` is absent for a customer to be un-enrolled. ``held_back`` names parts
    (``contact:<ContactID>``) that the store refused before and that have not changed since.
    ``access_ended_at_utc`` says, by the key of an operation that takes access away, when the
    ERP's record changed that is the reason (ISO 8601).
    """

    customer_id: str
    kind: PlanKind
    name: str = ""
    record_id: str = ""
    erp_reference: str = ""
    company_id: int = 0
    desired: Company | None = None
    operations: tuple[Operation, ...] = ()
    reasons: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()
    access_ended_at_utc: dict[str, str] = {}

    def plan_hash(self) -> int:
        """A 128-bit number that identifies the operations; hashes of a run add up, so their order does not matter."""
        return int(content_hash([self.customer_id, self.kind, self.operations]), 16)
