"""The store's data at the start: what a young store has, and the edge cases.

Source: docs/api/better_b2b.md#statement-36.

No company carries the key field: after a sync, companies with a key are exactly those that the sync made. Two records
meet the ERP's world of the same seed number: a plain shopper and another company's user, whose e-mails contacts of
customers 55 and 56 use (`sandbox.edge_cases`).
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.better_b2b.permission_table import (
    admin_permissions,
    built_in_permissions,
    junior_buyer_permissions,
    senior_buyer_permissions,
)
from sandbox.better_b2b.records import (
    CUSTOM_ROLE,
    PREDEFINED_ROLE,
    Company,
    CompanyStatus,
    CoreCustomer,
    ExtraField,
    Role,
    StorePayment,
    User,
    UserRole,
)
from sandbox.better_b2b.state import DEFAULT_CHANNEL_ID, KEY_FIELD
from sandbox.settings import SettingError

if TYPE_CHECKING:
    from sandbox.better_b2b.state import Store

SUPER_ADMIN_EMAIL = "superadmin@store.example"
SHOPPER_EMAIL = "shopper@plainshop.example"
TAKEN_EMAIL = "taken@othercompany.example"
CUSTOM_ROLE_NAME = "Buying Lead"

_PAYMENT_TITLES = {
    "cheque": "Check",
    "bankdeposit": "Bank Deposit",
    "cod": "Cash on Delivery",
    "authorizenet": "Authorize.net",
    "purchase_order": "Purchase Order",
}
_FIRST_STAMP = 1_764_000_000  # 2025-11-24; the store was opened by hand before any sync
_STEP_S = 3_600


@dataclass(frozen=True, slots=True)
class _HandMade:
    name: str
    admin: tuple[str, str]
    email: str
    status: CompanyStatus


_HAND_MADE = (
    _HandMade("Pending Partners", ("Mara", "Quill"), "mara@pendingpartners.example", CompanyStatus.PENDING),
    _HandMade("Harbor Twin Supply", ("Odd", "Nilsen"), "odd@harbortwin.example", CompanyStatus.APPROVED),
    _HandMade("Harbor Twin Supply", ("Ines", "Prado"), "ines@harbortwin-south.example", CompanyStatus.APPROVED),
    _HandMade("Othercompany Trading", ("Theo", "Vance"), TAKEN_EMAIL, CompanyStatus.APPROVED),
)


class SeedOrder(msgspec.Struct, forbid_unknown_fields=True):
    """What `POST seed` may say.

    Attributes:
        seed: Seed number; the present one when left out.
        companies: Further companies made by hand, without the key field.
        extra_fields: Further definitions by family (`companies`, `users`, `addresses`), with the wire's names.
    """

    seed: int | None = None
    companies: int = 0
    extra_fields: dict[str, list[dict[str, Any]]] = {}


def read_order(order: dict[str, Any]) -> SeedOrder:
    """A seed order, checked.

    Raises:
        SettingError: A key is unknown or its value does not fit.
    """
    try:
        checked = msgspec.convert(order, SeedOrder)
    except msgspec.ValidationError as error:
        raise SettingError("seed", f"{error}; accepted: seed, companies, extra_fields") from error
    if checked.companies < 0:
        raise SettingError("companies", "companies must not be negative")
    for family, definitions in checked.extra_fields.items():
        if family not in ("companies", "users", "addresses"):
            raise SettingError("extra_fields", "families are companies, users, addresses")
        for definition in definitions:
            _definition(definition, 1, uuid.UUID(int=0))
    return checked


def fill(store: Store, order: SeedOrder) -> None:
    """Empty the store and put the seed's data in."""
    dice = random.Random(order.seed)  # noqa: S311  # repeatable data, no secret
    store.clear()
    _make_roles(store, dice)
    _make_extra_fields(store, dice, order)
    for number, code in enumerate(store.settings["payment_codes"], start=3):
        title = _PAYMENT_TITLES.get(code, code.replace("_", " ").title())
        store.payments[code] = StorePayment(id=number, payment_code=code, payment_title=title)
    store.super_admins = [SUPER_ADMIN_EMAIL]
    shopper = CoreCustomer(id=store.next_customer_id, email=SHOPPER_EMAIL, first_name="Pat", last_name="Shopper")
    store.next_customer_id += 1
    store.add_customer(shopper)
    for entry in _HAND_MADE:
        _add_company(store, entry)
    for number in range(order.companies):
        name = f"Background Company {number:06d}"
        email = f"buyer{number:06d}@background.example"
        _add_company(store, _HandMade(name, ("Kim", f"Buyer {number}"), email, CompanyStatus.APPROVED))


def _make_roles(store: Store, dice: random.Random) -> None:
    store.permissions = built_in_permissions()
    store.next_permission_id = len(store.permissions) + 1
    ids = dice.sample(range(1_000, 100_000), 4)
    predefined = (
        ("Admin", admin_permissions()),
        ("Senior Buyer", senior_buyer_permissions()),
        ("Junior Buyer", junior_buyer_permissions()),
    )
    for role_id, (name, permissions) in zip(ids, predefined, strict=False):
        store.roles[role_id] = Role(id=role_id, name=name, role_type=PREDEFINED_ROLE, permissions=permissions)
    lead = {**junior_buyer_permissions(), "purchase_enable": 2}
    store.roles[ids[3]] = Role(id=ids[3], name=CUSTOM_ROLE_NAME, role_type=CUSTOM_ROLE, permissions=lead)
    store.next_role_id = max(ids) + 1


def _make_extra_fields(store: Store, dice: random.Random, order: SeedOrder) -> None:
    number = 5_120
    key = {"fieldName": KEY_FIELD, "isUnique": True, "maximumLength": "50"}
    families = {**order.extra_fields, "companies": [key, *order.extra_fields.get("companies", [])]}
    for family, definitions in families.items():
        for definition in definitions:
            made = _definition(definition, number, uuid.UUID(int=dice.getrandbits(128), version=4))
            store.extra_fields[family].append(made)
            number += 1


def _definition(values: dict[str, Any], number: int, identity: uuid.UUID) -> ExtraField:
    try:
        return msgspec.convert({"id": number, "uuid": str(identity), **values}, ExtraField)
    except msgspec.ValidationError as error:
        raise SettingError("extra_fields", str(error)) from error


def _add_company(store: Store, entry: _HandMade) -> None:
    stamp = _FIRST_STAMP + len(store.companies) * _STEP_S
    company_id = store.companies.take_id()
    first_name, last_name = entry.admin
    company = Company(
        company_id=company_id,
        company_name=entry.name,
        company_email=entry.email,
        company_phone="+1 555 010 0100",
        address_line1="1 Counter Street",
        city="Oakland",
        state="California",
        country="United States",
        zip_code="94607",
        company_status=entry.status,
        channel_ids=[DEFAULT_CHANNEL_ID],
        created_at=stamp,
        updated_at=stamp,
    )
    store.add_company(company)
    customer = store.customer_for(entry.email, first_name, last_name)
    user = User(
        id=store.users.take_id(),
        company_id=company_id,
        first_name=first_name,
        last_name=last_name,
        email=entry.email,
        role=UserRole.ADMIN,
        company_role_id=store.predefined_role(UserRole.ADMIN).id,
        customer_id=customer.id,
        channel_ids=[DEFAULT_CHANNEL_ID],
        created_at=stamp,
        updated_at=stamp,
    )
    store.add_user(user)
