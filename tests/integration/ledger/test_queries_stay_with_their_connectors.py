"""What the pages ask of the ledger: named by connector, and given up when somebody holds the tables for long."""

import time
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.errors import TransientApiError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.story.log_chart import count_over_time
from customer_sync.ledger.story.log_scope import LogFilter, find_scope
from customer_sync.ledger.story.log_search import Order, iter_log, search_log
from customer_sync.model.outcome import LogEntry

RUN = "scheduled__2026-12-01"
NAMES = ("knb", "other")


@pytest.fixture
def engine(ledger_url: str) -> Any:
    """A ledger in which two connectors had a run of the same id and customers of the same numbers."""
    made = open_engine(ledger_url)
    for name in NAMES:
        with Ledger(made, name).write() as connection:
            entries = [LogEntry(customer_id=f"C{n}", customer_name=name, outcome="created") for n in range(5)]
            Ledger(made, name).log.append(connection, RUN, "load", 1, entries)
    yield made
    made.dispose()


@pytest.mark.parametrize("order", ["newest", "oldest", "customer", "customer_desc"])
@pytest.mark.parametrize(
    "narrowed", [{}, {"run_id": RUN}, {"customer_id": "C1"}, {"text": "c1"}, {"outcome": "created"}]
)
def test_no_row_of_another_connector_is_found(engine: Any, order: Order, narrowed: dict[str, str]) -> None:
    """Each query that is not by a row's own number names the connectors, and finds no one else's rows."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    wanted = LogFilter(connectors=frozenset({"knb"}), **narrowed)  # type: ignore[arg-type] # texts, all of them
    sa.event.listen(engine, "before_cursor_execute", note)
    found = search_log(engine, wanted, order=order).rows
    exported = [row for rows in iter_log(engine, wanted, order=order) for row in rows]
    counts = count_over_time(engine, find_scope(engine, wanted))
    sa.event.remove(engine, "before_cursor_execute", note)
    assert {row["connector_id"] for row in found} == {"knb"}
    assert len(found) == len(exported) == (1 if {"customer_id", "text"} & narrowed.keys() else 5)
    assert counts is not None
    assert counts.total == len(found)
    of_stories = [text.partition("WHERE")[2] for text in asked if "FROM story \n" in text or "FROM story\n" in text]
    assert of_stories
    assert not [where for where in of_stories if "connector_id" not in where and "story.id IN" not in where]


def test_a_locked_ledger_is_given_up_when_a_page_asks(ledger_url: str) -> None:
    """Whoever answers a web request waits for seconds; a task still waits for a minute."""
    holder, page = open_engine(ledger_url), open_engine(ledger_url, wait_s=0.3)
    with Ledger(holder, "knb").write() as connection:
        if holder.dialect.name == "postgresql":
            connection.execute(sa.text("LOCK TABLE story IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        with (
            pytest.raises(TransientApiError, match="another process has been holding it"),
            Ledger(page, "knb").write() as mine,
        ):
            mine.execute(sa.text("DELETE FROM story"))
        assert time.monotonic() - began < 20
    for engine in (holder, page):
        engine.dispose()
