"""A store as another connector left it: our companies without a mark of ours, found by reference id or by e-mail."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

from tests.integration.twin_world import World, call


def taken_over_from_an_incumbent(world: World, dice: random.Random) -> World:
    """Wipe every trace of ours from a synced store, and forget the ledger.

    Addresses keep the location's id as the incumbent's external id, or none at all.
    Half of the customers keep their Commerce Reference ID; the others must be found by
    e-mail, unless theirs is not the only one with it.

    Returns:
        The same twins with an empty ledger.
    """
    store, erp = world.store_state(), world.erp_state()
    for company in store["companies"]:
        company |= {"extraFields": [], "uuid": None}
    for user in store["users"]:
        user["uuid"] = None
    for address in store["addresses"]:
        location = (address["externalId"] or "").rpartition(":")[2]
        address["externalId"] = location if location != "BILLING" and dice.random() < 0.5 else None
    for customer in erp["customers"]:
        if dice.random() < 0.5:
            for site in customer["SiteAssociations"]:
                site["CommerceReferenceID"] = None
    call(f"{world.store_url}/_sandbox/state", "PUT", store)
    call(f"{world.erp_url}/_sandbox/state", "PUT", erp)
    world.forget_calls()
    return replace(world, ledger_url=world.ledger_url.replace("ledger.db", "fresh.db"))


def writes_by_kind(world: World) -> Counter[str]:
    """The store's writes by method and family of the path, such as ``PUT companies``."""
    kinds: Counter[str] = Counter()
    for row in world.store_writes():
        parts = row["path"].split("/io/", 1)[-1].split("/")
        kinds[f"{row['method']} {parts[0]}"] += len(_rows(row["body"]))
    return kinds


def _rows(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [body]
