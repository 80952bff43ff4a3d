"""`python -m distributed.scale_model`: the tables of docs/scaling.md, computed from measured costs.

Costs come from `python -m distributed.simulate` (rows, bytes, processor seconds), from the request arithmetic of the
twins, and from runs of Airflow 3.3 with PostgreSQL on two cores (seconds per task). Everything else is multiplication.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import ceil

from customer_sync.steps.extract import SAME_SIZE_BATCHES

FIRST_BATCH, LARGEST_BATCH, MOST_BATCHES = 500, 5000, 64
"""How batches grow: the defaults of `batch.size`, `batch.largest` and `batch.count`."""

COMPANIES_PER_CUSTOMER = 0.79
"""Customers that belong in the store; that of the twins' data."""
STORE_REQUESTS_PER_COMPANY = 0.53
"""A new company with two users and three addresses, ten to a request; terms that are mapped add two."""
STORE_REQUESTS_PER_TERMS = 2.0
STORE_PER_MINUTE = 150 * 0.8
"""The store's budget and our share of it."""
LEDGER_ROWS_PER_CUSTOMER = 6.8
"""After a first load, for each new company; of these 1.5 are journal and 1.1 log, which retention removes."""
LEDGER_BYTES_PER_ROW = 840
"""Indexes included."""
BATCH_BYTES_PER_CUSTOMER = 772
"""All three hand-overs together, compressed."""
CPU_S_PER_CUSTOMER = 0.013
"""All tasks of a first load, the twins' part included; an unchanged customer costs a ninth."""

TASKS_FIXED, TASKS_PER_BATCH = 3, 3
AIRFLOW_ROWS_PER_TASK = 3
"""Task instance, its XCom, its history."""
TASKS_PER_HOUR_AND_SCHEDULER = 6000
"""0.6 s a task when many run, scheduler on two cores (measured: 62 tasks in 36 s)."""
SLOT_S_PER_TASK = 2.0
"""Start of the process, imports, heartbeat, end; without its work."""


@dataclass(frozen=True)
class Shape:
    """A customer base.

    Attributes:
        connectors: How many.
        customers: Customers of all of them together.
        minutes: Minutes between two scheduled runs.
    """

    connectors: int
    customers: int
    minutes: int = 15

    @property
    def each(self) -> int:
        """Customers of one connector."""
        return ceil(self.customers / self.connectors)


SHAPES = (
    Shape(1, 10_000),
    Shape(1, 1_000_000),
    Shape(1, 10_000_000),
    Shape(100, 10_000),
    Shape(100, 1_000_000),
    Shape(100, 10_000_000),
    Shape(10_000, 1_000_000),
    Shape(10_000, 10_000_000),
)


def batches_of(customers: int) -> tuple[int, int]:
    """Batches and runs that reading so many customers takes."""
    batches, runs, left = 0, 0, customers
    while left > 0:
        runs += 1
        for number in range(MOST_BATCHES):
            left -= min(LARGEST_BATCH, FIRST_BATCH * 2 ** (number // SAME_SIZE_BATCHES))
            batches += 1
            if left <= 0:
                break
    return batches, runs


def first_load(shape: Shape) -> list[str]:
    """One row of the table of first loads."""
    batches, runs = batches_of(shape.each)
    tasks = shape.connectors * (runs * TASKS_FIXED + batches * TASKS_PER_BATCH)
    companies = shape.customers * COMPANIES_PER_CUSTOMER
    requests = companies * STORE_REQUESTS_PER_COMPANY
    hours = requests / shape.connectors / STORE_PER_MINUTE / 60
    with_terms = companies * (STORE_REQUESTS_PER_COMPANY + STORE_REQUESTS_PER_TERMS)
    hours_with_terms = with_terms / shape.connectors / STORE_PER_MINUTE / 60
    rows = shape.customers * LEDGER_ROWS_PER_CUSTOMER
    return [
        f"{shape.connectors:,}",
        f"{shape.customers:,}",
        f"{tasks:,}",
        f"{requests:,.0f}",
        f"{hours:,.1f} to {hours_with_terms:,.1f}",
        f"{rows / 1e6:,.1f}",
        f"{rows * LEDGER_BYTES_PER_ROW / 1e9:,.1f}",
        f"{shape.customers * BATCH_BYTES_PER_CUSTOMER / 1e9:,.2f}",
        f"{shape.customers * CPU_S_PER_CUSTOMER / 3600:,.1f}",
    ]


def every_day(shape: Shape) -> list[str]:
    """One row of the table of daily work: a scheduled run that finds one batch or less."""
    runs_per_hour = shape.connectors * 60 / shape.minutes
    tasks = runs_per_hour * (TASKS_FIXED + TASKS_PER_BATCH)
    return [
        f"{shape.connectors:,}",
        f"{shape.minutes}",
        f"{tasks:,.0f}",
        f"{tasks / TASKS_PER_HOUR_AND_SCHEDULER:,.1f}",
        f"{tasks * SLOT_S_PER_TASK / 3600:,.1f}",
        f"{tasks * 24 * AIRFLOW_ROWS_PER_TASK / 1e6:,.2f}",
    ]


FIRST_LOAD = (
    "connectors",
    "customers in all",
    "tasks",
    "store requests",
    "hours per store (without to with terms)",
    "ledger rows, millions",
    "ledger, GB",
    "batches, GB",
    "processor hours",
)
EVERY_DAY = (
    "connectors",
    "minutes between runs",
    "tasks per hour",
    "schedulers",
    "worker slots",
    "rows a day in Airflow, millions",
)


def as_table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables() -> str:
    """Both tables, as docs/scaling.md holds them."""
    daily = [
        Shape(1, 0),
        Shape(100, 0),
        Shape(100, 0, 5),
        Shape(10_000, 0),
        Shape(10_000, 0, 60),
        Shape(10_000, 0, 1440),
    ]
    return "\n\n".join(
        (
            as_table(FIRST_LOAD, [first_load(each) for each in SHAPES]),
            as_table(EVERY_DAY, [every_day(each) for each in daily]),
        )
    )


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")
