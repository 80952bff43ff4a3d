"""Random histories: ``python -m tests.simulation --seeds 0:1000``, or one of them: ``--seed 17``."""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

from tests.simulation.generator import ALL, make_history
from tests.simulation.ledger_file import LedgerFile
from tests.simulation.shrink import shrink
from tests.simulation.world import CONNECTOR, Event, World, relive


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


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


def _many(simulation: Simulation, seeds: range, groups: Sequence[str], *, is_shrinking: bool) -> bool:
    failed: dict[str, list[int]] = defaultdict(list)
    details: dict[int, str] = {}
    runs, started_s = 0, time.process_time()
    for seed in seeds:
        world = simulation.live(simulation.history(seed), seed)
        runs += world.runs
        if world.found:
            failed[world.found[0].kind].append(seed)
            details[seed] = world.found[0].detail
    seconds = time.process_time() - started_s
    bad = sum(map(len, failed.values()))
    rate = f"{len(seeds) / seconds:.1f} histories per second and core"
    _say(f"{len(seeds)} histories, {runs} runs in {seconds:.1f} s of CPU: {rate}")
    _say(f"{len(seeds) - bad} ended without a violation, {bad} did not")
    for kind, its in sorted(failed.items(), key=lambda each: -len(each[1])):
        _say(f"\n{kind}: {len(its)} (seeds {', '.join(map(str, its[:8]))})")
        _say(f"  {details[its[0]]}")
        if is_shrinking:
            for event in simulation.shortest(simulation.history(its[0]), its[0], kind):
                _say(f"    {event}")
        _say(f"  python -m tests.simulation --seed {its[0]} --kinds {','.join(groups)}")
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
    parser.add_argument("--whole", action="store_true", help="do not shorten histories that fail")
    given = parser.parse_args(argv)
    groups = given.kinds.split(",")
    in_memory = Path("/dev/shm")  # noqa: S108 - a folder of its own in it is made below
    with tempfile.TemporaryDirectory(dir=in_memory if in_memory.is_dir() else None) as folder:
        tempfile.tempdir = folder
        simulation = Simulation(Path(folder), groups)
        if given.seed is not None:
            is_good = _one(simulation, given.seed, is_shrinking=not given.whole)
        else:
            first, _, last = given.seeds.partition(":")
            is_good = _many(simulation, range(int(first), int(last)), groups, is_shrinking=not given.whole)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
