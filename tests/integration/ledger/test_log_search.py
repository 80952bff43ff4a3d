"""The connector log is searched: every filter, every order, page by page, equals what reading all rows would give."""

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import log_count, story
from customer_sync.ledger.story.lines import MOST_LINES, customers_of, told_lines
from customer_sync.ledger.story.log_chart import count_over_time
from customer_sync.ledger.story.log_scope import LogFilter, find_scope
from customer_sync.ledger.story.log_search import Order, iter_log, position_of, search_log
from customer_sync.model.outcome import LogEntry
from tests.integration.ledger.log_writer import START, customer, fill

KNB = frozenset({"knb"})
FILTERS = {
    "nothing": {},
    "outcome": {"outcome": "filtered"},
    "reason": {"reason": "not_enabled"},
    "rare reason": {"reason": "outcome_unknown"},
    "action": {"action": "create_user"},
    "level": {"level": "warning"},
    "entity": {"entity": "contact"},
    "two that exclude each other": {"outcome": "filtered", "level": "warning"},
    "run": {"run_id": "run_00000"},
    "run and outcome": {"run_id": "run_00000", "outcome": "created"},
    "run and customer": {"run_id": "run_00000", "customer_id": customer(7)[0]},
    "run and text": {"run_id": "run_00000", "text": "cedar"},
    "a run that is not there": {"run_id": "other"},
    "time": {"since": START + timedelta(minutes=40), "until": START + timedelta(minutes=100)},
    "time and outcome": {"since": START + timedelta(minutes=40), "outcome": "unchanged"},
    "customer": {"customer_id": customer(7)[0]},
    "text in an id": {"text": "c00001"},
    "text in a name": {"text": "CEDAR"},
    "text and level": {"text": "cedar", "level": "info"},
    "text that means a wildcard": {"text": "%"},
    "text that means nobody": {"text": "zzz"},
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger whose log holds two connectors' rows."""
    path = tmp_path_factory.mktemp("filled") / "ledger.db"
    for number, connector in enumerate(("knb", "acme")):
        with Ledger.open(connector, f"sqlite:///{path}") as ledger:
            fill(ledger, rows=(900, 300)[number], runs=12, customers=60, seed=number)
    return path


@pytest.fixture(scope="module")
def engine(filled: Path) -> Iterator[sa.Engine]:
    """That ledger's database, to read."""
    made = sa.create_engine(f"sqlite:///{filled}")
    yield made
    made.dispose()


@pytest.fixture
def copied(filled: Path, tmp_path: Path) -> str:
    """The address of a copy, to be changed."""
    shutil.copy(filled, tmp_path / "copy.db")
    return f"sqlite:///{tmp_path / 'copy.db'}"


def everything(engine: sa.Engine, wanted: LogFilter) -> list[dict[str, Any]]:
    """All rows that match, found by looking at every one."""
    with engine.connect() as connection:
        rows = [row for connector in ("knb", "acme") for row in told_lines(connection, connector, sa.select(story))]
    return [row for row in rows if is_meant(row, wanted)]


def is_meant(row: dict[str, Any], wanted: LogFilter) -> bool:
    """Whether a row matches, by the words of the filter's documentation."""
    about = customers_of(row)
    # What is said of many as before is not looked into for single customers, but in one run.
    if row["customers"] and (wanted.customer_id or wanted.text) and not wanted.run_id:
        return False
    names = [f"{each} {customer(int(each[1:]))[1]}".casefold() for each in about]
    checks = (
        row["connector_id"] in wanted.connectors,
        wanted.since is None or row["logged_at_utc"] >= wanted.since,
        wanted.until is None or row["logged_at_utc"] < wanted.until,
        wanted.outcome in ("", row["outcome"]),
        not wanted.reason or wanted.reason in row["reasons"].split(","),
        wanted.action in ("", row["action"]),
        wanted.level in ("", row["level"]),
        wanted.entity in ("", row["entity"]),
        wanted.run_id in ("", row["run_id"]),
        wanted.customer_id in ("", *about),
        any(wanted.text.casefold() in name for name in names),
    )
    return all(checks)


def weight(row: dict[str, Any], wanted: LogFilter) -> int:
    """For how many of those who are meant a row speaks."""
    alone = {**row, "customers": ""}
    return sum(is_meant({**alone, "customer_id": each}, wanted) for each in customers_of(row))


def in_order(rows: list[dict[str, Any]], order: Order) -> list[int]:
    """Ids in the asked-for order."""
    if order in ("newest", "oldest"):
        listed = sorted(rows, key=lambda row: (row["logged_at_utc"], row["id"]))
    else:
        listed = sorted(rows, key=lambda row: (row["connector_id"], row["customer_id"], row["id"]))
    ids = [row["id"] for row in listed]
    return ids[::-1] if order in ("newest", "customer_desc") else ids


@pytest.mark.parametrize("order", ["newest", "oldest", "customer", "customer_desc"])
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("connectors", [KNB, frozenset({"knb", "acme"})], ids=["one", "both"])
def test_a_filter_finds_exactly_its_rows_when_the_log_is_paged(
    engine: sa.Engine, name: str, order: Order, connectors: frozenset[str]
) -> None:
    """No row is missed or shown twice over all pages, and none of a connector that may not be seen."""
    wanted = LogFilter(connectors=connectors, by_name=connectors, **FILTERS[name])
    found = [row["id"] for page in iter_log(engine, wanted, order=order, page=37) for row in page]
    assert found == in_order(everything(engine, wanted), order)


@pytest.mark.parametrize("name", ["nothing", "outcome", "text in a name"])
def test_paging_back_shows_the_page_before_when_asked(engine: sa.Engine, name: str) -> None:
    """Forth and back leads to the same rows."""
    wanted = LogFilter(connectors=KNB, by_name=KNB, **FILTERS[name])
    first = search_log(engine, wanted, limit=10)
    second = search_log(engine, wanted, after=position_of(first.rows[-1]), limit=10)
    back = search_log(engine, wanted, before=position_of(second.rows[0]), limit=10)
    assert [row["id"] for row in back.rows] == [row["id"] for row in first.rows]
    assert (first.has_before, second.has_before, back.has_before) == (False, True, False)


def test_nothing_is_found_when_no_connector_may_be_seen(engine: sa.Engine) -> None:
    """A viewer without rights gets an empty page."""
    assert search_log(engine, LogFilter(connectors=frozenset())).rows == []


@pytest.mark.parametrize("name", FILTERS)
def test_the_chart_counts_what_the_list_shows(engine: sa.Engine, name: str) -> None:
    """Counts by outcome equal those of the rows, for whole hours."""
    wanted = LogFilter(connectors=KNB, by_name=KNB, **FILTERS[name])
    if wanted.since is not None:
        wanted = LogFilter(connectors=KNB, since=START, until=START + timedelta(hours=2), outcome=wanted.outcome)
    counts = count_over_time(engine, find_scope(engine, wanted))
    rows = everything(engine, wanted)
    assert counts is not None
    weights = [weight(row, wanted) for row in rows]
    assert counts.total == sum(weights)
    word = "level" if counts.by_level else "outcome"
    counted: Counter[str] = Counter()
    for (_, name_of_row), number in counts.counts.items():
        counted[name_of_row] += number
    expected: Counter[str] = Counter()
    for row, number in zip(rows, weights, strict=True):
        expected[row[word]] += number
    assert counted == +Counter({name: number for name, number in expected.items() if name})


def test_old_rows_and_their_counts_go_together_when_the_log_is_pruned(copied: str) -> None:
    """What is left is what was said since, of each customer what was said last, and all of other connectors."""
    engine = sa.create_engine(copied)
    before = lines_in(engine)
    hour = START + timedelta(hours=1)
    with Ledger.open("knb", copied) as ledger:
        removed = ledger.retention.clean_log(START + timedelta(days=30, hours=1, minutes=20), timedelta(days=30))
    left = lines_in(engine)
    last = {(row["connector_id"], row["customer_id"]): row["id"] // MOST_LINES for row in before}
    expected = [
        row["id"]
        for row in before
        if row["connector_id"] == "acme"
        or row["logged_at_utc"] >= hour
        or last["knb", row["customer_id"]] == row["id"] // MOST_LINES
    ]
    with engine.connect() as connection:
        counted = connection.execute(sa.select(sa.func.sum(log_count.c.rows))).scalar_one()
        empty = sa.select(log_count.c.run_id).group_by(log_count.c.run_id, log_count.c.kind_id, log_count.c.hour_utc)
        nothing = connection.execute(empty.having(sa.func.sum(log_count.c.rows) == 0)).all()
    engine.dispose()
    assert removed > 0
    assert [row["id"] for row in left] == expected
    assert counted == sum(len(customers_of(row)) for row in left)
    assert nothing == []


def lines_in(engine: sa.Engine) -> list[dict[str, Any]]:
    """All lines, each connector's in the order of writing."""
    query = sa.select(story).order_by(story.c.id)
    with engine.connect() as connection:
        return [
            row
            for name in ("knb", "acme")
            for row in told_lines(connection, name, query.where(story.c.connector_id == name))
        ]


def test_what_was_done_takes_the_place_of_what_was_planned(ledger_url: str) -> None:
    """Planned operations go when others say what became of them, what else was said stays; the counts go with them."""
    planned = [
        LogEntry(customer_id="C1", entity="contact", reasons=("email_missing",), level="warning"),
        LogEntry(customer_id="C1", action="create_company", message="planned"),
        LogEntry(customer_id="C2", action="create_company", message="planned"),
    ]
    done = [
        LogEntry(customer_id="C1", action="create_company", message="done"),
        LogEntry(customer_id="C1", outcome="created"),
    ]
    with Ledger.open("knb", ledger_url) as ledger:
        with time_machine.travel(START, tick=False), ledger.write() as connection:
            ledger.log.append(connection, "r1", "transform", 1, planned)
            ledger.log.append(connection, "r2", "transform", 1, planned[1:2])
        with time_machine.travel(START + timedelta(hours=2), tick=False), ledger.write() as connection:
            ledger.log.append(connection, "r1", "load", 1, done, in_place_of=("transform",))
        rows = ledger.log.rows(run_id="r1")
    assert [(row["customer_id"], row["task"], row["message"]) for row in rows] == [
        ("C1", "load", ""),
        ("C1", "load", "done"),
        ("C1", "load", ""),
        ("C2", "transform", "planned"),
    ]
    assert [row["reasons"] for row in rows] == ["", "", "email_missing", ""]
    engine = open_engine(ledger_url)
    wanted = LogFilter(connectors=KNB, action="create_company")
    counts = count_over_time(engine, find_scope(engine, wanted))
    engine.dispose()
    assert counts is not None
    hours = {moment: count for (moment, _), count in counts.counts.items()}
    assert (counts.total, hours) == (3, {START: 2, START + timedelta(hours=2): 1})
