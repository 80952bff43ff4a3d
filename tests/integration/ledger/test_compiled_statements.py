"""Statements that are compiled once store what SQLAlchemy itself would store, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.database import open_engine, writing
from customer_sync.ledger.storage.schema import child_link, company_link, quarantine, write_intent
from customer_sync.ledger.storage.statement import insert, upsert

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def child(key: str, **values: Any) -> dict[str, Any]:
    """A row of child_link."""
    row = {"connector_id": "knb", "customer_id": "C1", "entity": "user", "child_key": key, "store_id": 7}
    return {**row, "fields": {"name": "Zo\u00eb \U0001f600", "flags": [True, None]}, "applied_at_utc": NOW, **values}


def test_every_type_of_column_is_stored_as_sqlalchemy_stores_it(ledger_url: str) -> None:
    """JSON, aware times of any zone, texts with what PostgreSQL cannot hold."""
    engine = open_engine(ledger_url)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    rows = [child("a\0b"), child("c", applied_at_utc=elsewhere), child("d", fields={})]
    with writing(engine) as connection:
        insert(connection, child_link, rows)
        compiled = connection.execute(sa.select(child_link).order_by(child_link.c.child_key)).all()
        connection.execute(sa.delete(child_link))
        connection.execute(sa.insert(child_link), rows)
        assert connection.execute(sa.select(child_link).order_by(child_link.c.child_key)).all() == compiled
    assert [(row.child_key, row.applied_at_utc) for row in compiled] == [("a\ufffdb", NOW), ("c", NOW), ("d", NOW)]
    engine.dispose()


def test_columns_that_are_left_out_get_their_default(ledger_url: str) -> None:
    """As long as it is a fixed one; a column without any must be given."""
    engine = open_engine(ledger_url)
    row = {"connector_id": "knb", "customer_id": "C1", "entity": "contact", "record_key": "1", "reason": "x"}
    row |= {"first_seen_at_utc": NOW, "last_seen_at_utc": NOW, "run_id": "r"}
    with writing(engine) as connection:
        insert(connection, quarantine, [row])
        found = connection.execute(sa.select(quarantine)).mappings().one()
    assert (found["attempts"], found["detail"]) == (1, "")
    engine.dispose()


def test_a_naive_time_is_refused(ledger_url: str) -> None:
    """It would be read as some other moment."""
    engine = open_engine(ledger_url)
    with pytest.raises(ValueError, match="aware"), writing(engine) as connection:
        insert(connection, child_link, [child("a", applied_at_utc=NOW.replace(tzinfo=None))])
    engine.dispose()


def test_a_row_that_is_there_is_replaced_but_for_the_kept_columns(ledger_url: str) -> None:
    """And a row is told from the others by its whole key."""
    engine = open_engine(ledger_url)
    with writing(engine) as connection:
        upsert(connection, child_link, [child("a"), child("b")])
        upsert(connection, child_link, [child("a", store_id=9, fields={"new": 1})], keep=("fields",))
        found = connection.execute(sa.select(child_link.c.child_key, child_link.c.store_id, child_link.c.fields)).all()
    assert sorted((key, number, "new" in fields) for key, number, fields in found) == [("a", 9, False), ("b", 7, False)]
    engine.dispose()


def test_an_update_tells_how_many_rows_it_changed(ledger_url: str) -> None:
    """The lease lives on that number."""
    engine = open_engine(ledger_url)
    statement = Compiled(
        lambda _: (
            sa.update(child_link)
            .where(child_link.c.child_key == sa.bindparam("of_key"))
            .values(store_id=sa.bindparam("new_id"))
        )
    )
    with writing(engine) as connection:
        insert(connection, child_link, [child("a")])
        assert statement.execute(connection, [{"of_key": "a", "new_id": 1}]).rowcount == 1
        assert statement.execute(connection, [{"of_key": "nobody", "new_id": 1}]).rowcount == 0
    engine.dispose()


def test_a_column_without_a_fixed_default_must_be_given(sqlite_url: str) -> None:
    """A default that is worked out per row would be worked out once."""
    engine = open_engine(sqlite_url)
    moving = sa.Table(
        "moving", sa.MetaData(), sa.Column("a", sa.Integer), sa.Column("b", sa.Integer, default=lambda: 1)
    )
    with pytest.raises(ValueError, match=r"moving\.b"), writing(engine) as connection:
        insert(connection, moving, [{"a": 1}])
    engine.dispose()


def test_tables_without_rows_take_none(sqlite_url: str) -> None:
    """Nothing to write is nothing to do."""
    engine = open_engine(sqlite_url)
    with writing(engine) as connection:
        insert(connection, write_intent, [])
        upsert(connection, company_link, [])
    engine.dispose()
