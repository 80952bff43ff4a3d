"""What the ledger grows by: for each new company, each customer without news, each changed one, and each run.

``python -m bench.ledger_size [CUSTOMERS [URL]]``; the shape of the customers is the uniform one (2 users, 3 addresses),
the company's id is written back into the ERP, terms are off. By default the ledger is an SQLite file; ``URL`` names an
empty PostgreSQL database.
"""

from __future__ import annotations

import sys
import tempfile
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
        url = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{Path(folder) / 'ledger.db'}"  # noqa: PLR2004 - the second
        first = _sync(twins, url)
        made = twins.landed()["companies"]
        loaded = size_of(url)
        _say(f"first load of {made} companies: {loaded.since(Size({}, 0), made)}; {_cpu(first, made)}")
        _sync(twins, url)
        before = size_of(url)
        again = _sync(twins, url)
        _say(f"full run over {customers}, unchanged: {size_of(url).since(before, customers)}; {_cpu(again, customers)}")
        changed = customers // 10
        Edits(twins, customers).company_fields(changed)
        before = size_of(url)
        some = _sync(twins, url, mode="incremental")
        _say(f"run that changes {changed} companies: {size_of(url).since(before, changed)}; {_cpu(some, changed)}")
        # The overlap reads again what changed shortly before: here one customer, whom nothing else lies near.
        call(f"{twins.erp_url}/_sandbox/clock", "PUT", {"advance_s": _LATER_S})
        Edits(twins, customers).company_fields(1)
        _sync(twins, url, mode="incremental")
        before = size_of(url)
        for _ in range(_RUNS):
            _sync(twins, url, mode="incremental")
        _say(f"scheduled run that finds no news: {size_of(url).since(before, _RUNS)}")


_RUNS = 20
_LATER_S = 86_400


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _sync(twins: Twins, url: str, mode: str = "full") -> Measured:
    order: dict[str, Any] = {
        "erp_url": twins.erp_url,
        "store_url": twins.store_url,
        "ledger_url": url,
        "mode": mode,
        "erp": {"write_reference": True},
    }
    return run_ours("bench.ours", order)


def _cpu(measured: Measured, customers: int) -> str:
    return f"{measured.told['run_cpu_s'] / customers * 1e6:,.0f} µs CPU each"


def size_of(url: str) -> Size:
    """How much a ledger holds."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        rows = {
            name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
            for name in sa.inspect(connection).get_table_names()
        }
        for statement in _TIDYING[engine.dialect.name]:
            connection.execute(sa.text(statement))
        used = connection.execute(sa.text(_BYTES[engine.dialect.name])).scalar_one()
    engine.dispose()
    return Size(rows, int(used))


_TIDYING = {"sqlite": ["PRAGMA wal_checkpoint(TRUNCATE)"], "postgresql": ["VACUUM (FULL)"]}
"""What has the file hold all that is known, and nothing else."""
_BYTES = {
    "sqlite": "SELECT (page_count - freelist_count) * page_size "
    "FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    "postgresql": "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables",
}
"""Bytes in use, indexes included."""


if __name__ == "__main__":
    main()
