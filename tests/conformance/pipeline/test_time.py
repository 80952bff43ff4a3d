"""Stamps of the ERP that lie in the future, and records that no stamp shows: nothing is lost by either."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.errors import PlanRefused
from customer_sync.ledger.storage.schema import run
from customer_sync.planning.window import RunRequest, is_full_due
from customer_sync.run import Run
from customer_sync.steps.extract import begin_run
from tests.conformance.pipeline.world import World


class Clock:
    """The ERP's clock, which people can turn."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    """Right at first."""
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    """A customer with a user, synced."""
    world = World()
    world.erp.now_utc = clock
    world.save("C1", world.contact("Ann", is_primary=True), world.contact("Bob"))
    world.sync()
    return world


def test_edits_come_over_after_the_erps_clock_was_put_right(world: World, clock: Clock) -> None:
    """One customer saved while the clock was a week ahead hides nobody's edits for a week."""
    clock.ahead = timedelta(days=7)
    world.save("C2", world.contact("Cleo", is_primary=True))
    world.sync()
    clock.ahead = timedelta()
    world.change("C1", "Bob", active=False)
    world.save("C3", world.contact("Dora", is_primary=True))
    world.sync()
    assert world.users("C1") == {"ann": "Admin"}
    assert world.users("C3") == {"dora": "Admin"}


def test_a_record_with_a_stamp_from_the_future_hides_no_later_edit(world: World, clock: Clock) -> None:
    """A stamp beyond the ERP's own time moves no watermark."""
    clock.ahead = timedelta(days=7)
    world.save("C2", world.contact("Cleo", is_primary=True))
    clock.ahead = timedelta()
    world.sync()
    world.change("C1", "Bob", active=False)
    report = world.sync()
    assert world.users("C1") == {"ann": "Admin"}
    assert report.lines[-2].startswith("  mode incremental") or any("mode incremental" in line for line in report.lines)


def test_a_full_run_sets_the_watermarks_anew_downwards_too(world: World, clock: Clock) -> None:
    """What a full run has read is what the next one goes on from."""
    clock.ahead = timedelta(days=7)
    world.save("C2", world.contact("Cleo", is_primary=True))
    world.sync()
    world.erp.delete("C2")
    clock.ahead = timedelta()
    world.sync(mode="full")
    with world.ledger() as ledger:
        mark = datetime.fromisoformat(ledger.watermarks.load()["customers"])
    assert mark <= clock()


def test_after_the_watermarks_are_right_again_runs_are_incremental(world: World, clock: Clock) -> None:
    """The whole ERP is read once, not for ever."""
    clock.ahead = timedelta(days=7)
    world.save("C2", world.contact("Cleo", is_primary=True))
    world.sync()
    clock.ahead = timedelta()
    modes = [next(line for line in world.sync().lines if line.strip().startswith("mode")) for _ in range(3)]
    assert ["full" in mode for mode in modes] == [True, False, False]


@pytest.mark.parametrize(
    ("last_full", "due"),
    [(None, True), ("2026-11-29T02:29:00+00:00", True), ("2026-11-30T02:30:00+00:00", False)],
)
def test_a_full_run_is_due_once_after_each_tick(last_full: str | None, *, due: bool) -> None:
    """Ticks are in UTC; a schedule of null never is."""
    last = datetime.fromisoformat(last_full) if last_full else None
    now = datetime(2026, 11, 30, 2, 31, tzinfo=UTC)
    assert is_full_due("30 2 * * *", last, now) is due
    assert not is_full_due(None, last, now)


@pytest.mark.parametrize(
    ("how", "mode"),
    [
        ({"is_scheduled": True}, "full"),
        ({"is_scheduled": False}, "incremental"),
        ({"is_scheduled": True, "is_backfill": True}, "incremental"),
    ],
)
def test_the_first_scheduled_run_after_a_tick_is_full(world: World, how: dict[str, Any], mode: str) -> None:
    """Neither a person's run nor a backfill becomes one, and the next scheduled run is incremental again."""
    with world.ledger() as ledger:
        with ledger.write() as connection:
            connection.execute(sa.update(run).values(started_at_utc=datetime.now(UTC) - timedelta(days=2)))
        assert begin_run(Run(world.connector, ledger, "night"), RunRequest(), **how).mode == mode
    world.sync(mode="full")
    with world.ledger() as ledger:
        assert begin_run(Run(world.connector, ledger, "next"), RunRequest(), **how).mode == "incremental"


def test_companies_made_by_a_wrong_filter_wait_for_a_person(world: World) -> None:
    """After the first load a run that would double the store's companies is not applied unasked."""
    for number in range(12):
        world.save(f"N{number:02d}", world.contact(f"P{number}", is_primary=True))
    with pytest.raises(PlanRefused, match="most_created_share"):
        world.sync()
    assert len(world.store.companies) == 1
    world.rules = {"guards": {"most_created_share": 20}}
    world.sync()
    assert len(world.store.companies) == 13
