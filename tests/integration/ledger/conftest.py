"""A real ledger for each test, on SQLite and on PostgreSQL: the same promises hold on both."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from customer_sync.ledger import Ledger
from tests.reliability.private_postgres import is_postgres_installed, running_postgres


@pytest.fixture(scope="session")
def postgres_urls() -> Iterator[Callable[[], str]]:
    """Makes fresh databases of a private PostgreSQL server; only a machine of one's own may be without its programs."""
    if not is_postgres_installed() and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed (Debian and Ubuntu: apt-get install postgresql)")
    with running_postgres() as make_database:
        yield make_database


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the address of a SQLite ledger that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def postgres_url(postgres_urls: Callable[[], str]) -> str:
    """Give the address of an empty PostgreSQL database."""
    return postgres_urls()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """Give the address of a ledger that holds nothing yet."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a migrated ledger; to migrate it anew for every test would only cost time."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"
    Ledger.open("knb", f"sqlite:///{path}").close()
    return path


@pytest.fixture
def ledger(ledger_url: str, empty_ledger: Path) -> Iterator[Ledger]:
    """Give an empty ledger of the connector ``knb``."""
    if ledger_url.startswith("sqlite"):
        shutil.copy(empty_ledger, ledger_url.removeprefix("sqlite:///"))
    with Ledger.open("knb", ledger_url) as opened:
        yield opened


@pytest.fixture
def other(ledger_url: str, ledger: Ledger) -> Iterator[Ledger]:
    """Give the ledger of a second connector in the same database."""
    assert ledger.connector_id != "acme"
    with Ledger.open("acme", ledger_url) as opened:
        yield opened
