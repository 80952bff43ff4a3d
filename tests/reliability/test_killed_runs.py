"""The run after a killed one comes back quickly, makes nothing twice, and says what it waits for."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customer_sync.ledger.coordination.sign_of_life import BEAT_S, SILENT_S
from tests.integration.twin_world import World, call
from tests.reliability.conftest import ONE_BY_ONE
from tests.reliability.crash.fork_server import FINISHED, ForkServer, Order, events_of
from tests.reliability.crash.kill_point import KillPoint
from tests.reliability.crash.scenario import count_records, unbalanced

ELSEWHERE = "another-boot pid:[1] 4711@1"
"""A process that nobody on this machine can see."""

SLACK_S = 20.0
"""What a run itself takes on a busy machine, at most."""


@pytest.fixture
def killed(small_world: World, fork_server: ForkServer, tmp_path: Path) -> tuple[World, dict[str, int]]:
    """A first load that was killed when its first creation had arrived, and what the store must hold in the end."""
    world = small_world.with_rules(**ONE_BY_ONE)

    def order(name: str, kill: KillPoint | None) -> Order:
        folder = tmp_path / name
        folder.mkdir()
        return Order(
            erp_url=world.erp_url,
            store_url=world.store_url,
            ledger_url=f"sqlite:///{tmp_path / f'{name}.db'}",
            folder=str(folder),
            run_id=name,
            rules=ONE_BY_ONE,
            params={"mode": "full"},
            kill=kill,
        )

    assert fork_server.perform(order("undisturbed", None)).code == FINISHED
    first = next(
        event
        for event in events_of(tmp_path / "undisturbed")
        if event.where == "store" and event.what.startswith("POST") and "companies" in event.what
    )
    counts = count_records(world.store_state())
    for url in (world.erp_url, world.store_url):
        call(f"{url}/_sandbox/reset", "POST")
    assert fork_server.perform(order("dying", KillPoint(where="store", number=first.number, side="after"))).signal
    world.ledger_url = f"sqlite:///{tmp_path / 'dying.db'}"
    with world.ledger() as ledger:
        assert ledger.intents.unanswered()
    return world, counts


def put_holder(world: World, process: str, silent_s: float) -> None:
    """Let the dead one have been in another machine's process, and silent for so long."""
    seen = (datetime.now(UTC) - timedelta(seconds=silent_s)).replace(tzinfo=None).isoformat(sep=" ")
    with closing(sqlite3.connect(world.ledger_url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE lease SET process = ?, seen_at_utc = ?", (process, seen))


def took_s(world: World) -> float:
    """Seconds of the next run."""
    begun_s = time.monotonic()
    world.sync(mode="full", run_id="next")
    return time.monotonic() - begun_s


@pytest.mark.timeout(200)
def test_the_next_run_goes_on_at_once_after_a_killed_one(
    killed: tuple[World, dict[str, int]],
    record_property: Callable[[str, object], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On the machine of the dead one nobody waits for it, but for what the store may still work on."""
    world, counts = killed
    seconds = took_s(world)
    record_property("figure", f"the run after a killed one, on its machine: {seconds:.1f} s")
    assert seconds < SLACK_S
    assert count_records(world.store_state()) == counts
    assert unbalanced(world, "next") == []
    assert not [each for each in caplog.messages if "waiting to write" in each]


@pytest.mark.timeout(200)
def test_the_next_run_waits_half_a_minute_for_a_killed_one_elsewhere(
    killed: tuple[World, dict[str, int]],
    record_property: Callable[[str, object], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whose process cannot be seen is dead half a minute after its last sign of life; the log says who it is."""
    world, counts = killed
    put_holder(world, ELSEWHERE, silent_s=0.0)
    with caplog.at_level(logging.INFO):
        seconds = took_s(world)
    record_property("figure", f"the run after a killed one, on another machine: {seconds:.1f} s")
    assert SILENT_S - BEAT_S < seconds < SILENT_S + SLACK_S
    assert count_records(world.store_state()) == counts
    said = next(each for each in caplog.messages if each.startswith("waiting to write to store:"))
    assert "held by load of run dying (" in said
    assert "free by" in said
