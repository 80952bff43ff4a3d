"""The records that the store's twin holds, in the store's own terms. Times are Unix seconds of sandbox time."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec


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


class Company(msgspec.Struct, rename="camel", kw_only=True):
    """A company; `extra_fields` holds values by field name."""

    company_id: int
    company_name: str
    company_email: str
    company_phone: str
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    zip_code: str = ""
    company_status: int = CompanyStatus.APPROVED
    customer_group_id: int = 0
    bc_group_name: str | None = None
    catalog_id: int | None = None
    price_list_assign: list[dict[str, Any]] = []
    uuid: str | None = None
    extra_fields: dict[str, str] = {}
    channel_ids: list[int] = []
    origin_channel_id: int | None = None
    created_at: int
    updated_at: int


class User(msgspec.Struct, rename="camel", kw_only=True):
    """A company user; `customer_id` is the account in the core store that it stands on."""

    id: int
    company_id: int
    first_name: str
    last_name: str
    email: str
    phone_number: str | None = None
    role: int
    company_role_id: int
    uuid: str | None = None
    customer_id: int
    channel_ids: list[int] = []
    origin_channel_id: int | None = None
    extra_fields: dict[str, str] = {}
    created_at: int
    updated_at: int


class Address(msgspec.Struct, rename="camel", kw_only=True):
    """An entry of a company's address book."""

    address_id: int
    company_id: int
    first_name: str
    last_name: str
    address_line1: str
    address_line2: str = ""
    city: str
    state_name: str | None = None
    state_code: str | None = None
    country_name: str
    country_code: str
    zip_code: str | None = None
    phone_number: str | None = None
    label: str | None = None
    external_id: str | None = None
    is_billing: bool = False
    is_shipping: bool = False
    is_default_billing: bool = False
    is_default_shipping: bool = False
    extra_fields: dict[str, str] = {}
    created_at: int
    updated_at: int


class CoreCustomer(msgspec.Struct, rename="camel", kw_only=True):
    """An account of the core store: a plain shopper, or what a company user stands on. Survives its user."""

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
    payment_terms: int


class Credit(msgspec.Struct, rename="camel", kw_only=True):
    """Credit settings of a company."""

    credit_enabled: bool = False
    credit_currency: str = "USD"
    available_credit: float = 0.0
    limit_purchases: bool = False
    credit_hold: bool = False


class Permission(msgspec.Struct, rename="camel", kw_only=True):
    """A permission that a role may hold; `levels` are the ones it supports."""

    id: int
    name: str
    description: str
    code: str
    is_custom: bool
    module_name: str
    levels: tuple[int, ...] = (1, 2, 3)


class Role(msgspec.Struct, rename="camel", kw_only=True):
    """A role of the store; `permissions` holds levels by code."""

    id: int
    name: str
    role_type: int
    role_level: int = STORE_ROLE_LEVEL
    permissions: dict[str, int] = {}


class ExtraField(msgspec.Struct, rename="camel", kw_only=True):
    """Definition of an extra field (docs/api/better_b2b.md#extra-fields); made in the store's settings only."""

    id: int
    uuid: str
    field_name: str
    field_type: int = 0
    is_required: bool = False
    is_unique: bool = False
    visible_to_enduser: bool = False
    config_type: int = 2
    default_value: str | None = None
    maximum_length: str | None = None
    number_of_rows: str | None = None
    maximum_value: str | None = None
    list_of_value: list[str] | None = None
