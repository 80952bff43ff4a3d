"""A temporary file that holds both sides of a comparison, so that memory does not grow with their number.

ERP and store are written as they are read, in any order, and read back in key order
(a merge join on disk). The file holds personal data: it lies in a folder that only
its owner can read, and is gone when the comparison ends.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from customer_sync.ledger.storage.statement import chunks
from customer_sync.reconcile.compare.sides import ErpSide
from customer_sync.targets.port import StoredAddress, StoredCompany, StoredUser

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
CREATE TABLE erp (key TEXT PRIMARY KEY, claim TEXT, email TEXT, reference TEXT, data BLOB) WITHOUT ROWID;
CREATE TABLE link (key TEXT PRIMARY KEY, company_id INTEGER) WITHOUT ROWID;
CREATE TABLE company (id INTEGER PRIMARY KEY, key TEXT, email TEXT, data BLOB);
CREATE TABLE user (id INTEGER PRIMARY KEY, company_id INTEGER, email TEXT, data BLOB);
CREATE TABLE address (id INTEGER PRIMARY KEY, company_id INTEGER, owner TEXT, data BLOB);
CREATE TABLE recheck (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX link_company ON link (company_id);
CREATE INDEX erp_reference ON erp (reference);
CREATE INDEX erp_email ON erp (email);
CREATE INDEX company_key ON company (key);
CREATE INDEX company_email ON company (email);
CREATE INDEX user_company ON user (company_id);
CREATE INDEX user_email ON user (email);
CREATE INDEX address_company ON address (company_id);
CREATE INDEX address_owner ON address (owner);
"""

_encode = msgspec.msgpack.Encoder().encode
_erp = msgspec.msgpack.Decoder(ErpSide).decode
_company = msgspec.msgpack.Decoder(StoredCompany).decode
_user = msgspec.msgpack.Decoder(StoredUser).decode
_address = msgspec.msgpack.Decoder(StoredAddress).decode


class Spool:
    """Both sides of one comparison on disk."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # -- writing -----------------------------------------------------------------------------------

    def put_erp(self, sides: Iterable[ErpSide]) -> None:
        """Add customers."""
        rows = (
            (side.customer_id, side.claim, side.email.casefold(), side.reference_id, _encode(side)) for side in sides
        )
        self._database.executemany("INSERT OR REPLACE INTO erp VALUES (?, ?, ?, ?, ?)", rows)

    def put_links(self, links: Iterable[tuple[str, int]]) -> None:
        """Add the ledger's links: CustomerID and company id."""
        self._database.executemany("INSERT OR REPLACE INTO link VALUES (?, ?)", links)

    def put_companies(self, records: Iterable[StoredCompany]) -> None:
        """Add companies."""
        rows = ((each.id, each.key, each.fields.company_email.casefold(), _encode(each)) for each in records)
        self._database.executemany("INSERT OR REPLACE INTO company VALUES (?, ?, ?, ?)", rows)

    def put_users(self, records: Iterable[StoredUser]) -> None:
        """Add users."""
        rows = ((each.id, each.company_id, each.fields.email.casefold(), _encode(each)) for each in records)
        self._database.executemany("INSERT OR REPLACE INTO user VALUES (?, ?, ?, ?)", rows)

    def put_addresses(self, records: Iterable[StoredAddress]) -> None:
        """Add addresses."""
        rows = ((each.id, each.company_id, owner_of(each.fields.external_id), _encode(each)) for each in records)
        self._database.executemany("INSERT OR REPLACE INTO address VALUES (?, ?, ?, ?)", rows)

    def index(self) -> None:
        """Make it ready to be read."""
        self._database.executescript(_INDEXES)

    def mark_for_recheck(self, keys: Iterable[str]) -> None:
        """Remember customers that are to be read again."""
        self._database.executemany("INSERT OR IGNORE INTO recheck VALUES (?)", ((key,) for key in keys))

    # -- reading -----------------------------------------------------------------------------------

    def keys(self, size: int) -> Iterator[list[str]]:
        """All CustomerIDs that ERP, ledger or store name, in order, ``size`` at a time."""
        query = (
            "SELECT key FROM (SELECT key FROM erp UNION SELECT key FROM link UNION SELECT key FROM company "
            "WHERE key <> '') WHERE key > ? ORDER BY key LIMIT ?"
        )
        after = ""
        while found := [key for (key,) in self._database.execute(query, (after, size))]:
            yield found
            after = found[-1]

    def to_recheck(self) -> list[str]:
        """Customers that are to be read again, in order."""
        return [key for (key,) in self._database.execute("SELECT key FROM recheck ORDER BY key")]

    def erp_sides(self, keys: Sequence[str]) -> dict[str, ErpSide]:
        """What the ERP said of some customers."""
        return {
            side.customer_id: side
            for side in (_erp(data) for (data,) in self._among("SELECT data FROM erp WHERE key", keys))
        }

    def companies(self, keys: Sequence[str], ids: Sequence[int]) -> list[StoredCompany]:
        """Companies that carry one of the keys or have one of the ids, each once."""
        rows = (
            *self._among("SELECT id, data FROM company WHERE key", keys),
            *self._among("SELECT id, data FROM company WHERE id", ids),
        )
        return [_company(data) for data in dict(rows).values()]

    def users(self, company_ids: Sequence[int]) -> list[StoredUser]:
        """Users of some companies."""
        return [_user(data) for (data,) in self._among("SELECT data FROM user WHERE company_id", company_ids)]

    def addresses(self, company_ids: Sequence[int]) -> list[StoredAddress]:
        """Addresses of some companies."""
        return [_address(data) for (data,) in self._among("SELECT data FROM address WHERE company_id", company_ids)]

    def email_owners(self, emails: Sequence[str]) -> dict[str, int]:
        """Case-folded e-mail of a user -> its company."""
        return dict(self._among("SELECT email, company_id FROM user WHERE email", emails))

    def companies_by_email(self, email: str) -> list[StoredCompany]:
        """Companies with this e-mail, compared without regard to case."""
        rows = self._database.execute("SELECT data FROM company WHERE email = ? ORDER BY id", (email.casefold(),))
        return [_company(data) for (data,) in rows]

    def claimants(self, email: str) -> int:
        """Number of eligible customers with this Account Email."""
        query = "SELECT count(*) FROM erp WHERE claim = 'eligible' AND email = ?"
        return int(self._database.execute(query, (email.casefold(),)).fetchone()[0])

    def reference_claimants(self, reference: str) -> int:
        """Number of customers with this reference id, eligible or not."""
        query = "SELECT count(*) FROM erp WHERE reference = ?"
        return int(self._database.execute(query, (reference,)).fetchone()[0])

    def known_owners(self, owners: Sequence[str]) -> set[str]:
        """Those that are CustomerIDs of the ERP or of the ledger."""
        queries = ("SELECT key FROM erp WHERE key", "SELECT key FROM link WHERE key")
        return {key for query in queries for (key,) in self._among(query, owners)}

    def linked_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of some customers that the ledger links."""
        return {key for (key,) in self._among("SELECT key FROM link WHERE key", keys)}

    def links_of(self, keys: Sequence[str]) -> dict[str, int]:
        """CustomerID -> company of those of some customers that the ledger links."""
        return dict(self._among("SELECT key, company_id FROM link WHERE key", keys))

    def linked_companies(self) -> set[int]:
        """Ids of the companies that the ledger links."""
        return {company_id for (company_id,) in self._database.execute("SELECT company_id FROM link")}

    def count_foreign_companies(self) -> int:
        """Companies without our key that no link names."""
        query = "SELECT count(*) FROM company WHERE key = '' AND id NOT IN (SELECT company_id FROM link)"
        return int(self._database.execute(query).fetchone()[0])

    def homeless(self) -> tuple[list[StoredUser], list[StoredAddress]]:
        """Users and addresses whose company the store does not show."""
        where = "WHERE company_id NOT IN (SELECT id FROM company)"
        users = [_user(data) for (data,) in self._database.execute(f"SELECT data FROM user {where}")]  # noqa: S608 - ours
        addresses = [
            _address(data)
            for (data,) in self._database.execute(f"SELECT data FROM address {where}")  # noqa: S608 - ours
        ]
        return users, addresses

    def counts(self) -> dict[str, int]:
        """Number of records of each kind."""
        return {
            table: int(self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - five names
            for table in ("erp", "link", "company", "user", "address")
        }

    def _among(self, query: str, values: Sequence[str] | Sequence[int]) -> Iterator[Any]:
        """Rows whose field, named last in the query, has one of the values."""
        for part in chunks(values):
            yield from self._database.execute(f"{query} IN ({','.join('?' * len(part))})", part)


@contextmanager
def temporary_spool() -> Iterator[Spool]:
    """A spool in a folder of its own, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="reconcile-") as folder:
        spool = Spool(Path(folder) / "spool.db")
        try:
            yield spool
        finally:
            spool.close()


def owner_of(external_id: str) -> str:
    """The CustomerID that an address's external id names, ``""`` if it names none."""
    return external_id.rpartition(":")[0]
