"""Leases: one attempt writes to a store, the newest one."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from customer_sync.errors import LeaseLost, TransientApiError
from customer_sync.ledger import Lease, Ledger
from customer_sync.ledger.coordination.lease import LEASE_S
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import lease as lease_table

STORE = "store:knb"


def confirm(ledger: Ledger, held: Lease) -> None:
    """Check the lease as load does before each write."""
    with ledger.write() as connection:
        held.confirm(connection)


def age(ledger: Ledger, seconds: float) -> None:
    """Let the lease's expiry pass as if its holder had been silent so long."""
    with ledger.write() as connection:
        moment = utc_now() + timedelta(seconds=LEASE_S - seconds)
        connection.execute(sa.update(lease_table).values(expires_at_utc=moment))


class Patience:
    """Counts the seconds that an attempt would have slept."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


def test_a_free_store_is_taken_and_given_back(ledger: Ledger) -> None:
    """Taken, confirmed before each write, released; the next one need not wait."""
    first, second = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r2", 1)
    first.acquire(wait_s=0)
    confirm(ledger, first)
    first.release()
    second.acquire(wait_s=0)
    confirm(ledger, second)


def test_a_newer_attempt_takes_over_and_the_older_stops(ledger: Ledger) -> None:
    """An orphan finds itself expired before it writes anything more."""
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


def test_another_run_goes_on_when_the_first_is_done(ledger: Ledger) -> None:
    """Waiting ends with the release."""
    first, second = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r2", 1)
    first.acquire(wait_s=0)
    second.acquire(wait_s=60, sleep=lambda _: first.release())
    confirm(ledger, second)


@pytest.mark.parametrize(("silent_s", "is_free"), [(LEASE_S - 5, False), (LEASE_S + 1, True)])
def test_a_lease_expires_when_its_holder_is_silent(ledger: Ledger, silent_s: float, *, is_free: bool) -> None:
    """A killed machine blocks the store for two minutes and no longer."""
    first, second = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r2", 1)
    first.acquire(wait_s=0)
    age(ledger, silent_s)
    if not is_free:
        with pytest.raises(TransientApiError):
            second.acquire(wait_s=0)
        return
    second.acquire(wait_s=0)
    with pytest.raises(LeaseLost):
        confirm(ledger, first)


def test_each_confirmation_extends_the_lease(ledger: Ledger) -> None:
    """A long load keeps its store as long as it works."""
    first = ledger.lease(STORE, "r1", 1)
    first.acquire(wait_s=0)
    age(ledger, LEASE_S - 1)
    confirm(ledger, first)
    with pytest.raises(TransientApiError):
        ledger.lease(STORE, "r2", 1).acquire(wait_s=0)


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


@pytest.mark.parametrize(("silent_s", "unsettled_s"), [(0.0, 30.0), (20.0, 10.0), (31.0, 0.0)])
def test_a_newer_attempt_knows_how_long_a_request_of_the_older_may_be_on_its_way(
    ledger: Ledger, silent_s: float, unsettled_s: float
) -> None:
    """As long as a client waits for an answer, less the time for which the older attempt has been silent."""
    older, newer = ledger.lease(STORE, "r1", 1), ledger.lease(STORE, "r1", 2)
    older.acquire(wait_s=0)
    assert older.unsettled_s(30.0) == 0.0
    age(ledger, silent_s)
    newer.acquire(wait_s=0)
    # The test itself takes a moment, and more on a busy machine.
    assert max(0.0, unsettled_s - 5.0) <= newer.unsettled_s(30.0) <= unsettled_s
