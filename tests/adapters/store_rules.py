"""What the in-memory store demands and holds: its settings, and one table of fields per entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import msgspec

from customer_sync.errors import RecordRejected
from customer_sync.model.company import ADDRESS_FIELDS, COMPANY_FIELDS, USER_FIELDS
from customer_sync.model.fields import EntityFields, FieldRule, MaskKind
from customer_sync.model.operation import Action
from customer_sync.model.place import Place
from customer_sync.targets.port import ActionCost, TargetLimits

STORE_NAME: Final = "In-memory store"
KEY_FIELD: Final = "Acumatica Customer ID"
EXTRA_FIELDS: Final = {KEY_FIELD: True, "Price Level": False}  # name -> whether its values are unique
ADMIN: Final = "Admin"
COUNTRIES: Final = (Place("US", "United States"), Place("NL", "Netherlands"), Place("GB", "United Kingdom"))
STATES: Final = {"US": (Place("CA", "California"), Place("NY", "New York"), Place("TX", "Texas"))}
COSTS: Final = {
    **dict.fromkeys((Action.CREATE_COMPANY, Action.UPDATE_COMPANY), ActionCost(10, is_atomic=False)),
    **dict.fromkeys((Action.CREATE_USER, Action.CREATE_ADDRESS), ActionCost(10)),
}
_MOST_CHARS: Final = {
    **dict.fromkeys(("company_name", "company_email", "address_line1", "address_line2", "label"), 200),
    **dict.fromkeys(("city", "email", "first_name", "last_name"), 100),
    **dict.fromkeys(("company_phone", "phone_number", "state", "zip_code"), 50),
}
_MASKED: Final[Mapping[str, MaskKind]] = {
    "email": "email",
    "company_email": "email",
    "phone_number": "phone",
    "company_phone": "phone",
    **dict.fromkeys(("company_name", "first_name", "last_name", "address_line1", "address_line2", "label"), "name"),
}


def _table(names: tuple[str, ...], *needed: str) -> dict[str, FieldRule]:
    return {
        name: FieldRule(name, _MOST_CHARS.get(name, 0), _MASKED.get(name, ""), can_clear=name not in needed)
        for name in names
    }


COMPANY: Final = _table(COMPANY_FIELDS, "company_name", "company_phone", "company_email", "country", "extra_fields")
USER: Final = _table(USER_FIELDS, "first_name", "last_name", "email", "role", "extra_fields")
ADDRESS: Final = _table(
    ADDRESS_FIELDS, "first_name", "last_name", "address_line1", "city", "country_name", "country_code", "extra_fields"
)

LIMITS: Final = TargetLimits(
    EntityFields(COMPANY, USER, ADDRESS),
    term_days=(0, 5, 15, 30, 45, 60),
    longest_work_s=0.0,
    company_emails_unique=False,
)


def merged(have: Any, values: Mapping[str, Any]) -> Any:
    """A record after an update: extra fields that it does not name stay, and none may be blank."""
    extra_fields = values.get("extra_fields", {})
    if not all(extra_fields.values()):
        refuse("An extra field may not be blank.")
    return msgspec.structs.replace(have, **{**values, "extra_fields": {**have.extra_fields, **extra_fields}})


def placed(new: Any, countries: Sequence[Place], states: Mapping[str, Sequence[Place]]) -> Any:
    """An address with country and state as the lists have them; without a state where they have none."""
    if Place(new.country_code, new.country_name) not in countries:
        refuse(f"country_name: '{new.country_name}' is not valid.")
    listed = states.get(new.country_code, ())
    if not listed:
        return msgspec.structs.replace(new, state_name="", state_code="")
    if Place(new.state_code, new.state_name) not in listed:
        refuse(f"state_name: '{new.state_name}' is not valid.")
    return new


def check(record: Any, table: Mapping[str, FieldRule]) -> None:
    """Refuse a record that lacks what is demanded, or holds more than fits."""
    if not getattr(record, "email", "").isascii():
        refuse("email: Enter a valid email address.")
    for name, rule in table.items():
        value = getattr(record, name)
        if not rule.can_clear and value == "":
            refuse(f"{name}: This field may not be blank.")
        if rule.most_chars and len(value) > rule.most_chars:
            refuse(f"{name}: Ensure this field has no more than {rule.most_chars} characters.")


def refuse(*texts: str, **more: Any) -> NoReturn:
    """Refuse a record in these words."""
    raise RecordRejected(f"The store refused: {'; '.join(texts)}", system=STORE_NAME, texts=texts, **more)
