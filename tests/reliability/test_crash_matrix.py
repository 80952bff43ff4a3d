"""The process is killed at every step of a run; a plain re-run loses nothing and writes nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle

import pytest

from tests.reliability.crash.matrix import WAYS, CrashLab, enumerate_cases, representatives

Record = Callable[[str, object], None]
SHARES = 12
"""Parts into which the whole matrix is cut, so that several workers can share it; each holds every kind of case."""
IN_CI = 3
"""Parts that a change must pass; the others are for `make nightly`."""


def report(cases: int, recoveries: int, problems: Sequence[str], what: str, record_property: Record) -> None:
    """Tell how much was tried, and fail with everything that was wrong."""
    figure = f"{what}: {cases} cases, {recoveries} recoveries, {len(problems)} problems"
    record_property("figure", figure)
    assert not problems, "\n".join(problems[:40])


@pytest.mark.timeout(280)
def test_nothing_is_lost_or_doubled_when_a_run_is_killed_at_one_moment_of_each_kind(
    crash_lab: CrashLab, record_property: Record
) -> None:
    """Killed at each kind of write and commit: the retry, or the next run, reaches the same store and ERP."""
    cases = representatives(enumerate_cases(crash_lab.events))
    problems = [
        problem for case, way in zip(cases, cycle(WAYS), strict=False) for problem in crash_lab.attempt(case, [way])
    ]
    report(len(cases), len(cases), problems, "crash matrix, one of each kind", record_property)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "share", [*range(IN_CI), *(pytest.param(share, marks=pytest.mark.nightly) for share in range(IN_CI, SHARES))]
)
def test_nothing_is_lost_or_doubled_when_a_run_is_killed_at_any_moment(
    crash_lab: CrashLab, share: int, record_property: Record
) -> None:
    """Killed before and after every request and commit, alone and with every fault: retry and next run converge."""
    cases = enumerate_cases(crash_lab.events)
    mine = cases[share::SHARES]
    problems = [problem for case in mine for problem in crash_lab.attempt(case)]
    what = f"crash matrix, part {share + 1} of {SHARES} ({len(cases)} cases in all)"
    report(len(mine), 2 * len(mine), problems, what, record_property)
