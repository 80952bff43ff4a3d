"""Keys of a query travel as one parameter, and find what a list of them would, on both databases."""

from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.database import open_engine, writing
from customer_sync.ledger.storage.schema import email, journal
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
