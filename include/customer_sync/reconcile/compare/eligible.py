"""Rules for an eligible customer: what the sync would write, by whose doing, and where the ledger lags. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customer_sync.model.company import Company, content_hash
from customer_sync.model.difference import Difference, DifferenceClass, Standing
from customer_sync.model.operation import Action, AppliedAddress, AppliedCompany, AppliedUser, Operation, entity_of
from customer_sync.planning.diff import diff_company, uncleared
from customer_sync.reconcile.compare.case import Case
from customer_sync.reconcile.compare.real_state import RealState

_Parts = Mapping[str, AppliedUser | AppliedAddress]


class EligibleCase(Case):
    """A customer whose company should be as desired."""

    def compare(self, desired: Company, found: list[Difference]) -> Standing:
        """Add the differences to ``found``; returns the standing if there are none."""
        if self.real is None:
            if self._ledger.quarantined and self._applied is None:
                return Standing.QUARANTINED
            detail = "deleted in the store" if self._applied else "never made"
            found.append(self.difference(DifferenceClass.MISSING_IN_STORE, detail=detail))
            return Standing.DIFFERENT
        doubts = list(self.unproven())
        found.extend(doubts)
        if doubts and not self.is_linked:
            return Standing.DIFFERENT  # somebody else's, for all that is known: it is compared with nothing
        taken = dict(self._taken(desired))
        found.extend(taken.values())
        is_accepted = self.is_linked and self._append_store_differences(desired, self.real, taken, found)
        found.extend(self._uncleared(desired, self.real))
        found.extend(self._orphans(self.real))
        found.extend(self._unknown_to_ledger(desired, self.real))
        found.extend(self._reference())
        found.extend(self._waits_for_nobody(desired))
        found.extend(self.unknown_users())
        return Standing.ACCEPTED if is_accepted else Standing.EQUAL

    def _append_store_differences(
        self, desired: Company, real: RealState, taken: dict[str, Difference], found: list[Difference]
    ) -> bool:
        """Class what the sync would change in the store; returns whether some of it was accepted."""
        is_applied_whole = self._applied is not None and self._applied.content_hash == content_hash(desired)
        operations = diff_company(
            desired, real.applied, self._connector.policy, self._ledger.held_back, self._erp.successors
        )
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
        entity = entity_of(action)
        place = {"entity": entity, "key": "" if entity in {"customer", "payment"} else key}
        if action in {Action.CREATE_USER, Action.CREATE_ADDRESS}:
            if entity == "contact" and key in taken:
                return
            was_there = is_applied_whole or key in self._evidence.linked(entity)
            kind = DifferenceClass.MISSING_IN_STORE if was_there else DifferenceClass.ERP_CHANGED
            yield self.difference(kind, **place, detail="" if was_there else "new in the ERP")
        elif action in {Action.DELETE_USER, Action.DELETE_ADDRESS}:
            detail = "withdrawn in the ERP"
            yield self.difference(DifferenceClass.ERP_CHANGED, **place, store_id=operation.store_id, detail=detail)
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
            kind = self._evidence.kind_of_field(operation, name, ledger, store)
            if kind is DifferenceClass.ERP_CHANGED and is_applied_whole:
                yield None
                continue
            yield self.difference(
                kind, **place, store_id=operation.store_id, field=name, erp=erp, ledger=ledger, store=store
            )

    def _taken(self, desired: Company) -> Iterator[tuple[str, Difference]]:
        """Desired users whose e-mail a user of another company has."""
        for user in desired.users:
            other = self._store.taken.get(user.email.casefold())
            if other is not None:
                detail = f"the e-mail belongs to a user of company {other}"
                is_withdrawn = other in self._store.not_trading
                yield (
                    user.key,
                    self.difference(
                        DifferenceClass.HELD_BY_WITHDRAWN if is_withdrawn else DifferenceClass.USER_OF_OTHER_COMPANY,
                        entity="contact",
                        key=user.key,
                        field="email",
                        detail=detail,
                    ),
                )

    def _waits_for_nobody(self, desired: Company) -> Iterator[Difference]:
        """Contacts that wait for an e-mail which no user of another company has any more."""
        for user in desired.users:
            if f"email:{user.key}" in self._ledger.waiting and user.email.casefold() not in self._store.taken:
                yield self.difference(DifferenceClass.WAIT_IS_OVER, entity="contact", key=user.key)

    def _uncleared(self, desired: Company, real: RealState) -> Iterator[Difference]:
        """Extra fields that are empty in the ERP and that the store cannot empty: never equal while they stay."""
        for name, value in uncleared(desired, real.applied).items():
            yield self.difference(
                DifferenceClass.ERP_CHANGED,
                entity="customer",
                store_id=real.applied.company_id,
                field=name,
                store=value,
                detail="cannot_clear: the store takes no empty value",
            )

    def _orphans(self, real: RealState) -> Iterator[Difference]:
        for entity, key, store_id in real.orphans:
            was_deleted = f"{entity}:{store_id}" in self._ledger.deleted_ids
            kind = DifferenceClass.WRITE_LOST if was_deleted else DifferenceClass.ORPHANED_CHILD
            detail = "its deletion was confirmed" if was_deleted else ""
            yield self.difference(kind, entity=entity, key=key, store_id=store_id, detail=detail)

    # -- the ledger --------------------------------------------------------------------------------

    def _unknown_to_ledger(self, desired: Company, real: RealState) -> Iterator[Difference]:
        """What is in the store as it should be and the ledger does not know, or knows otherwise."""
        applied = self._applied
        if applied is None or applied.company_id != real.applied.company_id:
            detail = "the ledger links none" if applied is None else f"the ledger links company {applied.company_id}"
            yield self.difference(DifferenceClass.MISSING_IN_LEDGER, store_id=real.applied.company_id, detail=detail)
            return
        if not applied.parts_known:
            return  # the next load reads them before it compares
        parts: tuple[tuple[str, _Parts, _Parts], ...] = (
            ("contact", real.applied.users, applied.users),
            ("location", real.applied.addresses, applied.addresses),
        )
        for entity, have, known in parts:
            ids = {record.store_id for record in known.values()}
            for key, record in have.items():
                if record.store_id not in ids:
                    yield self.behind(entity, key, record.store_id, "")
            gone = {record.store_id for record in have.values()}
            desired_keys = _desired_keys(desired, entity)
            for key, record in known.items():
                if record.store_id not in gone and key not in desired_keys:
                    yield self.behind(entity, key, record.store_id, "gone on both sides")
        yield from self._stale_values(desired, applied, real.applied)

    def _stale_values(self, desired: Company, applied: AppliedCompany, real: AppliedCompany) -> Iterator[Difference]:
        """Fields that are right in the store and older in the ledger: the sync would write them again."""
        policy, held, others = self._connector.policy, self._ledger.held_back, self._erp.successors
        in_store = {_place(op): set(op.values) for op in diff_company(desired, real, policy, held, others)}
        for operation in diff_company(desired, applied, policy, held, others):
            if operation.action in {Action.CREATE_USER, Action.CREATE_ADDRESS}:
                continue
            if operation.action in {Action.DELETE_USER, Action.DELETE_ADDRESS}:
                continue
            entity = entity_of(operation.action)
            key = operation.key if entity in {"contact", "location"} else ""
            if set(operation.values) - in_store.get(_place(operation), set()):
                if entity in {"contact", "location"} and not self._exists(entity, key, real):
                    continue
                if entity == "payment" and self._store.payment is None:
                    continue
                yield self.behind(entity, key, operation.store_id, ", ".join(operation.values))

    def _exists(self, entity: str, key: str, real: AppliedCompany) -> bool:
        return key in (real.users if entity == "contact" else real.addresses)

    def _reference(self) -> Iterator[Difference]:
        company = self._company
        if company is None or not self._connector.writes_reference:
            return
        expected, have = str(company.id), self._erp.reference_id
        if have == expected:
            return
        detail = "the ERP holds none" if not have else "the ERP names another"
        yield self.difference(
            DifferenceClass.REFERENCE_MISMATCH,
            entity="reference",
            field="reference_id",
            erp=have,
            ledger=self._applied.reference_id if self._applied else "",
            store=expected,
            detail=detail,
        )


def _flat(operation: Operation) -> Iterator[tuple[str, Any, Any]]:
    """Field, desired and present value of an operation; extra fields by their own names."""
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


def _desired_keys(desired: Company, entity: str) -> set[str]:
    if entity == "contact":
        return {user.key for user in desired.users}
    return {address.external_id for address in desired.addresses}
