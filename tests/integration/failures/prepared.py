"""A prepared moment: everything that a run can write is about to be written."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.integration.twin_world import World, call, store_book

KNOWN = ["C000001", "C000002", "C000003", "C000004", "C000022", "C000029"]
NEW = ["C000005", "C000008", "C000018", "C000019"]
EVERYONE = [*KNOWN, *NEW]
ON = {"EnableKensiumCommerce": True, "ConnectionType": "KNB"}


@dataclass
class Moment:
    """Both twins and the ledger as they are before the run, and the store as an undisturbed run leaves it."""

    erp: dict[str, Any]
    store: dict[str, Any]
    ledger: Path
    expected: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)

    def enter(self, world: World, ledger: Path) -> World:
        """Put the twins and a copy of the ledger into this moment."""
        for url, state in ((world.erp_url, self.erp), (world.store_url, self.store)):
            call(f"{url}/_sandbox/faults", "PUT", [])
            call(f"{url}/_sandbox/state", "PUT", state)
        shutil.copyfile(self.ledger, ledger)
        world.forget_calls()
        return replace(world, ledger_url=f"sqlite:///{ledger}")


def prepare(world: World, folder: Path) -> Moment:
    """Sync some customers, then change them in the ERP in every way that leads to another write.

    Waiting are: updates of companies (two, so that they travel together), an
    un-enrolment, a return, a new contact, a changed, a withdrawn and a promoted one, a new, a
    changed and a withdrawn location, other terms, and four new customers.
    """
    ledger = folder / "before.db"
    early = replace(world, ledger_url=f"sqlite:///{ledger}")
    early.sync(mode="selected", customer_ids=KNOWN)
    early.edit("Customer", CustomerID="C000029", Status="Inactive")
    early.sync(mode="selected", customer_ids=KNOWN)
    _change(early)
    moment = Moment(early.erp_state(), early.store_state(), ledger)
    after = moment.enter(world, folder / "after.db")
    after.sync(mode="selected", customer_ids=EVERYONE)
    moment.expected = store_book(after.store_state())
    moment.calls = after.store_writes()
    return moment


def _change(world: World) -> None:
    first = {key: world.contact_ids(key) for key in KNOWN}
    world.edit("Customer", CustomerID="C000001", CustomerName="Elbe Neu", Terms="COD")
    world.edit("Customer", CustomerID="C000004", CustomerName="Peña Nueva")
    world.edit("Customer", CustomerID="C000002", EnableKensiumCommerce=False)
    world.edit("Customer", CustomerID="C000029", Status="Active")
    world.edit("Contact", ContactID=first["C000001"][1], LastName="Böhme")
    world.edit("Contact", ContactID=first["C000001"][2], Active=False)
    world.edit("Customer", CustomerID="C000003", PrimaryContactID=first["C000003"][1])
    world.add(
        "Contact", BusinessAccount="C000022", FirstName="Ute", LastName="Neu", Email="ute@cotebleue22.example", **ON
    )
    world.edit("CustomerLocation", Customer="C000022", LocationID="MAIN", LocationName="Siège")
    world.edit("CustomerLocation", Customer="C000022", LocationID="EAST", Active=False)
    world.add("CustomerLocation", Customer="C000022", LocationID="SOUTH", LocationName="South")
