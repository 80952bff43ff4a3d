"""The crash matrix: every moment at which a run can die, enumerated from an undisturbed run, and one case tried."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

from customer_sync.errors import SyncError
from tests.integration.twin_world import World
from tests.reliability.crash.fork_server import BROKEN, FINISHED, STOPPED, Ending, ForkServer, Order, events_of
from tests.reliability.crash.kill_point import Event, KillPoint, Side
from tests.reliability.crash.scenario import (
    Expectation,
    Snapshot,
    defects,
    expectation,
    prepare,
    unbalanced,
    writes,
)
from tests.reliability.crash.staged_run import StagedRun

WRITE_EFFECTS = ("commit_then_fail", "commit_then_reset", "connection_reset", "hang")
"""What happens to a request that writes: done and denied, done and cut, cut before, or no answer in time."""
READ_EFFECTS = ("connection_reset",)

Way = Literal["same run again", "a new run"]
WAYS: tuple[Way, ...] = ("same run again", "a new run")
"""How a dead run is brought to its end."""

_SIDES: tuple[Side, ...] = ("before", "after")


@dataclass(frozen=True)
class Case:
    """One way to die: at ``kill``, while ``effect`` hits the request ``hit``."""

    kill: KillPoint
    what: str
    effect: str = ""
    hit: Event | None = None

    def __str__(self) -> str:
        disturbed = f" after {self.effect} on {self.hit.where} {self.hit.number} {self.hit.what}" if self.hit else ""
        return f"killed {self.kill.side} {self.kill.where} {self.kill.number} ({self.what}){disturbed}"


def enumerate_cases(events: Sequence[Event]) -> list[Case]:
    """All cases of a run that did these things.

    Killed before and after every request and every commit; and for every request, under every
    effect that it can suffer, killed when its failure arrives and killed at the next request
    after it (which is how the failure is read back).
    """
    found = []
    for event in events:
        for side in _SIDES:
            point = KillPoint(where=event.where, number=event.number, side=side)
            found.append(Case(kill=point, what=event.what))
    for event in events:
        for effect in _effects(event):
            arrived = KillPoint(where=event.where, number=event.number, side="after")
            following = KillPoint(where=event.where, number=event.number + 1, side="before")
            found += [Case(kill=point, what=event.what, effect=effect, hit=event) for point in (arrived, following)]
    return found


def representatives(cases: Sequence[Case]) -> list[Case]:
    """One case of every kind of write, killed right after it; for creations also denied after they were done.

    Ids are left out of what a request is, so that two companies' updates are of one kind. Every
    twenty-fifth commit is there too.
    """
    kinds: dict[Any, Case] = {}
    for case in cases:
        what = re.sub(r"\d+", "", case.what)
        is_creation = what.startswith("POST")
        if case.kill.side == "before" or not _writes(what):
            continue
        if case.kill.where == "commit" and case.kill.number % 25 == 0:
            kinds[case] = case
        elif case.kill.where != "commit" and case.effect in ({"", "commit_then_fail"} if is_creation else {""}):
            kinds[what, case.effect] = case
    return list(kinds.values())


def _writes(what: str) -> bool:
    return not what.startswith("GET") and "/auth/" not in what


def _effects(event: Event) -> Sequence[str]:
    if event.where == "commit":
        return ()
    return READ_EFFECTS if event.what.startswith("GET") else WRITE_EFFECTS


class CrashLab:
    """Twins, a process to kill, and the moment from which every case starts.

    Args:
        world: Fresh twins with the rules of the scenario.
        rules: The same rules, for the victim.
        server: Forks the victims.
        folder: Where ledgers and results are kept.
    """

    def __init__(self, world: World, rules: dict[str, dict[str, Any]], server: ForkServer, folder: Path) -> None:
        self._ledger = folder / "ledger.db"
        self.world = replace(world, ledger_url=f"sqlite:///{self._ledger}")
        self._rules = rules
        self._server = server
        self._folder = folder
        self._numbers = count(1)
        prepare(self.world)
        self._start = Snapshot.take(self.world, self._ledger, folder / "start.db")
        self.events, self.expected = self._undisturbed()

    def _undisturbed(self) -> tuple[list[Event], Expectation]:
        self._start.enter(self.world, self._ledger)
        order = self._order("undisturbed", None)
        ending = self._server.perform(order)
        folder = Path(order.folder)
        if ending != Ending(code=FINISHED):
            raise AssertionError(f"the undisturbed run ended with {ending}: {_told(folder)}")
        found = expectation(self.world)
        problems = [*defects(self.world, found), *unbalanced(self.world, "undisturbed")]
        if problems:
            raise AssertionError(f"the undisturbed run left {problems}")
        return events_of(folder), found

    def _order(self, run_id: str, kill: KillPoint | None) -> Order:
        folder = self._folder / f"{run_id}-{next(self._numbers)}"
        folder.mkdir()
        return Order(
            erp_url=self.world.erp_url,
            store_url=self.world.store_url,
            ledger_url=self.world.ledger_url,
            folder=str(folder),
            run_id=run_id,
            rules=self._rules,
            kill=kill,
        )

    def attempt(self, case: Case, ways: Sequence[Way] = WAYS) -> list[str]:
        """Let a run die, then bring it to its end in each way; returns what was wrong, nothing when all is well."""
        self._start.enter(self.world, self._ledger)
        if case.hit:
            fault = {"effect": case.effect, "after": case.hit.number - 1, "times": 1}
            (self.world.erp_faults if case.hit.where == "erp" else self.world.store_faults)(fault)
        order = self._order("dying", case.kill)
        ending = self._server.perform(order)
        folder = Path(order.folder)
        if ending.code == BROKEN:
            return [f"{case}: no error of ours: {_told(folder)}"]
        if not case.hit and ending.signal != signal.SIGKILL:
            return [f"{case}: was not killed but ended with {ending}: {_told(folder)}"]
        found = self._brought_to_its_end(str(case), folder, ways)
        shutil.rmtree(folder)
        return found

    def attempt_without_room(self, room_bytes: int) -> tuple[list[str], bool]:
        """Let a run meet a full disk, then bring it to its end with room again.

        Args:
            room_bytes: How large the ledger's journal may grow during the run.

        Returns:
            What was wrong, and whether the run was stopped by the full disk at all.
        """
        self._start.enter(self.world, self._ledger)
        order = self._order("dying", None)
        journal = Path(f"{self._ledger}-wal")
        order.most_file_bytes = room_bytes + (journal.stat().st_size if journal.exists() else 0)
        ending = self._server.perform(order)
        folder = Path(order.folder)
        what = f"disk full after {room_bytes} bytes"
        if ending.code == BROKEN or ending.signal:
            return [f"{what}: ended with {ending}: {_told(folder)}"], True
        found = self._brought_to_its_end(what, folder, WAYS)
        shutil.rmtree(folder)
        return found, ending.code == STOPPED

    def _brought_to_its_end(self, what: str, folder: Path, ways: Sequence[Way]) -> list[str]:
        wreck = Snapshot.take(self.world, self._ledger, folder / "wreck.db")
        found = []
        for way in ways:
            recover = self._retry if way == "same run again" else self._run_anew
            wreck.enter(self.world, self._ledger)
            found += [f"{what}, then {way}: {problem}" for problem in self._recovered(recover, folder)]
        return found

    def _recovered(self, recover: Callable[[Path], str], folder: Path) -> Iterator[str]:
        try:
            run_id = recover(folder)
        except SyncError as error:
            yield f"{type(error).__name__}: {error}"
            return
        yield from defects(self.world, self.expected)
        yield from unbalanced(self.world, run_id)
        self.world.forget_calls()
        self.world.sync(run_id="check")
        yield from (f"the run after it writes {line}" for line in writes(self.world))
        yield from unbalanced(self.world, "check")

    def _retry(self, folder: Path) -> str:
        """As Airflow does it: finished tasks stay finished, the unfinished ones run with the next try number."""
        # The retry waits for the dead one's requests as long as the store may work on them.
        patience = {"read_timeout_s": 0.5}
        with self.world.ledger() as ledger:
            StagedRun(self.world, ledger, folder, "dying", try_number=2, client_options=patience).proceed()
        return "dying"

    def _run_anew(self, _folder: Path) -> str:
        """The next run of the schedule, which sees that the dead one's process is gone."""
        self.world.sync(run_id="new")
        return "new"


def _told(folder: Path) -> str:
    error = folder / "error.txt"
    return error.read_text()[-2000:] if error.exists() else "nothing told"
