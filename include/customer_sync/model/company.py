"""The store's records as we want them: Company, CompanyUser, Address, payment settings.

Field names are the store's wire names in snake_case, so that a change can be sent
as it was compared. Text is ``""`` where there is nothing.
"""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import Any

import msgspec

ACCOUNT_ADMIN_KEY = "ACCOUNT"
"""Key of the admin user that stands for the account itself, where no contact can be the admin."""

STATUS_APPROVED = 1
STATUS_INACTIVE = 3


class CompanyUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A company user. ``key`` is the ERP's ContactID or ``ACCOUNT``; ``role`` is a role's name in the store."""

    key: str
    email: str
    first_name: str
    last_name: str
    phone_number: str = ""
    role: str


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An address-book entry; ``external_id`` is ``<CustomerID>:<LocationID>``."""

    external_id: str
    first_name: str
    last_name: str
    address_line1: str
    address_line2: str = ""
    city: str
    state_name: str = ""
    state_code: str = ""
    country_name: str
    country_code: str
    zip_code: str = ""
    phone_number: str = ""
    label: str = ""
    is_billing: bool = False
    is_shipping: bool = False
    is_default_billing: bool = False
    is_default_shipping: bool = False


class PaymentTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Net payment days of a company; ``days`` is one of 0, 5, 15, 30, 45, 60."""

    is_enabled: bool
    days: int


class Company(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The state that the store should have for one customer.

    ``users`` holds the admin first. ``payment_methods`` maps the store's method
    codes to on or off and is empty where the customer's terms are not mapped;
    codes that it does not name are left as they are.
    """

    customer_id: str
    company_name: str
    company_phone: str
    company_email: str
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    country: str
    zip_code: str = ""
    extra_fields: dict[str, str] = {}
    users: tuple[CompanyUser, ...] = ()
    addresses: tuple[Address, ...] = ()
    payment_methods: dict[str, bool] = {}
    payment_terms: PaymentTerms | None = None


COMPANY_FIELDS = (
    "company_name",
    "company_phone",
    "company_email",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "country",
    "zip_code",
)
"""The company's own fields, in the order in which differences are shown."""

_ALL_COMPANY_FIELDS = (*COMPANY_FIELDS, "extra_fields")
_own_fields = attrgetter(*_ALL_COMPANY_FIELDS)

_encoder = msgspec.json.Encoder(order="deterministic")


def company_fields(company: Company) -> dict[str, Any]:
    """The company's own fields and extra fields, as they are sent and remembered."""
    return dict(zip(_ALL_COMPANY_FIELDS, _own_fields(company), strict=True))


def user_fields(user: CompanyUser) -> dict[str, Any]:
    """A user's fields without its key, as they are compared and remembered."""
    fields = msgspec.structs.asdict(user)
    del fields["key"]
    return fields


def address_fields(address: Address) -> dict[str, Any]:
    """An address's fields, as they are sent and remembered."""
    return msgspec.structs.asdict(address)


def attempt_hash(company: Company, erp_reference: str) -> str:
    """Identify what a load tried: the desired state, and the reference id that the ERP held at the time.

    A customer in quarantine is tried again when this changes; the reference belongs to
    it because a wrong one is put right in the ERP and nowhere else.
    """
    return content_hash([company, erp_reference])


def content_hash(value: object) -> str:
    """A 128-bit BLAKE2b hash of a record or JSON value, independent of key order.

    Hashes the outgoing content, not the source: the ERP's bytes carry row numbers
    and links that change by themselves.
    """
    return hashlib.blake2b(_encoder.encode(value), digest_size=16).hexdigest()
