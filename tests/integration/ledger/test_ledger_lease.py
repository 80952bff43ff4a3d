"""Leases: one attempt writes to a store, the newest one, and the dead keep nobody waiting."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from customer_sync.errors import LeaseLost, TransientApiError
from customer_sync.ledger import Lease, Ledger
from customer_sync.ledger.coordination.sign_of_life import BEAT_S, SILENT_S, TRUST_S
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import lease as lease_table
from customer_sync.machine import running_on
from tests.integration.ledger.another_process import another_process
from tests.simulation.virtual_machine import VirtualMachine

STORE = "store:knb"
ELSEWHERE = "another-boot pid:[1] 4711@1"
"""A process of another machine: nobody here can see whether it is there."""


def confirm(ledger: Ledger, held: Lease) -> None:
    """Check the lease as load does before each write."""
    with ledger.write() as connection:
        held.confirm(connection)


def age(ledger: Ledger, seconds: float) -> None:
    """Let the holder have been silent so long."""
    put(ledger, seen_at_utc=utc_now() - timedelta(seconds=seconds))


def put(ledger: Ledger, **values: object) -> None:
    """Change what the ledger holds of the lease."""
    with ledger.write() as connection:
        connection.execute(sa.update(lease_table).values(**values))


@pytest.fixture
def machine() -> Iterator[VirtualMachine]:
    """Waiting costs nothing."""
    hurried = VirtualMachine(now=datetime.now(UTC))
    with running_on(hurried):
        yield hurried


class Patience:
    """Counts the seconds that an attempt would have slept."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


TAKE_THE_LEASE = f'ledger.lease("{STORE}", "r1", 1, "load of run r1").acquire()'


def test_a_free_store_is_taken_and_given_back(ledger: Ledger) -> None:
    """Taken, confirmed before each write, released; the next one need not wait."""
    first, second = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r2", 1)
    first.acquire(wait_s=0)
    confirm(ledger, first)
    first.release()
    second.acquire(wait_s=0)
    confirm(ledger, second)


def test_a_newer_attempt_takes_over_and_the_older_stops(ledger: Ledger) -> None:
    """An orphan finds itself without it before it writes anything more."""
    orphan, newer = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r1", 2)
    orphan.acquire(wait_s=0)
    newer.acquire(wait_s=0)
    with pytest.raises(LeaseLost, match="try 1"):
        confirm(ledger, orphan)
    confirm(ledger, newer)
    orphan.release()
    confirm(ledger, newer)


def test_an_older_attempt_does_not_take_back(ledger: Ledger) -> None:
    """A late starter of the same run gives way at once."""
    ledger.lease(STORE, "r1", 2).acquire(wait_s=0)
    with pytest.raises(LeaseLost, match="newer attempt"):
        ledger.lease(STORE, "r1", 1).acquire(wait_s=0)


def test_another_run_waits_and_then_gives_way(ledger: Ledger) -> None:
    """Two runs never write to one store at once; the wait is bounded and the task may retry."""
    first = ledger.lease(STORE, "r1", 1)
    first.acquire(wait_s=0)
    patience = Patience()
    with pytest.raises(TransientApiError, match="Another run"):
        ledger.lease(STORE, "r2", 9).acquire(wait_s=10, sleep=patience.sleep)
    assert patience.slept_s == 10
    confirm(ledger, first)


def test_who_waits_says_for_whom_and_until_when(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the holder, since when, its last sign of life, and when it is free without another one."""
    ledger.lease(STORE, "r1", 1, "load of run r1 (batch 2 of 3, try 1)").acquire(wait_s=0)
    put(ledger, since_utc=datetime(2026, 3, 2, 9, 54, tzinfo=UTC), seen_at_utc=datetime(2026, 3, 2, 10, 4, tzinfo=UTC))
    said = (
        "load of run r1 (batch 2 of 3, try 1) since 09:54:00 UTC "
        "(last sign of life 10:04:00; without another one it is free by 10:04:30)"
    )
    with caplog.at_level(logging.INFO), pytest.raises(TransientApiError) as failure:
        ledger.lease(STORE, "r2", 1).acquire(wait_s=2, sleep=lambda _: None)
    assert said in failure.value.message
    assert [f"waiting to write to {STORE}, held by {said}" in each for each in caplog.messages] == [True]


def test_another_run_goes_on_when_the_first_is_done(ledger: Ledger) -> None:
    """Waiting ends with the release."""
    first, second = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r2", 1)
    first.acquire(wait_s=0)
    second.acquire(wait_s=60, sleep=lambda _: first.release())
    confirm(ledger, second)


@pytest.mark.parametrize(("silent_s", "is_free"), [(SILENT_S - 2 * BEAT_S - 5, False), (SILENT_S + 1, True)])
def test_a_lease_is_free_when_its_holder_is_silent(
    ledger: Ledger, machine: VirtualMachine, silent_s: float, *, is_free: bool
) -> None:
    """A killed machine blocks the store for half a minute and no longer, be it watched from then on or not."""
    first, second = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r2", 1)
    first.acquire(wait_s=0)
    put(ledger, process=ELSEWHERE)
    age(ledger, silent_s)
    begun = machine.now
    if not is_free:
        with pytest.raises(TransientApiError):
            second.acquire(wait_s=2 * BEAT_S)
        return
    second.acquire(wait_s=2 * BEAT_S)
    assert machine.now - begun == timedelta(seconds=2 * BEAT_S)
    with pytest.raises(LeaseLost):
        confirm(ledger, first)


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_nobody_dies_because_a_clock_jumps(ledger: Ledger, machine: VirtualMachine, ahead_s: float) -> None:
    """A holder whose sign moves while it is watched is alive, whatever the clock says."""
    first = ledger.lease(STORE, "r1", 1)
    first.acquire(wait_s=0)
    put(ledger, process=ELSEWHERE)
    age(ledger, ahead_s)

    def sleep(seconds: float) -> None:
        machine.pass_time(seconds)
        age(ledger, ahead_s)

    with pytest.raises(TransientApiError):
        ledger.lease(STORE, "r2", 1).acquire(wait_s=100, sleep=sleep)


def test_a_dead_holder_of_tomorrow_is_dead(ledger: Ledger, machine: VirtualMachine) -> None:
    """Where the clock was put back after its last sign, its silence while it is watched says enough."""
    ledger.lease(STORE, "r1", 1).acquire(wait_s=0)
    put(ledger, process=ELSEWHERE)
    age(ledger, -86_400)
    begun = machine.now
    ledger.lease(STORE, "r2", 1).acquire(wait_s=100)
    assert machine.now - begun == timedelta(seconds=SILENT_S)


def test_a_killed_process_is_known_to_be_gone_at_once(ledger: Ledger, ledger_url: str) -> None:
    """On the same machine the next run takes the lease over without waiting; a live one keeps it."""
    with another_process(ledger_url, TAKE_THE_LEASE) as holder:
        with pytest.raises(TransientApiError, match="load of run r1"):
            ledger.lease(STORE, "r2", 1).acquire(wait_s=0)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        ledger.lease(STORE, "r2", 1).acquire(wait_s=0)


@pytest.mark.timeout(120)
def test_a_stopped_process_loses_the_lease_and_learns_so_before_it_sends(ledger: Ledger, ledger_url: str) -> None:
    """Stopped for longer than it is waited for, a holder that goes on finds the lease gone at its next request."""
    script = TAKE_THE_LEASE.replace(".acquire()", "") + (
        "; held = ledger._leases['store:knb']; held.acquire(); print('taken', flush=True); sys.stdin.readline()\n"
        "try:\n    ledger.schedule('better_b2b:knb').admit()\n"
        "except Exception as error:\n    print(type(error).__name__, flush=True)\n"
    )
    source = "import sys, time\nfrom customer_sync.ledger import Ledger\nledger = Ledger.open('knb', sys.argv[1])\n"
    command = [sys.executable, "-c", source + script, ledger_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own script
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"taken\n"
            process.send_signal(signal.SIGSTOP)
            put(ledger, seen_at_utc=utc_now() - timedelta(seconds=SILENT_S))
            begun_s = time.monotonic()
            ledger.lease(STORE, "r2", 1).acquire()
            assert time.monotonic() - begun_s < 2 * BEAT_S + 10
            # What it may have seen of the ledger before it was stopped is old by then.
            time.sleep(max(0.0, TRUST_S - (time.monotonic() - begun_s)))
            process.send_signal(signal.SIGCONT)
            said, _ = process.communicate(b"go on\n", timeout=60)
            assert said == b"LeaseLost\n"
        finally:
            process.kill()


def test_a_holder_gives_signs_of_life_while_it_does_something_else(ledger: Ledger) -> None:
    """A long read passes for no death."""
    held = ledger.lease(STORE, "r1", 1)
    held.acquire(wait_s=0)
    age(ledger, SILENT_S - 1)
    deadline_s = time.monotonic() + 4 * BEAT_S
    with ledger.engine.connect() as connection:
        query = sa.select(lease_table.c.seen_at_utc)
        while utc_now() - connection.execute(query).scalar_one() > timedelta(seconds=BEAT_S):
            connection.rollback()
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
    held.release()


def test_each_confirmation_is_a_sign_of_life(ledger: Ledger) -> None:
    """A long load keeps its store as long as it works."""
    first = ledger.lease(STORE, "r1", 1)
    first.acquire(wait_s=0)
    age(ledger, SILENT_S - 1)
    confirm(ledger, first)
    with ledger.engine.connect() as connection:
        seen = connection.execute(sa.select(lease_table.c.seen_at_utc)).scalar_one()
    assert utc_now() - seen < timedelta(seconds=BEAT_S)


def test_two_stores_do_not_wait_for_each_other(ledger: Ledger) -> None:
    """A lease is of one store."""
    ledger.lease(STORE, "r1", 1).acquire(wait_s=0)
    ledger.lease("store:acme", "r2", 1).acquire(wait_s=0)


def test_the_lease_is_checked_in_the_transaction_that_writes(ledger: Ledger) -> None:
    """Whoever lost the lease leaves no intent behind."""
    orphan = ledger.lease(STORE, "r1", 1)
    orphan.acquire(wait_s=0)
    ledger.lease(STORE, "r1", 2).acquire(wait_s=0)

    def write() -> None:
        with ledger.write() as connection:
            ledger.watermarks.put(connection, "r1", {"customers": "x"})
            orphan.confirm(connection)

    with pytest.raises(LeaseLost):
        write()
    assert ledger.watermarks.load() == {}


def test_nothing_is_sent_without_the_lease_after_a_while(ledger: Ledger, machine: VirtualMachine) -> None:
    """Who has not seen the lease for some seconds looks before a request leaves; until then nobody else has it."""
    held = ledger.lease(STORE, "r1", 1)
    held.acquire(wait_s=0)
    schedule = ledger.schedule("better_b2b:knb")
    schedule.admit()
    put(ledger, holder="somebody else")
    schedule.admit()
    machine.pass_time(TRUST_S)
    with pytest.raises(LeaseLost):
        schedule.admit()


@pytest.mark.parametrize(("silent_s", "unsettled_s"), [(0.0, 30.0), (20.0, 10.0), (31.0, 0.0)])
def test_who_takes_over_knows_how_long_the_store_may_work_on_what_was_sent(
    ledger: Ledger, silent_s: float, unsettled_s: float
) -> None:
    """As long as the store works on a request, from when the former holder's last one may have left."""
    older, newer = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r1", 2)
    older.acquire(wait_s=0)
    assert older.unsettled_s(30.0) == 0.0
    put(ledger, process=ELSEWHERE)
    age(ledger, silent_s + TRUST_S)
    newer.acquire(wait_s=0)
    # The test itself takes a moment, and more on a busy machine.
    assert max(0.0, unsettled_s - 5.0) <= newer.unsettled_s(30.0) <= unsettled_s


def test_what_may_still_be_worked_on_is_known_after_the_lease_was_given_back(ledger: Ledger) -> None:
    """Whoever ends without having awaited its answers, or before what it took over was settled, says so."""
    ended, third, last = (ledger.lease(STORE, run_id, 1) for run_id in ("r1", "r2", "r3"))
    ended.acquire(wait_s=0)
    ended.release(may_have_sent=True)
    third.acquire(wait_s=0)
    assert 25.0 <= third.unsettled_s(30.0) <= 30.0
    third.release()
    last.acquire(wait_s=0)
    assert 20.0 <= last.unsettled_s(30.0) <= 30.0
