"""A run that is embedded in a longer process leaves nothing open."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.twin_world import World


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is closed for us by chance."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.usefixtures("uncollected")
def test_a_run_and_a_reconciliation_leave_no_connection_open(world: World) -> None:
    """Both systems' connections end with the run; a process of many runs would have no descriptor left some day."""
    before = _open_files()
    world.sync(mode="selected", customer_ids=["C000001", "C000002"])
    world.reconcile()
    # The twins live in this process: their ends of the connections close a little later.
    until_s = time.monotonic() + 5.0
    while _open_files() > before and time.monotonic() < until_s:
        time.sleep(0.05)
    assert _open_files() <= before
