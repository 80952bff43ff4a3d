"""A PostgreSQL server of one's own, in a folder of one's own, gone when the block ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from demo.postgres import find_programs

_NOBODY = 65_534
"""User id of the account without rights; the server refuses to run as root."""


@contextmanager
def running_postgres(port: int | None = None) -> Iterator[Callable[[], str]]:
    """Run a server on the loopback interface.

    Args:
        port: Where it listens; a free port by default.

    Yields:
        A function that makes an empty database and gives its SQLAlchemy URL.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
    """
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError("PostgreSQL is not installed (Debian and Ubuntu: apt-get install postgresql)")
    user = _NOBODY if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgres-") as home:
        if user is not None:
            os.chown(home, user, user)
        yield from _serve(programs, Path(home), user, port or free_port())


def _serve(programs: Path, home: Path, user: int | None, port: int) -> Iterator[Callable[[], str]]:
    data = home / "data"
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "ledger", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, user=user)  # noqa: S603 - a program of this machine
    options = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"]
    log = (home / "log").open("wb")
    with log, subprocess.Popen([str(programs / "postgres"), *options], stderr=log, user=user) as server:  # noqa: S603 - the same
        try:
            admin = sa.create_engine(
                f"postgresql+psycopg://ledger@127.0.0.1:{port}/postgres", isolation_level="AUTOCOMMIT"
            )
            _wait_until_ready(admin)
            yield _maker(admin, port)
            admin.dispose()
        finally:
            # "Fast": the default one would wait for connections that a failed test left open.
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)


def _maker(admin: sa.Engine, port: int) -> Callable[[], str]:
    numbers = count(1)

    def make() -> str:
        name = f"ledger{next(numbers)}"
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        return f"postgresql+psycopg://ledger@127.0.0.1:{port}/{name}"

    return make


def is_postgres_installed() -> bool:
    """Whether this machine has the server's programs."""
    return find_programs() is not None


def free_port() -> int:
    """A port of the loopback interface on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(admin: sa.Engine) -> None:
    for attempt in range(200):
        try:
            admin.connect().close()
        except sa.exc.OperationalError:
            if attempt == 199:
                raise
            time.sleep(0.1)
        else:
            return
