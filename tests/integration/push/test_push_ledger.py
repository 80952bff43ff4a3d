"""Push notifications in the ledger: gathered, handed out once, never forgotten by the schedule."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.push_inbox import PENDING_MAX
from customer_sync.ledger.storage.schema import push_customer
from customer_sync.model.push_notification import Notification


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open("knb", f"sqlite:///{tmp_path / 'ledger.db'}") as opened:
        yield opened


def notification(*customer_ids: str, ticks: int = 1) -> Notification:
    """A notification that names customers."""
    return Notification(customer_ids=customer_ids, ticks=ticks)


def test_customers_wait_once_however_often_they_are_named(ledger: Ledger) -> None:
    """Ten notifications of two customers are two waiting customers, handed out together and once."""
    for ticks in range(1, 11):
        ledger.push.receive(notification("C2", "C1", ticks=ticks))
    assert ledger.push.announce(0) == 2
    assert ledger.push.hand_out() == ["C1", "C2"]
    assert ledger.push.hand_out() == []


def test_late_and_repeated_notifications_tell_nothing_new(ledger: Ledger) -> None:
    """What is as old as what was handed out already was seen by that read; what is newer waits again."""
    ledger.push.receive(notification("C1", ticks=5))
    ledger.push.receive(notification("C1", ticks=8))
    assert ledger.push.hand_out() == ["C1"]
    assert ledger.push.receive(notification("C1", ticks=8)) == (0, 1, 0)
    assert ledger.push.receive(notification("C1", ticks=6)) == (0, 1, 0)
    assert ledger.push.hand_out() == []
    assert ledger.push.receive(notification("C1", ticks=9)) == (1, 0, 0)
    assert ledger.push.hand_out() == ["C1"]


def test_waiting_customers_are_announced_once_after_the_debounce(ledger: Ledger) -> None:
    """Nobody is called while customers are gathered, and not again before they were fetched."""
    assert ledger.push.announce(0) == 0
    ledger.push.receive(notification("C1"))
    assert ledger.push.announce(60) == 0
    assert ledger.push.announce(0) == 1
    ledger.push.receive(notification("C2"))
    assert ledger.push.announce(0) == 0
    assert ledger.push.hand_out() == ["C1", "C2"]
    ledger.push.receive(notification("C3"))
    assert ledger.push.announce(0) == 1


def test_flood_stays_bounded(ledger: Ledger) -> None:
    """More customers than one run takes are left to the schedule, and counted."""
    ids = tuple(f"C{number:06d}" for number in range(PENDING_MAX + 500))
    taken = ledger.push.receive(notification(*ids))
    assert taken == (PENDING_MAX, 0, 500)
    assert ledger.push.receive(notification("C999999")) == (0, 0, 1)
    health = ledger.push.health()
    assert (health.pending, health.left_out, health.received) == (PENDING_MAX, 501, 2)
    assert len(ledger.push.hand_out()) == PENDING_MAX


def test_good_scheduled_run_settles_what_came_before_it(ledger: Ledger) -> None:
    """The run read those customers by its window; what came later still waits."""
    ledger.push.receive(notification("C1"))
    between = datetime.now(UTC)
    ledger.push.receive(notification("C2"))
    with ledger.write() as connection:
        ledger.push.settle(connection, between)
    assert ledger.push.announce(0) == 1
    assert ledger.push.hand_out() == ["C2"]


def test_customers_of_another_connector_are_its_own(ledger: Ledger, tmp_path: Path) -> None:
    """Two connectors in one ledger do not see each other's notifications."""
    with Ledger.open("acme", f"sqlite:///{tmp_path / 'ledger.db'}") as other:
        ledger.push.receive(notification("C1"))
        assert other.push.hand_out() == []
        assert other.push.health().received == 0
    assert ledger.push.hand_out() == ["C1"]


def test_nothing_is_lost_when_notifications_come_at_the_same_time(ledger: Ledger) -> None:
    """Eight senders at once, all their customers wait."""
    threads = [
        threading.Thread(target=lambda n=n: [ledger.push.receive(notification(f"C{n}{i}")) for i in range(5)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.push.hand_out()) == 40
    assert ledger.push.health().received == 40


def test_remembered_customers_are_forgotten_after_a_week(ledger: Ledger) -> None:
    """Customers that were handed out are kept for a week, to know late notifications; then the table shrinks."""
    ledger.push.receive(notification("C1", ticks=5))
    ledger.push.hand_out()
    with ledger.write() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=8)
        connection.execute(sa.update(push_customer).values(received_at_utc=long_ago))
    ledger.push.hand_out()
    assert ledger.push.receive(notification("C1", ticks=5)) == (1, 0, 0)
