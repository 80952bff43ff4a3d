"""Rules for a customer that is not eligible: kept as it is, withdrawn, or gone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import asdict

from customer_sync.model.company import CompanyStatus
from customer_sync.model.difference import Difference, DifferenceClass, Standing
from customer_sync.model.operation import Action, AppliedAddress, AppliedUser, entity_of
from customer_sync.planning.access import access_of
from customer_sync.planning.diff import diff_unenrolment
from customer_sync.reconcile.compare.case import Case
from customer_sync.reconcile.compare.real_state import RealState

_Parts = Mapping[str, AppliedUser | AppliedAddress]


class IneligibleCase(Case):
    """A customer whose company should be left alone, or not trade."""

    def compare(self, found: list[Difference]) -> Standing:
        """Add the differences to ``found``; returns the standing if there are none."""
        claim = self._erp.claim
        if self.real is None:
            return self._compare_without_company(found)
        if claim in {"kept", "unstorable"}:
            found.extend(self._changed_by_others(self.real))
            found.extend(self._still_given(self.real))
            found.extend(self.unproven())
            found.extend(self.unknown_users())
            return Standing.KEPT if claim == "kept" else Standing.QUARANTINED
        return self._compare_withdrawn(self.real, found)

    def _compare_without_company(self, found: list[Difference]) -> Standing:
        claim = self._erp.claim
        if claim == "unstorable":
            return Standing.QUARANTINED
        if self._applied is not None:
            if claim == "kept":
                found.append(self.difference(DifferenceClass.MISSING_IN_STORE, detail="deleted in the store"))
            elif self._applied.status != CompanyStatus.INACTIVE and self._connector.policy.customer != "leave":
                found.append(self.behind("customer", "", self._applied.company_id, "gone on both sides"))
            else:
                return Standing.WITHDRAWN
        return Standing.NOT_ELIGIBLE

    def _compare_withdrawn(self, real: RealState, found: list[Difference]) -> Standing:
        operations = diff_unenrolment(self._erp.customer_id, real.applied, self._connector.policy)
        if not operations:
            return Standing.WITHDRAWN
        was_ours = self._applied is not None
        was_withdrawn = self._applied is not None and self._applied.status == CompanyStatus.INACTIVE
        detail = ", ".join(self._erp.reasons)
        inactive = int(CompanyStatus.INACTIVE)
        status = {"erp": inactive, "store": int(real.applied.status), "field": "status"}
        if was_withdrawn:
            first = operations[0]
            now = int(real.applied.status)
            is_lost = self._evidence.is_lost(first.action, first.key, first.store_id, "status", now)
            kind = DifferenceClass.WRITE_LOST if is_lost else DifferenceClass.DRIFT
            found.append(self.difference(kind, **status, ledger=inactive, detail=f"active again: {detail}"))
        elif self._erp.claim == "absent" and (was_ours or self._erp.deleted_at_utc):
            known = f"deleted {self._erp.deleted_at_utc}" if self._erp.deleted_at_utc else "no longer in the ERP"
            found.append(self.difference(DifferenceClass.DELETED_IN_ERP, **status, detail=known))
        else:
            why = detail or "the ERP has no such customer"
            found.append(self.difference(DifferenceClass.EXTRA_IN_STORE, **status, detail=why))
        return Standing.WITHDRAWN

    def _changed_by_others(self, real: RealState) -> Iterator[Difference]:
        """What differs from the last applied state, of a company that is left as it is."""
        applied = self._applied
        if applied is None:
            return
        yield from self._changed_fields(
            Action.UPDATE_COMPANY, "", asdict(applied.fields), asdict(real.applied.fields), 0
        )
        if applied.status != real.applied.status:
            known, now = {"status": int(applied.status)}, {"status": int(real.applied.status)}
            yield from self._changed_fields(Action.SET_STATUS, "", known, now, 0)
        parts: tuple[tuple[Action, _Parts, _Parts], ...] = (
            (Action.UPDATE_USER, applied.users, real.applied.users),
            (Action.UPDATE_ADDRESS, applied.addresses, real.applied.addresses),
        )
        for action, known_parts, now_parts in parts:
            for key, record in known_parts.items():
                if key not in now_parts:
                    kind = DifferenceClass.MISSING_IN_STORE
                    yield self.difference(kind, entity=entity_of(action), key=key, store_id=record.store_id)
                else:
                    now = asdict(now_parts[key].fields)
                    yield from self._changed_fields(action, key, asdict(record.fields), now, record.store_id)

    def _still_given(self, real: RealState) -> Iterator[Difference]:
        """What the source takes away though the customer waits as a whole: the next sync ends it."""
        plan = self._erp.leaving
        if plan is None or not self.is_linked:
            return
        for operation in access_of(plan, real.applied, self._connector):
            if operation.action in {Action.CREATE_USER, Action.UPDATE_USER}:
                continue  # who follows an admin that is to go
            entity, fields = entity_of(operation.action), dict(operation.values) or {"": None}
            key = operation.key if entity == "contact" else ""
            for name, value in fields.items():
                place = {"entity": entity, "key": key, "store_id": operation.store_id, "field": name}
                kind, have = DifferenceClass.ERP_CHANGED, operation.before.get(name)
                yield self.difference(kind, **place, erp=value, store=have, detail="taken away in the ERP")

    def _changed_fields(
        self, action: Action, key: str, known: dict[str, Any], now: dict[str, Any], store_id: int
    ) -> Iterator[Difference]:
        for name, value in known.items():
            have = now.get(name, "")
            if name == "storefronts" and not have:
                continue  # No rule says them any more, so they are not read.
            if name == "extra_fields":
                have = {field: text for field, text in have.items() if field in value} if have else {}
            if not _same(name, have, value):
                owner = key or self._erp.customer_id
                is_lost = any(
                    self._evidence.is_lost(action, owner, store_id, each, held) for each, held in _each(name, have)
                )
                yield self.difference(
                    DifferenceClass.WRITE_LOST if is_lost else DifferenceClass.DRIFT,
                    entity=entity_of(action),
                    key=key,
                    store_id=store_id,
                    field=name,
                    ledger=value,
                    store=have,
                )


def _each(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A field, or extra fields one by one, with its value."""
    if name == "extra_fields":
        yield from ((f"{name}.{each}", text) for each, text in value.items())
    else:
        yield name, value


def _same(name: str, one: Any, other: Any) -> bool:
    if name in {"email", "company_email"}:
        return str(one).casefold() == str(other).casefold()
    return bool(one == other)
