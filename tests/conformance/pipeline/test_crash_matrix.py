"""Whatever goes wrong at any request or commit: the next run ends in the same store, with nothing twice.

A crash is an exception that the product never catches, after which no request leaves and nothing is committed; the
ledger is then opened anew. (SIGKILL of whole processes: ``tests/reliability``.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.adapters.faults import Event, Fault, FaultPlan
from tests.conformance.harness import TargetUnderTest
from tests.conformance.pipeline.lab import Trial

SHARES = 4
"""Parts into which the events of a trial are cut."""

_CRASHES = {Fault.CRASH_BEFORE, Fault.CRASH_AFTER}
FAULTS = [
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.CRASH_PARTIAL,
    Fault.REFUSED,
    Fault.NEVER_ARRIVED,
    Fault.LOST,
    Fault.PARTIAL,
    Fault.LATE,
]
Record = Callable[[str, object], None]


class Undisturbed(NamedTuple):
    """What a trial does and leaves when nothing goes wrong."""

    events: list[Event]
    state: Mapping[str, Any]


@pytest.fixture(scope="session")
def undisturbed(target_under_test: TargetUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The trial to compare with."""
    trial = Trial(target_under_test, tmp_path_factory.mktemp("undisturbed"))
    trial.go()
    assert trial.stops == []
    return Undisturbed(trial.plan.events, trial.state())


def can_suffer(event: Event, fault: Fault) -> bool:
    """Whether a fault makes a difference at an event."""
    if event.side == "ledger":
        return fault in _CRASHES
    if not event.rows:
        return fault in {Fault.CRASH_BEFORE, Fault.REFUSED, Fault.LOST}
    if fault in {Fault.PARTIAL, Fault.CRASH_PARTIAL}:
        return event.rows > 1 and not event.is_atomic
    return True


def problems(trial: Trial, expected: Undisturbed) -> list[str]:
    """What is not as an undisturbed trial would have left it."""
    trial.go()
    found = [] if trial.state() == expected.state else [f"the store is {trial.state()}, expected {expected.state}"]
    found += [f"{name} has another reference than its company" for name in trial.wrong_references()]
    return found + [f"one more run writes {what}" for what in trial.writes_of_one_more_run()]


def test_the_trial_leads_to_every_kind_of_write(undisturbed: Undisturbed) -> None:
    """The matrix is about all that a sync does: each action, a write-back, commits."""
    written = {event.what for event in undisturbed.events if event.rows}
    assert written == {
        "create_company",
        "update_company",
        "set_company_status",
        "create_user",
        "update_user",
        "delete_user",
        "create_address",
        "update_address",
        "delete_address",
        "set_payment_methods",
        "set_payment_terms",
        "write_reference",
    }
    assert sum(event.side == "ledger" for event in undisturbed.events) > 20


def representatives(events: Sequence[Event]) -> list[tuple[Event, Fault]]:
    """The last request of each kind, and every thirtieth commit; over them, all faults take turns."""
    kinds = {(event.side, event.what): event for event in events if event.side != "ledger"}
    commits = [event for event in events if event.side == "ledger"]
    turns = dict.fromkeys(FAULTS, 0)
    chosen = []
    for event in [*kinds.values(), *commits[::30]]:
        fault = min((fault for fault in FAULTS if can_suffer(event, fault)), key=lambda each: turns[each])
        turns[fault] += 1
        chosen.append((event, fault))
    return chosen


def try_all(
    under_test: TargetUnderTest, expected: Undisturbed, folder: Path, cases: Sequence[tuple[Event, Fault]]
) -> list[str]:
    """Try each fault at its event; what was wrong."""
    return [
        f"{fault} at {event.number} ({event.side} {event.what}): {problem}"
        for event, fault in cases
        for problem in problems(Trial(under_test, folder, FaultPlan({event.number: fault})), expected)
    ]


@pytest.mark.parametrize("share", range(SHARES))
def test_a_fault_at_each_kind_of_request_changes_nothing_in_the_end(
    target_under_test: TargetUnderTest, undisturbed: Undisturbed, tmp_path: Path, share: int, record_property: Record
) -> None:
    """After a plain next run: the same store, references that are right, nothing twice, and nothing left to write."""
    cases = representatives(undisturbed.events)[share::SHARES]
    record_property("figure", f"crash matrix in process, one of each kind, part {share + 1}: {len(cases)} cases")
    wrong = try_all(target_under_test, undisturbed, tmp_path, cases)
    assert not wrong, "\n".join(wrong[:10])


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.nightly) for share in range(1, SHARES))])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_anywhere_changes_nothing_in_the_end(
    target_under_test: TargetUnderTest,
    undisturbed: Undisturbed,
    tmp_path: Path,
    fault: Fault,
    share: int,
    record_property: Record,
) -> None:
    """The same at every request and every commit."""
    cases = [(event, fault) for event in undisturbed.events if can_suffer(event, fault)][share::SHARES]
    record_property("figure", f"crash matrix in process, {fault}, part {share + 1}: {len(cases)} cases")
    wrong = try_all(target_under_test, undisturbed, tmp_path, cases)
    assert not wrong, "\n".join(wrong[:10])


@pytest.mark.parametrize("step", [7])
def test_a_run_that_crashes_again_and_again_comes_to_its_end(
    target_under_test: TargetUnderTest, undisturbed: Undisturbed, tmp_path: Path, step: int
) -> None:
    """Each next run goes further; after many crashes the store is what it would have been."""
    plan = FaultPlan(dict.fromkeys(range(step, 4 * len(undisturbed.events), 10 * step), Fault.CRASH_AFTER))
    assert not problems(Trial(target_under_test, tmp_path, plan), undisturbed)
