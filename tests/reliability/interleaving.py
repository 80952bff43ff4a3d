"""Edits, faults, kills and runs in any order, as a machine that Hypothesis drives; at the end all must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from customer_sync.errors import SyncError
from tests.integration.second_calculation import expected_book
from tests.integration.twin_world import World, call
from tests.reliability.crash.fork_server import BROKEN, ForkServer, Order
from tests.reliability.crash.kill_point import KillPoint, Where
from tests.reliability.crash.scenario import ON, writes

KEYS = ("C000001", "C000002", "C000003", "C000004", "C000005", "C000008")
"""The eligible customers of the small world."""
RULES: dict[str, dict[str, Any]] = {
    "batch": {"size": 4, "largest": 4},
    # So few customers that any edit is a large share; guards are tested elsewhere.
    "guards": {"most_withdrawn_share": 1.0, "most_removed_share": 1.0, "least_eligible_share": 0.0},
}
FAULTS = ("status", "commit_then_fail", "commit_then_reset", "connection_reset", "truncate", "malformed_json", "html")

Figures = Counter[str]
EDITS = (
    "add_contact",
    "add_location",
    "change_contact",
    "change_location",
    "change_main_data",
    "change_primary",
    "change_status",
    "change_terms",
    "exchange_emails",
    "hand_email_on",
    "rename",
    "switch_contact",
    "tick",
)

_moments = st.one_of(
    *(
        st.tuples(st.just(where), st.integers(1, most), st.sampled_from(["after", "before"]))
        for where, most in (("commit", 40), ("erp", 14), ("store", 12))
    )
)


def machine_of(
    fresh: Callable[[], World], server: ForkServer, folders: Iterator[Path], figures: Figures
) -> type[RuleBasedStateMachine]:
    """The machine over fresh worlds.

    Args:
        fresh: Resets the twins and gives a world; its ledger's folder is empty.
        server: Forks the runs that are to be killed.
        folders: Fresh folders.
        figures: Counts what was done.
    """

    class Machine(Interleaving):
        def __init__(self) -> None:
            super().__init__(fresh(), server, folders, figures)

    return Machine


class Interleaving(RuleBasedStateMachine):
    """Two twins, a ledger, and everything that can happen to them."""

    def __init__(self, world: World, server: ForkServer, folders: Iterator[Path], figures: Figures) -> None:
        super().__init__()
        self._folder = next(folders)
        self._ledger = self._folder / "ledger.db"
        self.world = World(world.erp_url, world.store_url, world.connector, f"sqlite:///{self._ledger}").with_rules(
            **RULES
        )
        self._server = server
        self._figures = figures
        self._runs = count(1)
        self._new = count(1)
        figures["sequences"] += 1

    @initialize()
    def first_sync(self) -> None:
        """Everybody is in the store."""
        self.world.sync(mode="full")

    # -- edits in the ERP --------------------------------------------------------------------------

    @rule(
        kinds=st.lists(st.sampled_from(EDITS), min_size=1, max_size=3),
        key=st.sampled_from(KEYS),
        place=st.integers(0, 11),
        number=st.integers(0, 99),
        is_on=st.booleans(),
    )
    def edit(self, kinds: list[str], key: str, place: int, number: int, is_on: bool) -> None:  # noqa: FBT001 - drawn by name
        """A person edits a customer, up to three things of it."""
        faults = call(f"{self.world.erp_url}/_sandbox/faults")
        self.world.erp_faults()
        self._time_passes()
        for kind in kinds:
            getattr(self, f"_{kind}")(key, place, number, is_on)
            self._figures["edits"] += 1
        self.world.erp_faults(
            *[{name: row[name] for name in row if name not in {"matched", "applied"}} for row in faults]
        )

    def _rename(self, key: str, _place: int, number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        self.world.edit("Customer", CustomerID=key, CustomerName=f"Firm {number} {key}")

    def _change_terms(self, key: str, place: int, _number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        self.world.edit("Customer", CustomerID=key, Terms=("30D", "15D", "45D", "COD")[place % 4])

    def _tick(self, key: str, _place: int, _number: int, is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        self.world.edit("Customer", CustomerID=key, EnableKensiumCommerce=is_on)

    def _change_status(self, key: str, _place: int, _number: int, is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        self.world.edit("Customer", CustomerID=key, Status="Active" if is_on else "Inactive")

    def _change_main_data(self, key: str, _place: int, number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        main = {"Phone1": f"+1 555 01{number:02d}", "Address": {"AddressLine2": f"Door {number}"}}
        self.world.edit("Customer", CustomerID=key, Email=f"office{number}@{key.lower()}.example", MainContact=main)

    def _add_contact(self, key: str, _place: int, _number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        new = next(self._new)
        names = {"FirstName": "New", "LastName": f"Person{new}", "Email": f"new{new}@{key.lower()}.example"}
        self.world.add("Contact", BusinessAccount=key, **names, **ON)

    def _change_contact(self, key: str, place: int, number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        email = f"moved{next(self._new)}@{key.lower()}.example"
        self.world.edit("Contact", ContactID=self._contact(key, place), LastName=f"Changed{number}", Email=email)

    def _switch_contact(self, key: str, place: int, _number: int, is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        self.world.edit("Contact", ContactID=self._contact(key, place), Active=is_on)

    def _hand_email_on(self, key: str, place: int, number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        giver, taker = self._contact(key, place), self._contact(key, number)
        rows = {row["ContactID"]: row["values"] for row in self.world.erp_state()["contacts"]}
        if giver != taker:
            new = f"moved{next(self._new)}@{key.lower()}.example"
            self.world.edit("Contact", ContactID=giver, Email=new)
            self.world.edit("Contact", ContactID=taker, Email=rows[giver]["Email"])

    def _exchange_emails(self, key: str, place: int, number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        one, other = self._contact(key, place), self._contact(key, number)
        rows = {row["ContactID"]: row["values"] for row in self.world.erp_state()["contacts"]}
        self.world.edit("Contact", ContactID=one, Email=rows[other]["Email"])
        self.world.edit("Contact", ContactID=other, Email=rows[one]["Email"])

    def _change_primary(self, key: str, place: int, _number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        self.world.edit("Customer", CustomerID=key, PrimaryContactID=self._contact(key, place))

    def _add_location(self, key: str, _place: int, _number: int, _is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        name = f"N{next(self._new)}"
        self.world.add("CustomerLocation", Customer=key, LocationID=name, LocationName=f"Branch {name}")

    def _change_location(self, key: str, place: int, number: int, is_on: bool) -> None:  # noqa: FBT001 - all edits alike
        rows = [row for row in self.world.erp_state()["locations"] if row["Customer"] == key]
        row = rows[place % len(rows)]
        switch = {} if row["values"].get("Default") else {"Active": is_on}
        names = {"LocationID": row["LocationID"], "LocationName": f"Place {number}"}
        self.world.edit("CustomerLocation", Customer=key, **names, **switch)

    def _contact(self, key: str, place: int) -> int:
        contacts = self.world.contact_ids(key)
        return contacts[place % len(contacts)]

    # -- faults, kills, runs -----------------------------------------------------------------------

    @rule(
        effect=st.sampled_from(FAULTS),
        after=st.integers(0, 25),
        times=st.integers(1, 4),
        is_erp=st.booleans(),
        status=st.sampled_from([500, 503, 429]),
    )
    def order_fault(self, effect: str, after: int, times: int, is_erp: bool, status: int) -> None:  # noqa: FBT001 - drawn by name
        fault = {"effect": effect, "after": after, "times": times}
        if effect == "status":
            fault["status"] = status
        (self.world.erp_faults if is_erp else self.world.store_faults)(fault)
        self._figures["faults"] += 1

    @rule(mode=st.sampled_from(["incremental", "full", "selected"]), key=st.sampled_from(KEYS))
    def run(self, mode: str, key: str) -> None:
        """A run, which may fail while faults are in force, but only with an error of ours."""
        self._time_passes()
        params: dict[str, Any] = {"mode": mode, **({"customer_ids": [key]} if mode == "selected" else {})}
        try:
            self.world.sync(run_id=f"run{next(self._runs)}", **params)
        except SyncError:
            self._figures["runs that failed"] += 1
        self._figures["runs"] += 1

    @rule(mode=st.sampled_from(["incremental", "full"]), moment=_moments)
    def run_and_kill(self, mode: str, moment: tuple[Where, int, Any]) -> None:
        """A run that dies, unless it is over before its moment comes."""
        self._time_passes()
        number = next(self._runs)
        folder = self._folder / f"run{number}"
        folder.mkdir()
        order = Order(
            erp_url=self.world.erp_url,
            store_url=self.world.store_url,
            ledger_url=self.world.ledger_url,
            folder=str(folder),
            run_id=f"run{number}",
            rules=RULES,
            params={"mode": mode},
            read_timeout_s=2.0,
            kill=KillPoint(where=moment[0], number=moment[1], side=moment[2]),
        )
        ending = self._server.perform(order)
        assert ending.code != BROKEN, (folder / "error.txt").read_text()
        self._figures["kills" if ending.signal else "runs"] += 1

    def teardown(self) -> None:
        """Faults stop: one full run brings the store to what the ERP says, and the next one writes nothing."""
        self.world.erp_faults()
        self.world.store_faults()
        self._time_passes()
        self.world.sync(mode="full", run_id="converging")
        self._assert_agreement()
        self.world.forget_calls()
        self._time_passes()
        self.world.sync(run_id="quiet")
        assert writes(self.world) == []

    # -- in words ----------------------------------------------------------------------------------

    def _assert_agreement(self) -> None:
        book = self.world.book()
        strangers = {"taken@othercompany.example"}
        erp = self.world.erp_state()
        for customer in erp["customers"]:
            customer["values"].setdefault("Terms", "30D")  # the twin keeps no value that is the class's own
        expected = expected_book(erp, strangers)
        for key, record in expected.items():
            assert book.get(key) == record, f"{key} in the store: {book.get(key)}; by the ERP: {record}"
        for key in book.keys() - expected.keys():
            assert book[key]["status"] == 3, f"{key} is not eligible, its company has status {book[key]['status']}"
        with self.world.ledger() as ledger:
            assert ledger.intents.unanswered() == []

    def _time_passes(self) -> None:
        """Eleven minutes: sessions of processes that are gone have ended."""
        call(f"{self.world.erp_url}/_sandbox/clock", "PUT", {"advance_s": 660})
