"""Keys of a query travel as one parameter, and find what a list of them would, on both databases."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.database import open_engine, writing
from customer_sync.ledger.storage.schema import customer_state, email, journal, known_customer, quarantine, story
from customer_sync.ledger.storage.statement import among, insert

KEYS = ["plain", 'O\'Brien "quoted" \\', "Zo\u00eb \U0001f600", "a\0b", "[1]", "1", ""]


def test_texts_are_found_when_they_are_among_the_keys(ledger_url: str) -> None:
    """Whatever signs they hold; those that are not meant stay out."""
    engine = open_engine(ledger_url)
    rows = [
        {
            "connector_id": "knb",
            "contact_key": key,
            "customer_id": f"C{number}",
            "email_hash": f"{number}",
            "stake": "ours",
        }
        for number, key in enumerate(KEYS)
    ]
    with writing(engine) as connection:
        insert(connection, email, rows)
        for number, key in enumerate(KEYS):
            query = sa.select(email.c.customer_id).where(among(email.c.contact_key, [key, "other"]))
            assert connection.execute(query).scalars().all() == [f"C{number}"]
        everyone = sa.select(email.c.customer_id).where(among(email.c.contact_key, KEYS * 200))
        assert len(connection.execute(everyone).all()) == len(KEYS)
        nobody = sa.select(email.c.customer_id).where(among(email.c.contact_key, []))
        assert connection.execute(nobody).all() == []
    engine.dispose()


@pytest.mark.parametrize("keys", [[], [1, 2**40], list(range(3_000))])
def test_numbers_are_taken_as_numbers(ledger_url: str, keys: list[Any]) -> None:
    """Ids of rows are compared as numbers, as many as there are."""
    engine = open_engine(ledger_url)
    with engine.connect() as connection:
        assert connection.execute(sa.select(journal.c.id).where(among(journal.c.id, keys))).all() == []
    engine.dispose()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (email, "email_hash"),
        (email, "customer_id"),
        (email, "contact_key"),
        (customer_state, "customer_id"),
        (customer_state, "company_key"),
        (customer_state, "record_id"),
        (known_customer, "customer_id"),
        (known_customer, "email_hash"),
        (story, "customer_id"),
        (quarantine, "customer_id"),
    ],
)
def test_keys_are_looked_up_and_not_searched_for(tmp_path: Path, table: sa.Table, column: str) -> None:
    """A list of keys uses the index of its column: else each question reads all customers of the connector."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    mine = (table.c.connector_id == "knb", among(table.c[column], ["1", "2"]), table.c.customer_id != "3")
    told: list[str] = []
    with engine.connect() as connection:
        for statement in (sa.select(table).where(*mine), sa.delete(table).where(*mine)):
            text = statement.compile(dialect=engine.dialect)
            values = tuple(text.params[name] for name in text.positiontup or ())
            values = tuple(msgspec.json.encode(each).decode() if isinstance(each, list) else each for each in values)
            told += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    assert sum(f"(connector_id=? AND {column}=?" in each for each in told) == 2, told
    engine.dispose()


def test_numbers_of_rows_are_looked_up(tmp_path: Path) -> None:
    """Rows named by their ids are not looked for in the whole table."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    text = sa.delete(story).where(among(story.c.id, [1])).compile(dialect=engine.dialect)
    with engine.connect() as connection:
        told = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("[1]",))]
    assert any("USING INTEGER PRIMARY KEY (rowid=?)" in each for each in told), told
    engine.dispose()
