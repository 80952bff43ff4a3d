"""What the ledger grows by: rows and bytes for each new company, and for each customer of a full run without changes.

``python -m bench.ledger_size [CUSTOMERS]``; the shape of the customers is the uniform one (2 users, 3 addresses), the
company's id is written back into the ERP, terms are off.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from bench.contender import Measured, run_ours
from bench.twins import Twins, running


class Size(NamedTuple):
    """Rows of each table, and the file's bytes in use."""

    rows: dict[str, int]
    bytes: int

    def since(self, before: Size, customers: int) -> str:
        """The growth for each customer in words."""
        grown = {name: count - before.rows.get(name, 0) for name, count in self.rows.items()}
        told = ", ".join(f"{name} {count / customers:.2f}" for name, count in sorted(grown.items()) if count)
        total = sum(grown.values()) / customers
        return f"{total:.2f} rows, {(self.bytes - before.bytes) / customers:,.0f} bytes ({told})"


def main() -> None:
    """Measure a first load and two full runs after it."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with running(customers) as twins, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        first = _sync(twins, file)
        made = twins.landed()["companies"]
        loaded = _size(file)
        _say(f"first load of {made} companies: {loaded.since(Size({}, 0), made)}; {_cpu(first, made)}")
        _sync(twins, file)
        before = _size(file)
        again = _sync(twins, file)
        _say(f"full run over {customers}, unchanged: {_size(file).since(before, customers)}; {_cpu(again, customers)}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _sync(twins: Twins, file: Path) -> Measured:
    order: dict[str, Any] = {
        "erp_url": twins.erp_url,
        "store_url": twins.store_url,
        "ledger_url": f"sqlite:///{file}",
        "mode": "full",
        "erp": {"write_reference": True},
    }
    return run_ours("bench.ours", order)


def _cpu(measured: Measured, customers: int) -> str:
    return f"{measured.told['run_cpu_s'] / customers * 1e6:,.0f} µs CPU each"


def _size(file: Path) -> Size:
    engine = sa.create_engine(f"sqlite:///{file}")
    with closing(engine.raw_connection()) as raw:
        cursor = raw.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        names = [name for (name,) in cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        rows = {name: cursor.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608 - the file's own names
        sizes = [
            cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        ]
    engine.dispose()
    return Size(rows, (sizes[0] - sizes[1]) * sizes[2])


if __name__ == "__main__":
    main()
