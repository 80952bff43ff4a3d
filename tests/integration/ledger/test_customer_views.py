"""The views of Customers: who is in which, on both databases, and that each is read through an index of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import customer_state, known_customer
from customer_sync.ledger.story.customer_list import (
    CustomerFilter,
    CustomerKey,
    View,
    count_attention,
    find_customers,
    iter_customers,
)
from customer_sync.model.company import CompanyStatus
from customer_sync.model.outcome import LogEntry

BOTH = frozenset({"knb", "other"})


def left_out(key: str, reason: str = "address_incomplete", level: str = "warning", **more: str) -> LogEntry:
    """A line about a location that is left out."""
    said: dict[str, Any] = {"entity": "location", "key": "EAST", "level": level, "reasons": (reason,), **more}
    return LogEntry(customer_id=key, **said)


def closed(key: str, outcome: str = "unchanged", *reasons: str, level: str = "info") -> LogEntry:
    """The line that closes a customer."""
    return LogEntry(customer_id=key, outcome=outcome, level=level, reasons=reasons)  # type: ignore[arg-type] # a level


def say(ledger: Ledger, run_id: str, *entries: LogEntry, task: str = "load", in_place_of: tuple[str, ...] = ()) -> None:
    """What one step of a run says."""
    with ledger.write() as connection:
        ledger.log.append(connection, run_id, task, 1, entries, in_place_of=in_place_of)


def attention(ledger: Ledger) -> set[str]:
    """Who needs a person."""
    wanted = CustomerFilter(connectors=frozenset({ledger.connector_id}), view=View.ATTENTION)
    found = find_customers(ledger.engine, wanted).keys
    assert count_attention(ledger.engine, [ledger.connector_id]) == len(found)
    return {key.customer_id for key in found}


def test_who_was_left_out_needs_a_person_until_something_else_is_said(ledger: Ledger) -> None:
    """By the latest story alone: a run without news changes nothing, the next story decides anew."""
    say(ledger, "r1", left_out("C1"), closed("C1", "created"), closed("C2", "created"))
    assert attention(ledger) == {"C1"}
    say(ledger, "r2", left_out("C1"), closed("C1"), closed("C2"))
    say(ledger, "r3", left_out("C1"), closed("C1"), left_out("C2"), closed("C2"))
    assert attention(ledger) == {"C1", "C2"}
    say(ledger, "r4", closed("C1", "updated"), left_out("C2"), closed("C2"))
    assert attention(ledger) == {"C2"}


def test_what_the_next_run_settles_by_itself_needs_nobody(ledger: Ledger) -> None:
    """Parts that were not read, and notes."""
    say(ledger, "r1", left_out("C1", "parts_not_read"), closed("C1", "created"))
    say(ledger, "r1", left_out("C2", level="info"), closed("C2", "created"))
    assert attention(ledger) == set()


def test_what_the_plan_found_is_still_true_when_load_has_its_say(ledger: Ledger) -> None:
    """Load's story takes the plan's place, with what the plan had left out."""
    say(ledger, "r1", left_out("C1"), closed("C1", "planned"), task="transform")
    say(ledger, "r1", closed("C1", "created"), in_place_of=("transform",))
    assert attention(ledger) == {"C1"}


def test_a_claim_of_an_email_leaves_it_as_it_is(ledger: Ledger) -> None:
    """Names and e-mails are kept in the same row, by other steps."""
    say(ledger, "r1", left_out("C1"), closed("C1", "created"))
    with ledger.write() as connection:
        ledger.emails.note_names(connection, {"C1": "Named Ltd", "C2": "Another Ltd"})
    assert attention(ledger) == {"C1"}


@pytest.fixture
def filled(ledger_url: str) -> Iterator[tuple[sa.Engine, dict[View, list[CustomerKey]]]]:
    """Two connectors' customers in every state, and who belongs into which view."""
    engine = open_engine(ledger_url)
    chosen = random.Random(5)
    expected: dict[View, list[CustomerKey]] = {view: [] for view in View}
    for connector_id in sorted(BOTH):
        ledger = Ledger(engine, connector_id)
        for number in range(40):
            key = CustomerKey(connector_id, f"C{number:03d}")
            status = chosen.choice([None, *CompanyStatus])
            is_aside, finds, eligible = chosen.random() < 0.2, chosen.random() < 0.3, chosen.random() < 0.7
            say(ledger, "r1", *([left_out(key.customer_id)] if finds else []), closed(key.customer_id, "created"))
            with ledger.write() as connection:
                if status is not None:
                    _link(connection, key, number, int(status))
                if is_aside:
                    ledger.set_aside.put(connection, key.customer_id, "skip")
                if not eligible:
                    c = known_customer.c
                    mine = (c.connector_id == connector_id, c.customer_id == key.customer_id)
                    connection.execute(sa.update(known_customer).where(*mine).values(rows_reasons="not_enabled"))
            expected[View.ALL].append(key)
            views = {
                View.ATTENTION: finds and not is_aside,
                View.IN_STORE: status == CompanyStatus.APPROVED,
                View.CLOSED: status in {CompanyStatus.PENDING, CompanyStatus.REJECTED, CompanyStatus.INACTIVE},
                View.NOT_FOR_STORE: not eligible and status is None,
                View.SET_ASIDE: is_aside,
            }
            for view, is_in in views.items():
                if is_in:
                    expected[view].append(key)
    yield engine, expected
    engine.dispose()


def _link(connection: sa.Connection, key: CustomerKey, number: int, status: int) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    connection.execute(
        sa.insert(customer_state).values(
            **key._asdict(),
            store=key.connector_id,
            company_id=number,
            status=status,
            applied="{}",
            linked_at_utc=moment,
            applied_at_utc=moment,
        )
    )


def test_each_view_has_exactly_its_customers_page_by_page(
    filled: tuple[sa.Engine, dict[View, list[CustomerKey]]],
) -> None:
    """Of all connectors, in their order; forwards, backwards, and of one connector alone."""
    engine, expected = filled
    for view in View:
        wanted = CustomerFilter(connectors=BOTH, view=view)
        assert [key for keys in iter_customers(engine, wanted, page=7) for key in keys] == expected[view], view
        assert expected[view], view
        whole = expected[view]
        for place in range(0, len(whole), 5):
            before = find_customers(engine, wanted, before=whole[place], limit=4)
            assert (before.keys, before.has_before) == (whole[max(0, place - 4) : place], place > 4)
        alone = CustomerFilter(connectors=frozenset({"other"}), view=view)
        assert find_customers(engine, alone).keys == [key for key in whole if key.connector_id == "other"]


@pytest.mark.parametrize(
    ("view", "index"),
    [
        (View.ATTENTION, "ix_known_customer_with_finding"),
        (View.CLOSED, "ix_customer_state_closed"),
        (View.NOT_FOR_STORE, "ix_known_customer_not_eligible"),
    ],
)
def test_a_view_of_few_is_read_through_an_index_of_these_alone(sqlite_url: str, view: View, index: str) -> None:
    """Else an empty view would look at every customer that there is."""
    engine = open_engine(sqlite_url)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    sa.event.listen(engine, "before_cursor_execute", note)
    find_customers(engine, CustomerFilter(connectors=frozenset({"knb"}), view=view))
    sa.event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        plan = [
            row[3] for text, values in asked for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        ]
    assert any(f"USING INDEX {index}" in step or f"USING COVERING INDEX {index}" in step for step in plan), plan
    assert not [step for step in plan if step.startswith("SCAN") and "anon" not in step], plan
    engine.dispose()
