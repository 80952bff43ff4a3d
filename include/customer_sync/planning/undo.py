"""Take a run back: the state that a company should have again, and what of the run has to stay. Pure.

Nothing here writes: out comes a desired state, and load brings a company to it like to any other
(docs/architecture.md#undo). A field is taken back where the store and the ledger hold what the run wrote. What was
changed since is *kept*; what cannot be had again is *impossible*; both are said before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from customer_sync.model.company import Address, Company, CompanyFields, CompanyStatus, CompanyUser, UserFields
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser
from customer_sync.model.outcome import Reason
from customer_sync.planning.undo_changes import PARTS, Change, Left, RunWrite, changes_of
from customer_sync.planning.undo_settings import former_methods, former_reference, former_terms, former_trade
from customer_sync.planning.undo_values import restored, touched

UNDO_MODE: Final = "undo"
"""Mode of a run that takes another one back."""

Part = TypeVar("Part", AppliedUser, AppliedAddress)
Value = TypeVar("Value")


class Present(NamedTuple):
    """What is there now.

    Attributes:
        applied: What the ledger holds of the company.
        real: What the store shows of it.
        emails: Contact -> e-mail, in lower case, of everybody to whom the ERP allows access now.
        may_trade: Whether the ERP allows the company to trade.
        reference: What the source holds as the company's id; ``None`` where it has no such record.
        admin_role: The admin's role.
        key_field: The extra field that holds the customer's number.
        is_made_by_run: Whether the ledger names the run as the one that made the company.
    """

    applied: AppliedCompany
    real: AppliedCompany
    emails: Mapping[str, str]
    may_trade: bool
    reference: str | None
    admin_role: str
    key_field: str
    is_made_by_run: bool = True


class Undoing(NamedTuple):
    """What the undo makes of one company.

    Attributes:
        desired: The state that it is to have; ``None`` where the run made the company and it is to go.
        reference: What the source is to hold as its id; ``None`` leaves it as it is.
        left: What stays.
    """

    desired: Company | None
    reference: str | None
    left: tuple[Left, ...]


def plan_undo(customer_id: str, present: Present, writes: Sequence[RunWrite]) -> Undoing:
    """Say what takes a run's writes back, part by part and field by field.

    Args:
        customer_id: The customer's number now.
        present: What ledger, store and ERP hold now.
        writes: What the run wrote for this customer, in order.
    """
    return _Undo(customer_id, present, changes_of(writes)).plan()


class _Undo:
    def __init__(self, customer_id: str, present: Present, changes: dict[str, Change]) -> None:
        self._customer_id = customer_id
        self._now = present
        self._changes = changes
        self._left: list[Left] = []

    def plan(self) -> Undoing:
        for part, change in self._changes.items():
            if change.is_open:
                self._leave(part, "", Reason.UNANSWERED)
        own = self._changes.get("customer:")
        if own is not None and not own.is_there:
            self._leave("customer:", "", Reason.COMPANY_GONE)
            return self._result(None, None)
        if own is not None and not own.was_there:
            if own.is_sure or self._now.is_made_by_run:
                return self._made_by_the_run()
            # It was sent without an answer, and another run made the company that is there.
            self._leave("customer:", "", Reason.TOUCHED_BY_LATER_RUN)
            return self._result(self._as_it_is(), None)
        return self._result(self._as_before(own), self._reference())

    def _as_before(self, own: Change | None) -> Company:
        applied, real = self._now.applied, self._now.real
        users = self._users()
        addresses = self._parts("location", applied.addresses, real.addresses, Address, AppliedAddress)
        fields = self._fields(own)
        changes, may_trade = self._changes, self._now.may_trade
        methods = self._said(former_methods(changes.get("payment:methods"), applied, real))
        terms = self._said(former_terms(changes.get("payment:terms"), applied, real))
        trades = self._said(former_trade(changes.get("customer:status"), applied, real, may_trade=may_trade))
        return Company(
            **{name: getattr(fields, name) for name in CompanyFields.__struct_fields__},
            customer_id=self._customer_id,
            users=users,
            addresses=tuple(each.fields for each in addresses.values()),
            payment_methods=methods,
            payment_terms=terms,
            trades=trades,
        )

    def _as_it_is(self) -> Company:
        """The state that is applied, as one to be desired: the comparison of both is empty."""
        applied = self._now.applied
        return Company(
            **{name: getattr(applied.fields, name) for name in CompanyFields.__struct_fields__},
            customer_id=self._customer_id,
            users=_seated({key: each.fields for key, each in applied.users.items()}, self._now.admin_role),
            addresses=tuple(each.fields for each in applied.addresses.values()),
            trades=applied.status == CompanyStatus.APPROVED,
        )

    def _result(self, desired: Company | None, reference: str | None) -> Undoing:
        return Undoing(desired, reference, tuple(dict.fromkeys(self._left)))

    def _leave(self, part: str, field: str, why: Reason) -> None:
        self._left.append(Left(part, field, why))

    def _made_by_the_run(self) -> Undoing:
        """A company of the run goes as a whole, unless anything of it was touched since."""
        applied, real = self._now.applied, self._now.real
        found = touched("customer:", self._changes["customer:"], applied.fields, real.fields)
        if real.status not in (applied.status, CompanyStatus.INACTIVE):
            found.append(Left("customer:status", "status", Reason.TOUCHED_IN_STORE))
        for part, change in self._changes.items():
            entity, _, key = part.partition(":")
            if entity not in PARTS or not change.is_there:
                continue
            mine, theirs = self._both(entity, key)
            if mine is None or theirs is None:
                why = Reason.TOUCHED_BY_LATER_RUN if mine is None else Reason.GONE_FROM_STORE
                found.append(Left(part, "", why))
            else:
                found += touched(part, change, mine.fields, theirs.fields)
        if found:
            self._left += found
            return self._result(self._as_it_is(), None)
        return self._result(None, self._reference())

    def _both(self, entity: str, key: str) -> tuple[Any, Any]:
        applied, real = self._now.applied, self._now.real
        if entity == "contact":
            return applied.users.get(key), real.users.get(key)
        return applied.addresses.get(key), real.addresses.get(key)

    # -- users and addresses ---------------------------------------------------------------------------------------

    def _users(self) -> tuple[CompanyUser, ...]:
        applied, real, role = self._now.applied.users, self._now.real.users, self._now.admin_role
        users = self._parts("contact", applied, real, UserFields, AppliedUser)
        if not any(each.fields.role == role for each in users.values()):
            for key, record in applied.items():
                if record.fields.role == role:
                    users[key] = record
                    self._leave(f"contact:{key}", "", Reason.NO_ADMIN_LEFT)
        return _seated({key: each.fields for key, each in users.items()}, role)

    def _parts(
        self,
        entity: str,
        applied: Mapping[str, Part],
        real: Mapping[str, Part],
        fields_type: type[Any],
        part_type: type[Part],
    ) -> dict[str, Part]:
        parts = dict(applied)
        for name, change in self._changes.items():
            if not name.startswith(f"{entity}:") or change.is_open:
                continue
            key = name.partition(":")[2]
            if not change.is_there:
                if change.was_there:
                    self._bring_back(name, key, change, parts, fields_type, part_type)
            elif change.was_there:
                self._restore(name, key, change, parts, real)
            elif key in applied:
                self._take_out(name, key, change, parts, real)
        return parts

    def _take_out(self, name: str, key: str, change: Change, parts: dict[str, Part], real: Mapping[str, Part]) -> None:
        """Remove what the run made. What is gone from the store is as before, and the ledger is to know that."""
        found = touched(name, change, parts[key].fields, real[key].fields) if key in real else []
        self._left += found
        if not found:
            del parts[key]

    def _bring_back(
        self,
        name: str,
        key: str,
        change: Change,
        parts: dict[str, Part],
        fields_type: type[Any],
        part_type: type[Part],
    ) -> None:
        fields = msgspec.convert(change.before, fields_type)
        if key in parts:
            if parts[key].fields != fields:
                self._leave(name, "", Reason.TOUCHED_BY_LATER_RUN)
            return
        if isinstance(fields, UserFields) and not self._may_enter(key, fields.email):
            self._leave(name, "", Reason.ERP_DENIES_ACCESS)
            return
        parts[key] = part_type(store_id=0, fields=fields)

    def _restore(self, name: str, key: str, change: Change, parts: dict[str, Part], real: Mapping[str, Part]) -> None:
        if key not in parts:
            if change.is_sure:
                self._leave(name, "", Reason.TOUCHED_BY_LATER_RUN)
            return
        if key not in real:
            self._leave(name, "", Reason.GONE_FROM_STORE)
            return
        record = parts[key]
        fields, left = restored(name, change, record.fields, real[key].fields)
        self._left += left
        if isinstance(fields, UserFields) and fields != record.fields and not self._may_enter(key, fields.email):
            self._leave(name, "", Reason.ERP_DENIES_ACCESS)
            return
        parts[key] = msgspec.structs.replace(record, fields=fields)

    def _may_enter(self, key: str, email: str) -> bool:
        return self._now.emails.get(key, "") == email.casefold() != ""

    # -- the company's own fields --------------------------------------------------------------------------------

    def _fields(self, change: Change | None) -> CompanyFields:
        applied = self._now.applied.fields
        if change is None or change.is_open:
            return applied
        fields, left = restored("customer:", change, applied, self._now.real.fields)
        self._left += left
        key, number = self._now.key_field, applied.extra_fields.get(self._now.key_field)
        if fields.extra_fields.get(key) != number:
            # The company follows its record; the number of today is the ERP's word.
            self._leave("customer:", f"extra_fields.{key}", Reason.KEY_FOLLOWS_ERP)
            fields = msgspec.structs.replace(fields, extra_fields={**fields.extra_fields, key: number or ""})
        return fields

    def _reference(self) -> str | None:
        now, change = self._now, self._changes.get("customer:reference")
        return self._said(former_reference(change, now.reference, now.applied.reference_id))

    def _said(self, found: tuple[Value, Sequence[Left]]) -> Value:
        value, left = found
        self._left += left
        return value


def _seated(users: Mapping[str, UserFields], admin_role: str) -> tuple[CompanyUser, ...]:
    """Users with the admin first, as a desired state has them."""
    ordered = sorted(users.items(), key=lambda item: (item[1].role != admin_role, item[0]))
    names = UserFields.__struct_fields__
    return tuple(CompanyUser(key=key, **{name: getattr(user, name) for name in names}) for key, user in ordered)
