"""A ledger moves to another database with all that it holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from customer_sync.errors import ConfigError
from customer_sync.ledger import CustomerState, IntendedWrite, Ledger
from customer_sync.ledger.storage.copying import copy_ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import metadata
from customer_sync.model.operation import Action, AppliedCompany
from customer_sync.model.outcome import LogEntry
from tests.unit.customer_sync.builders import an_operation

WRITE = IntendedWrite("C1", an_operation(Action.CREATE_COMPANY, "C1", values={"company_name": "x"}))


def fill(url: str) -> None:
    """Have two connectors' ledgers hold a company, a journal, a log with words of any kind, and a watermark."""
    for connector in ("knb", "acme"):
        with Ledger.open(connector, url) as ledger, ledger.write() as connection:
            ledger.runs.begin(connection, "r1", mode="full", window={"interval": []}, moves_watermark=True)
            ledger.links.put(connection, "r1", [CustomerState("C1", AppliedCompany(company_id=7), "note")])
            ledger.intents.open(connection, "r1", 1, [[WRITE], [WRITE]])
            ledger.log.append(connection, "r1", "load", 1, [LogEntry(customer_id="C1", message="Þórður \U0001f600")])
            ledger.watermarks.put(connection, "r1", {"customers": "2026-01-01"})


def contents(url: str) -> dict[str, list[sa.Row[tuple[object, ...]]]]:
    """Give every table's rows."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = {
            table.name: list(connection.execute(sa.select(table).order_by(*table.primary_key)))
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return found


def test_everything_arrives_on_the_server_and_back(
    sqlite_url: str, postgres_url: str, postgres_urls: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """From a file to a server, from there to another one, and into a file again: the same rows, and new ones go on."""
    fill(sqlite_url)
    before = contents(sqlite_url)
    there = postgres_urls()
    back = f"sqlite:///{tmp_path_factory.mktemp('back') / 'ledger.db'}"
    rows = copy_ledger(sqlite_url, postgres_url)
    assert (rows["journal"], rows["story"], rows["run"]) == (4, 2, 2)
    copy_ledger(postgres_url, there)
    copy_ledger(there, back)
    assert contents(postgres_url) == contents(there) == contents(back) == before
    for url in (postgres_url, back):
        with Ledger.open("knb", url) as ledger, ledger.write() as connection:
            assert ledger.intents.open(connection, "r2", 1, [[WRITE]]) == [5]


def test_two_ledgers_are_never_mixed(sqlite_url: str, tmp_path: object) -> None:
    """A database that holds something is refused by the table's name, and stays as it is."""
    fill(sqlite_url)
    other = f"sqlite:///{tmp_path}/other.db"
    with Ledger.open("knb", other) as ledger, ledger.write() as connection:
        ledger.watermarks.put(connection, "r1", {"customers": "kept"})
    with pytest.raises(ConfigError, match="watermark"):
        copy_ledger(sqlite_url, other)
    with Ledger.open("knb", other) as ledger:
        assert ledger.watermarks.load() == {"customers": "kept"}


def test_nothing_is_copied_while_a_load_writes(sqlite_url: str, tmp_path: object) -> None:
    """What it writes next would be missing; once it has ended the copy is made, without its lease."""
    fill(sqlite_url)
    other = f"sqlite:///{tmp_path}/other.db"
    with Ledger.open("knb", sqlite_url) as ledger:
        lease = ledger.lease("store:shop", "r7", 1)
        lease.acquire()
        with pytest.raises(ConfigError, match="r7"):
            copy_ledger(sqlite_url, other)
        lease.release()
    copy_ledger(sqlite_url, other)
    assert contents(other)["lease"] == []


def test_a_file_that_is_not_there_is_told(tmp_path: object) -> None:
    """A mistyped path makes no empty ledger."""
    with pytest.raises(ConfigError, match=r"nowhere\.db"):
        copy_ledger(f"sqlite:///{tmp_path}/nowhere.db", f"sqlite:///{tmp_path}/other.db")
