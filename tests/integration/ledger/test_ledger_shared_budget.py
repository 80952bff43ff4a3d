"""Turns and seats that the ledger gives out hold for all who ask, on both databases."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_sync.errors import ConnectFailed, SessionLimit
from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.seat import SharedSeat
from customer_sync.ledger.coordination.shared_budget import LONGEST_BLOCK_S
from customer_sync.ledger.coordination.sign_of_life import BEAT_S, SILENT_S
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import request_turn, session_seat
from customer_sync.machine import running_on
from tests.integration.ledger.another_process import another_process
from tests.simulation.virtual_machine import VirtualMachine

BUDGET = "better_b2b:shop"


@pytest.fixture
def machines(ledger: Ledger, ledger_url: str) -> Iterator[list[Ledger]]:
    """The same ledger as four machines see it."""
    with ExitStack() as stack:
        yield [ledger, *(stack.enter_context(Ledger.open("knb", ledger_url)) for _ in range(3))]


def test_turns_follow_each_other_when_many_ask_at_once(machines: list[Ledger]) -> None:
    """Blocks do not overlap, and none is lost: each begins where another ends."""
    begin = utc_now()

    def ask(ledger: Ledger) -> list[float]:
        schedule = ledger.schedule(BUDGET)
        return [
            (utc_now() - begin).total_seconds() + schedule.reserve(count=3, interval_s=100.0, burst=1) for _ in range(5)
        ]

    with ThreadPoolExecutor(len(machines)) as pool:
        starts = sorted(start for found in pool.map(ask, machines) for start in found)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(gaps) == 19
    # The clock is read before the reservation, which may have waited for others: hence the tolerance.
    assert gaps == pytest.approx([300.0] * 19, abs=60)
    assert starts[-1] - starts[0] == pytest.approx(19 * 300.0, abs=60)


def test_a_quiet_time_is_worth_a_burst_and_no_more(ledger: Ledger) -> None:
    """Turns that nobody took are kept up to the burst."""
    schedule = ledger.schedule(BUDGET)
    schedule.reserve(count=1, interval_s=10.0, burst=4)
    with ledger.write() as connection:
        connection.execute(sa.update(request_turn).values(next_at_utc=utc_now() - timedelta(hours=1)))
    assert schedule.reserve(count=1, interval_s=10.0, burst=4) == pytest.approx(-30.0, abs=1)
    assert schedule.reserve(count=1, interval_s=10.0, burst=4) == pytest.approx(-20.0, abs=5)


def test_every_machine_waits_when_one_was_refused(machines: list[Ledger]) -> None:
    """A pause that a server asked for is everybody's, and bounded."""
    machines[0].schedule(BUDGET).block(40)
    assert machines[1].schedule(BUDGET).reserve(count=1, interval_s=1.0, burst=1) == pytest.approx(40, abs=10)
    machines[0].schedule(BUDGET).block(86_400)
    assert machines[1].schedule(BUDGET).reserve(count=1, interval_s=1.0, burst=1) <= LONGEST_BLOCK_S


def test_two_budgets_do_not_wait_for_each_other(ledger: Ledger) -> None:
    """A budget is of one store or one licence."""
    ledger.schedule(BUDGET).block(100)
    assert ledger.schedule("acumatica:shop").reserve(count=1, interval_s=1.0, burst=1) <= 0.0


def test_no_request_leaves_when_its_turn_cannot_be_reserved(tmp_path: Path) -> None:
    """The error says that nothing was sent, so that even a write may be tried again."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}?timeout=0.1"
    with Ledger.open("knb", url) as ledger, Ledger.open("knb", url) as other, other.write() as holding:
        other.watermarks.put(holding, "r", {"customers": "x"})
        with pytest.raises(ConnectFailed, match="No request was sent") as caught:
            ledger.schedule(BUDGET).reserve(count=1, interval_s=1.0, burst=1)
        # What follows an answer must not hide it.
        ledger.schedule(BUDGET).block(5)
    assert caught.value.refused


def seat(ledger: Ledger, seats: int = 2, wait_s: float = 0.0) -> SharedSeat:
    """A seat of a small licence."""
    made = ledger.seat("acumatica:office", seats)
    made._wait_s = wait_s
    return made


def test_no_more_seats_are_taken_than_the_licence_has(machines: list[Ledger]) -> None:
    """Four machines ask at once for two seats: two get one, the others are told what to do."""
    seats = [seat(ledger) for ledger in machines]

    def take(one: SharedSeat) -> bool:
        try:
            one.take()
        except SessionLimit as error:
            return "Raise erp.seats" not in error.message
        return True

    with ThreadPoolExecutor(len(seats)) as pool:
        taken = list(pool.map(take, seats))
    assert sum(taken) == 2
    seats[taken.index(True)].give_back()
    seats[taken.index(False)].take()


def test_a_seat_is_taken_once_when_it_is_asked_for_twice(ledger: Ledger) -> None:
    """Signing in anew within one client needs no second seat."""
    first, second = seat(ledger, 2), seat(ledger, 2)
    first.take()
    first.take()
    second.take()
    with pytest.raises(SessionLimit):
        seat(ledger, 2).take()


def silent(ledger: Ledger, seconds: float) -> None:
    """Let the holders be of another machine, and silent for so long."""
    with ledger.write() as connection:
        seen = datetime.now(UTC) - timedelta(seconds=seconds)
        connection.execute(sa.update(session_seat).values(process="elsewhere pid:[1] 4711@1", seen_at_utc=seen))


def test_a_seat_becomes_free_when_its_holder_is_silent(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    """Half a minute after its last sign of life; the log says until when the server may count its session."""
    ledger.seat("acumatica:office", 1, "extract of run r1").take()
    machine = VirtualMachine(now=datetime.now(UTC))
    with running_on(machine):
        for silent_s in (SILENT_S - 2 * BEAT_S - 5, SILENT_S + 1):
            waiting = SharedSeat(
                ledger.engine, "acumatica:office", 1, "load of run r2", wait_s=2 * BEAT_S, clock=machine.monotonic_s
            )
            silent(ledger, silent_s)
            if silent_s > SILENT_S:
                waiting.take()
                continue
            with pytest.raises(SessionLimit, match=r"held by extract of run r1 since .*it is free by"):
                waiting.take()
    said = [each for each in caplog.messages if each.startswith("waiting for one of 1 seats of acumatica:office")]
    assert len(said) == 2
    assert "held by extract of run r1 since" in said[0]
    assert [each for each in caplog.messages if "extract of run r1, which had a seat" in each]


def test_a_seat_of_a_killed_process_is_free_at_once(ledger: Ledger, ledger_url: str) -> None:
    """On the same machine nobody waits for a process that is gone."""
    with another_process(ledger_url, 'ledger.seat("acumatica:office", 1, "extract of run r1").take()') as holder:
        with pytest.raises(SessionLimit, match="extract of run r1"):
            seat(ledger, 1).take()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        seat(ledger, 1).take()


def test_a_seat_is_kept_while_its_holder_lives(ledger: Ledger) -> None:
    """A long read gives signs of life though it asks nobody."""
    held = ledger.seat("acumatica:office", 1)
    held.take()
    silent(ledger, SILENT_S - 1)
    deadline_s = time.monotonic() + 4 * BEAT_S
    with ledger.engine.connect() as connection:
        while utc_now() - connection.execute(sa.select(session_seat.c.seen_at_utc)).scalar_one() > timedelta(
            seconds=BEAT_S
        ):
            connection.rollback()
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
    held.give_back()
    seat(ledger, 1).take()
