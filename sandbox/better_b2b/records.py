"""The records that the store's twin holds, in the store's own terms. Times are Unix seconds of sandbox time.

Each field is declared here alone: answers, limits and the OpenAPI document follow (`sandbox.better_b2b.entity`). Fields
are in the order of the answers.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, ClassVar

import msgspec

from sandbox.better_b2b.entity import HIDDEN, Sent, Shown
from sandbox.better_b2b.json_schema import (
    EMAIL,
    INTEGER,
    NULL,
    NUMBER_OR_TEXT,
    STRING,
    TEXT_OR_NULL,
    Schema,
    answer,
    form,
    rows,
    text,
)


class CompanyStatus(IntEnum):
    """Life cycle of a company (docs/api/better_b2b.md#company-status)."""

    PENDING = 0
    APPROVED = 1
    REJECTED = 2
    INACTIVE = 3


class UserRole(IntEnum):
    """The `role` of a user; custom roles read as junior buyer (docs/api/better_b2b.md#users)."""

    ADMIN = 0
    SENIOR_BUYER = 1
    JUNIOR_BUYER = 2


PREDEFINED_ROLE = 1
CUSTOM_ROLE = 2
STORE_ROLE_LEVEL = 1
LEVELS = (1, 2, 3)
TERM_DAYS = (0, 5, 15, 30, 45, 60)

# Parts of records that answers show, and that bodies carry.
ROLE: Schema = {"enum": [int(role) for role in UserRole]}
EXTRA_VALUES = rows(form(("fieldName", "fieldValue"), fieldName=text(100, 1), fieldValue=STRING))
USER_VALUE = answer(fieldName=STRING, fieldValue=STRING)
ADDRESS_VALUE = answer(fieldName=STRING, fieldValue=STRING, fieldType=INTEGER)
COMPANY_VALUE = answer(
    fieldName=STRING,
    fieldValue=STRING,
    labelName=STRING,
    isRequired={"enum": ["0", "1"]},
    dataType={"enum": ["0", "1", "2", "3"]},
    fieldType={"enum": [0, 1, 2, 3]},
)
CHANNEL = answer(channelId=INTEGER, channelName=STRING, iconUrl=STRING)
PRICE_LIST = answer(channelId=INTEGER, priceListId=INTEGER, priceListName=STRING, channelName=TEXT_OR_NULL)
PRICE_LIST_FORM = form(("channelId", "priceListId"), channelId=INTEGER, priceListId=INTEGER)
HELD = answer(id=INTEGER, code=STRING, permissionLevel={"enum": list(LEVELS)})
HELD_FORM = form(("code", "permissionLevel"), code=text(50, 1), permissionLevel={"enum": list(LEVELS)})


class Company(msgspec.Struct, rename="camel", kw_only=True):
    """A company; `extra_fields` holds values by field name."""

    company_id: int
    company_name: Annotated[str, Sent(200, is_required=True)]
    company_email: Annotated[str, Sent(200, is_required=True, schema=EMAIL)]
    company_phone: Annotated[str, Sent(50, is_required=True)]
    address_line1: Annotated[str, Sent(200)] = ""
    address_line2: Annotated[str, Sent(200)] = ""
    city: Annotated[str, Sent(100)] = ""
    state: Annotated[str, Sent(50)] = ""
    country: Annotated[str, Sent(200, is_required=True)] = ""
    zip_code: Annotated[str, Sent(50)] = ""
    company_status: Annotated[int, Shown(NUMBER_OR_TEXT)] = CompanyStatus.APPROVED
    customer_group_id: Annotated[int, HIDDEN, Sent()] = 0
    catalog_id: int | None = None
    catalog_name: ClassVar[str | None] = None
    bc_group_id: ClassVar[int | None] = None
    bc_group_name: str | None = None
    parent_company: ClassVar[Annotated[dict[str, None], Shown(answer(id=NULL, name=NULL))]] = {"id": None, "name": None}
    price_list_assign: Annotated[
        list[dict[str, Any]], Shown(rows(PRICE_LIST)), Sent(only="update", schema=rows(PRICE_LIST_FORM))
    ] = []
    uuid: Annotated[str | None, Sent(200, only="update")] = None
    extra_fields: Annotated[dict[str, str], Shown(rows(COMPANY_VALUE)), Sent(schema=EXTRA_VALUES)] = {}
    channel_ids: Annotated[list[int], HIDDEN, Sent(only="create")] = []
    origin_channel_id: Annotated[int | None, HIDDEN, Sent(only="create")] = None
    created_at: Annotated[int, Shown(NUMBER_OR_TEXT)]
    updated_at: Annotated[int, Shown(NUMBER_OR_TEXT)]


class FirstAdmin(msgspec.Struct, rename="camel", kw_only=True):
    """The first admin as sent with a company; it becomes a `User`."""

    admin_first_name: Annotated[str, Sent(100, is_required=True)]
    admin_last_name: Annotated[str, Sent(100, is_required=True)]
    admin_email: Annotated[str, Sent(100, is_required=True, schema=EMAIL)]
    admin_phone_number: Annotated[str | None, Sent(100)]
    user_extra_fields: Annotated[dict[str, str], HIDDEN, Sent(schema=EXTRA_VALUES)]


class User(msgspec.Struct, rename="camel", kw_only=True):
    """A company user; `customer_id` is its account in the core store."""

    id: int
    company_id: Annotated[int, Sent(is_required=True, only="create")]
    first_name: Annotated[str, Sent(200, is_required=True)]
    last_name: Annotated[str, Sent(200, is_required=True)]
    email: Annotated[str, Sent(is_required=True, schema=EMAIL)]
    phone_number: Annotated[str | None, Sent()] = None
    role: Annotated[int, Shown(ROLE), Sent(schema=ROLE)]
    company_role_id: Annotated[int, Sent()]
    company_role_name: ClassVar[str | None] = None
    uuid: Annotated[str | None, Sent()] = None
    customer_id: int
    channel_list: ClassVar[Annotated[list[dict[str, Any]], Shown(rows(CHANNEL))]] = []
    channel_ids: Annotated[list[int], HIDDEN, Sent(is_required=True)] = []
    origin_channel_id: Annotated[int | None, HIDDEN, Sent(only="create")] = None
    extra_fields: Annotated[dict[str, str], Shown(rows(USER_VALUE)), Sent(schema=EXTRA_VALUES)] = {}
    created_at: int
    updated_at: int


class Address(msgspec.Struct, rename="camel", kw_only=True):
    """An entry of a company's address book."""

    address_id: int
    company_id: Annotated[int, Shown(NUMBER_OR_TEXT), Sent(is_required=True, only="create")]
    first_name: Annotated[str, Sent(200, is_required=True)]
    last_name: Annotated[str, Sent(200, is_required=True)]
    phone_number: Annotated[str | None, Sent()] = None
    zip_code: Annotated[str | None, Sent()] = None
    address_line1: Annotated[str, Sent(200, is_required=True)]
    address_line2: Annotated[str, Sent()] = ""
    city: Annotated[str, Sent(200, is_required=True)]
    state_name: Annotated[str | None, Sent()] = None
    state_code: Annotated[str | None, Sent()] = None
    country_name: Annotated[str, Sent()]
    country_code: Annotated[str, Sent()]
    is_billing: Annotated[bool, Sent()] = False
    is_shipping: Annotated[bool, Sent()] = False
    is_default_billing: Annotated[bool, Sent()] = False
    is_default_shipping: Annotated[bool, Sent()] = False
    label: Annotated[str | None, Sent()] = None
    external_id: Annotated[str | None, Sent()] = None
    extra_fields: Annotated[dict[str, str], Shown(rows(ADDRESS_VALUE)), Sent(schema=EXTRA_VALUES)] = {}
    created_at: Annotated[int, HIDDEN]
    updated_at: Annotated[int, HIDDEN]


class CoreCustomer(msgspec.Struct, rename="camel", kw_only=True):
    """An account of the core store: of a plain shopper or of a company user. It outlives its user."""

    id: int
    email: str
    first_name: str = ""
    last_name: str = ""


class StorePayment(msgspec.Struct, rename="camel", kw_only=True):
    """A payment method of the store; made in the store's settings, never by the API."""

    id: int
    payment_code: str
    payment_title: str


class CompanyPayment(msgspec.Struct, rename="camel", kw_only=True):
    """One store method as switched for one company."""

    is_enabled: bool
    created_at: int
    updated_at: int


class Terms(msgspec.Struct, rename="camel", kw_only=True):
    """Payment terms of a company in days; the days count only while enabled."""

    is_enabled: bool
    payment_terms: Annotated[int, Shown({"enum": list(TERM_DAYS)})]


class Credit(msgspec.Struct, rename="camel", kw_only=True):
    """Credit settings of a company."""

    credit_enabled: Annotated[bool, Sent()] = False
    credit_currency: Annotated[str, Sent()] = "USD"
    available_credit: Annotated[float, Sent()] = 0.0
    limit_purchases: Annotated[bool, Sent()] = False
    credit_hold: Annotated[bool, Sent()] = False


class Permission(msgspec.Struct, rename="camel", kw_only=True):
    """A permission that a role may hold; `levels` are the ones it supports."""

    id: int
    name: Annotated[str, Sent(200, is_required=True)]
    description: Annotated[str, Sent(512)]
    code: Annotated[str, Sent(50, is_required=True)]
    is_custom: bool
    module_name: Annotated[str, Sent(50, is_required=True)]
    levels: Annotated[tuple[int, ...], HIDDEN] = LEVELS


class Role(msgspec.Struct, rename="camel", kw_only=True):
    """A role of the store; `permissions` holds levels by code."""

    id: int
    name: Annotated[str, Sent(200, is_required=True)]
    role_type: Annotated[int, Shown({"enum": [1, 2]})]
    role_level: int = STORE_ROLE_LEVEL
    permissions: Annotated[dict[str, int], Shown(rows(HELD)), Sent(is_required=True, schema=rows(HELD_FORM))] = {}


class ExtraField(msgspec.Struct, rename="camel", kw_only=True):
    """Definition of an extra field (docs/api/better_b2b.md#extra-fields); made in the store's settings only."""

    id: int
    uuid: str
    field_name: str
    field_type: Annotated[int, Shown({"enum": [0, 1, 2, 3]})] = 0
    is_required: bool = False
    is_unique: bool = False
    visible_to_enduser: bool = False
    config_type: Annotated[int, Shown({"enum": [1, 2]})] = 2
    default_value: str | None = None
    maximum_length: str | None = None
    number_of_rows: str | None = None
    maximum_value: str | None = None
    list_of_value: Annotated[list[str] | None, Shown({"type": ["array", "null"], "items": STRING})] = None
