"""Open the ledger's database: engine settings, file permissions."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from customer_sync.errors import ConfigError
from customer_sync.ledger.storage.connect_retry import PATIENCE_S, is_passing, wait_for_server
from customer_sync.ledger.storage.failures import explain_failures, explained, is_busy_or_full
from customer_sync.ledger.storage.upgrade import OutdatedLedger, UnknownRevision, migrate, writing

__all__ = ["URL_VARIABLE", "ledger_url", "open_engine", "writing"]

URL_VARIABLE = "CUSTOMER_SYNC_LEDGER_URL"
"""Environment variable with the ledger's SQLAlchemy URL."""


LONGEST_WAIT_S = PATIENCE_S
"""How long a task waits for the ledger, in seconds."""

PAGE_WAIT_S = 5.0
"""How long what answers a web request waits for the ledger, in seconds."""


def ledger_url() -> str:
    """The ledger's address: the environment's, else a SQLite file in ``$AIRFLOW_HOME`` or the working directory."""
    configured = os.environ.get(URL_VARIABLE)
    if configured:
        return configured
    home = os.environ.get("AIRFLOW_HOME", ".")
    return f"sqlite:///{Path(home).expanduser().resolve() / 'customer_sync_ledger.db'}"


def open_engine(url: str, *, wait_s: float = LONGEST_WAIT_S) -> sa.Engine:
    """Connect to the ledger and bring its tables up to date.

    A SQLite file is created with mode 0600 and runs in WAL mode with full
    synchronisation: an intent must be on disk before its request leaves.

    A server that is being restarted is waited for.

    Args:
        url: SQLAlchemy URL.
        wait_s: Longest wait for a server that is away, for a place in the pool, or for a lock that somebody else
            holds, in seconds. A task has time; a page's reader and the server that answers him have not.

    Raises:
        ConfigError: The URL is no SQLAlchemy URL, its driver is missing, or the
            database cannot be opened with it.
        TransientApiError: The server is away, or the database is locked or out of disk space.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _prepare_file(parsed.database)
        engine = sa.create_engine(
            parsed,
            hide_parameters=True,
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
            **_engine_options(parsed, wait_s),
        )
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"The ledger's URL in {URL_VARIABLE} cannot be used ({type(error).__name__}): "
            "give a SQLAlchemy URL such as sqlite:////var/lib/ledger.db or postgresql+psycopg://user@host/ledger.",
            setting=URL_VARIABLE,
        ) from error
    wait_for_server(engine, wait_s)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_immediately)
    try:
        migrate(engine)
    except OutdatedLedger as error:
        engine.dispose()
        raise ConfigError(
            f"The ledger at {parsed.render_as_string(hide_password=True)} has the tables of a version before the first "
            f"release ({error}), which this version does not read: keep it aside and give an empty one in "
            f"{URL_VARIABLE}, as for a lost ledger. Then reconcile with mode adopt, or run in full: companies, "
            "users and addresses are found again by their keys, and nothing is created twice.",
            setting=URL_VARIABLE,
        ) from error
    except UnknownRevision as error:
        engine.dispose()
        raise ConfigError(
            f"The ledger at {parsed.render_as_string(hide_password=True)} was written by a newer version of this "
            f"package ({error}): install that version, or give another ledger in {URL_VARIABLE}.",
            setting=URL_VARIABLE,
        ) from error
    except (sa.exc.OperationalError, sa.exc.DatabaseError) as error:
        engine.dispose()
        is_away = error.orig is not None and parsed.get_backend_name() != "sqlite" and is_passing(error.orig)
        if is_away or is_busy_or_full(error):
            raise explained(error, parsed.render_as_string(hide_password=True)) from error
        reason = str(error.orig).splitlines()[0] if error.orig else type(error).__name__
        raise ConfigError(
            f"The ledger at {parsed.render_as_string(hide_password=True)} cannot be opened: {reason}. "
            f"Check {URL_VARIABLE}, the server and the rights on the file.",
            setting=URL_VARIABLE,
        ) from error
    explain_failures(engine, parsed.render_as_string(hide_password=True))
    return engine


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _engine_options(url: sa.URL, wait_s: float) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        # How long to wait while another process writes; ?timeout=5 in the URL says otherwise.
        return {} if "timeout" in url.query else {"connect_args": {"timeout": wait_s}}
    options = {"pool_pre_ping": True, "pool_size": 2, "max_overflow": 4, "pool_recycle": 1800}
    if wait_s == LONGEST_WAIT_S:
        return options
    return {**options, "pool_timeout": wait_s, "connect_args": _in_seconds(url, wait_s)}


def _in_seconds(url: sa.URL, wait_s: float) -> dict[str, Any]:
    """PostgreSQL's own bounds for who waits for a lock; what the URL says of them holds."""
    if url.get_backend_name() != "postgresql" or "options" in url.query:
        return {}
    return {"connect_timeout": max(2, round(wait_s)), "options": f"-c lock_timeout={round(wait_s * 1000)}"}


def _prepare_file(database: str | None) -> None:
    if not database or database == ":memory:" or database.startswith("file:"):
        return
    path = Path(database)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    for file in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        _close_to_others(file)


def _close_to_others(file: Path) -> None:
    """Take others' rights from a file of ours: a copy or an older version may have left it open."""
    try:
        facts = file.stat()
        if facts.st_uid == os.geteuid() and stat.S_ISREG(facts.st_mode) and facts.st_mode & 0o077:
            file.chmod(0o600)
    except FileNotFoundError:
        return  # SQLite removes the two beside it when the last process closes


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling would begin late and read-only; see _begin_immediately.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: sa.Connection) -> None:
    # A deferred transaction that turns to writing fails at once when another writes; an immediate one waits.
    if connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # It takes no lock, so it cannot fail; SQLAlchemy's way to the driver takes longer than a short look.
        connection.connection.cursor().execute("BEGIN")
