"""A PostgreSQL of the demonstration's own for Airflow's database; Airflow's backfills need it."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from demo.errors import DemoError
from demo.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.settings import Place

_OWNER = "airflow"
"""The database and its owner."""

_NOBODY = 65_534
"""User id of the account without rights: the server refuses to run as root."""

_OPEN_TO_ALL = Path("/var/tmp")  # noqa: S108 - the folder made below it is closed to everybody else
"""Where root's demonstration keeps the server's files: the account without rights cannot enter the project."""


DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep the server's programs, by version, outside of the path."""


def find_programs(debian: Path = DEBIAN) -> Path | None:
    """The folder with PostgreSQL's programs, the newest version's; ``None`` where it is not installed."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(debian.glob("*/bin"))
    return places[-1] if places else None


def folder_of(place: Place) -> Path:
    """Where the server's files are: in the demonstration's folder, or, for root, where another account may enter."""
    if os.getuid() != 0:
        return place.home / "postgres"
    return _OPEN_TO_ALL / f"customer-sync-demo-{hashlib.sha256(str(place.home).encode()).hexdigest()[:12]}"


def data_of(place: Place) -> Path:
    """The folder in which the running server works."""
    return folder_of(place) / "data"


class Postgres:
    """One server on a free port of the loopback address; its files outlive it.

    Args:
        place: Folders and files of the demonstration.
        password: Of the database's owner.
        programs: Folder with the server's programs.

    Raises:
        DemoError: PostgreSQL is not installed.
    """

    def __init__(self, place: Place, password: str, programs: Path | None) -> None:
        if programs is None:
            raise DemoError(
                "DB=postgres needs PostgreSQL, which is not installed (Debian and Ubuntu: apt-get install postgresql). "
                "Without DB the demo runs on SQLite."
            )
        self._programs = programs
        self._folder = folder_of(place)
        self._data = data_of(place)
        self._password = password
        self.user_id = _NOBODY if os.getuid() == 0 else None
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            self._port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        """SQLAlchemy URL of Airflow's database; psycopg serves Airflow's asynchronous engine as well."""
        return f"postgresql+psycopg://{_OWNER}:{self._password}@{LOOPBACK}:{self._port}/{_OWNER}"

    @property
    def command(self) -> Sequence[str]:
        """How the server is started; it stops at SIGINT without waiting for its clients."""
        options = ("-D", str(self._data), "-p", str(self._port), "-h", LOOPBACK, "-k", "")
        return (str(self._programs / "postgres"), *options)

    def make_files(self) -> None:
        """Make the server's files, unless an earlier demonstration did.

        Raises:
            DemoError: It did not work; what PostgreSQL said is in the message.
        """
        data, secret = self._data, self._folder / "password"
        if (data / "PG_VERSION").exists():
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        secret.write_text(self._password, encoding="utf-8")
        secret.chmod(0o600)
        if self.user_id is not None:
            for path in (self._folder, secret):
                os.chown(path, self.user_id, self.user_id)
        options = ("-U", _OWNER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync")
        made = subprocess.run(  # noqa: S603 - a program of this machine
            [str(self._programs / "initdb"), "-D", str(data), *options],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
            user=self.user_id,
            group=self.user_id,
        )
        secret.unlink()
        if made.returncode:
            raise DemoError(f"PostgreSQL could not make its files in {data}:\n{made.stderr.strip()}")

    def answers(self) -> bool:
        """Whether the server is up; Airflow's database is made when it is missing."""
        address = f"host={LOOPBACK} port={self._port} user={_OWNER} password={self._password} dbname=postgres"
        try:
            with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_OWNER]).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {_OWNER}")
        except psycopg.OperationalError:
            return False
        return True
