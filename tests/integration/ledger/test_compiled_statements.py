"""Statements that are compiled once store what SQLAlchemy itself would store, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.database import open_engine, writing
from customer_sync.ledger.storage.schema import customer_state, journal, quarantine, run
from customer_sync.ledger.storage.statement import Prepared, among, insert, upsert

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def a_run(key: str, **values: Any) -> dict[str, Any]:
    """A row of run."""
    row = {"run_id": key, "connector_id": "knb", "mode": "full", "state": "running", "extracted": 7}
    return {**row, "window": {"name": "Zo\u00eb \U0001f600", "flags": [True, None]}, "started_at_utc": NOW, **values}


def test_every_type_of_column_is_stored_as_sqlalchemy_stores_it(ledger_url: str) -> None:
    """JSON, aware times of any zone, texts with what PostgreSQL cannot hold."""
    engine = open_engine(ledger_url)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    rows = [a_run("a\0b"), a_run("c", started_at_utc=elsewhere), a_run("d", window={})]
    with writing(engine) as connection:
        insert(connection, run, rows)
        compiled = connection.execute(sa.select(run).order_by(run.c.run_id)).all()
        connection.execute(sa.delete(run))
        connection.execute(sa.insert(run), rows)
        assert connection.execute(sa.select(run).order_by(run.c.run_id)).all() == compiled
    assert [(row.run_id, row.started_at_utc) for row in compiled] == [("a\ufffdb", NOW), ("c", NOW), ("d", NOW)]
    engine.dispose()


def test_a_statement_that_is_made_once_takes_its_values_as_one_that_is_made_anew(ledger_url: str) -> None:
    """Each value by its column's type, lists whatever their length, in looking, changing and removing."""
    engine = open_engine(ledger_url)
    c = run.c
    found = Prepared(
        lambda since, keys, most: (
            sa.select(c.run_id, c.window).where(c.started_at_utc >= since, among(c.run_id, keys)).limit(most)
        )
    )
    changed = Prepared(lambda of_run, what: sa.update(run).where(c.run_id == of_run).values(window=what))
    removed = Prepared(lambda keys: sa.delete(run).where(among(c.run_id, keys)))
    with writing(engine) as connection:
        insert(connection, run, [a_run("a\0b"), a_run("c"), a_run("d", started_at_utc=NOW - timedelta(days=1))])
        changed(connection, "c", {"name": "Ren\u00e9"})
        elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
        assert {row.run_id for row in found(connection, elsewhere, ["a\0b", "c", "d"], 9)} == {"a\ufffdb", "c"}
        assert found(connection, NOW, ["c"] * 2_000, 1).one().window == {"name": "Ren\u00e9"}
        assert found(connection, NOW, [], 9).all() == []
        assert removed(connection, ["a\0b", "c"]).rowcount == 2
        assert connection.execute(sa.select(c.run_id)).scalars().all() == ["d"]
        with pytest.raises(ValueError, match="shorter"):
            removed(connection)
    engine.dispose()


def test_columns_that_are_left_out_get_their_default(ledger_url: str) -> None:
    """As long as it is a fixed one; a column without any must be given."""
    engine = open_engine(ledger_url)
    row = {"connector_id": "knb", "customer_id": "C1", "entity": "contact", "record_key": "1", "reason": "x"}
    row |= {"asked_at_utc": NOW, "first_seen_at_utc": NOW, "last_seen_at_utc": NOW, "run_id": "r"}
    with writing(engine) as connection:
        insert(connection, quarantine, [row])
        found = connection.execute(sa.select(quarantine)).mappings().one()
    assert (found["attempts"], found["detail"]) == (1, "")
    engine.dispose()


def test_a_naive_time_is_refused(ledger_url: str) -> None:
    """It would be read as some other moment."""
    engine = open_engine(ledger_url)
    with pytest.raises(ValueError, match="aware"), writing(engine) as connection:
        insert(connection, run, [a_run("a", started_at_utc=NOW.replace(tzinfo=None))])
    engine.dispose()


def test_a_row_that_is_there_is_replaced_but_for_the_kept_columns(ledger_url: str) -> None:
    """And a row is told from the others by its whole key."""
    engine = open_engine(ledger_url)
    with writing(engine) as connection:
        upsert(connection, run, [a_run("a"), a_run("b")])
        upsert(connection, run, [a_run("a", extracted=9, window={"new": 1})], keep=("window",))
        found = connection.execute(sa.select(run.c.run_id, run.c.extracted, run.c.window)).all()
    assert sorted((key, number, "new" in window) for key, number, window in found) == [("a", 9, False), ("b", 7, False)]
    engine.dispose()


def test_an_update_tells_how_many_rows_it_changed(ledger_url: str) -> None:
    """The lease lives on that number."""
    engine = open_engine(ledger_url)
    statement = Compiled(
        lambda _: sa.update(run).where(run.c.run_id == sa.bindparam("of_key")).values(extracted=sa.bindparam("new_id"))
    )
    with writing(engine) as connection:
        insert(connection, run, [a_run("a")])
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
        insert(connection, journal, [])
        upsert(connection, customer_state, [])
    engine.dispose()
