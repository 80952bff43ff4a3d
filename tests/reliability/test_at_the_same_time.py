"""Two runs at once, a run beside its own orphaned attempt, a customer in two runs: no double, no lost outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import RunningTwin
from tests.integration.twin_world import World, call, shipped_connector
from tests.reliability.crash.fork_server import FINISHED, STOPPED, Ending, ForkServer, Order, running_fork_server
from tests.reliability.crash.scenario import Expectation, defects, expectation, prepare, unbalanced, writes

RULES: dict[str, dict[str, Any]] = {"batch": {"size": 4, "largest": 4}}
EVERYONE = ("C000001", "C000002", "C000003", "C000004", "C000005", "C000008")


@dataclass
class Pair:
    """The prepared moment, and two processes that work at the same time."""

    world: World
    servers: tuple[ForkServer, ForkServer]
    folder: Path
    expected: Expectation
    pool: ThreadPoolExecutor

    def start(self, which: int, run_id: str, folder: Path, try_number: int = 1, **params: Any) -> Future[Ending]:
        """Start an attempt in one of the two processes."""
        order = Order(
            erp_url=self.world.erp_url,
            store_url=self.world.store_url,
            ledger_url=self.world.ledger_url,
            folder=str(folder),
            run_id=run_id,
            rules=RULES,
            try_number=try_number,
            params=params,
            read_timeout_s=3.0,
        )
        return self.pool.submit(self.servers[which].perform, order)

    def new_folder(self, name: str) -> Path:
        """A folder for a run's results."""
        path = self.folder / name
        path.mkdir()
        return path

    def assert_all_is_well(self, *run_ids: str) -> None:
        """The store is as one undisturbed run leaves it, every run balances, and the next one writes nothing."""
        assert defects(self.world, self.expected) == []
        assert [problem for run_id in run_ids for problem in unbalanced(self.world, run_id)] == []
        self.world.forget_calls()
        self.world.sync(run_id="check")
        assert writes(self.world) == []


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty ledger on each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    make_database: Callable[[], str] = request.getfixturevalue("postgres_urls")
    return make_database()


@pytest.fixture(scope="session")
def second_fork_server() -> Iterator[ForkServer]:
    """Another process beside the first one."""
    with running_fork_server() as server:
        yield server


@pytest.fixture
def pair(
    few_customers: tuple[RunningTwin, RunningTwin],
    fork_server: ForkServer,
    second_fork_server: ForkServer,
    ledger_url: str,
    tmp_path: Path,
) -> Iterator[Pair]:
    """The moment before a run with every kind of write; what one run makes of it is known."""
    erp, store = few_customers

    def prepared(url: str) -> World:
        for twin in few_customers:
            call(f"{twin.url}/_sandbox/reset", "POST")
        world = World(erp.url, store.url, shipped_connector(), url).with_rules(**RULES)
        prepare(world)
        return world

    undisturbed = prepared(f"sqlite:///{tmp_path / 'undisturbed.db'}")
    undisturbed.sync()
    expected = expectation(undisturbed)
    with ThreadPoolExecutor(2) as pool:
        yield Pair(prepared(ledger_url), (fork_server, second_fork_server), tmp_path, expected, pool)


def open_actions(world: World) -> set[str]:
    """Actions of the writes that are on their way."""
    with world.ledger() as ledger:
        return {intent.action for intent in ledger.intents.unanswered()}


def wait_for_write(world: World, action: str) -> None:
    """Wait until such a write is on its way."""
    deadline = time.monotonic() + 60
    while action not in open_actions(world):
        assert time.monotonic() < deadline, f"no {action} was sent"
        time.sleep(0.02)


@pytest.mark.timeout(280)
def test_nothing_is_written_twice_when_two_runs_go_at_once(pair: Pair) -> None:
    """An incremental and a full run over the same changes: one writes, the other finds it done; both balance."""
    first = pair.start(0, "first", pair.new_folder("first"))
    second = pair.start(1, "second", pair.new_folder("second"), mode="full")

    assert [first.result().code, second.result().code] == [FINISHED, FINISHED]
    pair.assert_all_is_well("first", "second")


@pytest.mark.timeout(280)
def test_nothing_is_written_twice_when_the_same_customers_are_selected_beside_a_run(pair: Pair) -> None:
    """An operator's selected run beside the schedule's: every customer has one outcome in each, and one company."""
    first = pair.start(0, "scheduled", pair.new_folder("scheduled"))
    second = pair.start(1, "by_hand", pair.new_folder("by_hand"), mode="selected", customer_ids=list(EVERYONE))

    assert [first.result().code, second.result().code] == [FINISHED, FINISHED]
    pair.assert_all_is_well("scheduled", "by_hand")


@pytest.mark.timeout(280)
@pytest.mark.parametrize("route", ["/companies/bulk", "/users", "/addresses"])
def test_orphan_stops_and_nothing_is_doubled_when_the_next_attempt_starts_beside_it(pair: Pair, route: str) -> None:
    """An attempt whose creation is still on its way meets its own retry: the old one stops, all is there once."""
    action = {"/companies/bulk": "create_company", "/users": "create_user", "/addresses": "create_address"}[route]
    slow = {"effect": "delay_ms", "delay_ms": 1500, "match": {"method": "POST", "path_regex": route}, "times": 1}
    pair.world.store_faults(slow)
    folder = pair.new_folder("run")
    orphan = pair.start(0, "run", folder)
    wait_for_write(pair.world, action)

    retry = pair.start(1, "run", folder, try_number=2)

    assert retry.result().code == FINISHED
    assert orphan.result().code == STOPPED
    assert "LeaseLost" in (folder / "error.txt").read_text()
    pair.assert_all_is_well("run")
