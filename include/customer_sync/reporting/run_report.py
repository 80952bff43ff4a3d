"""The run's report as tables, for people who keep their own records: CSV files that any spreadsheet opens. (pandas)"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from customer_sync.ledger.story.lines import each_customer
from customer_sync.reporting.journalled import with_changes
from customer_sync.reporting.log_entry import LOG_COLUMNS
from customer_sync.reporting.report_place import folder_of_run, make_private
from customer_sync.reporting.spreadsheet import write_table
from customer_sync.run import Run


def write_report(run: Run, directory: Path) -> list[Path]:
    """Write a run's report.

    ``customers.csv`` has one row per extracted customer with its outcome and reasons,
    ``balance.csv`` counts customers by outcome and reason, ``log.csv`` is the run's
    connector log, masked as in the ledger; guard has put ``plan.csv`` there before. Files
    are readable by their owner only.

    Args:
        run: The run, balanced.
        directory: Folder of all reports; the run gets one of its own below it.

    Returns:
        The files written.
    """
    folder = folder_of_run(directory, run.connector.id, run.run_id)
    customers = pd.DataFrame(
        run.ledger.runs.customers(run.run_id), columns=["customer_id", "batch", "outcome", "reasons"]
    )
    rows = each_customer(run.ledger.log.rows(run_id=run.run_id, limit=None))
    told = with_changes(run.ledger.engine, rows, lambda _: run.connector)
    log = pd.DataFrame(told, columns=LOG_COLUMNS)
    tables = {"customers": customers, "balance": balance_of(customers), "log": log.iloc[::-1]}
    return [_write(folder / f"{name}.csv", table) for name, table in tables.items()]


def balance_of(customers: pd.DataFrame) -> pd.DataFrame:
    """Count customers by outcome and reason; one with several reasons counts once under each.

    Args:
        customers: Columns ``customer_id``, ``outcome`` and ``reasons`` (codes joined by commas).

    Returns:
        Columns ``outcome``, ``reason`` and ``customers``, largest first; ``reason`` is empty
        where an outcome needs none.
    """
    single = customers.assign(reason=customers["reasons"].str.split(",")).explode("reason")
    counted = single.groupby(["outcome", "reason"], dropna=False)["customer_id"].nunique()
    return counted.rename("customers").reset_index().sort_values(["customers", "outcome"], ascending=[False, True])


def _write(path: Path, table: pd.DataFrame) -> Path:
    make_private(path)
    write_table(table, path)
    return path
