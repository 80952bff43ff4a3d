"""Processes of a real Airflow are killed, or its ledger is locked, in mid-run; the next attempt puts all right."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from customer_sync.settings.connector_file import load_connector
from demo.settings import DAG_ID
from tests.e2e.ground import Ground, remove
from tests.integration.second_calculation import expected_book
from tests.integration.twin_world import World

pytestmark = [pytest.mark.airflow, pytest.mark.long, pytest.mark.timeout(900)]

SLOW_WRITES = {
    "match": {"path_regex": "/(companies|users)", "body_regex": "."},
    "effect": "delay_ms",
    "delay_ms": 5000,
    "times": 2,
}
"""So that there is a middle of a load in which to kill somebody."""
ON = {"EnableKensiumCommerce": True, "ConnectionType": "KNB"}
STRANGERS = {"taken@othercompany.example"}
"""E-mails of users that the store has from the start."""
LONGEST_S = 300.0


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Both twins and a whole Airflow of this module's own: its processes are killed."""
    folder = tmp_path_factory.mktemp("ground")
    # A task waits two seconds for a locked ledger, so that three attempts do not take minutes.
    started = Ground(folder, {"CUSTOMER_SYNC_LEDGER_URL": f"sqlite:///{ledger_of(folder)}?timeout=2"})
    try:
        started.start()
        yield started
    finally:
        started.stop()
        remove(folder)


@pytest.fixture(scope="module")
def successors(ground: Ground) -> Iterator[ExitStack]:
    """Keeps schedulers that took a dead one's place, for the tests that come after."""
    assert ground.address
    with ExitStack() as kept:
        yield kept


@pytest.fixture
def world(ground: Ground) -> World:
    """The same systems, to edit and to look at; the store's faults are gone."""
    connector = load_connector(next(ground.connectors.glob("*.yaml")))
    found = World(ground.erp.address, ground.store.address, connector, f"sqlite:///{ledger_of(ground.place.home)}")
    found.store_faults()
    return found


def ledger_of(folder: Path) -> Path:
    """The ledger's file."""
    return folder / "synced.db"


def instance(ground: Ground, run_id: str, task_id: str, map_index: int) -> dict[str, object]:
    """What Airflow says of one task instance."""
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{quote(run_id)}/taskInstances/{task_id}"
    found: dict[str, object] = ground.api.get(f"{path}/{map_index}" if map_index >= 0 else path)
    return found


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    """Poll until something is so."""
    deadline = time.monotonic() + LONGEST_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {LONGEST_S:.0f} s"
        time.sleep(0.1)


def assert_all_is_right(world: World, run_id: str) -> None:
    """The store is what a second calculation makes of the ERP; nothing is there twice, and no write is open."""
    erp = world.erp_state()
    for customer in erp["customers"]:
        customer["values"].setdefault("Terms", "30D")  # the twin keeps no value that is the class's own
    book, expected = world.book(), expected_book(erp, STRANGERS)
    assert {key: book.get(key) for key in expected} == expected
    state = world.store_state()
    assert [email for email, count in Counter(user["email"] for user in state["users"]).items() if count > 1] == []
    keys = Counter(row["externalId"] for row in state["addresses"] if row["externalId"])
    assert [key for key, count in keys.items() if count > 1] == []
    ours = Counter(field["fieldValue"] for company in state["companies"] for field in company["extraFields"])
    assert [key for key, count in ours.items() if count > 1] == []
    with world.ledger() as ledger:
        row = ledger.runs.get(run_id)
        assert row is not None
        assert sum(ledger.runs.outcome_counts(run_id).values()) == row["extracted"]
        assert not ledger.runs.without_outcome(run_id)
        assert ledger.intents.unanswered() == []


def has_open_writes(world: World) -> bool:
    """Whether a write was sent whose answer has not come."""
    with world.ledger() as ledger:
        return bool(ledger.intents.unanswered())


def process_of_task(ground: Ground, run_id: str, task_id: str) -> int:
    """Process id of a running task: the process that works, not the one that supervises it."""
    pid = instance(ground, run_id, task_id, 0)["pid"]
    assert isinstance(pid, int)
    return pid


def test_killed_load_is_retried_and_converges_when_its_process_dies_in_the_middle(ground: Ground, world: World) -> None:
    """SIGKILL while a write is on its way: Airflow's second try finds what the first one did, and goes on."""
    people = {"FirstName": "New", "LastName": "Person", **ON}
    world.add("Contact", BusinessAccount="C000001", Email="new.person@elbe1.example", **people)
    world.edit("Customer", CustomerID="C000002", CustomerName="Renamed Before The Kill")
    world.store_faults(SLOW_WRITES)
    run_id = ground.trigger({"mode": "full"})
    wait_for("a write is on its way", lambda: has_open_writes(world))

    os.kill(process_of_task(ground, run_id, "load"), signal.SIGKILL)

    assert ground.wait_for_run(run_id, timeout_s=LONGEST_S).state == "success"
    assert instance(ground, run_id, "load", 0)["try_number"] == 2
    assert_all_is_right(world, run_id)


def scheduler_of(ground: Ground) -> tuple[int, dict[str, str]]:
    """Process id and environment of the scheduler of this Airflow alone."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            values = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile
        environment = dict(part.decode().split("=", 1) for part in values if b"=" in part)
        is_ours = environment.get("AIRFLOW_HOME") == str(ground.place.airflow_home)
        if is_ours and words[-2:] == [b"scheduler", b""]:
            return int(entry.name), environment
    raise AssertionError("no scheduler of this Airflow is running")


@contextmanager
def second_scheduler(environment: dict[str, str], output: Path) -> Iterator[None]:
    """A new scheduler in the place of a dead one."""
    command = [sys.executable, "-m", "airflow", "scheduler"]
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_nothing_is_sent_while_the_ledger_is_locked(ground: Ground, world: World) -> None:
    """A ledger that another process holds fails the run with a sentence, after its retries; then all goes on."""
    world.edit("Customer", CustomerID="C000001", CustomerName="Locked Out")
    world.forget_calls()
    holder = sqlite3.connect(ledger_of(ground.place.home), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    run_id = ground.trigger({"mode": "selected", "customer_ids": ["C000001"]})
    try:
        assert ground.wait_for_run(run_id, timeout_s=LONGEST_S).state == "failed"
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    states = ground.airflow.task_states(DAG_ID, run_id)
    extract = next(state for state in states if state.task_id == "extract")
    assert extract.try_number == 3
    told = "\n".join(ground.airflow.log_lines(DAG_ID, run_id, extract))
    assert "database is locked): another process has been holding it" in told
    assert world.store_writes() == []

    after = ground.run({"mode": "full"}, timeout_s=LONGEST_S)

    assert after.state == "success"
    assert world.book()["C000001"]["companyName"] == "Locked Out"
    assert_all_is_right(world, after.run_id)


def test_run_goes_on_under_a_new_scheduler_when_the_old_one_is_killed(
    ground: Ground, world: World, successors: ExitStack
) -> None:
    """SIGKILL of the scheduler while the store is being written: the task lives on, a new scheduler ends the run."""
    for key in ("C000001", "C000002", "C000003"):
        world.edit("Customer", CustomerID=key, CustomerName=f"Renamed {key}")
    world.store_faults(SLOW_WRITES)
    run_id = ground.trigger({"mode": "full"})
    wait_for("a write is on its way", lambda: has_open_writes(world))
    pid, environment = scheduler_of(ground)

    os.kill(pid, signal.SIGKILL)
    successors.enter_context(second_scheduler(environment, ground.place.home / f"scheduler-after-{pid}.log"))
    assert ground.wait_for_run(run_id, timeout_s=LONGEST_S).state == "success"

    world.store_faults()
    assert world.book()["C000002"]["companyName"] == "Renamed C000002"
    assert_all_is_right(world, run_id)
