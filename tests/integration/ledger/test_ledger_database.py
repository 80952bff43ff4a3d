"""The ledger's database: migrations, rights, wrong addresses, several processes at once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import ledger_url as default_url
from customer_sync.ledger.storage.database import open_engine, writing
from customer_sync.ledger.storage.schema import REVISION, metadata
from customer_sync.ledger.storage.upgrade import MIGRATIONS, migrate


def columns(connection: sa.Connection, table: str) -> set[str]:
    """Give the names of a table's columns as the database knows them."""
    return {each["name"] for each in sa.inspect(connection).get_columns(table)}


def test_a_new_ledger_is_at_the_newest_migration_with_the_tables_that_the_code_expects(ledger_url: str) -> None:
    """Tables, columns, indexes: nothing more, nothing less."""
    engine = open_engine(ledger_url)
    with engine.connect() as connection:
        made = MigrationContext.configure(connection)
        assert compare_metadata(made, metadata) == []
        assert made.get_current_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head() == REVISION
    engine.dispose()


LATER = f"{int(REVISION) + 1:04d}"
LATER_MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{LATER}", "{REVISION}"


def upgrade():
    op.add_column("watermark", sa.Column("note", sa.String(40), nullable=False, server_default="none"))
    with op.batch_alter_table("watermark") as table:
        table.alter_column("value", new_column_name="position")
"""


def test_a_later_migration_changes_a_ledger_that_holds_data(ledger_url: str, tmp_path: Path) -> None:
    """The next version of the package adds and renames a column: what was there stays, and the step is taken once."""
    with Ledger.open("knb", ledger_url) as ledger, ledger.write() as connection:
        ledger.watermarks.put(connection, "r", {"customers": "x"})
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / f"{LATER}_note.py").write_text(LATER_MIGRATION)
    engine = open_engine(ledger_url)
    for _ in range(2):
        migrate(engine, folder, LATER)
    with engine.connect() as connection:
        assert columns(connection, "watermark") == {
            *metadata.tables["watermark"].columns.keys(),
            "note",
            "position",
        } - {"value"}
        found = connection.exec_driver_sql("SELECT name, position, note FROM watermark").all()
    assert [tuple(row) for row in found] == [("customers", "x", "none")]
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0010", f"{int(REVISION) - 1:04d}"])
def test_a_ledger_from_before_the_first_release_is_refused(ledger_url: str, revision: str) -> None:
    """No way leads from its tables to the present ones; the sentence says what to do as for a lost ledger."""
    engine = open_engine(ledger_url)
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    engine.dispose()
    with pytest.raises(ConfigError, match=rf"{revision}.*lost ledger.*nothing is created twice"):
        Ledger.open("knb", ledger_url)


def test_a_ledger_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    """Every task opens it, and Alembic is half a second of processor time."""
    program = (
        "import sys\nfrom customer_sync.ledger import Ledger\n"
        "for _ in range(2):\n    Ledger.open('knb', sys.argv[1]).close()\n"
        "print([name for name in ('alembic', 'sqlalchemy.dialects.postgresql') if name in sys.modules])"
    )
    command_line = [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'ledger.db'}"]
    done = subprocess.run(command_line, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - our own text
    assert done.stdout.strip() == "[]"


def test_rights_are_taken_from_a_file_that_was_open_to_others(tmp_path: Path) -> None:
    """A ledger that a copy or an older version left open is closed to others when it is opened, journals included."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open("knb", url) as first, first.write() as connection:
        first.watermarks.put(connection, "r", {"customers": "x"})
        files = sorted(tmp_path.iterdir())
        assert len(files) == 3
        for file in files:
            file.chmod(0o664)
        with Ledger.open("knb", url):
            assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 3


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    """The ledger holds what was sent to the store: mode 0600 for the file and its journals, 0700 for its folder."""
    folder = tmp_path / "new"
    before = os.umask(0)
    try:
        with Ledger.open("knb", f"sqlite:///{folder / 'ledger.db'}") as ledger, ledger.write() as connection:
            ledger.watermarks.put(connection, "r", {"customers": "x"})
            modes = {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["ledger.db", "ledger.db-wal", "ledger.db-shm"], "0o600")
    assert oct(folder.stat().st_mode & 0o777) == "0o700"


def test_an_intent_is_on_disk_before_its_request_leaves(sqlite_url: str) -> None:
    """WAL with full synchronisation survives a power cut after the commit."""
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "not a url",
        "knb.db",
        "nosuchdatabase://host/ledger",
        "mysql://root:hunter2@host/ledger",
        "sqlite:////dev/null/ledger.db",
        "sqlite:////proc/nowhere/ledger.db",
        "sqlite:////tmp",
        "postgresql+psycopg2://user:hunter2@127.0.0.1:1/ledger",
    ],
)
def test_the_variable_is_named_when_the_address_is_wrong(url: str) -> None:
    """Whatever is wrong with the URL: one sentence names the variable, and no password."""
    with pytest.raises(ConfigError, match="CUSTOMER_SYNC_LEDGER_URL") as caught:
        Ledger.open("knb", url)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.__cause__)
    assert caught.value.evidence == {"setting": "CUSTOMER_SYNC_LEDGER_URL"}


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """A path mistyped to some other file does not destroy it."""
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, not a database. " * 50)
    with pytest.raises(ConfigError, match="cannot be opened"):
        Ledger.open("knb", f"sqlite:///{path}")
    assert path.read_text().startswith("These are notes")


def test_a_ledger_of_a_newer_version_is_told(ledger_url: str) -> None:
    """An older package does not write into tables that it does not know."""
    engine = open_engine(ledger_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(ConfigError, match="newer version"):
        Ledger.open("knb", ledger_url)


def test_the_ledger_stands_beside_airflow_when_nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable wins, then Airflow's home."""
    monkeypatch.delenv("CUSTOMER_SYNC_LEDGER_URL", raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert default_url() == f"sqlite:///{tmp_path / 'customer_sync_ledger.db'}"
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", "postgresql://x/y")
    assert default_url() == "postgresql://x/y"


OPEN_AND_WRITE = """
import sys
from customer_sync.ledger import Ledger
sys.stdin.readline()
with Ledger.open("knb", sys.argv[1]) as ledger:
    for number in range(20):
        with ledger.write() as connection:
            ledger.watermarks.put(connection, "r", {f"{sys.argv[2]}_{number}": "x"})
"""


def test_several_processes_may_open_a_new_ledger_at_once(ledger_url: str) -> None:
    """Tasks start together on a fresh machine: one migrates, all write, none is locked out."""
    started = [
        subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-c", OPEN_AND_WRITE, ledger_url, str(name)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [(process.communicate(timeout=120)[1], process.returncode) for process in started]
    assert [code for _, code in ends] == [0, 0, 0], ends
    with Ledger.open("knb", ledger_url) as ledger:
        assert len(ledger.watermarks.load()) == 60


def test_a_failed_transaction_leaves_nothing_behind(ledger: Ledger) -> None:
    """All of it or none of it."""

    def write_and_fail() -> None:
        with ledger.write() as connection:
            ledger.watermarks.put(connection, "r", {"customers": "x"})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_fail()
    assert ledger.watermarks.load() == {}
