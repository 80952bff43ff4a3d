"""The seeded world: customers with contacts and locations, the same for both twins.

A customer depends on the seed number and its own number alone, so a world of 1,000 begins with the world of 500 and
any customer can be had without making the others. The ERP's twin is filled with it; the store's twin refers to it
(docs/api/acumatica.md#statement-34, docs/api/better_b2b.md#statement-36). Numbers 6 to 60 show one edge case each:
`sandbox.edge_cases`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sandbox.edge_cases import EDGE_CASE_NUMBERS, edge_case_customer
from sandbox.ordinary import ordinary_customer, some_address
from sandbox.places import COUNTRIES
from sandbox.world_records import WorldLocation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.world_records import WorldCustomer

_INACTIVE_EVERY = 10
SHAPES = ("varied", "uniform")
"""Worlds to choose from: customers as various as in a real ERP, or each like the other, for measuring."""


def world(seed: int, count: int, shape: str = "varied") -> Iterator[WorldCustomer]:
    """The first `count` customers of a seed's world, in order of their numbers."""
    make = uniform_customer if shape == "uniform" else world_customer
    for number in range(1, count + 1):
        yield make(seed, number)


def uniform_customer(seed: int, number: int) -> WorldCustomer:
    """A customer of the uniform world: two contacts, two locations, a billing address of its own, terms `PREPAY`.

    Only every tenth differs: its status is Inactive. So what a sync must do is known from the number alone.
    """
    customer = ordinary_customer(seed, number, is_plain=True)
    customer.contacts = customer.contacts[:2]
    country = next(country for country in COUNTRIES if country.code == customer.address.country)
    dice = random.Random(seed * 7_368_787 + number)  # noqa: S311  # repeatable data, no secret
    if len(customer.locations) == 1:
        extra = WorldLocation(location_id="EAST", name="East warehouse", is_default=False)
        extra.address = some_address(dice, country)
        extra.modified_ms = customer.modified_ms
        customer.locations.append(extra)
    customer.locations = customer.locations[:2]
    customer.billing_address = customer.billing_address or some_address(dice, country)
    customer.terms = "PREPAY"
    if number % _INACTIVE_EVERY == 0:
        customer.status = "Inactive"
    return customer


def world_customer(seed: int, number: int) -> WorldCustomer:
    """One customer of a seed's world; the same arguments give the same customer."""
    if number in EDGE_CASE_NUMBERS:
        return edge_case_customer(seed, number)
    # The first five are plain and eligible: what a demo shows first should be ordinary.
    return ordinary_customer(seed, number, is_plain=number < min(EDGE_CASE_NUMBERS))
