"""One ledger for all worlds of a process, so that its statements are compiled once; emptied for each."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger import Ledger


@dataclass
class LedgerFile:
    """A ledger's file.

    Args:
        folder: Where it is; best in memory.
        connector_id: Whose ledger it is.
    """

    folder: Path
    connector_id: str
    _open: list[sqlite3.Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._path, self._empty = self.folder / "ledger.db", self.folder / "empty.db"
        self.ledger = Ledger.open(self.connector_id, self.url)
        sa.event.listen(self.ledger.engine, "connect", lambda connection, _: self._open.append(connection))
        self.ledger.close()
        shutil.copyfile(self._path, self._empty)

    def close(self) -> None:
        """Close every connection, as the end of a process does, also those that a crash left in use."""
        self.ledger.close()
        for connection in self._open:
            connection.close()
        self._open.clear()

    @property
    def url(self) -> str:
        """The ledger's address."""
        return f"sqlite:///{self._path}"

    def empty(self) -> Ledger:
        """The ledger of a new world."""
        return self.become(self._empty)

    def keep(self, name: str) -> Path:
        """A copy of the ledger as it is now, for :meth:`become`."""
        self.close()
        kept = self.folder / f"{name}.db"
        shutil.copyfile(self._path, kept)
        return kept

    def become(self, kept: Path) -> Ledger:
        """The ledger as it was when it was copied."""
        self.close()
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        shutil.copyfile(kept, self._path)
        return self.ledger

    def rows(self, query: str) -> list[Any]:
        """What a query finds, past the product."""
        connection = sqlite3.connect(self._path)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


@cache
def process_ledger() -> LedgerFile:
    """The one of this process, in a folder that goes with it."""
    return LedgerFile(Path(_folder().name), "any")


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()
