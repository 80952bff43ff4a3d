"""The prepared moment, made once for a worker and entered by every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.server import RunningTwin
from tests.integration.failures.prepared import Moment, prepare
from tests.integration.twin_world import World, call, shipped_connector


@pytest.fixture(scope="session")
def moment(twins: tuple[RunningTwin, RunningTwin], tmp_path_factory: pytest.TempPathFactory) -> Moment:
    """What waits to be written, and what the store holds when nothing disturbs it."""
    erp, store = twins
    for twin in twins:
        call(f"{twin.url}/_sandbox/reset", "POST")
    folder = tmp_path_factory.mktemp("moment")
    return prepare(World(erp.url, store.url, shipped_connector(), "unused"), folder)


@pytest.fixture
def waiting(moment: Moment, world: World, tmp_path: Path) -> World:
    """The world at the prepared moment."""
    return moment.enter(world, tmp_path / "moment.db")
