"""Rounds, spreads and facts: how a scenario is repeated, summed up and written down."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.contender import PEERS_PYTHON

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results.json"

Numbers = dict[str, float]
Contender = Callable[[], Numbers]
"""Does the work once; returns what was measured, such as ``wall_s`` and ``cpu_s``."""


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes:
        repeats: Rounds of every scenario.
        quick: A fraction of the work, to see that everything runs.
        full: The long loads, too.
    """

    repeats: int = 5
    quick: bool = False
    full: bool = False

    def size(self, customers: int) -> int:
        """So many customers, a tenth of them in a quick run."""
        return max(20, customers // 10) if self.quick else customers


@dataclass
class Bar:
    """What must be seen, and what was.

    Attributes:
        what: The promise in words.
        value: The median that was measured.
        limit: The bar.
        at_most: Whether the value must not be above it; otherwise it must not be below it.
    """

    what: str
    value: float
    limit: float
    at_most: bool = True

    @property
    def holds(self) -> bool:
        """Whether it was seen."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit


@dataclass
class Result:
    """One scenario's result.

    Attributes:
        name: The scenario.
        what: What was done, in one sentence.
        conditions: Sizes, latencies, limits.
        contenders: Contender -> measure -> lowest, median, highest.
        ratios: Peer -> measure -> the peer's number divided by ours, round by round.
        bars: What must be seen.
        notes: What a reader must know beside the numbers.
        details: Lists that belong to it, such as a chain of requests.
    """

    name: str
    what: str
    conditions: dict[str, Any] = field(default_factory=dict)
    contenders: dict[str, dict[str, Numbers]] = field(default_factory=dict)
    ratios: dict[str, dict[str, Numbers]] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def median(self, contender: str, measure: str) -> float:
        """The median of one measure."""
        return self.contenders[contender][measure]["median"]


def spread(values: Iterable[float]) -> Numbers:
    """Lowest, median and highest."""
    found = sorted(values)
    return {"min": found[0], "median": statistics.median(found), "max": found[-1]}


def run_rounds(
    result: Result, contenders: Mapping[str, Contender], repeats: int, *, ratios_of: Iterable[str] = ("wall_s", "cpu_s")
) -> dict[str, list[Numbers]]:
    """Let all contenders work, round by round (A B C A B C …), and fill in the result.

    Args:
        result: Gets contenders and ratios.
        contenders: The first one is ours.
        repeats: Number of rounds.
        ratios_of: Measures of which ratios are made; those of a round are of the same minutes.

    Returns:
        What every contender measured in every round.
    """
    rounds: dict[str, list[Numbers]] = {name: [] for name in contenders}
    for number in range(repeats):
        for name, work in contenders.items():
            print(f"  {result.name}: round {number + 1} of {repeats}, {name} …", end=" ", flush=True)  # noqa: T201 - progress
            measured = work()
            rounds[name].append(measured)
            print(", ".join(f"{key} {value:.3g}" for key, value in list(measured.items())[:4]), flush=True)  # noqa: T201 - progress
    for name, found in rounds.items():
        result.contenders[name] = {key: spread(each[key] for each in found) for key in found[0]}
    ours, *peers = rounds
    for peer in peers:
        pairs = list(zip(rounds[ours], rounds[peer], strict=True))
        result.ratios[peer] = {
            measure: spread(theirs[measure] / mine[measure] for mine, theirs in pairs)
            for measure in ratios_of
            if all(measure in mine and measure in theirs and mine[measure] for mine, theirs in pairs)
        }
    return rounds


def facts(repeats: int) -> dict[str, Any]:
    """Under which circumstances a scenario was measured."""
    ours = ("apache-airflow", "msgspec", "pydantic", "pycurl", "sqlalchemy")
    return {
        "measured_at_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "repeats": repeats,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "garbage_collector": f"on, thresholds {gc.get_threshold()}",
        "versions": {name: importlib.metadata.version(name) for name in ours},
        "peers": _peer_versions(),
        "commit": _commit(),
    }


def merge(results: Iterable[Result], circumstances: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Write results into the file; scenarios that were not measured now keep what they have."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"scenarios": {}}
    for result in results:
        kept["scenarios"][result.name] = {
            "what": result.what,
            "conditions": result.conditions,
            "contenders": _rounded(result.contenders),
            "ratios_peer_to_ours": _rounded(result.ratios),
            "bars": [
                {
                    "what": bar.what,
                    "value": _rounded(bar.value),
                    "bar": f"{'<=' if bar.at_most else '>='} {bar.limit:g}",
                    "holds": bar.holds,
                }
                for bar in result.bars
            ],
            "notes": result.notes,
            **({"details": _rounded(result.details)} if result.details else {}),
            "facts": dict(circumstances),
        }
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _peer_versions() -> dict[str, str]:
    names = ("dlt", "singer-sdk", "pandas", "requests")
    code = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names!r}}}))"
    if not PEERS_PYTHON.exists():
        return {}
    said = subprocess.run([str(PEERS_PYTHON), "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    found: dict[str, str] = json.loads(said.stdout)
    return found


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - the same
    return said.stdout.strip() or "unknown"
