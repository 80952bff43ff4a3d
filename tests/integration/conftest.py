"""Fresh twins for every test; the processes behind them are shared by a worker's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.server import RunningTwin, running_acumatica, running_better_b2b
from tests.integration.twin_world import World, call, shipped_connector

CUSTOMERS = 90


@pytest.fixture(scope="session")
def twins() -> Iterator[tuple[RunningTwin, RunningTwin]]:
    """Both twins for a whole worker; tests reset them."""
    with running_acumatica(customers=CUSTOMERS) as erp, running_better_b2b() as store:
        yield erp, store


@pytest.fixture
def world(twins: tuple[RunningTwin, RunningTwin], tmp_path: Path) -> World:
    """Fresh twins, the shipped connector, an empty ledger."""
    erp, store = twins
    for twin in twins:
        call(f"{twin.url}/_sandbox/reset", "POST")
    return World(erp.url, store.url, shipped_connector(), f"sqlite:///{tmp_path / 'ledger.db'}")
