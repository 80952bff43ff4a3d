"""An undo of every kind of write, cut off or disturbed anywhere: asked for again, it ends as it would have ended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from customer_sync.errors import SyncError
from customer_sync.ledger import Ledger
from customer_sync.model.customer import Customer
from customer_sync.pipeline import run
from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undo_run import UndoReport, undo
from customer_sync.run import Run
from customer_sync.targets.port import StoredCompany, Target
from tests.adapters.faults import Crash, Event, FaultPlan, FaultySource, FaultyTarget
from tests.adapters.in_memory_source import InMemorySource
from tests.conformance.harness import TargetUnderTest
from tests.conformance.pipeline.lab import Trial
from tests.conformance.pipeline.test_crash_matrix import FAULTS, can_suffer, representatives

EDITED = "the run with the edits"
SHARES = 4

Record = Callable[[str, object], None]


@dataclass
class UndoTrial(Trial):
    """Two syncs without faults, the ERP as it was before the second one, and that one's undo with faults."""

    made: str = "deactivated"
    before: Any = None
    report: UndoReport | None = None

    def go(self) -> None:
        """Everything up to the end of the undo, however often it takes."""
        self.prepare()
        self._without_faults("the first load")
        self.before = self.state()
        saved: list[Customer] = [self.erp.customer(self.key(name)) for name in "ABCD"]
        self.edit()
        self._without_faults(EDITED)
        for customer in saved:
            # Somebody mends what was wrong, and the ERP holds what the store was told meanwhile.
            held = self.erp.customer(customer.customer_id).reference_id
            self.erp.save(replace(customer, reference_id=held))
        for _ in range(20):
            try:
                self._undo()
            except (Crash, SyncError) as error:
                self.stops.append(f"{type(error).__name__} {error}")
                self.plan.deliver()
                self.plan.revive()
                self._let_leases_end()
            else:
                return
        raise AssertionError(f"the undo did not come to an end: {self.stops[-1]}")

    def _without_faults(self, run_id: str) -> None:
        with self.under_test.make() as target:
            run(self.connector, InMemorySource(self.erp), target, self._ledger_url, run_id=run_id)

    def _users(self, target: Target, company: StoredCompany) -> Iterator[Any]:
        """Without the key that an update gives a user: ids need not come back."""
        return (fields for _, fields in super()._users(target, company))

    def _undo(self) -> None:
        target = FaultyTarget(self.under_test.make(), self.plan)
        source = FaultySource(InMemorySource(self.erp), self.plan)
        request = UndoRequest(undo_run=EDITED, delete_created=self.made == "deleted")
        with self.plan.watching_commits(), target, Ledger.open(self.connector.id, self._ledger_url) as ledger:
            self.report = undo(Run(self.connector, ledger, f"undo__{uuid.uuid4().hex}"), source, target, request)


class Undisturbed(NamedTuple):
    """What an undo does and leaves when nothing goes wrong."""

    events: list[Event]
    state: Mapping[str, Any]


@pytest.fixture(scope="session", params=["deactivated", "deleted"])
def made(request: pytest.FixtureRequest) -> str:
    """What becomes of companies that the run made."""
    return str(request.param)


@pytest.fixture(scope="session")
def undisturbed(target_under_test: TargetUnderTest, tmp_path_factory: pytest.TempPathFactory, made: str) -> Undisturbed:
    """The undo to compare with."""
    trial = UndoTrial(target_under_test, tmp_path_factory.mktemp("undo"), made=made)
    trial.go()
    assert trial.stops == []
    return Undisturbed(trial.plan.events, trial.state())


def test_every_kind_of_write_is_taken_back(target_under_test: TargetUnderTest, tmp_path: Path, made: str) -> None:
    """Companies are as before the run, the one that it made is gone, and the next run leaves all of them alone."""
    trial = UndoTrial(target_under_test, tmp_path, made=made)
    trial.go()
    now, (companies, count, references) = trial.state(), trial.before
    assert trial.report is not None
    assert (trial.report.kept, trial.report.impossible) == ([], [])
    assert now[0]["A"] == companies["A"]
    assert now[0]["B"] == companies["B"]
    assert now[0]["C"] == companies["C"]
    assert now[2] == references
    assert [each["status"] for each in now[0]["D"]] == ([] if made == "deleted" else ["INACTIVE"])
    assert now[1] == count + (made == "deactivated")
    assert trial.writes_of_one_more_run() == []


def problems(trial: UndoTrial, expected: Undisturbed) -> list[str]:
    """What is not as an undisturbed undo would have left it."""
    trial.go()
    found = [] if trial.state() == expected.state else [f"{_differing(trial.state(), expected.state)}"]
    return found + [f"one more run writes {what}" for what in trial.writes_of_one_more_run()]


def _differing(one: Any, other: Any) -> str:
    return f"the store is {json.dumps(one)}, expected {json.dumps(other)}"


def try_all(
    under_test: TargetUnderTest, expected: Undisturbed, folder: Path, cases: Sequence[tuple[Event, Any]], made: str
) -> list[str]:
    """Try each fault at its event; what was wrong."""
    return [
        f"{fault} at {event.number} ({event.side} {event.what}): {problem}"
        for event, fault in cases
        for problem in problems(UndoTrial(under_test, folder, FaultPlan({event.number: fault}), made=made), expected)
    ]


def test_a_fault_at_each_kind_of_request_changes_nothing_in_the_end(
    target_under_test: TargetUnderTest, undisturbed: Undisturbed, tmp_path: Path, made: str, record_property: Record
) -> None:
    """Undone once more, the store is what it would have been, and nothing is left to write."""
    cases = representatives(undisturbed.events)
    record_property("figure", f"undo, one fault of each kind: {len(cases)} cases")
    wrong = try_all(target_under_test, undisturbed, tmp_path, cases, made)
    assert not wrong, "\n".join(wrong[:10])


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.nightly) for share in range(1, SHARES))])
def test_one_fault_anywhere_changes_nothing_in_the_end(
    target_under_test: TargetUnderTest,
    undisturbed: Undisturbed,
    tmp_path: Path,
    made: str,
    share: int,
    record_property: Record,
) -> None:
    """The same at every request and every commit."""
    cases = [(event, fault) for fault in FAULTS for event in undisturbed.events if can_suffer(event, fault)]
    cases = cases[share::SHARES]
    record_property("figure", f"undo, one fault anywhere, part {share + 1}: {len(cases)} cases")
    wrong = try_all(target_under_test, undisturbed, tmp_path, cases, made)
    assert not wrong, "\n".join(wrong[:10])
