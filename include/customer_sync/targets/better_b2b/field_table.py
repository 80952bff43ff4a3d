"""The fields of companies, users and addresses on the store's wire: one table per entity.

Requests, answers, limits, masking and the tables in ``docs/api/better_b2b.md`` come from here.
(docs/api/better_b2b.md#companies, #users, #addresses)
"""

from collections.abc import Mapping
from typing import Final

from customer_sync.model.fields import EntityFields, FieldRule
from customer_sync.redaction import Kind

COMPANY: Final[Mapping[str, FieldRule]] = {
    "company_name": FieldRule("companyName", 200, "name", can_clear=False),
    "company_phone": FieldRule("companyPhone", 50, "phone", can_clear=False),
    "company_email": FieldRule("companyEmail", 200, "email", can_clear=False),
    "address_line1": FieldRule("addressLine1", 200, "name"),
    "address_line2": FieldRule("addressLine2", 200, "name"),
    "city": FieldRule("city", 100),
    "state": FieldRule("state", 50),
    "country": FieldRule("country", 200, can_clear=False),
    "zip_code": FieldRule("zipCode", 50),
    # A blank value is refused (docs/api/better_b2b.md#company-update).
    "extra_fields": FieldRule("extraFields", can_clear=False),
}
"""A company's field -> its rule."""

USER: Final[Mapping[str, FieldRule]] = {
    "email": FieldRule("email", 100, "email", can_clear=False),
    "first_name": FieldRule("firstName", 100, "name", can_clear=False),
    "last_name": FieldRule("lastName", 100, "name", can_clear=False),
    "phone_number": FieldRule("phoneNumber", 50, "phone"),
    # Read by name; written by its id (docs/api/better_b2b.md#roles).
    "role": FieldRule("companyRoleName", can_clear=False),
    # Read as a list of records; written by their ids.
    "storefronts": FieldRule("channelList", can_clear=False),
    "extra_fields": FieldRule("extraFields", can_clear=False),
}
"""A user's field -> its rule."""

ADDRESS: Final[Mapping[str, FieldRule]] = {
    "external_id": FieldRule("externalId"),
    "first_name": FieldRule("firstName", 100, "name", can_clear=False),
    "last_name": FieldRule("lastName", 100, "name", can_clear=False),
    "address_line1": FieldRule("addressLine1", 200, "name", can_clear=False),
    "address_line2": FieldRule("addressLine2", 200, "name"),
    "city": FieldRule("city", 100, can_clear=False),
    "state_name": FieldRule("stateName"),
    "state_code": FieldRule("stateCode"),
    "country_name": FieldRule("countryName", can_clear=False),
    "country_code": FieldRule("countryCode", can_clear=False),
    "zip_code": FieldRule("zipCode", 50),
    "phone_number": FieldRule("phoneNumber", 50, "phone"),
    "label": FieldRule("label", 200, "name"),
    "is_billing": FieldRule("isBilling"),
    "is_shipping": FieldRule("isShipping"),
    "is_default_billing": FieldRule("isDefaultBilling"),
    "is_default_shipping": FieldRule("isDefaultShipping"),
    "extra_fields": FieldRule("extraFields", can_clear=False),
}
"""An address's field -> its rule."""


FIELDS: Final = EntityFields(COMPANY, USER, ADDRESS)
"""All three."""


MASKS: Final[Mapping[str, Kind]] = {rule.wire: rule.mask for table in FIELDS for rule in table.values() if rule.mask}
"""Wire name -> what it holds of a person, for excerpts of answers."""


def wire_names(table: Mapping[str, FieldRule], *without: str) -> dict[str, str]:
    """Our field -> the store's, for a request."""
    return {name: rule.wire for name, rule in table.items() if name not in without}
