"""Every page of Connector Logs over a log of a million stories, on SQLite and on PostgreSQL. (long)

It prints one table, milliseconds by page and database; run it by name: `pytest tests/airflow/page_speed.py -m long -s`.
What is timed is what a browser waits for: request, queries, template and answer; of a file its first bytes. The bar is
300 ms at the median; what holds it up is asserted by plans elsewhere: nothing here may take ten times the bar, whatever
else the machine does.
"""

import importlib
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import requests
import sqlalchemy as sa

from tests.integration.ledger.log_speed import BAR_S, CUSTOMERS, TRIES, filled
from tests.integration.ledger.log_writer import customer, email_of
from tests.reliability.private_postgres import is_postgres_installed, running_postgres

CUSTOMER = customer(4711)[0]
START_S = 30


class Asked(NamedTuple):
    """A page: who asks, its address, and what is searched for on the way to it."""

    address: str
    text: str = ""
    sees_names: bool = True
    is_file: bool = False
    pages_on: int = 0
    """How often *Next* is clicked first."""


SEARCHES = {
    "by a part of the number": "c0047",
    "by the store's id": "64712",
    "by a part of the name": "cedar",
    "by a whole e-mail": email_of(CUSTOMER),
    "of nobody": "nobody of that name",
}
PAGES: dict[str, Asked] = {
    "Customers: Needs attention": Asked("/"),
    "Customers: Needs attention, third page": Asked("/", pages_on=2),
    "Customers: All": Asked("/?view=all"),
    "Customers: All, third page": Asked("/?view=all", pages_on=2),
    "Customers: In the store": Asked("/?view=in_store"),
    "Customers: Closed": Asked("/?view=closed"),
    "Customers: Not for the store": Asked("/?view=not_for_store"),
    "Customers: Left alone by hand": Asked("/?view=set_aside"),
    **{f"Customers: search {how}": Asked("/?view=all", text) for how, text in SEARCHES.items()},
    "Customers: search by a name, without the right": Asked("/?view=all", "cedar", sees_names=False),
    "Customers as CSV, first bytes": Asked("/customers.csv?view=all", is_file=True),
    "Customers as Parquet, first bytes": Asked("/customers.parquet?view=all", is_file=True),
    "A customer's page": Asked(f"/customer?connector=knb&id={CUSTOMER}"),
    "Runs": Asked("/runs"),
    "Runs, third page": Asked("/runs", pages_on=2),
    "Log": Asked("/log"),
    "Log, third page": Asked("/log", pages_on=2),
    "Log: a frequent outcome": Asked("/log?outcome=unchanged"),
    "Log: a rare outcome": Asked("/log?outcome=failed"),
    "Log: a reason": Asked("/log?reason=not_enabled"),
    "Log: an action": Asked("/log?action=create_address"),
    "Log: one day": Asked(f"/log?since={quote('2026-03-10T00:00:00Z')}&until={quote('2026-03-11T00:00:00Z')}"),
    "Log: a large run": Asked("/log?run_id=run_00100&connector=knb"),
    "Log: by customer": Asked("/log?order=customer"),
    "Log: search by a part of the number": Asked("/log", "c0047"),
    "Log: search by a part of the name": Asked("/log", "cedar"),
    "Log: search by a name, without the right": Asked("/log", "cedar", sees_names=False),
    "Log as CSV, first bytes": Asked("/export.csv", is_file=True),
    "Log as Parquet, first bytes": Asked("/export.parquet", is_file=True),
}


@contextmanager
def served(url: str, patch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], str]]:
    """The pages over a ledger, for people who may read names and for others; gives the address of either."""
    patch.setenv("CUSTOMER_SYNC_LEDGER_URL", url)
    rights: Any = importlib.import_module("customer_sync_airflow.pages.rights")
    uvicorn = importlib.import_module("uvicorn")

    class Viewer(rights.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """Reads the connector, and names or not."""

        def may_act(self, connector_id: str) -> bool:
            return connector_id in self.connectors

        def may_edit(self, connector_id: str) -> bool:
            return self.name == "named" and connector_id in self.connectors

    running: dict[bool, tuple[Any, threading.Thread, int]] = {}
    for sees_names in (True, False):
        app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
        viewer = Viewer(None, "named" if sees_names else "masked", frozenset({"knb"}))
        app.dependency_overrides[rights.current_viewer] = lambda viewer=viewer: viewer
        app.dependency_overrides[rights.may_read_runs] = lambda: None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running[sees_names] = (server, thread, port)
    deadline = time.monotonic() + START_S
    while not all(server.started for server, *_ in running.values()):
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.05)
    yield lambda sees_names: f"http://127.0.0.1:{running[sees_names][2]}"
    for server, thread, _ in running.values():
        server.should_exit = True
        thread.join(10)


def address_of(session: requests.Session, base: str, asked: Asked) -> str:
    """The address that the clicks lead to: a search by its form, then *Next*."""
    address = f"{base}{asked.address}"
    if asked.text:
        page = asked.address.partition("?")[0]
        form = {"q": asked.text, "view": "all"}
        address = session.post(f"{base}{page}", data=form, headers={"accept": "text/html"}).url
    for _ in range(asked.pages_on):
        text = session.get(address, headers={"accept": "text/html"}).text
        following = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        page = asked.address.partition("?")[0]
        address = f"{base}/{following}" if not following.startswith("?") else f"{base}{page}{following}"
    return address


def seconds_of(session: requests.Session, address: str, *, is_file: bool) -> float:
    """Time until the page is there, or the first bytes of a file."""
    started = time.perf_counter()
    with session.get(address, headers={"accept": "text/html"}, stream=is_file) as answer:
        assert answer.status_code == 200, (address, answer.text[:500])
        if is_file:
            assert next(answer.iter_content(1024))
        return time.perf_counter() - started


def medians_of(base_of: Callable[[bool], str]) -> dict[str, float]:
    """The median of each page; the first time is left out, since a person's second page is what counts."""
    found = {}
    with requests.Session() as session:
        for name, asked in PAGES.items():
            address = address_of(session, base_of(asked.sees_names), asked)
            taken = [seconds_of(session, address, is_file=asked.is_file) for _ in range(TRIES + 1)]
            found[name] = statistics.median(taken[1:])
    return found


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, sa.Engine]]:
    """The full log on each of the databases that this machine has."""
    if not is_postgres_installed():
        pytest.fail("PostgreSQL is not installed (Debian and Ubuntu: apt-get install postgresql)")
    sqlite = filled(f"sqlite:///{tmp_path_factory.mktemp('log') / Path('ledger.db')}")
    with running_postgres() as make_database:
        postgres = filled(make_database())
        yield {"SQLite": next(sqlite), "PostgreSQL": next(postgres)}
        for each in (sqlite, postgres):
            next(each, None)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_each_page_is_there_at_once_when_the_log_has_a_million_stories(
    databases: dict[str, sa.Engine], connectors_dir: Path, metadata_database: None
) -> None:
    """Medians by page and database; printed, and far from a scan of the log."""
    assert (connectors_dir.is_dir(), metadata_database) == (True, None)
    table: dict[str, dict[str, float]] = {}
    for database, engine in databases.items():
        url = engine.url.render_as_string(hide_password=False)
        with engine.connect() as connection:
            stories = connection.execute(sa.text("SELECT count(*) FROM story")).scalar_one()
        assert stories >= 1_000_000
        with pytest.MonkeyPatch.context() as patch, served(url, patch) as base_of:
            table[database] = medians_of(base_of)
    print(f"\n{stories:,} stories of {CUSTOMERS:,} customers; median ms of {TRIES}")  # noqa: T201 - the measured figures
    print(f"| page | {' | '.join(table)} |\n|---|{'---:|' * len(table)}")  # noqa: T201 - the same
    for name in PAGES:
        print(f"| {name} | {' | '.join(f'{taken[name] * 1000:.0f}' for taken in table.values())} |")  # noqa: T201 - the same
    over = {(database, name): taken for database, each in table.items() for name, taken in each.items()}
    assert {key: taken for key, taken in over.items() if taken > 10 * BAR_S} == {}
