"""Twins with few customers and a process to kill, for a whole worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import RunningTwin, running_acumatica, running_better_b2b
from tests.integration.twin_world import World, call, shipped_connector
from tests.reliability.crash.fork_server import ForkServer, running_fork_server
from tests.reliability.crash.matrix import CrashLab
from tests.reliability.crash.scenario import CUSTOMERS
from tests.reliability.private_postgres import is_postgres_installed, running_postgres

ONE_BY_ONE: dict[str, dict[str, Any]] = {"store": {"concurrency": 1}, "batch": {"size": 4, "largest": 4}}
"""One request in flight, so that the n-th request is the same one in every run; two batches."""


@pytest.fixture(scope="session")
def few_customers() -> Iterator[tuple[RunningTwin, RunningTwin]]:
    """Both twins with the scenario's customers."""
    with running_acumatica(customers=CUSTOMERS) as erp, running_better_b2b() as store:
        yield erp, store


@pytest.fixture
def small_world(few_customers: tuple[RunningTwin, RunningTwin], tmp_path: Path) -> World:
    """Fresh twins with few customers, the shipped connector, an empty ledger."""
    erp, store = few_customers
    for twin in few_customers:
        call(f"{twin.url}/_sandbox/reset", "POST")
    return World(erp.url, store.url, shipped_connector(), f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """A warmed-up process that forks victims."""
    with running_fork_server() as server:
        yield server


@pytest.fixture(scope="session")
def crash_lab(
    few_customers: tuple[RunningTwin, RunningTwin], fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> CrashLab:
    """The crash matrix's starting moment, made once for a worker."""
    erp, store = few_customers
    for twin in few_customers:
        call(f"{twin.url}/_sandbox/reset", "POST")
    world = World(erp.url, store.url, shipped_connector(), "unused").with_rules(**ONE_BY_ONE)
    return CrashLab(world, ONE_BY_ONE, fork_server, tmp_path_factory.mktemp("crash"))


@pytest.fixture(scope="session")
def postgres_urls() -> Iterator[Callable[[], str]]:
    """Makes fresh databases of a private PostgreSQL server; only a machine of one's own may be without its programs."""
    if not is_postgres_installed() and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed (Debian and Ubuntu: apt-get install postgresql)")
    with running_postgres() as make_database:
        yield make_database
