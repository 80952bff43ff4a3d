"""How the benchmark turns call logs and rounds into numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.changing import time_in_flight
from bench.contender import PeakMemory
from bench.loading import span_of
from bench.measure import Bar, Result, merge, run_rounds, spread
from bench.twins import Request


def _request(start_s: float, end_s: float, method: str = "POST", status: int = 200) -> Request:
    return Request("store", method, "/api/v3/io/companies", status, start_s, end_s)


def test_a_spread_is_lowest_median_and_highest() -> None:
    """The median of an even number lies between the two in the middle."""
    assert spread([3, 1, 2, 10]) == {"min": 1, "median": 2.5, "max": 10}


def test_the_chain_counts_what_runs_side_by_side_once() -> None:
    """Two requests at once are one step; a pause between requests is none."""
    requests = [_request(0, 1), _request(0.5, 1.5), _request(3, 4), _request(3.2, 3.4)]
    assert time_in_flight(requests) == pytest.approx(2.5)


def test_the_span_reaches_from_the_first_write_to_the_last_answer() -> None:
    """Reading back in between belongs to it, the preflight does not."""
    requests = [_request(0, 1, "GET"), _request(10, 11), _request(11, 12, "GET"), _request(12, 13)]
    found = span_of(requests, per_minute=60)
    assert found == {"span_s": 3, "bound_s": 3, "span_to_bound": 1}


def test_contenders_take_turns_and_ratios_are_of_one_round() -> None:
    """A B A B, and a peer that is twice as slow in each round has the ratio 2 although the machine drifted."""
    order: list[str] = []
    times = iter([1.0, 2.0, 10.0, 20.0])

    def work(name: str) -> dict[str, float]:
        order.append(name)
        return {"cpu_s": next(times)}

    result = Result("trial", "")
    run_rounds(result, {"ours": lambda: work("ours"), "peer": lambda: work("peer")}, 2)
    assert order == ["ours", "peer", "ours", "peer"]
    assert result.ratios["peer"]["cpu_s"] == {"min": 2, "median": 2, "max": 2}


def test_results_are_merged_scenario_by_scenario(tmp_path: Path) -> None:
    """A scenario that was not measured now keeps what it has; a missed bar is written like one that holds."""
    path = tmp_path / "results.json"
    merge([Result("first", "one")], {"repeats": 5}, path)
    merge([Result("second", "two", bars=[Bar("as fast", 2.0, 3.0, at_most=False)])], {"repeats": 5}, path)
    kept = json.loads(path.read_text(encoding="utf-8"))["scenarios"]
    assert set(kept) == {"first", "second"}
    assert kept["second"]["bars"] == [{"what": "as fast", "value": 2.0, "bar": ">= 3", "holds": False}]


def test_the_peak_is_the_contenders_own_when_the_benchmark_itself_is_large() -> None:
    """What the parent holds is nobody's; a contender's child counts where it is the largest."""
    held = bytearray(150 * 2**20)
    small = "import time; time.sleep(0.3)"
    large = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(100 * 2**20); {small}'])"
    peaks = []
    for code in (small, large):
        process = subprocess.Popen([sys.executable, "-c", code])  # noqa: S603 - our own code
        with PeakMemory(process.pid) as memory:
            process.wait()
        peaks.append(memory.peak_mb)
    assert len(held) > 0
    assert peaks[0] < 100 < peaks[1] < 150
