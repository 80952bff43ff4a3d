"""While the store works, the load books what is finished already; an answer is never lost over it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_sync.errors import SyncError, TransientApiError
from customer_sync.ledger import Lease, Ledger
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.dispatch import Dispatcher, Write
from customer_sync.machine import sleep
from customer_sync.model.company import Company, CompanyStatus, CompanyUser
from customer_sync.model.operation import Action, CustomerPlan, StatusOperation
from customer_sync.run import Run
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, shipped_connector

USER = CompanyUser(key="1", email="a@example.com", first_name="A", last_name="B", role="Admin")
COMPANY = Company(
    customer_id="C1", company_name="One", company_phone="1", company_email="a@example.com", country="US", users=(USER,)
)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run with a ledger of its own."""
    with Ledger.open("knb", f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield Run(shipped_connector(), ledger, "r1", task="load")


class SlowWrite:
    """A write whose answer comes when somebody lets it."""

    def __init__(self, load: CustomerLoad, answer: threading.Event) -> None:
        approval = StatusOperation(
            action=Action.SET_STATUS, key="C1", new=CompanyStatus.APPROVED, old=CompanyStatus.PENDING
        )
        self.parts = [Part(load, approval)]
        self.answer = answer
        self.is_confirmed = False

    def send(self) -> None:
        """Wait to be let go, as a request waits: others go on meanwhile."""
        until_s = time.monotonic() + 30
        while not self.answer.is_set():
            assert time.monotonic() < until_s
            sleep(0.001)

    def confirm(self, connection: sa.Connection, answer: object, /) -> None:
        """Note it."""
        del connection, answer
        self.is_confirmed = True

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Nobody refuses it."""
        raise error

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """It is always answered."""
        raise error


class Pastime:
    """What is done meanwhile: lets the answer come at the third time, and may fail at that."""

    def __init__(self, answer: threading.Event, *, fails: bool = False) -> None:
        self.answer, self.fails, self.times = answer, fails, 0
        self.offered: list[str] = []

    def offer(self, loads: Iterable[CustomerLoad]) -> None:
        """Note who was named."""
        self.offered += [load.customer_id for load in loads]

    def close_some(self) -> bool:
        """Three times, then the answer may come."""
        self.times += 1
        if self.times < 3:
            return True
        self.answer.set()
        if self.fails:
            raise TransientApiError("the ledger is away", system="ledger", operation="ledger")
        return False


def load(run: Run, *, fails: bool = False) -> tuple[SlowWrite, Pastime, Dispatcher]:
    """Make a dispatcher with one slow write and a pastime."""
    answer = threading.Event()
    waiting = CustomerLoad(CustomerPlan(customer_id="C1", kind="sync", desired=COMPANY), run.connector)
    lease: Lease = run.ledger.lease("store:knb", "r1", 1)
    lease.acquire()
    pastime = Pastime(answer, fails=fails)
    return SlowWrite(waiting, answer), pastime, Dispatcher(run, lease, 2, idle_task=pastime)


def test_the_wait_for_an_answer_is_used(run: Run) -> None:
    """Before the answer there was time for three times; then its customer is named."""
    write, pastime, dispatcher = load(run)
    dispatcher.perform([write])
    assert (write.is_confirmed, pastime.times, pastime.offered) == (True, 3, ["C1"])
    assert run.ledger.intents.counts("r1") == {"confirmed": 1}


def test_an_answer_is_confirmed_when_the_pastime_fails(run: Run) -> None:
    """The load stops with that error, and not before what is on its way was settled."""
    write, _, dispatcher = load(run, fails=True)
    with pytest.raises(TransientApiError, match="the ledger is away"):
        dispatcher.perform([write])
    assert write.is_confirmed
    assert run.ledger.intents.counts("r1") == {"confirmed": 1}


def test_customers_are_booked_once_though_at_different_times(tmp_path: Path) -> None:
    """Each has one outcome and one closing line, be it booked in between or at the end."""
    with (
        running_acumatica(customers=240, shape="uniform", sessions=4) as erp,
        running_better_b2b(latency_ms=200) as store,
    ):
        shipped = shipped_connector()
        # More requests than are in flight at once: users come in two waves.
        # Without the write-back a customer is finished with its last user, while others' are still on their way.
        connector = shipped.model_copy(update={"erp": shipped.erp.model_copy(update={"write_reference": False})})
        world = World(erp.url, store.url, connector, f"sqlite:///{tmp_path / 'ledger.db'}")
        assert world.sync(mode="full").outcomes == {"created": 216, "filtered": 24}
        with Ledger.open(world.connector.id, world.ledger_url) as ledger:
            lines = [row for row in ledger.log.rows(limit=None) if row["task"] == "load" and row["outcome"]]
    closing = Counter(row["customer_id"] for row in lines)
    assert len(closing) == 216
    assert set(closing.values()) == {1}
    assert len({row["logged_at_utc"] for row in lines}) > 1
