"""Filters over a log of a million stories answer at once, in every order, on SQLite and on PostgreSQL. (long)

It prints the medians; run it by name: `pytest tests/integration/ledger/log_speed.py -m long -s`. The pages themselves,
with all that is on them, are measured by `tests/airflow/page_speed.py`.
The bar is 300 ms at the median for a page and its chart; what holds it up is asserted by plans elsewhere: nothing
here may take ten times the bar, whatever else the machine does.
"""

import os
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.story.log_chart import count_over_time
from customer_sync.ledger.story.log_scope import LogFilter, find_scope
from customer_sync.ledger.story.log_search import position_of, search_log
from tests.integration.ledger.log_writer import START, customer, fill, fill_batches, fill_state
from tests.reliability.private_postgres import is_postgres_installed, running_postgres

ROWS = 2_110_000
"""Lines; a million stories."""
RUNS = 3000
CUSTOMERS = 50_000
BAR_S = 0.3
TRIES = 7
KNB = frozenset({"knb"})
FILTERS = {
    "nothing": {},
    "outcome, frequent": {"outcome": "unchanged"},
    "outcome, rare": {"outcome": "failed"},
    "reason": {"reason": "not_enabled"},
    "action": {"action": "create_address"},
    "level": {"level": "warning"},
    "entity": {"entity": "payment"},
    "two that exclude each other": {"outcome": "filtered", "level": "warning"},
    "one day": {"since": START + timedelta(days=9), "until": START + timedelta(days=10)},
    "one day, rare outcome": {
        "since": START + timedelta(days=9),
        "until": START + timedelta(days=10),
        "outcome": "failed",
    },
    "large run": {"run_id": "run_00100"},
    "large run, rare outcome": {"run_id": "run_00100", "outcome": "failed"},
    "customer": {"customer_id": customer(4711)[0]},
    "text, one customer": {"text": "c004711"},
    "text, a hundred customers": {"text": "c0047"},
    "text, many customers": {"text": "cedar"},
    "text, many customers, rare outcome": {"text": "cedar", "outcome": "failed"},
    "text, nobody": {"text": "xyz"},
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """The full log on each of the databases."""
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{tmp_path_factory.mktemp('log') / Path('ledger.db')}")
        return
    if not is_postgres_installed() and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed (Debian and Ubuntu: apt-get install postgresql)")
    with running_postgres() as make_database:
        yield from filled(make_database())


def filled(url: str) -> Iterator[sa.Engine]:
    """Fill a ledger's log."""
    with Ledger.open("knb", url) as ledger:
        fill(ledger, rows=ROWS, runs=RUNS, customers=CUSTOMERS)
        fill_state(ledger, runs=RUNS, customers=CUSTOMERS)
        fill_batches(ledger, runs=RUNS, customers=CUSTOMERS)
    engine = open_engine(url)
    if engine.dialect.name == "postgresql":
        # What autovacuum does by itself a minute later.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    yield engine
    engine.dispose()


def seconds_of_a_page(engine: sa.Engine, wanted: LogFilter, order: str, *, page: int) -> float:
    """Time for a page as the list shows it: its rows, the looked-up filter, the counts of the chart."""
    after = None
    for _ in range(page):
        rows = search_log(engine, wanted, order=order, after=after).rows  # type: ignore[arg-type] # one of the orders
        after = position_of(rows[-1]) if rows else None
    started = time.perf_counter()
    search_log(engine, wanted, order=order, after=after)  # type: ignore[arg-type] # one of the orders
    count_over_time(engine, find_scope(engine, wanted))
    return time.perf_counter() - started


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_any_filter_answers_at_once_when_the_log_has_a_million_stories(engine: sa.Engine) -> None:
    """Medians of a page with its chart; printed, and far from what a scan of the log would take."""
    slow: dict[str, float] = {}
    print(f"\n{engine.dialect.name}, {ROWS:,} lines; median ms of {TRIES}, first page / third page")  # noqa: T201 - the measured figures
    for order in ("newest", "oldest", "customer", "customer_desc"):
        for name, conditions in FILTERS.items():
            wanted = LogFilter(connectors=KNB, by_name=KNB, **conditions)
            medians = [
                statistics.median(seconds_of_a_page(engine, wanted, order, page=page) for _ in range(TRIES))
                for page in (0, 2)
            ]
            mark = "  <-- above the bar" if max(medians) > BAR_S else ""
            print(f"  {order:14}{name:36}{medians[0] * 1000:8.1f}{medians[1] * 1000:8.1f}{mark}")  # noqa: T201 - the measured figures
            if max(medians) > BAR_S:
                slow[f"{order}, {name}"] = max(medians)
    assert all(taken < 10 * BAR_S for taken in slow.values()), slow
