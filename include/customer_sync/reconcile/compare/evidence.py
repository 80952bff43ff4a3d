"""Distinguishes a lost write from somebody's edit: by the store's stamps, and by what our writes replaced. Pure.

A stamp says so only where it is far from our write: the store moves some by itself, and two clocks never agree
(docs/api/better_b2b.md#stamps). Near it the value decides: what stood there before our write was never replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from customer_sync.model.difference import DifferenceClass
from customer_sync.model.operation import Action, AppliedAddress, AppliedUser, Operation, entity_of
from customer_sync.reconcile.compare.sides import LedgerSide, StoreSide
from customer_sync.targets.port import StoredCompany, StoredUser

_NOTHING: Final = ("", None)


class Evidence:
    """What ledger and store know about when a customer's records were written, and by whom."""

    def __init__(self, ledger: LedgerSide, store: StoreSide, company: StoredCompany | None) -> None:
        self._ledger, self._store, self._company = ledger, store, company
        self._applied = ledger.applied

    def kind_of_field(self, operation: Operation, name: str, ledger: Any, store: Any) -> DifferenceClass:
        """The class of a field that an operation would change, by what the ledger and the store hold of it."""
        if ledger == store:
            return DifferenceClass.ERP_CHANGED
        is_lost = self.is_lost(operation.action, operation.key, operation.store_id, name, store)
        return DifferenceClass.WRITE_LOST if is_lost else DifferenceClass.DRIFT

    def is_lost(self, action: Action, key: str, store_id: int, name: str, store: Any) -> bool:
        """Whether our write of a field was lost, the store having a value of its own, or has no answer."""
        if key in self._ledger.unanswered:
            return True
        entity = entity_of(action)
        if entity == "payment":
            return False
        place = {"contact": f"contact:{key}", "location": f"location:{key}"}.get(entity, "company")
        if entity == "location":
            was_changed = self._store.changed_addresses.get(store_id)
        else:
            was_changed = self._was_changed(entity, place, store_id)
        return self._is_as_before(place, name, store) if was_changed is None else not was_changed

    def _was_changed(self, entity: str, place: str, store_id: int) -> bool | None:
        """Whether a record was changed after our last write, by its stamp; ``None`` where that cannot tell."""
        record: StoredUser | StoredCompany | None = self._company
        if entity == "contact":
            record = next((each for each in self._store.users if each.id == store_id), None)
        written = self._ledger.written_at_s
        at_s = written.get(place, written.get("created"))
        if record is None or record.updated_at_s is None or at_s is None:
            return True
        since_s = record.updated_at_s - at_s
        return None if abs(since_s) <= self._store.settles_in_s else since_s > 0

    def _is_as_before(self, place: str, name: str, store: Any) -> bool:
        """Whether a field holds what it held before our last write of it; in a record that we made, nothing."""
        overwritten = self._ledger.overwritten.get(place, {})
        first, _, rest = name.partition(".")
        if first not in overwritten:
            is_as_made = "company" not in self._ledger.written_at_s if place == "company" else not overwritten
            return is_as_made and store in _NOTHING
        before = overwritten[first]
        return bool((before.get(rest) if rest else before) == store)

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
