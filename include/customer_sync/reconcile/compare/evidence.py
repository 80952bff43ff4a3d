"""Distinguishes a lost write from somebody's edit: the store's own stamps beside the moments of our writes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from customer_sync.model.difference import DifferenceClass
from customer_sync.model.operation import Action, AppliedAddress, AppliedUser, Operation, entity_of
from customer_sync.reconcile.compare.sides import LedgerSide, StoreSide
from customer_sync.targets.port import StoredCompany, StoredUser

STAMP_TOLERANCE_S = 2.0
"""The store's stamps are whole seconds, and two clocks never agree."""


class Evidence:
    """What ledger and store know about when a customer's records were written, and by whom."""

    def __init__(self, ledger: LedgerSide, store: StoreSide, company: StoredCompany | None) -> None:
        self._ledger, self._store, self._company = ledger, store, company
        self._applied = ledger.applied

    def kind_of_field(self, operation: Operation, ledger: Any, store: Any) -> DifferenceClass:
        """The class of a field that an operation would change, by what the ledger and the store hold of it."""
        if ledger == store:
            return DifferenceClass.ERP_CHANGED
        is_lost = self.is_lost(operation.action, operation.key, operation.store_id)
        return DifferenceClass.WRITE_LOST if is_lost else DifferenceClass.DRIFT

    def is_lost(self, action: Action, key: str, store_id: int) -> bool:
        """Whether the store's record was not touched since we wrote it, or our write has no answer."""
        entity = entity_of(action)
        if key in self._ledger.unanswered:
            return True
        written = self._ledger.written_at_s
        if entity == "location":
            return self._store.changed_addresses.get(store_id) is False
        record: StoredUser | StoredCompany | None
        if entity == "contact":
            record = next((each for each in self._store.users if each.id == store_id), None)
            at_s = written.get(f"contact:{key}", written.get("created"))
        else:
            record, at_s = self._company, written.get("company", written.get("created"))
        if record is None or record.updated_at_s is None or at_s is None or entity == "payment":
            return False
        return record.updated_at_s < at_s - STAMP_TOLERANCE_S

    def remembered(self, operation: Operation) -> dict[str, Any]:
        """What the ledger holds of the record that an operation changes."""
        applied = self._applied
        if applied is None:
            return {}
        if operation.action is Action.SET_STATUS:
            return {"status": int(applied.status)}
        if operation.action is Action.SET_PAYMENT_METHODS:
            return dict(applied.payment_methods)
        if operation.action is Action.SET_PAYMENT_TERMS:
            return msgspec.to_builtins(applied.payment_terms) if applied.payment_terms else {}
        if operation.action is Action.UPDATE_COMPANY:
            return msgspec.structs.asdict(applied.fields)
        parts = self.linked(entity_of(operation.action))
        record = next((record for record in parts.values() if record.store_id == operation.store_id), None)
        return msgspec.structs.asdict(record.fields) if record else {}

    def linked(self, entity: str) -> Mapping[str, AppliedUser | AppliedAddress]:
        """The users or addresses that the ledger links."""
        if self._applied is None:
            return {}
        return self._applied.users if entity == "contact" else self._applied.addresses

    def is_linked_part(self, entity: str, key: str, store_id: int) -> bool:
        """Whether the ledger knows the part; one that it does not know is reported as a whole, not field by field."""
        parts = self.linked(entity)
        return key in parts or any(record.store_id == store_id for record in parts.values())
