"""Operations, what was applied, and the plan of a customer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple

import msgspec

from customer_sync.model.company import (
    ADDRESS_FIELDS,
    COMPANY_FIELDS,
    USER_FIELDS,
    Address,
    Company,
    CompanyFields,
    CompanyStatus,
    CompanyUser,
    Payment,
    PaymentTerms,
    UserFields,
    content_hash,
)


class Action(StrEnum):
    """One kind of change in the store (the last: in the source)."""

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


FORMER: Final = " (former)"
"""Marks the key of a user that is replaced by a new one of the same contact."""

_ENTITIES: dict[Action | str, str] = {
    Action.CREATE_USER: "contact",
    Action.UPDATE_USER: "contact",
    Action.DELETE_USER: "contact",
    Action.CREATE_ADDRESS: "location",
    Action.UPDATE_ADDRESS: "location",
    Action.DELETE_ADDRESS: "location",
    Action.SET_PAYMENT_METHODS: "payment",
    Action.SET_PAYMENT_TERMS: "payment",
    Action.WRITE_REFERENCE: "reference",
}


def entity_of(action: Action | str) -> str:
    """The ERP record that an operation belongs to."""
    return _ENTITIES.get(action, "customer")


_company_values: Final = attrgetter(*COMPANY_FIELDS)
_user_values: Final = attrgetter(*USER_FIELDS)
_address_values: Final = attrgetter(*ADDRESS_FIELDS)
_ADMIN_FIELDS: Final = tuple(name for name in USER_FIELDS if name != "role")
_ADMIN_NAMES: Final = tuple(f"admin_{name}" for name in _ADMIN_FIELDS)
_admin_values: Final = attrgetter(*_ADMIN_FIELDS)


def _fields_of(
    record: msgspec.Struct, changed: Sequence[str], every: Sequence[str], every_value: Callable[[Any], Any]
) -> dict[str, Any]:
    """Name -> value of the changed fields; a creation names no changes and has them all, read at once."""
    if changed:
        return {name: getattr(record, name) for name in changed}
    return dict(zip(every, every_value(record), strict=True))


class _Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change.

    ``key`` is the ContactID of a user, the external id of an address, else the
    CustomerID; ``store_id`` is 0 for what does not exist yet.
    """

    action: Action
    key: str
    store_id: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """Changed field -> new value, for people and for hashes; empty for a removal."""
        raise NotImplementedError

    @property
    def before(self) -> dict[str, Any]:
        """Changed field -> last applied value; empty for a creation."""
        raise NotImplementedError


class CompanyOperation(_Operation, frozen=True, kw_only=True, omit_defaults=True, tag="company"):
    """Create, update or delete a company.

    Attributes:
        new: The fields as they should be; ``None`` for a deletion.
        old: The fields as last applied; ``None`` for a creation.
        changed: Names of the fields that an update changes.
        admin: The first user, which a creation makes with the company.
        admin_key: The ContactID of that user, or ``ACCOUNT``.
    """

    new: CompanyFields | None = None
    old: CompanyFields | None = None
    changed: tuple[str, ...] = ()
    admin: UserFields | None = None
    admin_key: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """Changed field -> new value; a creation names all, those of the admin with the prefix ``admin_``."""
        if self.new is None:
            return {}
        values = _fields_of(self.new, self.changed, COMPANY_FIELDS, _company_values)
        if self.admin is not None:
            values |= zip(_ADMIN_NAMES, _admin_values(self.admin), strict=True)
        return values

    @property
    def before(self) -> dict[str, Any]:
        """Changed field -> last applied value; of the extra fields only those that are ours."""
        if self.old is None:
            return {}
        before = _fields_of(self.old, self.changed, COMPANY_FIELDS, _company_values)
        if self.new is not None and "extra_fields" in before:
            before["extra_fields"] = {n: v for n, v in before["extra_fields"].items() if n in self.new.extra_fields}
        return before


class StatusOperation(_Operation, frozen=True, kw_only=True, omit_defaults=True, tag="status"):
    """Let a company trade, or stop it."""

    new: CompanyStatus
    old: CompanyStatus

    @property
    def values(self) -> dict[str, Any]:
        """The new status."""
        return {"status": int(self.new)}

    @property
    def before(self) -> dict[str, Any]:
        """The last applied status."""
        return {"status": int(self.old)}


class UserOperation(_Operation, frozen=True, kw_only=True, omit_defaults=True, tag="user"):
    """Create, update or delete a user; the attributes are those of :class:`CompanyOperation`."""

    new: UserFields | None = None
    old: UserFields | None = None
    changed: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Changed field -> new value."""
        return {} if self.new is None else _fields_of(self.new, self.changed, USER_FIELDS, _user_values)

    @property
    def before(self) -> dict[str, Any]:
        """Changed field -> last applied value."""
        return {} if self.old is None else _fields_of(self.old, self.changed, USER_FIELDS, _user_values)


class AddressOperation(_Operation, frozen=True, kw_only=True, omit_defaults=True, tag="address"):
    """Create, update or delete an address; the attributes are those of :class:`CompanyOperation`."""

    new: Address | None = None
    old: Address | None = None
    changed: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Changed field -> new value."""
        return {} if self.new is None else _fields_of(self.new, self.changed, ADDRESS_FIELDS, _address_values)

    @property
    def before(self) -> dict[str, Any]:
        """Changed field -> last applied value."""
        return {} if self.old is None else _fields_of(self.old, self.changed, ADDRESS_FIELDS, _address_values)


class MethodsOperation(_Operation, frozen=True, kw_only=True, omit_defaults=True, tag="methods"):
    """Switch payment methods: code -> on or off; codes that it does not name stay as they are."""

    new: dict[str, bool]
    old: dict[str, bool] = {}

    @property
    def values(self) -> dict[str, Any]:
        """Code -> on or off."""
        return self.new

    @property
    def before(self) -> dict[str, Any]:
        """Code -> what it was, where it is known."""
        return self.old


class TermsOperation(_Operation, frozen=True, kw_only=True, omit_defaults=True, tag="terms"):
    """Set the payment terms of a company."""

    new: PaymentTerms
    old: PaymentTerms | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The new terms."""
        return _terms(self.new)

    @property
    def before(self) -> dict[str, Any]:
        """The last applied terms."""
        return _terms(self.old)


class ReferenceOperation(_Operation, frozen=True, kw_only=True, omit_defaults=True, tag="reference"):
    """Write the company's id into the source; ``new`` is ``""`` while the company does not exist.

    ``is_undo`` says that the source is to hold ``new``, be it empty, as it did before a run.
    """

    new: str
    old: str = ""
    is_undo: bool = False

    @property
    def values(self) -> dict[str, Any]:
        """The reference id."""
        return {"reference_id": self.new}

    @property
    def before(self) -> dict[str, Any]:
        """What the source holds."""
        return {"reference_id": self.old}


def reference_of(operation: Operation, company_id: int) -> str:
    """What a write-back writes: the company's id, or, in an undo, what was there before."""
    is_undo = isinstance(operation, ReferenceOperation) and operation.is_undo
    return str(operation.values["reference_id"]) if is_undo else str(company_id)


Operation = (
    CompanyOperation
    | StatusOperation
    | UserOperation
    | AddressOperation
    | MethodsOperation
    | TermsOperation
    | ReferenceOperation
)


_PARTS: Final = {
    **dict.fromkeys((Action.CREATE_USER, Action.UPDATE_USER, Action.DELETE_USER), "contact"),
    **dict.fromkeys((Action.CREATE_ADDRESS, Action.UPDATE_ADDRESS, Action.DELETE_ADDRESS), "location"),
}
_WHOLE: Final = {
    Action.CREATE_COMPANY: "customer:",
    Action.UPDATE_COMPANY: "customer:",
    Action.SET_STATUS: "customer:status",
    Action.DELETE_COMPANY: "customer:status",
    Action.SET_PAYMENT_METHODS: "payment:methods",
    Action.SET_PAYMENT_TERMS: "payment:terms",
    Action.WRITE_REFERENCE: "customer:reference",
}


def part_of(operation: Operation) -> str:
    """The part of a company that an operation writes: ``contact:<ContactID>``, ``location:<external id>``, its own."""
    family = _PARTS.get(operation.action)
    return f"{family}:{operation.key}" if family else _WHOLE[operation.action]


class ConfirmedWrite(NamedTuple):
    """A write that the store (or the ERP) answered with yes; ``before`` and ``after`` are field -> value."""

    action: str
    key: str
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}


def _terms(terms: PaymentTerms | None) -> dict[str, Any]:
    return {} if terms is None else {"is_enabled": terms.is_enabled, "days": terms.days}


class AppliedUser(msgspec.Struct, frozen=True, kw_only=True):
    """What we last applied to one user, and its id in the store."""

    store_id: int
    fields: UserFields


class AppliedAddress(msgspec.Struct, frozen=True, kw_only=True):
    """What we last applied to one address, and its id in the store."""

    store_id: int
    fields: Address


class AppliedCompany(msgspec.Struct, frozen=True, kw_only=True):
    """What we last applied to one company and its parts, from the ledger.

    ``content_hash`` identifies the last desired state that was applied whole, ``""``
    if none was. ``reference_id`` is what we last wrote into the source. ``parts_known`` is
    false for a company that was found in the store and whose users and addresses were
    not read yet. ``our_methods`` and ``our_terms`` are what the sync switched on, or found as it would have.
    ``made_with`` has the e-mail, in lower case, and the contact of the user that it was made with, until the store has
    shown that user.
    """

    company_id: int
    status: CompanyStatus = CompanyStatus.APPROVED
    fields: CompanyFields = CompanyFields()
    users: dict[str, AppliedUser] = {}
    addresses: dict[str, AppliedAddress] = {}
    payment_methods: dict[str, bool] = {}
    payment_terms: PaymentTerms | None = None
    our_methods: tuple[str, ...] = ()
    our_terms: bool = False
    reference_id: str = ""
    content_hash: str = ""
    parts_known: bool = True
    made_with: dict[str, str] = {}


PlanKind = Literal["sync", "unenroll", "access"]
"""What is to happen: the desired state, a withdrawal, or, where a customer waits as a whole, leavers alone."""


class CustomerPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is to happen for one customer.

    ``desired`` is there for a customer to be synced only. ``held_back`` names parts (:func:`part_of`) that the store
    refused before and that have not changed since. ``leavers`` are the contacts to whom the source's record denies
    access; ``present`` all that it shows, with their e-mails, where users go that belong to none of them or have
    another e-mail; ``successors`` who may be the admin, in order, beside the desired users; ``colleagues`` the contacts
    to whom the record allows access, and who may be it where they are users and nobody else can. ``has_no_admin`` says
    that nobody may be the admin, so that the company is to stop trading. ``payment`` is what the terms mean of a
    customer that waits as a whole: what they take away goes off. ``outcome`` is what the customer ends as whatever is
    written.
    ``access_ended_at_utc`` says, by the key of an operation that takes access away, when the
    source's record changed that is the reason (ISO 8601). ``was_inactive`` says whether the company did not trade
    when this was planned. ``former_reference`` is what the source is to hold as the company's id where an undo says so;
    ``undoes`` is the run that such a plan takes back, ``""`` of all others.
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
    leavers: frozenset[str] = frozenset()
    present: dict[str, str] | None = None
    successors: tuple[CompanyUser, ...] = ()
    colleagues: frozenset[str] = frozenset()
    has_no_admin: bool = False
    payment: Payment | None = None
    outcome: str = ""
    access_ended_at_utc: dict[str, str] = {}
    was_inactive: bool = False
    former_reference: str | None = None
    undoes: str = ""

    @property
    def ends_trade(self) -> bool:
        """Whether the company is withdrawn, or is to stop trading because nobody may be its admin."""
        closing = (each for each in self.operations if isinstance(each, StatusOperation))
        return self.kind == "unenroll" or any(each.new == CompanyStatus.INACTIVE for each in closing)

    def packed_operations(self) -> bytes:
        """The operations as JSON: the same text for the same operations."""
        return _encoder.encode(self.operations)

    def plan_hash(self, packed: bytes = b"") -> int:
        """A 128-bit number that identifies the operations; hashes of a run add up, so their order does not matter.

        Args:
            packed: The operations, where they were packed already.
        """
        return int(content_hash([self.customer_id, self.kind, msgspec.Raw(packed or self.packed_operations())]), 16)


_encoder = msgspec.json.Encoder(order="deterministic")
