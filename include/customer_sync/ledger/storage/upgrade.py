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

from customer_sync.ledger.storage.schema import REVISION, metadata

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
