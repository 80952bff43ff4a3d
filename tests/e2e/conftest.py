"""One Airflow with both twins, and one Chromium, for all browser tests; a person with a page for each test.

Run by `make e2e`, in one process and in the order of the files, since they share the systems: a test uses
customers of its own, leaves the DAG unpaused and no fault behind.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from demo.errors import DemoError
from tests.e2e.browser import PATIENCE_MS, Person, ProgramMissing, start_browser
from tests.e2e.ground import ROOT, Ground, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

FAILURES = ROOT / ".cache" / "e2e"
"""A picture of every page that was open when a test failed, and the end of Airflow's output."""

_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; a run in Airflow takes its time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.airflow)
            item.add_marker(pytest.mark.timeout(600))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember that a test failed, for the fixtures that then look closer."""
    outcome = yield
    if outcome.get_result().failed:  # type: ignore[attr-defined] # pluggy's result, untyped in pytest's signature
        item.stash[_FAILED] = True


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Both twins and Airflow, started once."""
    folder = tmp_path_factory.mktemp("ground")
    started = Ground(folder)
    try:
        started.start()
        yield started
    except DemoError as error:
        pytest.fail(str(error), pytrace=False)
    finally:
        started.stop()
        remove(folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, started once."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        try:
            running = start_browser(playwright)
        except ProgramMissing as missing:
            pytest.fail(str(missing), pytrace=False)
        yield running
        running.close()


@pytest.fixture
def new_person(
    ground: Ground, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Person]]:
    """Makes people: `new_person("vera")` is logged in, `new_person(None)` is not."""
    people: list[Person] = []

    def make(name: str | None = "admin", color_scheme: str = "light") -> Person:
        person = Person(ground, browser, tmp_path, color_scheme)
        people.append(person)
        if name is not None:
            person.log_in(name)
        return person

    yield make
    if request.node.stash.get(_FAILED, False):
        FAILURES.mkdir(parents=True, exist_ok=True)
        (FAILURES / "airflow.log").write_text(ground.last_lines(lines=400), encoding="utf-8")
        for number, person in enumerate(people):
            person.page.screenshot(path=FAILURES / f"{request.node.name}-{number}.png")
    for person in people:
        person.context.close()


@pytest.fixture
def admin(new_person: Callable[..., Person]) -> Person:
    """An administrator, logged in."""
    return new_person("admin")
