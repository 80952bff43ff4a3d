"""Runs every case against each adapter that is named by ``--target`` and ``--source``; by default the project's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from customer_sync.sources.port import Source
from customer_sync.targets.port import Target
from tests.conformance import own_sources, own_targets
from tests.conformance.harness import SourceUnderTest, TargetUnderTest, sources, targets
from tests.conformance.people import People
from tests.conformance.records import Records


def pytest_addoption(parser: pytest.Parser) -> None:
    """The two options of the suite."""
    group = parser.getgroup("conformance")
    group.addoption("--target", action="append", help="a target under test; again for more")
    group.addoption("--source", action="append", help="a source under test; again for more")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One case for each adapter under test."""
    chosen = metafunc.config.getoption("--target", default=None), metafunc.config.getoption("--source", default=None)
    if "target_under_test" in metafunc.fixturenames:
        names = chosen[0] or ([] if chosen[1] else own_targets.TARGETS)
        metafunc.parametrize("target_under_test", _params(names), indirect=True, scope="session")
    if "source_under_test" in metafunc.fixturenames:
        names = chosen[1] or ([] if chosen[0] else own_sources.SOURCES)
        metafunc.parametrize("source_under_test", _params(names), indirect=True, scope="session")


def _params(names: Iterable[str]) -> list[object]:
    """Adapters that need a server are marked, so that the fast tier can leave them out."""
    return [pytest.param(name, marks=() if name.startswith("in_memory") else pytest.mark.twins) for name in names]


@pytest.fixture(scope="session")
def target_under_test(request: pytest.FixtureRequest) -> Iterator[TargetUnderTest]:
    """A store that may be written to."""
    with targets()[request.param]() as under_test:
        yield under_test


@pytest.fixture
def target(target_under_test: TargetUnderTest) -> Iterator[Target]:
    """A connection of its own for every case."""
    with target_under_test.make() as made:
        yield made


@pytest.fixture
def records(target: Target, target_under_test: TargetUnderTest) -> Records:
    """Makes records that nobody else has."""
    return Records(target, target_under_test.key_field)


@pytest.fixture(scope="session")
def source_under_test(request: pytest.FixtureRequest) -> Iterator[SourceUnderTest]:
    """A source in which people may work."""
    with sources()[request.param]() as under_test:
        yield under_test


@pytest.fixture
def source(source_under_test: SourceUnderTest) -> Iterator[Source]:
    """A session of its own for every case."""
    with source_under_test.make() as made:
        yield made


@pytest.fixture
def people(source_under_test: SourceUnderTest, source: Source) -> People:
    """Makes customers that nobody else has."""
    return People(source_under_test, source)
