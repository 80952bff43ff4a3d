"""A run that says nothing new of its customers adds a few bytes for each, and still answers for every one."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from customer_sync.ledger import CustomerOutcome, Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import metadata, story
from customer_sync.ledger.story.lines import customers_of, each_customer
from customer_sync.ledger.story.log_chart import count_over_time
from customer_sync.ledger.story.log_scope import LogFilter, find_scope
from customer_sync.ledger.story.log_search import iter_log
from customer_sync.model.outcome import LogEntry, Outcome

KNB = frozenset({"knb"})
MANY = [f"C{number * 7:06d}" for number in range(1_000)]
BYTES_PER_CUSTOMER = 60


def closing(key: str, outcome: str, *reasons: str) -> LogEntry:
    """The line that closes a customer."""
    return LogEntry(customer_id=key, customer_name="Ac•••", outcome=outcome, reasons=reasons)


def finding(key: str, contact: str) -> LogEntry:
    """A line about a contact that is left out."""
    return LogEntry(customer_id=key, entity="contact", key=contact, level="warning", reasons=("contact_inactive",))


def a_run(ledger: Ledger, run_id: str, entries: Sequence[LogEntry], task: str = "transform") -> set[str]:
    """Read the entries' customers, say this of them, and close them; returns of whom nothing new was said."""
    keys = list(dict.fromkeys(entry.customer_id for entry in entries))
    with ledger.write() as connection:
        ledger.runs.begin(connection, run_id, mode="full", window={"interval": []}, moves_watermark=True)
        ledger.runs.add_customers(connection, run_id, "batch_000", keys)
        as_before = ledger.log.append(connection, run_id, task, 1, entries)
        outcomes = [CustomerOutcome(e.customer_id, Outcome(e.outcome), e.reasons) for e in entries if e.outcome]
        ledger.runs.put_outcomes(connection, run_id, outcomes)
    return as_before


def size(ledger_url: str) -> tuple[int, int]:
    """Rows of all tables, and bytes of the texts and lists in them."""
    engine = open_engine(ledger_url)
    with engine.connect() as connection:
        rows = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    engine.dispose()
    return len(rows), sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))


def test_a_run_without_news_adds_few_bytes_and_no_row_per_customer(ledger: Ledger, ledger_url: str) -> None:
    """Unchanged and filtered customers alike, with what is left out of them."""
    entries = [closing(key, "filtered", "not_enabled") for key in MANY[::10]]
    entries += [each for key in MANY[1::10] for each in (finding(key, "7"), closing(key, "unchanged"))]
    entries += [closing(key, "unchanged") for key in MANY if key not in {*MANY[::10], *MANY[1::10]}]
    assert a_run(ledger, "r1", entries) == set()
    before = size(ledger_url)
    assert a_run(ledger, "r2", entries) == set(MANY)
    after = size(ledger_url)
    assert after[0] - before[0] <= len(metadata.sorted_tables)
    assert after[1] - before[1] <= BYTES_PER_CUSTOMER * len(MANY)


def test_each_customer_of_a_run_without_news_is_answered_for(ledger: Ledger, ledger_url: str) -> None:
    """Counts, reasons, the customer's story, the log of the run, its chart and its export."""
    entries = [closing("C1", "filtered", "not_enabled"), closing("C2", "unchanged"), closing("C3", "unchanged")]
    a_run(ledger, "r1", entries)
    a_run(ledger, "r2", entries)
    assert ledger.runs.outcome_counts("r2") == {"filtered": 1, "unchanged": 2}
    assert ledger.runs.reason_counts("r2") == {"not_enabled": 1}
    assert ledger.runs.without_outcome("r2") == {}
    told = ledger.stories.of("C1")
    assert told is not None
    assert (told.outcome, told.reasons) == ("filtered", ("not_enabled",))
    assert [(each.run_id, each.outcome, bool(each.steps)) for each in told.runs] == [
        ("r2", "filtered", False),
        ("r1", "filtered", True),
    ]
    engine = open_engine(ledger_url)
    of_run = LogFilter(connectors=KNB, run_id="r2")
    lines = [row for page in iter_log(engine, of_run) for row in page]
    counts = count_over_time(engine, find_scope(engine, of_run))
    of_one = LogFilter(connectors=KNB, run_id="r2", customer_id="C2")
    found = [row for page in iter_log(engine, of_one) for row in page]
    engine.dispose()
    assert sorted(len(customers_of(row)) for row in lines) == [1, 2]
    assert sorted((row["customer_id"], row["outcome"], row["reasons"]) for row in each_customer(lines)) == [
        ("C1", "filtered", "not_enabled"),
        ("C2", "unchanged", ""),
        ("C3", "unchanged", ""),
    ]
    assert counts is not None
    assert (counts.total, sorted(counts.counts.values())) == (3, [1, 2])
    assert [row["outcome"] for row in found] == ["unchanged"]


def test_another_reason_or_finding_is_news(ledger: Ledger) -> None:
    """It gets a story, and is what later runs are compared with."""
    a_run(ledger, "r1", [closing("C1", "filtered", "not_enabled"), closing("C2", "unchanged")])
    changed = [closing("C1", "filtered", "email_missing"), finding("C2", "7"), closing("C2", "unchanged")]
    assert a_run(ledger, "r2", changed) == set()
    assert a_run(ledger, "r3", changed) == {"C1", "C2"}
    back = [closing("C1", "filtered", "not_enabled"), closing("C2", "unchanged")]
    assert a_run(ledger, "r4", back) == set()


def test_unchanged_is_no_news_after_a_load_that_did_its_work(ledger: Ledger) -> None:
    """What a load did is past with its run; what it left out is not said again."""
    done = LogEntry(customer_id="C1", action="create_company", message="done")
    a_run(ledger, "r1", [finding("C1", "7"), done, closing("C1", "created")], task="load")
    assert a_run(ledger, "r2", [finding("C1", "7"), closing("C1", "unchanged")]) == {"C1"}


@pytest.mark.parametrize("outcome", ["unchanged", "filtered", "skipped", "waiting"])
def test_what_lasts_is_said_once(ledger: Ledger, outcome: str) -> None:
    """A customer that stays as it is, for whatever reason, gets a story when it comes to it, and none after that."""
    said = [finding("C1", "7"), closing("C1", outcome, "contact_inactive")]
    assert [a_run(ledger, f"r{number}", said) for number in range(3)] == [set(), {"C1"}, {"C1"}]


@pytest.mark.parametrize("outcome", ["failed", "quarantined"])
def test_what_needs_a_person_is_said_in_every_run(ledger: Ledger, ledger_url: str, outcome: str) -> None:
    """Failures are never folded away, and what follows them is news."""
    for number in range(3):
        assert a_run(ledger, f"r{number}", [closing("C1", outcome, "batch_failed")]) == set()
    assert a_run(ledger, "r3", [closing("C1", "unchanged")]) == set()
    engine = open_engine(ledger_url)
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(story)).scalar_one() == 4
    engine.dispose()
