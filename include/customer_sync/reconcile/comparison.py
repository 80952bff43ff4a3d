"""Compare ERP, ledger and store for one customer, and class what differs. Pure.

The rules are those of ``docs/reconcile.md``; its tests are tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from customer_sync.company import STATUS_INACTIVE, Company, content_hash
from customer_sync.connector import Connector
from customer_sync.plan import Action, AppliedCompany, Operation, diff_company, diff_unenrolment
from customer_sync.reconcile.difference import Difference, DifferenceClass, Standing
from customer_sync.reconcile.evidence import ENTITY, Evidence
from customer_sync.reconcile.real_state import RealState, read_real_state
from customer_sync.reconcile.sides import ErpSide, LedgerSide, StoreRecord, StoreSide


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one customer: where it stands, its differences, and the store's real state."""

    customer_id: str
    standing: Standing
    differences: tuple[Difference, ...] = ()
    real: AppliedCompany | None = None
    foreign: int = 0


def compare_customer(erp: ErpSide, ledger: LedgerSide, store: StoreSide, connector: Connector) -> Comparison:
    """Compare one customer three ways.

    Args:
        erp: What the ERP says.
        ledger: What the ledger remembers.
        store: What the store holds.
        connector: The rules: removal policy, write-back, geography.

    Returns:
        Its standing and differences; the same three sides always give the same.
    """
    company, surplus = _choose(ledger, store)
    found = [
        Difference(
            kind=DifferenceClass.DUPLICATE_KEY,
            customer_id=erp.customer_id,
            company_id=other.id,
            store_id=other.id,
            detail=_beside(company),
        )
        for other in surplus
    ]
    if company is None and surplus:
        return Comparison(customer_id=erp.customer_id, standing=Standing.DIFFERENT, differences=tuple(found))
    case = _Case(erp, ledger, store, connector, company)
    standing = case.judge(found)
    return Comparison(
        customer_id=erp.customer_id,
        standing=Standing.DIFFERENT if found else standing,
        differences=tuple(found),
        real=case.real.applied if case.real else None,
        foreign=case.real.foreign if case.real else 0,
    )


def _choose(ledger: LedgerSide, store: StoreSide) -> tuple[StoreRecord | None, list[StoreRecord]]:
    """The company that is the customer's, and surplus ones with its key; several and none linked: none is."""
    linked_id = ledger.applied.company_id if ledger.applied else 0
    linked = next((company for company in store.companies if company.id == linked_id), None)
    others = [company for company in store.companies if company.id != linked_id]
    if linked is not None:
        return linked, others
    return (others[0], []) if len(others) == 1 else (None, others)


def _beside(company: StoreRecord | None) -> str:
    return f"beside company {company.id}, which is linked" if company else "none of them is linked"


class _Case:
    """One customer's three sides, and the rules that judge them."""

    def __init__(
        self, erp: ErpSide, ledger: LedgerSide, store: StoreSide, connector: Connector, company: StoreRecord | None
    ) -> None:
        self._erp, self._ledger, self._store, self._connector = erp, ledger, store, connector
        self._company = company
        self._applied = ledger.applied
        self._evidence = Evidence(ledger, store, company)
        if company is None:
            self.real: RealState | None = None
        else:
            self.real = read_real_state(erp, ledger, store, company, connector.geography)

    def judge(self, found: list[Difference]) -> Standing:
        """Add the differences to ``found``; returns the standing where there are none."""
        claim = self._erp.claim
        if claim == "wanted" and self._erp.desired is not None:
            return self._judge_wanted(self._erp.desired, found)
        if self.real is None:
            return self._judge_without_company(found)
        if claim in {"kept", "unstorable"}:
            found.extend(self._changed_by_others(self.real))
            return Standing.KEPT if claim == "kept" else Standing.QUARANTINED
        return self._judge_withdrawn(self.real, found)

    # -- eligible ----------------------------------------------------------------------------------

    def _judge_wanted(self, desired: Company, found: list[Difference]) -> Standing:
        if self.real is None:
            if self._ledger.quarantined and self._applied is None:
                return Standing.QUARANTINED
            detail = "deleted in the store" if self._applied else "never made"
            found.append(self._difference(DifferenceClass.MISSING_IN_STORE, detail=detail))
            return Standing.DIFFERENT
        taken = dict(self._taken(desired))
        found.extend(taken.values())
        is_linked = self._applied is not None and self._applied.company_id == self.real.applied.company_id
        is_accepted = is_linked and self._append_store_differences(desired, self.real, taken, found)
        found.extend(self._orphans(self.real))
        found.extend(self._unknown_to_ledger(desired, self.real))
        found.extend(self._reference())
        return Standing.ACCEPTED if is_accepted else Standing.EQUAL

    def _append_store_differences(
        self, desired: Company, real: RealState, taken: dict[str, Difference], found: list[Difference]
    ) -> bool:
        """Class what the sync would change in the store; returns whether some of it was accepted."""
        is_applied_whole = self._applied is not None and self._applied.content_hash == content_hash(desired)
        operations = diff_company(desired, real.applied, self._connector.policy, self._ledger.held_back)
        is_accepted = False
        for operation in operations:
            for difference in self._classed(operation, taken, is_applied_whole=is_applied_whole):
                if difference is None:
                    is_accepted = True
                else:
                    found.append(difference)
        return is_accepted

    def _classed(
        self, operation: Operation, taken: dict[str, Difference], *, is_applied_whole: bool
    ) -> Iterator[Difference | None]:
        action, key = operation.action, operation.key
        entity = ENTITY.get(action, "customer")
        place = {"entity": entity, "key": "" if entity in {"customer", "payment"} else key}
        if action in {Action.CREATE_USER, Action.CREATE_ADDRESS}:
            if entity == "contact" and key in taken:
                return
            was_there = is_applied_whole or key in self._evidence.linked(entity)
            kind = DifferenceClass.MISSING_IN_STORE if was_there else DifferenceClass.ERP_CHANGED
            yield self._difference(kind, **place, detail="" if was_there else "new in the ERP")
        elif action in {Action.DELETE_USER, Action.DELETE_ADDRESS}:
            detail = "withdrawn in the ERP"
            yield self._difference(DifferenceClass.ERP_CHANGED, **place, store_id=operation.store_id, detail=detail)
        elif entity in {"customer", "payment"} or self._evidence.is_linked_part(entity, key, operation.store_id):
            yield from self._fields(operation, place, taken, is_applied_whole=is_applied_whole)

    def _fields(
        self, operation: Operation, place: dict[str, str], taken: dict[str, Difference], *, is_applied_whole: bool
    ) -> Iterator[Difference | None]:
        """One difference per field; ``None`` for one that a person adopted."""
        remembered = self._evidence.remembered(operation)
        for name, erp, store in _flat(operation):
            if name == "email" and operation.key in taken:
                continue
            ledger = _pick(remembered, name)
            kind = self._evidence.kind_of_field(operation, ledger, store)
            if kind is DifferenceClass.ERP_CHANGED and is_applied_whole:
                yield None
                continue
            yield self._difference(
                kind, **place, store_id=operation.store_id, field=name, erp=erp, ledger=ledger, store=store
            )

    def _taken(self, desired: Company) -> Iterator[tuple[str, Difference]]:
        """Wanted users whose e-mail a user of another company has."""
        for user in desired.users:
            other = self._store.taken.get(user.email.casefold())
            if other is not None:
                detail = f"the e-mail belongs to a user of company {other}"
                yield (
                    user.key,
                    self._difference(
                        DifferenceClass.USER_OF_OTHER_COMPANY,
                        entity="contact",
                        key=user.key,
                        field="email",
                        detail=detail,
                    ),
                )

    def _orphans(self, real: RealState) -> Iterator[Difference]:
        for entity, key, record in real.orphans:
            was_deleted = f"{entity}:{record.id}" in self._ledger.deleted_ids
            kind = DifferenceClass.WRITE_LOST if was_deleted else DifferenceClass.ORPHANED_CHILD
            detail = "its deletion was confirmed" if was_deleted else ""
            yield self._difference(kind, entity=entity, key=key, store_id=record.id, detail=detail)

    # -- the ledger --------------------------------------------------------------------------------

    def _unknown_to_ledger(self, desired: Company, real: RealState) -> Iterator[Difference]:
        """What is in the store as it should be and the ledger does not know, or knows otherwise."""
        applied = self._applied
        if applied is None or applied.company_id != real.applied.company_id:
            detail = "the ledger links none" if applied is None else f"the ledger links company {applied.company_id}"
            yield self._difference(DifferenceClass.MISSING_IN_LEDGER, store_id=real.applied.company_id, detail=detail)
            return
        if not applied.parts_known:
            return  # the next load reads them before it compares
        for entity, have, known in (
            ("contact", real.applied.users, applied.users),
            ("location", real.applied.addresses, applied.addresses),
        ):
            ids = {record.store_id for record in known.values()}
            for key, record in have.items():
                if record.store_id not in ids:
                    yield self._behind(entity, key, record.store_id, "")
            gone = {record.store_id for record in have.values()}
            wanted = _wanted_keys(desired, entity)
            for key, record in known.items():
                if record.store_id not in gone and key not in wanted:
                    yield self._behind(entity, key, record.store_id, "gone on both sides")
        yield from self._stale_values(desired, applied, real.applied)

    def _stale_values(self, desired: Company, applied: AppliedCompany, real: AppliedCompany) -> Iterator[Difference]:
        """Fields that are right in the store and older in the ledger: the sync would write them again."""
        policy, held = self._connector.policy, self._ledger.held_back
        in_store = {_place(op): set(op.values) for op in diff_company(desired, real, policy, held)}
        for operation in diff_company(desired, applied, policy, held):
            if operation.action in {Action.CREATE_USER, Action.CREATE_ADDRESS}:
                continue
            if operation.action in {Action.DELETE_USER, Action.DELETE_ADDRESS}:
                continue
            entity = ENTITY.get(operation.action, "customer")
            key = operation.key if entity in {"contact", "location"} else ""
            if set(operation.values) - in_store.get(_place(operation), set()):
                if entity in {"contact", "location"} and not self._stands(entity, key, real):
                    continue
                if entity == "payment" and self._store.payment is None:
                    continue
                yield self._behind(entity, key, operation.store_id, ", ".join(operation.values))

    def _stands(self, entity: str, key: str, real: AppliedCompany) -> bool:
        return key in (real.users if entity == "contact" else real.addresses)

    def _behind(self, entity: str, key: str, store_id: int, detail: str) -> Difference:
        kind = DifferenceClass.MISSING_IN_LEDGER
        return self._difference(kind, entity=entity, key=key, store_id=store_id, detail=detail)

    def _reference(self) -> Iterator[Difference]:
        company = self._company
        if company is None or not self._connector.erp.write_reference:
            return
        wanted, have = str(company.id), self._erp.reference_id
        if have == wanted:
            return
        detail = "the ERP holds none" if not have else "the ERP names another"
        yield self._difference(
            DifferenceClass.REFERENCE_MISMATCH,
            entity="reference",
            field="reference_id",
            erp=have,
            ledger=self._applied.reference_id if self._applied else "",
            store=wanted,
            detail=detail,
        )

    # -- not eligible ------------------------------------------------------------------------------

    def _judge_without_company(self, found: list[Difference]) -> Standing:
        claim = self._erp.claim
        if claim == "unstorable":
            return Standing.QUARANTINED
        if self._applied is not None:
            if claim == "kept":
                found.append(self._difference(DifferenceClass.MISSING_IN_STORE, detail="deleted in the store"))
            elif self._applied.status != STATUS_INACTIVE and self._connector.policy.customer != "leave":
                found.append(self._behind("customer", "", self._applied.company_id, "gone on both sides"))
            else:
                return Standing.WITHDRAWN
        return Standing.NOT_ELIGIBLE

    def _judge_withdrawn(self, real: RealState, found: list[Difference]) -> Standing:
        operations = diff_unenrolment(self._erp.customer_id, real.applied, self._connector.policy)
        if not operations:
            return Standing.WITHDRAWN
        was_ours = self._applied is not None
        was_withdrawn = self._applied is not None and self._applied.status == STATUS_INACTIVE
        detail = ", ".join(self._erp.reasons)
        status = {"erp": STATUS_INACTIVE, "store": real.applied.status, "field": "status"}
        if was_withdrawn:
            kind = DifferenceClass.WRITE_LOST if self._evidence.is_lost(operations[0]) else DifferenceClass.DRIFT
            found.append(self._difference(kind, **status, ledger=STATUS_INACTIVE, detail=f"active again: {detail}"))
        elif self._erp.claim == "absent" and (was_ours or self._erp.deleted_at_utc):
            known = f"deleted {self._erp.deleted_at_utc}" if self._erp.deleted_at_utc else "no longer in the ERP"
            found.append(self._difference(DifferenceClass.DELETED_IN_ERP, **status, detail=known))
        else:
            told = detail or "the ERP has no such customer"
            found.append(self._difference(DifferenceClass.EXTRA_IN_STORE, **status, detail=told))
        return Standing.WITHDRAWN

    def _changed_by_others(self, real: RealState) -> Iterator[Difference]:
        """What differs from the last applied state, of a company that is left as it is."""
        applied = self._applied
        if applied is None:
            return
        yield from self._changed_fields(Action.UPDATE_COMPANY, "", applied.fields, real.applied.fields, 0)
        if applied.status != real.applied.status:
            known, now = {"status": applied.status}, {"status": real.applied.status}
            yield from self._changed_fields(Action.SET_STATUS, "", known, now, 0)
        for action, known_parts, now_parts in (
            (Action.UPDATE_USER, applied.users, real.applied.users),
            (Action.UPDATE_ADDRESS, applied.addresses, real.applied.addresses),
        ):
            for key, record in known_parts.items():
                if key not in now_parts:
                    kind = DifferenceClass.MISSING_IN_STORE
                    yield self._difference(kind, entity=ENTITY[action], key=key, store_id=record.store_id)
                else:
                    now = now_parts[key].fields
                    yield from self._changed_fields(action, key, record.fields, now, record.store_id)

    def _changed_fields(
        self, action: Action, key: str, known: dict[str, Any], now: dict[str, Any], store_id: int
    ) -> Iterator[Difference]:
        operation = Operation(action=action, key=key or self._erp.customer_id, store_id=store_id)
        kind = DifferenceClass.WRITE_LOST if self._evidence.is_lost(operation) else DifferenceClass.DRIFT
        for name, value in known.items():
            have = now.get(name, "")
            if name == "extra_fields":
                have = {field: text for field, text in have.items() if field in value} if have else {}
            if not _same(name, have, value):
                yield self._difference(
                    kind,
                    entity=ENTITY.get(action, "customer"),
                    key=key,
                    store_id=store_id,
                    field=name,
                    ledger=value,
                    store=have,
                )

    def _difference(self, kind: DifferenceClass, **facts: Any) -> Difference:
        company_id = self._company.id if self._company else 0
        return Difference(kind=kind, customer_id=self._erp.customer_id, company_id=company_id, **facts)


def _flat(operation: Operation) -> Iterator[tuple[str, Any, Any]]:
    """Field, wanted and present value of an operation; extra fields by their own names."""
    for name, value in operation.values.items():
        if name != "extra_fields":
            yield name, value, operation.before.get(name)
            continue
        before = operation.before.get(name) or {}
        for field, text in value.items():
            if before.get(field) != text:
                yield f"extra_fields.{field}", text, before.get(field)


def _pick(fields: dict[str, Any], name: str) -> Any:
    first, _, rest = name.partition(".")
    value = fields.get(first)
    return (value or {}).get(rest) if rest else value


def _place(operation: Operation) -> tuple[str, str]:
    return str(operation.action), operation.key


def _wanted_keys(desired: Company, entity: str) -> set[str]:
    if entity == "contact":
        return {user.key for user in desired.users}
    return {address.external_id for address in desired.addresses}


def _same(name: str, one: Any, other: Any) -> bool:
    if name in {"email", "company_email"}:
        return str(one).casefold() == str(other).casefold()
    return bool(one == other)


def classes_of(differences: Iterable[Difference]) -> frozenset[DifferenceClass]:
    """The classes that occur."""
    return frozenset(difference.kind for difference in differences)
