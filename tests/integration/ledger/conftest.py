"""A real ledger for each test: SQLite in a folder of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_sync.ledger import Ledger


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    """Give the address of a ledger that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a migrated ledger; to migrate it anew for every test would only cost time."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"
    Ledger.open("knb", f"sqlite:///{path}").close()
    return path


@pytest.fixture
def ledger(ledger_url: str, empty_ledger: Path) -> Iterator[Ledger]:
    """Give an empty ledger of the connector ``knb``."""
    shutil.copy(empty_ledger, ledger_url.removeprefix("sqlite:///"))
    with Ledger.open("knb", ledger_url) as opened:
        yield opened


@pytest.fixture
def other(ledger_url: str, ledger: Ledger) -> Iterator[Ledger]:
    """Give the ledger of a second connector in the same database."""
    assert ledger.connector_id != "acme"
    with Ledger.open("acme", ledger_url) as opened:
        yield opened
