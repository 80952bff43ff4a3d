"""Random histories: ``python -m tests.simulation --seeds 0:1000 --jobs 2``, or one of them: ``--seed 17``."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.adapters.ledger_file import LedgerFile
from tests.simulation.generator import ALL, make_history
from tests.simulation.shrink import shrink
from tests.simulation.world import CONNECTOR, Event, World, relive

_AT_ONCE = 10


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Simulation:
    """Histories in this process.

    Args:
        folder: Where the ledger is; best in memory.
        groups: Kinds of events.
    """

    def __init__(self, folder: Path, groups: Collection[str]) -> None:
        self._ledger_file = LedgerFile(folder, CONNECTOR.id)
        self._groups = groups

    def history(self, seed: int) -> list[Event]:
        """The events of a seed."""
        return make_history(seed, self._groups)

    def live(self, events: Sequence[Event], seed: int) -> World:
        """A world in which they happened."""
        return relive(events, self._ledger_file, seed)

    def shortest(self, events: Sequence[Event], seed: int, kind: str) -> list[Event]:
        """The fewest of the events that break the same promise first."""

        def breaks(some: Sequence[Event]) -> bool:
            found = self.live(some, seed).found
            return bool(found) and found[0].kind == kind

        return shrink(events, breaks)


class Lived(NamedTuple):
    """What came of one history: the first promise that was broken, if any."""

    seed: int
    runs: int
    cpu_s: float
    kind: str
    detail: str
    situations: Counter[str]


_simulations: dict[tuple[str, ...], Simulation] = {}
"""Of this process: what it compiles, it compiles once."""


def _live_one(folder: str, groups: tuple[str, ...], seed: int) -> Lived:
    if groups not in _simulations:
        own = Path(folder) / str(os.getpid())
        own.mkdir()
        tempfile.tempdir = str(own)
        _simulations[groups] = Simulation(own, groups)
    simulation, began_s = _simulations[groups], time.process_time()
    world = simulation.live(simulation.history(seed), seed)
    kind, detail = world.found[0] if world.found else ("", "")
    return Lived(seed, world.runs, time.process_time() - began_s, kind, detail, world.situations.counts)


def _live_all(folder: str, groups: tuple[str, ...], seeds: range, jobs: int) -> Iterator[Lived]:
    if jobs == 1:
        yield from (_live_one(folder, groups, seed) for seed in seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        count = len(seeds)
        yield from pool.map(_live_one, [folder] * count, [groups] * count, seeds, chunksize=_AT_ONCE)


def _many(folder: str, groups: tuple[str, ...], seeds: range, jobs: int, *, is_shrinking: bool) -> bool:
    failed: dict[str, list[Lived]] = defaultdict(list)
    situations: Counter[str] = Counter()
    runs, cpu_s, began_s = 0, 0.0, time.monotonic()
    for lived in _live_all(folder, groups, seeds, jobs):
        runs += lived.runs
        cpu_s += lived.cpu_s
        situations += lived.situations
        if lived.kind:
            failed[lived.kind].append(lived)
    seconds = time.monotonic() - began_s
    bad = sum(map(len, failed.values()))
    count = len(seeds)
    _say(f"{count} histories, {runs} runs in {seconds:.1f} s: {count / seconds:.1f} histories per second, {jobs} jobs")
    _say(f"{cpu_s:.1f} s of CPU: {count / cpu_s:.1f} histories per second and core")
    _say(f"{count - bad} ended without a violation, {bad} did not")
    for name, times in sorted(situations.items()):
        _say(f"  {times:7,} {name}")
    for kind, its in sorted(failed.items(), key=lambda each: -len(each[1])):
        first = its[0]
        _say(f"\n{kind}: {len(its)} (seeds {', '.join(str(each.seed) for each in its[:8])})")
        _say(f"  {first.detail}")
        if is_shrinking:
            simulation = Simulation(Path(tempfile.mkdtemp(dir=folder)), groups)
            for event in simulation.shortest(simulation.history(first.seed), first.seed, kind):
                _say(f"    {event}")
        _say(f"  python -m tests.simulation --seed {first.seed} --kinds {','.join(groups)}")
    return not failed


def _one(simulation: Simulation, seed: int, *, is_shrinking: bool) -> bool:
    events = simulation.history(seed)
    world = simulation.live(events, seed)
    if world.found and is_shrinking:
        events = simulation.shortest(events, seed, world.found[0].kind)
        world = simulation.live(events, seed)
    _say("\n".join(world.log))
    _say(f"log {hashlib.sha256(chr(10).join(world.log).encode()).hexdigest()}")
    for kind, detail in world.found:
        _say(f"{kind}: {detail}")
    return not world.found


def main(argv: Sequence[str]) -> int:
    """Live through histories; the exit code says whether all promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="0:100", help="first and last of the seeds, the last one left out")
    parser.add_argument("--seed", type=int, help="one seed, with its log")
    parser.add_argument("--kinds", default=",".join(ALL), help="groups of events (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--whole", action="store_true", help="do not shorten histories that fail")
    given = parser.parse_args(argv)
    groups = tuple(given.kinds.split(","))
    in_memory = Path("/dev/shm")  # noqa: S108 - a folder of its own in it is made below
    with tempfile.TemporaryDirectory(dir=in_memory if in_memory.is_dir() else None) as folder:
        tempfile.tempdir = folder
        if given.seed is not None:
            is_good = _one(Simulation(Path(folder), groups), given.seed, is_shrinking=not given.whole)
        else:
            first, _, last = given.seeds.partition(":")
            seeds = range(int(first), int(last))
            is_good = _many(folder, groups, seeds, given.jobs, is_shrinking=not given.whole)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
