"""Customers by the dice: what an ordinary customer of the seeded world is like.

The order in which the dice are rolled is part of the data: expectations written by hand hold for it, so new
edge cases roll dice of their own.
"""

from __future__ import annotations

import random
from itertools import accumulate

from sandbox.places import COUNTRIES, Country
from sandbox.word_lists import NAMES, Names
from sandbox.world_records import (
    CONNECTION_TYPE,
    FIRST_STAMP_MS,
    PostalAddress,
    WorldContact,
    WorldCustomer,
    WorldLocation,
)

_CUMULATED = list(accumulate(country.weight for country in COUNTRIES))
_LAST_CREATED_MS = 1_762_160_000_000  # 2025-11-03
_LAST_STAMP_MS = 1_772_600_000_000  # 2026-03-04
_IMPORT_STAMP_MS = 1_762_161_164_500  # one import gave many rows the same stamp
_IDS_PER_CUSTOMER = 20
_FIRST_CONTACT_ID = 100_000

_CLASSES = (("B2B", 86), ("RETAIL", 8), ("WEB", 4), ("EXPORT", 2))
_TERMS = (("30D", 46), ("15D", 12), ("45D", 10), ("60D", 10), ("COD", 8), ("PREPAY", 7), ("NET7", 7))
_PRICE_CLASSES = ("WHOLESALE", "DEALER", "STANDARD", "")
_JOBS = ("Purchasing Manager", "Buyer", "Owner", "Accounts Payable", "Site Manager", "")
_LOCATION_CODES = ("MAIN", "EAST", "WEST", "NORTH", "SOUTH", "DOCK2", "LAB", "SHOP1", "SHOP2", "YARD", "HQ", "DEPOT")


def first_contact_id(number: int) -> int:
    """Number of the customer's main contact; its other contacts follow."""
    return _FIRST_CONTACT_ID + number * _IDS_PER_CUSTOMER


def ordinary_customer(seed: int, number: int, *, is_plain: bool) -> WorldCustomer:
    """A customer by the dice.

    Args:
        seed: Seed number.
        number: Customer's number.
        is_plain: Leave out everything that makes a customer or a part of it ineligible.
    """
    dice = random.Random(seed * 1_000_003 + number)  # noqa: S311  # repeatable data, no secret
    country = dice.choices(COUNTRIES, cum_weights=_CUMULATED)[0]
    names = NAMES[country.script]
    brand, plain_brand = dice.choice(names.brand)
    domain = f"{plain_brand}{number}.example"
    created_ms = dice.randrange(FIRST_STAMP_MS, _LAST_CREATED_MS)
    customer = WorldCustomer(
        number=number,
        customer_id=f"C{number:06d}",
        name=" ".join(part for part in (brand, dice.choice(names.trade), dice.choice(names.form)) if part),
        domain=domain,
        email=f"{dice.choice(('ap', 'office', 'orders', 'info'))}@{domain}",
        phone1=filled(dice, country.phone),
        phone2=filled(dice, country.phone) if _happens(dice, 0.2) else "",
        customer_class="B2B",
        customer_type="B2B",
        price_class=dice.choice(_PRICE_CLASSES),
        status="Active",
        terms=_weighted(dice, _TERMS) if not is_plain else "30D",
        credit_limit=dice.randrange(0, 100) * 1000,
        enabled=True,
        connection_type=CONNECTION_TYPE,
        address=some_address(dice, country),
        created_ms=created_ms,
        modified_ms=_IMPORT_STAMP_MS if _happens(dice, 0.05) else dice.randrange(created_ms, _LAST_STAMP_MS),
    )
    _add_contacts(dice, customer, names, country, is_plain=is_plain)
    _add_locations(dice, customer, country, is_plain=is_plain)
    if _happens(dice, 0.15):
        customer.billing_address = some_address(dice, country)
        customer.billing_email = f"billing@{domain}"
    if not is_plain:
        _make_uneven(dice, customer)
    return customer


def some_address(dice: random.Random, country: Country) -> PostalAddress:
    """An address in a country."""
    city, state = dice.choice(country.cities)
    return PostalAddress(
        line1=dice.choice(country.streets).replace("#", str(dice.randrange(1, 400))),
        line2=f"Suite {dice.randrange(1, 40)}" if _happens(dice, 0.2) else "",
        city=city,
        state=state,
        postal_code=filled(dice, country.postal),
        country=country.code,
    )


def filled(dice: random.Random, shape: str) -> str:
    """A shape with `#` replaced by digits and `@` by capital letters."""
    return "".join(
        str(dice.randrange(10)) if mark == "#" else dice.choice("ABCEGHJKLMNPRSTVXY") if mark == "@" else mark
        for mark in shape
    )


def _add_contacts(
    dice: random.Random, customer: WorldCustomer, names: Names, country: Country, *, is_plain: bool
) -> None:
    count = dice.choice((2, 2, 3)) if is_plain else dice.choices((0, 1, 2, 3, 6), weights=(4, 38, 34, 18, 6))[0]
    first_id = first_contact_id(customer.number)
    used: set[str] = set()
    for index in range(1, count + 1):
        first, plain_first = dice.choice(names.first)
        last, plain_last = dice.choice(names.last)
        local = f"{plain_first}.{plain_last}"
        local = f"{local}{index}" if local in used else local
        used.add(local)
        is_left_out = not is_plain and _happens(dice, 0.08)
        contact = WorldContact(
            contact_id=first_id + index,
            first_name=first,
            last_name=last,
            email=f"{local}@{customer.domain}",
            phone=filled(dice, country.phone),
            job_title=dice.choice(_JOBS),
            active=not (is_left_out and _happens(dice, 0.4)),
            enabled=not is_left_out,
            connection_type=CONNECTION_TYPE if not is_left_out else "",
            address=some_address(dice, country) if _happens(dice, 0.1) else None,
            modified_ms=dice.randrange(customer.created_ms, _LAST_STAMP_MS),
        )
        customer.contacts.append(contact)
    if count and (is_plain or _happens(dice, 0.93)):
        customer.primary_contact_id = customer.contacts[0].contact_id


def _add_locations(dice: random.Random, customer: WorldCustomer, country: Country, *, is_plain: bool) -> None:
    count = dice.choice((1, 2, 3)) if is_plain else dice.choices((0, 1, 2, 3, 5), weights=(2, 50, 26, 16, 6))[0]
    for index in range(count):
        code = _LOCATION_CODES[index]
        has_own = index > 0
        customer.locations.append(
            WorldLocation(
                location_id=code,
                name="Primary Location" if index == 0 else f"{code.capitalize()} warehouse",
                is_default=index == 0,
                active=is_plain or not has_own or not _happens(dice, 0.05),
                address=some_address(dice, country) if has_own else None,
                attention="Receiving" if has_own and _happens(dice, 0.5) else "",
                phone=filled(dice, country.phone) if has_own and _happens(dice, 0.5) else "",
                modified_ms=dice.randrange(customer.created_ms, _LAST_STAMP_MS),
            )
        )


def _make_uneven(dice: random.Random, customer: WorldCustomer) -> None:
    """Lay the usual share of ineligible customers over the world (a good fifth in all)."""
    customer.customer_class = _weighted(dice, _CLASSES)
    if customer.customer_class in ("RETAIL", "WEB"):
        customer.customer_type = "B2C"
    if _happens(dice, 0.03):
        customer.enabled = False
    if _happens(dice, 0.015):
        customer.connection_type = dice.choice(("BCM", "SHP", ""))
    if _happens(dice, 0.03):
        customer.status = dice.choice(("Credit Hold", "On Hold", "Inactive"))
    if _happens(dice, 0.01):
        customer.email = ""


def _happens(dice: random.Random, share: float) -> bool:
    return dice.random() < share


def _weighted(dice: random.Random, table: tuple[tuple[str, int], ...]) -> str:
    return dice.choices([word for word, _ in table], weights=[weight for _, weight in table])[0]
