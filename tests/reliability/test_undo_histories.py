"""Random histories: a run that is undone leaves what was there before it, wherever nobody touched it since."""

from __future__ import annotations

import random
import uuid
from copy import deepcopy
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

import pytest
from msgspec.structs import replace

from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undo_run import UndoReport, undo
from customer_sync.run import Run
from tests.adapters.in_memory_source import InMemorySource
from tests.adapters.in_memory_target import InMemoryTarget
from tests.adapters.ledger_file import process_ledger
from tests.conformance.pipeline.world import World

NUMBERS = ("C1", "C2", "C3")
FIELDS = {"companies": "company_phone", "users": "last_name", "addresses": "city"}

Picture = dict[tuple[str, str, str, str], Any]
"""Customer, record, its name and field -> value: all that is compared, without ids."""


def _edit_erp(world: World, chance: random.Random, turn: int) -> None:
    number = chance.choice(NUMBERS)
    have = world.erp.customer(number)
    kind = chance.choice(("name", "phone", "contact", "new contact", "leaver", "place"))
    if kind == "name":
        world.save(number, name=f"Firm {number} {turn}")
    elif kind == "phone":
        world.save(number, phone=f"+1 555 010 0{turn:03d}")
    elif kind == "contact":
        world.change(number, have.contacts[0].contact_id, last_name=f"Name{turn}")
    elif kind == "new contact":
        world.save(number, *have.contacts, world.contact(f"N{number}{turn}"))
    elif kind == "leaver" and len(have.contacts) > 1:
        world.change(number, have.contacts[-1].contact_id, enabled=False)
    else:
        place = replace(have.locations[0], address=replace(have.locations[0].address, line1=f"{turn} Main St"))
        world.save(number, locations=(place,))


def _edit_store(world: World, chance: random.Random, turn: int) -> tuple[str, str]:
    """A person edits one record in the store; returns its kind and its id."""
    kind = chance.choice(sorted(FIELDS))
    records = getattr(world.store, kind)
    record = records[chance.choice(sorted(records))]
    records[record.id] = replace(record, fields=replace(record.fields, **{FIELDS[kind]: f"Hand {turn}"}))
    return kind, str(record.id)


def _picture(world: World) -> Picture:
    found: Picture = {}
    for company in world.store.companies.values():
        found[company.key, "companies", "", "status"] = company.status
        for name in company.fields.__struct_fields__:
            found[company.key, "companies", "", name] = getattr(company.fields, name)
        for kind in ("users", "addresses"):
            for record in getattr(world.store, kind).values():
                if record.company_id != company.id:
                    continue
                key = record.fields.email if kind == "users" else record.fields.external_id
                for name in record.fields.__struct_fields__:
                    found[company.key, kind, key, name] = getattr(record.fields, name)
    for number in NUMBERS:
        found[number, "erp", "", "reference_id"] = world.erp.customer(number).reference_id
    return found


def _undo(world: World, run_id: str) -> UndoReport:
    with world.ledger() as ledger:
        run = Run(world.connector, ledger, f"undo__{uuid.uuid4().hex}")
        return undo(run, InMemorySource(world.erp), InMemoryTarget(world.store), UndoRequest(undo_run=run_id))


def _last_run(world: World) -> str:
    with world.ledger() as ledger:
        return str(ledger.runs.recent("incremental", 1)[0]["run_id"])


@cache
def _first_load() -> tuple[World, Path]:
    """Where all histories begin: three companies just made, and the ledger of that."""
    world = World()
    for number in NUMBERS:
        world.save(number, world.contact(f"A{number}"), world.contact(f"B{number}"))
    world.sync()
    return world, process_ledger().keep("first_load")


def _begin() -> World:
    begun, ledger = _first_load()
    locks = {id(each.lock): RLock() for each in (begun.erp, begun.store)}  # these alone cannot be copied
    world = deepcopy(begun, locks)
    process_ledger().become(ledger)
    return world


def _history(seed: int) -> None:
    chance = random.Random(seed)
    world = _begin()
    for turn in range(chance.randint(0, 1)):
        _edit_erp(world, chance, turn)
        world.sync()
    before = _picture(world)
    for turn in range(100, 100 + chance.randint(1, 4)):
        _edit_erp(world, chance, turn)
    world.sync()
    undone, after = _last_run(world), _picture(world)
    for turn in range(200, 200 + chance.randint(0, 2)):
        _edit_store(world, chance, turn)
    if chance.random() < 0.3:
        _edit_erp(world, chance, 300)
        world.sync()
    touched = _picture(world)
    report = _undo(world, undone)
    listed = {(each.customer_id, each.left.part) for each in (*report.kept, *report.impossible)}
    now = _picture(world)
    gone = object()
    for place in before.keys() | after.keys() | touched.keys() | now.keys():
        was, wrote, then, is_now = (each.get(place, gone) for each in (before, after, touched, now))
        is_listed = (place[0], _part(place)) in listed
        said = (seed, place, was, wrote, then, is_now, report)
        if was == wrote:
            # The run wrote nothing there: the undo does not, either.
            assert is_now == then, said
        elif then != wrote:
            assert is_now == then, said
            assert is_listed or then == was, said
        else:
            assert is_now == was or is_listed, said


def _part(place: tuple[str, str, str, str]) -> str:
    """The part of a company that holds a value."""
    _, kind, key, name = place
    if kind == "users":
        return f"contact:{key.partition('@')[0].upper()}"
    if kind == "addresses":
        return f"location:{key}"
    return "customer:reference" if kind == "erp" else "customer:status" if name == "status" else "customer:"


@pytest.mark.parametrize("block", range(20))
def test_histories_end_as_before(block: int) -> None:
    """A hundred short histories: each value is what it was before the run, or was touched and is listed."""
    for seed in range(block * 5, block * 5 + 5):
        _history(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_two_thousand_histories_end_as_before(block: int) -> None:
    """The same, two thousand times."""
    for seed in range(1000 + block * 100, 1100 + block * 100):
        _history(seed)
