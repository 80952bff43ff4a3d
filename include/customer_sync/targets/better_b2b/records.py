"""What the store returns, read leniently: numbers come as text and text as null (docs/api/better_b2b.md#company-read).

A missing text is ``""``, a missing number or time ``None``. A record without a readable id is a
:class:`~customer_sync.errors.ContractError`: nothing could be done with it safely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from customer_sync.errors import ContractError
from customer_sync.redaction import mask_email, mask_name, redact_body

_TRUE_WORDS: Final = frozenset({"1", "true", "yes"})

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CompanyRecord:
    """A company as the store shows it (docs/api/better_b2b.md#company-read).

    ``status`` is 0 pending, 1 approved, 2 rejected, 3 inactive; times are Unix seconds. ``extra_fields`` is
    empty in lists unless they were asked for. ``repr`` masks personal data.
    """

    id: int
    company_name: str = ""
    company_email: str = ""
    company_phone: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    zip_code: str = ""
    status: int | None = None
    customer_group_id: int | None = None
    uuid: str = ""
    extra_fields: Mapping[str, str] = field(default_factory=dict)
    created_at_s: int | None = None
    updated_at_s: int | None = None

    def __repr__(self) -> str:
        return f"CompanyRecord(id={self.id}, name={mask_name(self.company_name)}, status={self.status})"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A company user (docs/api/better_b2b.md#users); ``role`` is 0 admin, 1 senior buyer, 2 junior buyer or custom."""

    id: int
    company_id: int | None = None
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone_number: str = ""
    role: int | None = None
    company_role_id: int | None = None
    company_role_name: str = ""
    uuid: str = ""
    customer_id: int | None = None
    extra_fields: Mapping[str, str] = field(default_factory=dict)
    created_at_s: int | None = None
    updated_at_s: int | None = None

    def __repr__(self) -> str:
        return f"UserRecord(id={self.id}, company_id={self.company_id}, email={mask_email(self.email)})"


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """An address of a company; ``external_id`` is the ERP's id, not unique by itself.

    Source: docs/api/better_b2b.md#addresses.
    """

    id: int
    company_id: int | None = None
    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state_name: str = ""
    state_code: str = ""
    country_name: str = ""
    country_code: str = ""
    zip_code: str = ""
    label: str = ""
    external_id: str = ""
    is_billing: bool = False
    is_shipping: bool = False
    is_default_billing: bool = False
    is_default_shipping: bool = False

    def __repr__(self) -> str:
        return f"AddressRecord(id={self.id}, company_id={self.company_id}, external_id={self.external_id!r})"


@dataclass(frozen=True, slots=True)
class RoleRecord:
    """A role of the store; ids differ per store. ``permissions`` (code → level) only in the detail.

    Source: docs/api/better_b2b.md#roles.
    """

    id: int
    name: str = ""
    role_type: int | None = None
    role_level: int | None = None
    permissions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StorePaymentMethod:
    """A payment method that the store offers (docs/api/better_b2b.md#payments)."""

    id: int | None
    code: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class CompanyPaymentMethod:
    """A payment method and whether one company may use it (docs/api/better_b2b.md#payments)."""

    id: int | None
    code: str
    title: str = ""
    is_enabled: bool = False


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """A company's payment terms: ``days`` is one of 0, 5, 15, 30, 45, 60; the store's own when disabled.

    Source: docs/api/better_b2b.md#payment-terms.
    """

    is_enabled: bool
    days: int | None


@dataclass(frozen=True, slots=True)
class ExtraFieldDefinition:
    """An extra field's definition; ``field_type`` is 0 text, 1 multi-line, 2 number, 3 drop-down.

    Source: docs/api/better_b2b.md#extra-fields.
    """

    id: int | None
    field_name: str
    field_type: int | None = None
    is_required: bool = False
    is_unique: bool = False
    maximum_length: int | None = None
    list_of_values: tuple[str, ...] = ()


def company_from_wire(row: JsonObject) -> CompanyRecord:
    """Read a company; raises ContractError when its id is missing."""
    return CompanyRecord(
        id=required_id(row, "companyId", "id"),
        company_name=as_text(row.get("companyName")),
        company_email=as_text(row.get("companyEmail")),
        company_phone=as_text(row.get("companyPhone")),
        address_line1=as_text(row.get("addressLine1")),
        address_line2=as_text(row.get("addressLine2")),
        city=as_text(row.get("city")),
        state=as_text(row.get("state")),
        country=as_text(row.get("country")),
        zip_code=as_text(row.get("zipCode")),
        status=as_int(row.get("companyStatus")),
        customer_group_id=as_int(row.get("bcGroupId")),
        uuid=as_text(row.get("uuid")),
        extra_fields=_extra_fields(row.get("extraFields")),
        created_at_s=as_int(row.get("createdAt")),
        updated_at_s=as_int(row.get("updatedAt")),
    )


def user_from_wire(row: JsonObject) -> UserRecord:
    """Read a company user; raises ContractError when its id is missing."""
    return UserRecord(
        id=required_id(row, "id", "userId"),
        company_id=as_int(row.get("companyId")),
        first_name=as_text(row.get("firstName")),
        last_name=as_text(row.get("lastName")),
        email=as_text(row.get("email")),
        phone_number=as_text(row.get("phoneNumber")),
        role=as_int(row.get("role")),
        company_role_id=as_int(row.get("companyRoleId")),
        company_role_name=as_text(row.get("companyRoleName")),
        uuid=as_text(row.get("uuid")),
        customer_id=as_int(row.get("customerId")),
        extra_fields=_extra_fields(row.get("extraFields")),
        created_at_s=as_int(row.get("createdAt")),
        updated_at_s=as_int(row.get("updatedAt")),
    )


def address_from_wire(row: JsonObject) -> AddressRecord:
    """Read an address; raises ContractError when its id is missing."""
    return AddressRecord(
        id=required_id(row, "addressId", "id"),
        company_id=as_int(row.get("companyId")),
        first_name=as_text(row.get("firstName")),
        last_name=as_text(row.get("lastName")),
        phone_number=as_text(row.get("phoneNumber")),
        address_line1=as_text(row.get("addressLine1")),
        address_line2=as_text(row.get("addressLine2")),
        city=as_text(row.get("city")),
        state_name=as_text(row.get("stateName")),
        state_code=as_text(row.get("stateCode")),
        country_name=as_text(row.get("countryName")),
        country_code=as_text(row.get("countryCode")),
        zip_code=as_text(row.get("zipCode")),
        label=as_text(row.get("label")),
        external_id=as_text(row.get("externalId")),
        is_billing=as_flag(row.get("isBilling")),
        is_shipping=as_flag(row.get("isShipping")),
        is_default_billing=as_flag(row.get("isDefaultBilling")),
        is_default_shipping=as_flag(row.get("isDefaultShipping")),
    )


def role_from_wire(row: JsonObject) -> RoleRecord:
    """Read a role; raises ContractError when its id is missing."""
    permissions = row.get("permissions")
    return RoleRecord(
        id=required_id(row, "id"),
        name=as_text(row.get("name")),
        role_type=as_int(row.get("roleType")),
        role_level=as_int(row.get("roleLevel")),
        permissions={
            as_text(item.get("code")): as_int(item.get("permissionLevel")) or 0
            for item in (permissions if isinstance(permissions, list) else [])
            if isinstance(item, dict)
        },
    )


def store_method_from_wire(row: JsonObject) -> StorePaymentMethod:
    """Read one of the store's payment methods."""
    return StorePaymentMethod(as_int(row.get("id")), as_text(row.get("paymentCode")), as_text(row.get("paymentTitle")))


def company_method_from_wire(row: JsonObject) -> CompanyPaymentMethod:
    """Read one of a company's payment methods."""
    return CompanyPaymentMethod(
        as_int(row.get("paymentId")),
        as_text(row.get("code")),
        as_text(row.get("paymentTitle")),
        as_flag(row.get("isEnabled")),
    )


def terms_from_wire(row: JsonObject) -> PaymentTerms:
    """Read payment terms."""
    return PaymentTerms(as_flag(row.get("isEnabled")), as_int(row.get("paymentTerms")))


def extra_field_from_wire(row: JsonObject) -> ExtraFieldDefinition:
    """Read the definition of an extra field."""
    values = row.get("listOfValue")
    return ExtraFieldDefinition(
        id=as_int(row.get("id")),
        field_name=as_text(row.get("fieldName")),
        field_type=as_int(row.get("fieldType")),
        is_required=as_flag(row.get("isRequired")),
        is_unique=as_flag(row.get("isUnique")),
        maximum_length=as_int(row.get("maximumLength")),
        list_of_values=tuple(as_text(value) for value in values) if isinstance(values, list) else (),
    )


def required_id(row: JsonObject, *names: str) -> int:
    """Read an id under the first of the names that holds one.

    Raises:
        ContractError: None of them holds a whole number.
    """
    for name in names:
        number = as_int(row.get(name))
        if number is not None:
            return number
    raise ContractError(
        f"The store returned a record without {names[0]}: its API changed, or a proxy rewrote the answer.",
        system="Better B2B",
        excerpt=redact_body(dict(row)),
    )


def as_text(value: Any) -> str:
    """Read a text: null is ``""``, numbers become text, nested values are no text."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | list | dict):
        return ""
    return str(value)


def as_int(value: Any) -> int | None:
    """Read a whole number that may come as text; anything else is ``None``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    # int() of a very long text is quadratic; no id or time has more than nineteen digits.
    if isinstance(value, str) and len(value) <= 20 and value.strip().lstrip("-").isdecimal():  # noqa: PLR2004 - see above
        return int(value)
    return None


def as_flag(value: Any) -> bool:
    """Read a yes or no that may come as ``"0"``, ``"1"`` or a number."""
    return value.strip().lower() in _TRUE_WORDS if isinstance(value, str) else bool(value)


def _extra_fields(value: Any) -> dict[str, str]:
    # Reads are arrays; the vendor's own example of an address sends a single object (docs/api/better_b2b.md#addresses).
    rows = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    return {as_text(row.get("fieldName")): as_text(row.get("fieldValue")) for row in rows if isinstance(row, dict)}
