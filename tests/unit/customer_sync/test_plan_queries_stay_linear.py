"""What guard asks of the ledger costs a database as much again per customer, however many a plan has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.story.plans import PlannedCustomer
from customer_sync.model.outcome import LogEntry

RUN = "manual__1"
FEW, MANY = 100, 800

BATCHES = ["batch_000"]

READS: dict[str, Callable[[Ledger], Any]] = {
    "actions": lambda ledger: ledger.plans.actions(RUN, BATCHES),
    "operations": lambda ledger: list(ledger.plans.operations(RUN)),
    "customers": lambda ledger: list(ledger.plans.customers(RUN, BATCHES)),
    "unknown": lambda ledger: ledger.plans.unknown(RUN, BATCHES, 20),
    "written_by_others": lambda ledger: ledger.plans.written_by_others(RUN, BATCHES, 20),
}


def work_of(folder: Path, customers: int, read: Callable[[Ledger], Any]) -> int:
    """Give the instructions of SQLite's machine, in hundreds, for one question about a plan of so many customers."""
    engine = open_engine(f"sqlite:///{folder / f'{customers}.db'}")
    ledger = Ledger(engine, "knb")
    ids = [f"C{number:06}" for number in range(customers)]
    planned = [PlannedCustomer(key, "No•••", "sync", 1, f"{number:032x}") for number, key in enumerate(ids)]
    entries = [LogEntry(customer_id=key, action="update_company", message="planned: city") for key in ids]
    with ledger.write() as connection:
        ledger.plans.replace(connection, RUN, "batch_000", planned, [b"[]"] * customers)
        ledger.log.append(connection, RUN, "transform", 1, entries)
    engine.dispose()
    hundreds = 0

    def count() -> int:
        nonlocal hundreds
        hundreds += 1
        return 0

    def attach(connection: Any, _record: Any) -> None:
        connection.set_progress_handler(count, 100)

    sa.event.listen(engine, "connect", attach)
    read(ledger)
    ledger.close()
    return hundreds


@pytest.mark.parametrize("name", READS)
def test_a_plan_of_eight_times_the_customers_costs_at_most_twelve_times_the_work(tmp_path: Path, name: str) -> None:
    """The same questions about 100 and 800 customers: no index that reads the whole run once per customer."""
    few, many = (work_of(tmp_path, customers, READS[name]) for customers in (FEW, MANY))
    assert many <= 12 * few, f"{few} and {many} hundred instructions"
