"""Whatever is edited, broken and killed in whatever order: one run converges, and the next writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from sandbox.server import RunningTwin
from tests.integration.twin_world import World, call, shipped_connector
from tests.reliability.crash.fork_server import ForkServer
from tests.reliability.interleaving import Figures, machine_of

Record = Callable[[str, object], None]


def drive(
    twins: tuple[RunningTwin, RunningTwin],
    server: ForkServer,
    folder: Path,
    *,
    number: int,
    sequences: int,
    steps: int,
) -> Figures:
    """Let a seed's sequences happen; returns what was done."""
    erp, store = twins

    def fresh() -> World:
        for twin in twins:
            call(f"{twin.url}/_sandbox/reset", "POST")
        return World(erp.url, store.url, shipped_connector(), "unused")

    figures: Figures = Counter()
    machine = seed(number)(machine_of(fresh, server, _folders(folder), figures))
    rules = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        # A failing sequence is shown as it is, with its seed in the test's name: each step costs a run.
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=rules, _min_steps=steps)  # without it most sequences are over at once
    return figures


def _folders(folder: Path) -> Iterator[Path]:
    for number in count(1):
        path = folder / f"sequence{number}"
        path.mkdir()
        yield path


def tell(figures: Figures, what: str, record_property: Record) -> None:
    """Record what was done."""
    record_property("figure", f"{what}: " + ", ".join(f"{figures[name]} {name}" for name in sorted(figures)))


@pytest.mark.timeout(280)
def test_store_agrees_with_the_erp_when_edits_faults_kills_and_runs_alternate(
    few_customers: tuple[RunningTwin, RunningTwin], fork_server: ForkServer, tmp_path: Path, record_property: Record
) -> None:
    """A few sequences of every kind of event: one full run converges, the next writes nothing."""
    figures = drive(few_customers, fork_server, tmp_path, number=1, sequences=4, steps=14)
    tell(figures, "any interleaving, a few", record_property)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", [2, 3, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(4, 10))])
def test_store_agrees_with_the_erp_when_many_events_alternate(
    few_customers: tuple[RunningTwin, RunningTwin],
    fork_server: ForkServer,
    tmp_path: Path,
    number: int,
    record_property: Record,
) -> None:
    """Many long sequences; the seed is the test's parameter."""
    figures = drive(few_customers, fork_server, tmp_path, number=number, sequences=10, steps=25)
    tell(figures, f"any interleaving, seed {number}", record_property)
