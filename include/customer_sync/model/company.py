"""The store's records as they should be: company, users, address book, payment settings. Pure.

Each entity declares its fields once, here; an adapter's table gives each its wire name. Text is ``""`` where there
is nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import IntEnum
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from customer_sync.model.fields import PlainFields

ACCOUNT_ADMIN_KEY = "ACCOUNT"
RELEASED_KEY = "RELEASED"
"""Key of the admin user that represents the account itself, where no contact can be the admin."""


class CompanyStatus(IntEnum):
    """Whether a company may trade in the store; ``UNKNOWN`` between its creation and the read-back."""

    UNKNOWN = -1
    PENDING = 0
    APPROVED = 1
    REJECTED = 2
    INACTIVE = 3


class CompanyFields(PlainFields, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A company's own fields: what is compared, sent and remembered of it, in the order in which it is shown."""

    company_name: str = ""
    company_phone: str = ""
    company_email: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    zip_code: str = ""
    extra_fields: dict[str, str] = msgspec.field(default_factory=dict)


class UserFields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A company user's fields; ``role`` is a role's name in the store.

    ``storefronts`` are the ids of those where the person may buy, ascending and joined by commas; ``""`` where no rule
    says so, which leaves them as they are.
    """

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""
    role: str = ""
    storefronts: str = ""
    extra_fields: dict[str, str] = {}


class CompanyUser(UserFields, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A company user as we want it. ``key`` is the contact's id in the source, or ``ACCOUNT``."""

    key: str


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An address-book entry; ``external_id`` is ``<CustomerID>:<LocationID>``."""

    external_id: str = ""
    first_name: str = ""
    last_name: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state_name: str = ""
    state_code: str = ""
    country_name: str = ""
    country_code: str = ""
    zip_code: str = ""
    phone_number: str = ""
    label: str = ""
    is_billing: bool = False
    is_shipping: bool = False
    is_default_billing: bool = False
    is_default_shipping: bool = False
    extra_fields: dict[str, str] = {}


class PaymentTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Net payment days of a company; ``days`` is ``None`` where the store shows none."""

    is_enabled: bool
    days: int | None


NO_TERMS: Final = PaymentTerms(is_enabled=False, days=None)
"""Net terms that are off; which days the store shows for them does not matter."""


class Payment(NamedTuple):
    """What a customer's terms mean in the store.

    Attributes:
        methods: The store's codes of the methods that are ours to switch, each on or off.
        terms: Payment terms, ``None`` where they are left as they are.
        ends: Whether the source has no terms that mean anything: what the sync gave for earlier ones goes off.
    """

    methods: dict[str, bool]
    terms: PaymentTerms | None = None
    ends: bool = False

    @property
    def takes_something(self) -> bool:
        """Whether a company may lose a method or its terms by it."""
        return self.ends or not all(self.methods.values()) or (self.terms is not None and not self.terms.is_enabled)


class Company(CompanyFields, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The state that the store should have for one customer.

    ``users`` holds the admin first. ``payment_methods`` maps the store's method
    codes to on or off and is empty where the customer's terms are not mapped;
    codes that it does not name are left as they are. ``ends_payment`` says that the source has no terms that mean
    anything: what the sync switched on for earlier ones goes off. ``emptied`` names extra fields of ours that the
    source leaves empty and that the store cannot empty; ``managed`` are the extra fields of users and of addresses of
    which the same is to be told. ``channel_ids`` are the storefronts of what is made new, where a rule names them.
    ``trades`` is false where an undo brings back a company that did not trade.
    """

    customer_id: str
    users: tuple[CompanyUser, ...] = ()
    addresses: tuple[Address, ...] = ()
    payment_methods: dict[str, bool] = msgspec.field(default_factory=dict)
    payment_terms: PaymentTerms | None = None
    ends_payment: bool = False
    emptied: tuple[str, ...] = ()
    managed: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    channel_ids: tuple[int, ...] = ()
    trades: bool = True


COMPANY_FIELDS = CompanyFields.__struct_fields__
USER_FIELDS = UserFields.__struct_fields__
ADDRESS_FIELDS = Address.__struct_fields__

_company_values = attrgetter(*COMPANY_FIELDS)
_user_values = attrgetter(*USER_FIELDS)
_encoder = msgspec.json.Encoder(order="deterministic")


def company_fields(company: CompanyFields) -> CompanyFields:
    """The company's own fields alone, without its users, addresses and settings."""
    return CompanyFields(**dict(zip(COMPANY_FIELDS, _company_values(company), strict=True)))


def user_fields(user: UserFields) -> UserFields:
    """A user's fields without its key."""
    return UserFields(**dict(zip(USER_FIELDS, _user_values(user), strict=True)))


def parts_of(company: Company, others: Iterable[CompanyUser] = ()) -> dict[str, Any]:
    """The parts of a company that wait by themselves where they are refused, by name.

    Args:
        company: The desired company.
        others: Who may be its users beside those that it names.
    """
    parts: dict[str, Any] = {f"contact:{user.key}": user for user in (*others, *company.users)}
    parts |= {f"location:{address.external_id}": address for address in company.addresses}
    parts["payment:methods"], parts["payment:terms"] = company.payment_methods, company.payment_terms
    return parts


def attempt_hash(company: Company, reference: str) -> str:
    """Identify what a load tried: the desired state, and the reference id that the source held at the time.

    A customer in quarantine is tried again when this changes; the reference belongs to
    it because a wrong one is put right in the source and nowhere else.
    """
    return content_hash([company, reference])


def content_hash(value: Any) -> str:
    """A 128-bit BLAKE2b hash of a record or JSON value, independent of key order.

    Hashes the outgoing content, not the source's: its bytes carry row numbers
    and links that change by themselves.
    """
    return hashlib.blake2b(_encoder.encode(value), digest_size=16).hexdigest()
