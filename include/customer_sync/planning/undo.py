"""Take a run back: the state that a company should have again, and what of the run has to stay. Pure.

Nothing here writes: out comes a desired state, and load brings a company to it like to any other
(docs/architecture.md#undo). A field is taken back where the store and the ledger hold what the run wrote. What was
changed since is *kept*; what cannot be had again is *impossible*; both are said before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from customer_sync.model.company import Address, Company, CompanyFields, CompanyStatus, CompanyUser, UserFields
from customer_sync.model.operation import Action, AppliedAddress, AppliedCompany, AppliedUser, entity_of

Why = Literal[
    "touched_in_store",
    "touched_by_later_run",
    "gone_from_store",
    "erp_denies_access",
    "not_known_before",
    "no_admin_left",
    "company_gone",
    "key_follows_erp",
    "unanswered",
]
"""Why something of a run stays. The first three are said of what is kept, the others of what is impossible."""

KEPT: Final = frozenset({"touched_in_store", "touched_by_later_run", "gone_from_store"})

_CREATES: Final = frozenset({Action.CREATE_USER, Action.CREATE_ADDRESS, Action.CREATE_COMPANY})
_DELETES: Final = frozenset({Action.DELETE_USER, Action.DELETE_ADDRESS, Action.DELETE_COMPANY})
_BY_CODE: Final = {"country_name": "country_code", "state_name": "state_code"}

Record = TypeVar("Record", bound=msgspec.Struct)
Part = TypeVar("Part", AppliedUser, AppliedAddress)


class RunWrite(NamedTuple):
    """One operation of a run, as the journal has it.

    ``is_sure`` is false of one that was read back: whether it arrived, the store shows. ``is_open`` is true of one
    that nobody knows the outcome of.
    """

    action: Action
    key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    is_sure: bool = True
    is_open: bool = False


class Left(NamedTuple):
    """Something that a run wrote and that its undo leaves.

    ``part`` is named as :func:`~customer_sync.model.operation.part_of` names it; ``field`` is ``""`` for all of it.
    """

    part: str
    field: str
    why: Why


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
    """

    applied: AppliedCompany
    real: AppliedCompany
    emails: Mapping[str, str]
    may_trade: bool
    reference: str | None
    admin_role: str
    key_field: str


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
    return _Undo(customer_id, present, _changes(writes)).plan()


class _Change(msgspec.Struct):
    """All that a run did to one part: what it was before the first write, and what it became by the last."""

    was_there: bool
    is_there: bool = True
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    is_sure: bool = True
    is_open: bool = False


def _changes(writes: Iterable[RunWrite]) -> dict[str, _Change]:
    found: dict[str, _Change] = {}
    for write in writes:
        part = part_of_write(write)
        have = found.get(part)
        if have is None:
            have = found[part] = _Change(was_there=write.action not in _CREATES)
        have.is_there = write.action not in _DELETES
        have.before = {**write.before, **have.before} if have.was_there else {}
        have.after = dict(write.after) if write.action in _CREATES else {**have.after, **write.after}
        have.is_sure = have.is_sure and write.is_sure
        have.is_open = have.is_open or write.is_open
    return found


def part_of_write(write: RunWrite) -> str:
    """The part of a company that a write of the journal is about, as :class:`Left` names it."""
    entity = entity_of(write.action)
    if entity in {"contact", "location"}:
        return f"{entity}:{write.key}"
    names = {
        Action.SET_STATUS: "customer:status",
        Action.SET_PAYMENT_METHODS: "payment:methods",
        Action.SET_PAYMENT_TERMS: "payment:terms",
        Action.WRITE_REFERENCE: "customer:reference",
    }
    return names.get(write.action, "customer:")


class _Undo:
    def __init__(self, customer_id: str, present: Present, changes: dict[str, _Change]) -> None:
        self._customer_id = customer_id
        self._now = present
        self._changes = changes
        self._left: list[Left] = []

    def plan(self) -> Undoing:
        for part, change in self._changes.items():
            if change.is_open:
                self._leave(part, "", "unanswered")
        own = self._changes.get("customer:")
        if own is not None and not own.is_there:
            self._leave("customer:", "", "company_gone")
            return self._result(None, None)
        if own is not None and not own.was_there:
            return self._made_by_the_run()
        applied = self._now.applied
        users = self._users()
        addresses = self._parts("location", applied.addresses, self._now.real.addresses, Address, AppliedAddress)
        fields = self._fields(own, applied.fields, self._now.real.fields)
        methods = self._methods()
        desired = Company(
            **{name: getattr(fields, name) for name in CompanyFields.__struct_fields__},
            customer_id=self._customer_id,
            users=users,
            addresses=tuple(each.fields for each in addresses.values()),
            payment_methods=methods,
            payment_terms=self._terms(),
            trades=self._trades(),
        )
        return self._result(desired, self._reference())

    def _result(self, desired: Company | None, reference: str | None) -> Undoing:
        return Undoing(desired, reference, tuple(dict.fromkeys(self._left)))

    def _leave(self, part: str, field: str, why: Why) -> None:
        self._left.append(Left(part, field, why))

    def _made_by_the_run(self) -> Undoing:
        """A company of the run goes as a whole, unless anything of it was touched since."""
        applied, real = self._now.applied, self._now.real
        touched: list[Left] = []
        own = self._changes["customer:"]
        after = {name: value for name, value in own.after.items() if not name.startswith("admin_")}
        touched += self._touched("customer:", applied.fields, real.fields, after)
        if real.status != applied.status:
            touched.append(Left("customer:status", "status", "touched_in_store"))
        for part, change in self._changes.items():
            entity, _, key = part.partition(":")
            if entity not in {"contact", "location"} or not change.is_there:
                continue
            mine, theirs = self._both(entity, key)
            if mine is None or theirs is None:
                why: Why = "touched_by_later_run" if mine is None else "gone_from_store"
                touched.append(Left(part, "", why))
            else:
                touched += self._touched(part, mine.fields, theirs.fields, change.after)
        if touched:
            self._left += touched
            return self._result(_as_it_is(self._customer_id, applied, self._now.admin_role), None)
        return self._result(None, self._reference())

    def _both(self, entity: str, key: str) -> tuple[Any, Any]:
        applied, real = self._now.applied, self._now.real
        if entity == "contact":
            return applied.users.get(key), real.users.get(key)
        return applied.addresses.get(key), real.addresses.get(key)

    def _touched(
        self, part: str, applied: msgspec.Struct, real: msgspec.Struct, after: Mapping[str, Any]
    ) -> list[Left]:
        found = []
        for name, value in after.items():
            why = _why_kept(name, value, applied, real)
            if why is not None:
                found.append(Left(part, name, why))
        return found

    # -- users and addresses ---------------------------------------------------------------------------------------

    def _users(self) -> tuple[CompanyUser, ...]:
        applied, real, role = self._now.applied.users, self._now.real.users, self._now.admin_role
        users = self._parts("contact", applied, real, UserFields, AppliedUser)
        if not any(each.fields.role == role for each in users.values()):
            for key, record in applied.items():
                if record.fields.role == role:
                    users[key] = record
                    self._leave(f"contact:{key}", "", "no_admin_left")
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
            if change.was_there and not change.is_there:
                self._bring_back(name, key, change, parts, fields_type, part_type)
            elif change.is_there and key not in applied:
                if change.is_sure:
                    self._leave(name, "", "touched_by_later_run")
            elif change.is_there and key not in real:
                self._leave(name, "", "gone_from_store")
            elif change.was_there:
                self._restore(name, key, change, parts, real[key])
            elif change.is_there:
                touched = self._touched(name, applied[key].fields, real[key].fields, change.after)
                self._left += touched
                if not touched:
                    del parts[key]
        return parts

    def _bring_back(
        self,
        name: str,
        key: str,
        change: _Change,
        parts: dict[str, Part],
        fields_type: type[Any],
        part_type: type[Part],
    ) -> None:
        if key in parts:
            self._leave(name, "", "touched_by_later_run")
            return
        fields = msgspec.convert(change.before, fields_type)
        if isinstance(fields, UserFields) and not self._may_enter(key, fields.email):
            self._leave(name, "", "erp_denies_access")
            return
        parts[key] = part_type(store_id=0, fields=fields)

    def _restore(self, name: str, key: str, change: _Change, parts: dict[str, Part], real: Part) -> None:
        record = parts[key]
        fields = self._fields_of(name, change, record.fields, real.fields)
        if isinstance(fields, UserFields) and fields != record.fields and not self._may_enter(key, fields.email):
            self._leave(name, "", "erp_denies_access")
            return
        parts[key] = msgspec.structs.replace(record, fields=fields)

    def _may_enter(self, key: str, email: str) -> bool:
        return self._now.emails.get(key, "") == email.casefold() != ""

    # -- fields ----------------------------------------------------------------------------------------------------

    def _fields(self, change: _Change | None, applied: CompanyFields, real: CompanyFields) -> CompanyFields:
        if change is None or change.is_open:
            return applied
        fields = self._fields_of("customer:", change, applied, real)
        number, key = applied.extra_fields.get(self._now.key_field), self._now.key_field
        if fields.extra_fields.get(key) != number:
            # The company follows its record; the number of today is the ERP's word.
            self._leave("customer:", f"extra_fields.{key}", "key_follows_erp")
            fields = msgspec.structs.replace(fields, extra_fields={**fields.extra_fields, key: number or ""})
        return fields

    def _fields_of(self, part: str, change: _Change, applied: Record, real: Record) -> Record:
        values: dict[str, Any] = {}
        for name, was in change.before.items():
            after = change.after.get(name, _empty(applied, name))
            if name == "extra_fields":
                values[name] = self._extra_fields(part, was, after, applied, real, is_sure=change.is_sure)
                continue
            why = _why_kept(name, after, applied, real)
            if why is None:
                values[name] = was
            elif change.is_sure:
                self._leave(part, name, why)
        return msgspec.structs.replace(applied, **values)

    def _extra_fields(
        self,
        part: str,
        before: Mapping[str, str],
        after: Mapping[str, str],
        applied: Any,
        real: Any,
        *,
        is_sure: bool,
    ) -> dict[str, str]:
        have: dict[str, str] = dict(applied.extra_fields)
        for name, value in after.items():
            if before.get(name, "") == value:
                continue
            why = _why(value, have.get(name, ""), real.extra_fields.get(name, ""))
            if why is None:
                have[name] = before.get(name, "")
            elif is_sure:
                self._leave(part, f"extra_fields.{name}", why)
        return have

    # -- settings --------------------------------------------------------------------------------------------------

    def _trades(self) -> bool:
        applied, real = self._now.applied.status, self._now.real.status
        trades = applied == CompanyStatus.APPROVED
        change = self._changes.get("customer:status")
        if change is None or change.is_open:
            return trades
        why = _why(change.after["status"], int(applied), int(real))
        if why is not None:
            if change.is_sure:
                self._leave("customer:status", "status", why)
            return trades
        before = bool(change.before.get("status") == CompanyStatus.APPROVED)
        if before and not self._now.may_trade:
            self._leave("customer:status", "status", "erp_denies_access")
            return trades
        return before

    def _methods(self) -> dict[str, bool]:
        change = self._changes.get("payment:methods")
        if change is None or change.is_open:
            return {}
        applied, real = self._now.applied.payment_methods, self._now.real.payment_methods
        found: dict[str, bool] = {}
        for code, is_on in change.after.items():
            why = _why(is_on, applied.get(code), real.get(code))
            if code not in change.before:
                self._leave("payment:methods", code, "not_known_before")
            elif why is None:
                found[code] = bool(change.before[code])
            elif change.is_sure:
                self._leave("payment:methods", code, why)
        return found

    def _terms(self) -> Any:
        change = self._changes.get("payment:terms")
        applied, real = self._now.applied.payment_terms, self._now.real.payment_terms
        if change is None or change.is_open:
            return None
        wrote = msgspec.convert(change.after, type(applied)) if applied is not None else None
        why = _why(wrote, applied, real)
        if not change.before:
            self._leave("payment:terms", "", "not_known_before")
        elif why is None and wrote is not None:
            return msgspec.convert(change.before, type(wrote))
        elif change.is_sure:
            self._leave("payment:terms", "", why or "touched_by_later_run")
        return None

    def _reference(self) -> str | None:
        change = self._changes.get("customer:reference")
        if change is None or change.is_open:
            return None
        now = self._now.reference
        if now is None:
            self._leave("customer:reference", "reference_id", "gone_from_store")
            return None
        wrote = str(change.after.get("reference_id", ""))
        why = _why(wrote, self._now.applied.reference_id, now)
        if why is None:
            return str(change.before.get("reference_id", ""))
        if change.is_sure:
            self._leave("customer:reference", "reference_id", why)
        return None


def _as_it_is(customer_id: str, applied: AppliedCompany, admin_role: str) -> Company:
    """The state that is applied, as one to be desired: the comparison of both is empty."""
    return Company(
        **{name: getattr(applied.fields, name) for name in CompanyFields.__struct_fields__},
        customer_id=customer_id,
        users=_seated({key: each.fields for key, each in applied.users.items()}, admin_role),
        addresses=tuple(each.fields for each in applied.addresses.values()),
        trades=applied.status == CompanyStatus.APPROVED,
    )


def _seated(users: Mapping[str, UserFields], admin_role: str) -> tuple[CompanyUser, ...]:
    """Users with the admin first, as a desired state has them."""
    ordered = sorted(users.items(), key=lambda item: (item[1].role != admin_role, item[0]))
    names = UserFields.__struct_fields__
    return tuple(CompanyUser(key=key, **{name: getattr(user, name) for name in names}) for key, user in ordered)


def _empty(record: msgspec.Struct, name: str) -> Any:
    return {} if name == "extra_fields" else type(getattr(record, name))()


def _why_kept(name: str, after: Any, applied: msgspec.Struct, real: msgspec.Struct) -> Why | None:
    """Why a field that a run wrote is kept; ``None`` where it still holds what was written."""
    mine, theirs = getattr(applied, name), getattr(real, name)
    if name == "extra_fields":
        found = (_why(value, mine.get(key, ""), theirs.get(key, "")) for key, value in after.items())
        return next((why for why in found if why is not None), None)
    if name == "email":
        after, mine, theirs = after.casefold(), mine.casefold(), theirs.casefold()
    if name in _BY_CODE and getattr(applied, _BY_CODE[name]) == getattr(real, _BY_CODE[name]) != "":
        theirs = mine  # a store names a country in its own words
    return _why(after, mine, theirs)


def _why(after: Any, applied: Any, real: Any) -> Why | None:
    if real != applied:
        return "touched_in_store"
    return None if applied == after else "touched_by_later_run"
