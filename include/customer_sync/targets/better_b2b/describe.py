"""What a store says of itself for discovery: extra fields, roles, payment methods, storefronts, groups, places."""

from __future__ import annotations

from typing import get_args

from customer_sync.discovery.description import StoreDescription, StoreField
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.connection import open_target
from customer_sync.targets.port import Extended


def describe(connection: ConnectionFields) -> StoreDescription:
    """Describe a store; nothing is written.

    Args:
        connection: Address, token and store.

    Raises:
        ConfigError: A field of the connection is missing or wrong.
        ApiError: The store does not answer, or the token may not read.
    """
    with open_target(connection) as target:
        return describe_store(target)


def describe_store(target: BetterB2BTarget) -> StoreDescription:
    """Describe the store that a client is connected to, in about ten requests."""
    fields = {kind: [StoreField(*each) for each in target.extra_fields(kind).values()] for kind in get_args(Extended)}
    return StoreDescription(
        fields=fields,
        roles=tuple(target.roles.values()),
        payment_methods=tuple(sorted(target.payment_methods)),
        channels=target.channels,
        groups=target.groups_in_use(),
        needs_catalogs=target.needs_catalogs,
        countries=tuple(target.countries),
        requests=target.requests_used().total,
    )
