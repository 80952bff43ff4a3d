"""Bring the ledger's tables up to date: a new ledger gets the present tables at once, an older one its migrations.

Alembic comes with a template engine and every dialect that it knows, half a second of a
task's start; only a ledger that really lags behind pays for it.
"""

# ruff: noqa: PLC0415 -- see above

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import REVISION, customer_state, email, known_customer, metadata

_MANY = 100_000
_FEW = 4
"""What SQLite is told of a column: how many rows one connector has, and one value of anything else."""

_MIGRATION_LOCK = 0x6B6E6263  # any constant: PostgreSQL's advisory lock of our migrations

# As Alembic makes it.
_version = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Alembic's folder; its first revision is the tables of the first release."""


class OutdatedLedger(Exception):
    """The tables are those of a version that was never released."""


class UnknownRevision(Exception):
    """The tables are of a revision that this version of the package does not know."""


def migrate(engine: sa.Engine, migrations: Path = MIGRATIONS, head: str = REVISION) -> None:
    """Apply missing migrations; several processes may try at once, one does it.

    Args:
        engine: The ledger's engine.
        migrations: Alembic's folder.
        head: Its newest revision.

    Raises:
        OutdatedLedger: A version from before the first release wrote this ledger: nothing leads from it to the tables.
        UnknownRevision: A newer version of the package wrote this ledger.
    """
    with engine.connect() as connection:
        if _revision(connection) == head:
            return
    with _exclusive(engine) as connection:
        revision = _revision(connection)
        if revision == "":
            _make(connection, head)
        elif revision != head:
            _upgrade(connection, migrations, revision)


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that will write; committed at the end, rolled back on error."""
    # The option is the connection's: an engine with options costs more than the transaction.
    with engine.connect() as connection, connection.execution_options(writes=True).begin():
        yield connection


@contextmanager
def _exclusive(engine: sa.Engine) -> Iterator[sa.Connection]:
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        yield connection


def _revision(connection: sa.Connection) -> str:
    """The revision of the tables, ``""`` where there are none yet."""
    if not sa.inspect(connection).has_table(_version.name):
        return ""
    return connection.execute(sa.select(_version.c.version_num)).scalar() or ""


def _make(connection: sa.Connection, head: str) -> None:
    metadata.create_all(connection, checkfirst=False)
    _version.create(connection, checkfirst=True)
    connection.execute(sa.insert(_version), {"version_num": head})
    if connection.dialect.name == "sqlite":
        _tell_planner(connection)


def _tell_planner(connection: sa.Connection) -> None:
    """Tell SQLite what an empty ledger does not show: the rows of a table are one connector's, or of a few.

    Else it takes a connector for as telling as a number, and reads all of its rows for each list of customers.
    """
    connection.exec_driver_sql("ANALYZE sqlite_schema")
    connection.exec_driver_sql(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
        [
            (table.name, index, " ".join(map(str, (_MANY, _MANY, *([_FEW] * (columns - 2)), 1 if is_unique else _FEW))))
            for table in (customer_state, email, known_customer)
            for index, columns, is_unique in _indexes(connection, table.name)
        ],
    )
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # the statistics are read anew


def _indexes(connection: sa.Connection, table: str) -> Iterator[tuple[str, int, bool]]:
    """Name, number of columns and uniqueness of each index; each begins with the connector."""
    for row in connection.exec_driver_sql(f'PRAGMA index_list("{table}")').mappings().all():
        columns = connection.exec_driver_sql(f'PRAGMA index_info("{row["name"]}")').all()
        yield row["name"], len(columns), bool(row["unique"])


def _upgrade(connection: sa.Connection, migrations: Path, revision: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise (OutdatedLedger if revision < REVISION else UnknownRevision)(revision) from error
