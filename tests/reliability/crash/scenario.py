"""The moment before a run that creates, changes, withdraws and brings back; and what must be true after it."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.twin_world import World, call, store_book

CUSTOMERS = 8
"""Customers of the ERP: C000001 to C000005 and C000008 are eligible, the other two are not."""

ON = {"EnableKensiumCommerce": True, "ConnectionType": "KNB"}
_LEDGER_PARTS = ("", "-wal", "-shm")


@dataclass
class Snapshot:
    """Both twins and the ledger's files at one moment."""

    erp: dict[str, Any]
    store: dict[str, Any]
    ledger: Path

    @classmethod
    def take(cls, world: World, ledger: Path, kept_as: Path) -> Snapshot:
        """Copy everything; nobody may be writing."""
        _copy(ledger, kept_as)
        return cls(world.erp_state(), world.store_state(), kept_as)

    def enter(self, world: World, ledger: Path) -> None:
        """Put the twins and a ledger file into this moment, without faults and with empty call logs."""
        for url, state in ((world.erp_url, self.erp), (world.store_url, self.store)):
            call(f"{url}/_sandbox/faults", "PUT", [])
            call(f"{url}/_sandbox/state", "PUT", state)
        world.forget_calls()
        _copy(self.ledger, ledger)


@dataclass
class Expectation:
    """What an undisturbed run leaves behind."""

    book: dict[str, dict[str, Any]]
    counts: dict[str, int]
    problems: list[str] = field(default_factory=list)


def prepare(world: World) -> None:
    """Sync four customers, then change the ERP in every way that leads to another kind of write.

    Waiting are: two new companies, two renamed ones, a withdrawn and a returning one, a new, a changed,
    a withdrawn and a promoted contact, a new, a changed and a withdrawn location, other terms, and the
    references of the new companies.
    """
    for key in ("C000005", "C000008"):
        world.edit("Customer", CustomerID=key, EnableKensiumCommerce=False)
    world.sync(mode="full")
    world.edit("Customer", CustomerID="C000004", Status="Inactive")
    world.sync()
    contacts = {key: world.contact_ids(key) for key in ("C000001", "C000003")}
    for key in ("C000005", "C000008"):
        world.edit("Customer", CustomerID=key, EnableKensiumCommerce=True)
    world.edit("Customer", CustomerID="C000001", CustomerName="Elbe Neu", Terms="COD")
    world.edit("Contact", ContactID=contacts["C000001"][1], LastName="Böhme")
    world.edit("Contact", ContactID=contacts["C000001"][2], Active=False)
    world.edit("Customer", CustomerID="C000002", EnableKensiumCommerce=False)
    world.edit("Customer", CustomerID="C000003", CustomerName="Granite New", PrimaryContactID=contacts["C000003"][1])
    world.add("Contact", BusinessAccount="C000003", FirstName="Ute", LastName="Neu", Email="ute@granite3.example", **ON)
    world.add("CustomerLocation", Customer="C000003", LocationID="SOUTH", LocationName="South")
    world.edit("CustomerLocation", Customer="C000003", LocationID="EAST", LocationName="Depot")
    world.edit("Customer", CustomerID="C000004", Status="Active")
    world.edit("CustomerLocation", Customer="C000004", LocationID="EAST", Active=False)


def count_records(state: dict[str, Any]) -> dict[str, int]:
    """How many records of each kind the store holds."""
    return {kind: len(state[kind]) for kind in ("companies", "users", "addresses")}


def expectation(world: World) -> Expectation:
    """What the store holds now, to compare others with."""
    state = world.store_state()
    return Expectation(store_book(state), count_records(state))


def defects(world: World, expected: Expectation) -> list[str]:
    """What is not as an undisturbed run would have left it, in store and ERP; empty when all is well."""
    state = world.store_state()
    try:
        book = store_book(state)
    except AssertionError as error:
        return [str(error)]
    found = [
        f"{key}: {name} is {value!r}, expected {expected.book.get(key, {}).get(name)!r}"
        for key, record in book.items()
        for name, value in record.items()
        if expected.book.get(key, {}).get(name) != value
    ]
    found += [f"{key} is missing" for key in expected.book.keys() - book.keys()]
    if count_records(state) != expected.counts:
        found.append(f"records {count_records(state)}, expected {expected.counts}")
    emails = Counter(user["email"].casefold() for user in state["users"])
    places = Counter((row["companyId"], row["externalId"]) for row in state["addresses"] if row["externalId"])
    found += [f"{what} stands {times} times" for what, times in (emails + places).items() if times > 1]
    return found + _lost_references(world)


def _lost_references(world: World) -> list[str]:
    ids = {key: str(company["companyId"]) for key, company in world.companies().items()}
    shown = {row["CustomerID"]: row["SiteAssociations"][0] for row in world.erp_state()["customers"]}
    return [
        f"{key}: reference {shown[key].get('CommerceReferenceID')}, its company is {company_id}"
        for key, company_id in ids.items()
        if shown[key].get("CommerceReferenceID") != company_id
    ]


def unbalanced(world: World, run_id: str) -> list[str]:
    """What is wrong with a run's book in the ledger; empty when every customer has its one outcome."""
    with world.ledger() as ledger:
        row = ledger.runs.get(run_id)
        outcomes = ledger.runs.outcome_counts(run_id)
        open_intents = ledger.intents.unanswered()
    if row is None or row["state"] != "success":
        return [f"run {run_id} ended as {row and row['state']}"]
    found = []
    if outcomes.get("", 0) or outcomes.get("failed", 0) or sum(outcomes.values()) != row["extracted"]:
        found.append(f"{row['extracted']} extracted, outcomes {outcomes}")
    return found + [f"open intent {intent}" for intent in open_intents]


def writes(world: World) -> list[str]:
    """Every request since the logs were emptied that wrote, to the store or the ERP."""
    own = [f"ERP {row['method']} {row['path']}" for row in world.erp_calls() if row["method"] == "PUT"]
    return own + world.write_lines()


def _copy(ledger: Path, target: Path) -> None:
    for part in _LEDGER_PARTS:
        source, copy = Path(f"{ledger}{part}"), Path(f"{target}{part}")
        copy.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, copy)
