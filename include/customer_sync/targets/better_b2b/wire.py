"""Our field names → the store's, as tables (docs/api/better_b2b.md#companies, #users and #addresses).

The store ignores unknown keys silently, so a misspelt field would be lost without a word. Hence
an unknown field is a ``ValueError`` here.
"""

from collections.abc import Mapping
from typing import Any, Final

from customer_sync.targets.better_b2b.field_table import ADDRESS, COMPANY, USER, wire_names

_COMPANY_FIELDS: Final = {**wire_names(COMPANY), "customer_group_id": "customerGroupId", "uuid": "uuid"}
_COMPANY_CREATE: Final = {
    **_COMPANY_FIELDS,
    **{
        f"admin_{name}": f"admin{rule.wire[0].upper()}{rule.wire[1:]}"
        for name, rule in USER.items()
        if name not in {"role", "storefronts", "extra_fields"}
    },
    "channel_ids": "channelIds",
    "origin_channel_id": "originChannelId",
    "accept_creation_email": "acceptCreationEmail",
    "user_extra_fields": "userExtraFields",
}
_USER_UPDATE: Final = {
    **wire_names(USER, "role", "storefronts"),
    "role": "role",
    "company_role_id": "companyRoleId",
    "uuid": "uuid",
    "channel_ids": "channelIds",
}
_USER_CREATE: Final = {
    **_USER_UPDATE,
    "company_id": "companyId",
    "origin_channel_id": "originChannelId",
    "accept_welcome_email": "acceptWelcomeEmail",
}
_ADDRESS_UPDATE: Final = wire_names(ADDRESS)

SHAPES: Final[Mapping[str, Mapping[str, str]]] = {
    "company_create": {**_COMPANY_CREATE, "catalog_id": "catalogId"},
    # The bulk form alone calls the welcome mail differently.
    "company_bulk_create": {**_COMPANY_CREATE, "accept_creation_email": "acceptWelcomeEmail"},
    "company_update": _COMPANY_FIELDS,
    "company_bulk_update": {
        **{name: wire for name, wire in _COMPANY_FIELDS.items() if name != "uuid"},
        "company_id": "companyId",
    },
    "user_create": _USER_CREATE,
    "user_update": _USER_UPDATE,
    "address_create": {**_ADDRESS_UPDATE, "company_id": "companyId"},
    "address_update": _ADDRESS_UPDATE,
}
"""Shape of a request → our field → the store's field."""

_EXTRA_FIELDS: Final = frozenset({"extra_fields", "user_extra_fields"})


def to_wire(shape: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a payload into the store's JSON.

    Args:
        shape: A key of :data:`SHAPES`.
        payload: Our field → value. ``extra_fields`` and ``user_extra_fields`` are mappings name →
            value. A value ``None`` is left out: the store refuses nulls.

    Returns:
        A new dictionary for the request body.

    Raises:
        ValueError: A field does not belong to this shape, or a changed extra field is blank, which
            the store cannot hold (docs/api/better_b2b.md#company-update).
    """
    table = SHAPES[shape]
    if not payload.keys() <= table.keys():
        unknown = payload.keys() - table.keys()
        raise ValueError(
            f"{shape} has no field {', '.join(sorted(unknown))}; it has {', '.join(table)}. "
            "The store would ignore it silently."
        )
    body = {table[name]: value for name, value in payload.items() if value is not None}
    for name in _EXTRA_FIELDS & payload.keys():
        # An empty list of extra fields is refused too: at least one item is asked for.
        found = body.pop(table[name], None)
        if found and (listed := _extra_fields_to_wire(shape, found)):
            body[table[name]] = listed
    return body


def _extra_fields_to_wire(shape: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    if shape.endswith("update") and not all(values.values()):
        raise ValueError(
            f"{shape} cannot blank the extra field {next(name for name, value in values.items() if not value)!r}: "
            "the store takes no empty value."
        )
    return [{"fieldName": name, "fieldValue": str(value)} for name, value in values.items() if value]
