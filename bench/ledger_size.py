"""What the ledger grows by: for each new company, each customer without news, each changed one, and each run.

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

from bench.changing import Edits
from bench.contender import Measured, run_ours
from bench.twins import Twins, call, running


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
    """Measure a first load and the runs after it."""
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
        changed = customers // 10
        Edits(twins, customers).company_fields(changed)
        before = _size(file)
        some = _sync(twins, file, mode="incremental")
        _say(f"run that changes {changed} companies: {_size(file).since(before, changed)}; {_cpu(some, changed)}")
        # The overlap reads again what changed shortly before: here one customer, whom nothing else lies near.
        call(f"{twins.erp_url}/_sandbox/clock", "PUT", {"advance_s": _LATER_S})
        Edits(twins, customers).company_fields(1)
        _sync(twins, file, mode="incremental")
        before = _size(file)
        for _ in range(_RUNS):
            _sync(twins, file, mode="incremental")
        _say(f"scheduled run that finds no news: {_size(file).since(before, _RUNS)}")


_RUNS = 20
_LATER_S = 86_400


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _sync(twins: Twins, file: Path, mode: str = "full") -> Measured:
    order: dict[str, Any] = {
        "erp_url": twins.erp_url,
        "store_url": twins.store_url,
        "ledger_url": f"sqlite:///{file}",
        "mode": mode,
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
