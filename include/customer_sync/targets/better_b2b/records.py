"""What the store returns, read leniently: numbers come as text and text as null (docs/api/better_b2b.md#company-read).

A missing text is ``""``, a missing number or time ``None``. A record without a readable id is a
:class:`~customer_sync.errors.ContractError`: nothing could be done with it safely.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from customer_sync.errors import ContractError
from customer_sync.model.company import Address, CompanyFields, CompanyStatus, UserFields
from customer_sync.model.place_names import country_ids
from customer_sync.redaction import redact_body
from customer_sync.targets.better_b2b.field_table import ADDRESS, COMPANY, MASKS, USER
from customer_sync.targets.port import StoredAddress, StoredCompany, StoredUser

_TRUE_WORDS: Final = frozenset({"1", "true", "yes"})

JsonObject = Mapping[str, Any]

STATUSES: Final[Mapping[int, CompanyStatus]] = {
    0: CompanyStatus.PENDING,
    1: CompanyStatus.APPROVED,
    2: CompanyStatus.REJECTED,
    3: CompanyStatus.INACTIVE,
}
"""Company status on the wire -> its meaning (docs/api/better_b2b.md#company-status)."""


_COMPANY_TEXTS = tuple((name, rule.wire) for name, rule in COMPANY.items() if name != "extra_fields")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_USER_TEXTS = tuple((name, rule.wire) for name, rule in USER.items() if name not in {"storefronts", "extra_fields"})
_ADDRESS_TEXTS = tuple((name, rule.wire) for name, rule in ADDRESS.items() if not name.startswith(("is_", "extra_")))
_ADDRESS_FLAGS = tuple((name, rule.wire) for name, rule in ADDRESS.items() if name.startswith("is_"))


def company_from_wire(row: JsonObject, key_field: str) -> StoredCompany:
    """Read a company; its key is the value of the extra field ``key_field``.

    Its record is in ``uuid`` where that has the form of a record id: others use it too.

    Raises:
        ContractError: It has no id.
    """
    extra = _extra_fields(row.get("extraFields"))
    texts = {name: as_text(row.get(wire)) for name, wire in _COMPANY_TEXTS}
    texts["country"] = _country_code(texts["country"])
    status = as_int(row.get("companyStatus"))
    return StoredCompany(
        id=required_id(row, "companyId", "id"),
        key=extra.get(key_field, ""),
        record_id=uuid if is_uuid(uuid := as_text(row.get("uuid"))) else "",
        fields=CompanyFields(**texts, extra_fields=extra),
        status=CompanyStatus.UNKNOWN if status is None else STATUSES.get(status, CompanyStatus.UNKNOWN),
        group_id=as_int(row.get("bcGroupId")),
        created_at_s=as_int(row.get("createdAt")),
        updated_at_s=as_int(row.get("updatedAt")),
    )


def _country_code(text: str) -> str:
    """A company's country, which is sent as a code and read back as a name (docs/api/better_b2b.md#company-read)."""
    codes = country_ids(text)
    return next(iter(codes)) if len(codes) == 1 else text


def is_uuid(text: str) -> bool:
    """Whether a text has the form of a record id."""
    return _GUID.fullmatch(text) is not None


def user_from_wire(row: JsonObject, *, with_storefronts: bool = False) -> StoredUser:
    """Read a company user, with its storefronts where a rule of ours says them.

    Raises:
        ContractError: It has no id.
    """
    return StoredUser(
        id=required_id(row, "id", "userId"),
        company_id=as_int(row.get("companyId")) or 0,
        key=as_text(row.get("uuid")),
        fields=UserFields(
            **{name: as_text(row.get(wire)) for name, wire in _USER_TEXTS},
            storefronts=_storefronts(row.get("channelList")) if with_storefronts else "",
            extra_fields=_extra_fields(row.get("extraFields")),
        ),
        created_at_s=as_int(row.get("createdAt")),
        updated_at_s=as_int(row.get("updatedAt")),
    )


def address_from_wire(row: JsonObject) -> StoredAddress:
    """Read an address; raises ContractError when its id is missing."""
    values: dict[str, Any] = {name: as_text(row.get(wire)) for name, wire in _ADDRESS_TEXTS}
    values |= {name: as_flag(row.get(wire)) for name, wire in _ADDRESS_FLAGS}
    return StoredAddress(
        id=required_id(row, "addressId", "id"),
        company_id=as_int(row.get("companyId")) or 0,
        fields=Address(**values, extra_fields=_extra_fields(row.get("extraFields"))),
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
        excerpt=redact_body(dict(row), kinds=MASKS),
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
    # Not what is an ``int`` by descent: that is a yes or no.
    if value.__class__ is int:
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


def _storefronts(value: Any) -> str:
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    return ",".join(map(str, sorted({number for row in rows if (number := as_int(row.get("channelId"))) is not None})))


def _extra_fields(value: Any) -> dict[str, str]:
    # Reads are arrays; the vendor's own example of an address sends a single object (docs/api/better_b2b.md#addresses).
    rows = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    return {as_text(row.get("fieldName")): as_text(row.get("fieldValue")) for row in rows if isinstance(row, dict)}
