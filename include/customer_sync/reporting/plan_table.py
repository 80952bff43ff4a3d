"""A run's plan as a table: one row per field of each planned operation, old and new value, masked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from customer_sync.ledger import Ledger
from customer_sync.model.outcome import Reason
from customer_sync.reporting.log_entry import operation_entry
from customer_sync.reporting.report_place import folder_of_run, make_private, reports_directory
from customer_sync.reporting.spreadsheet import SpreadsheetWriter
from customer_sync.run import Run
from customer_sync.settings.connector import Connector

COLUMNS = (
    "customer_id",
    "customer_name",
    "batch",
    "kind",
    "action",
    "entity",
    "record_key",
    "store_id",
    "field",
    "old",
    "new",
    "unknown",
)
"""Columns of the table. ``unknown`` names why a customer's changes cannot be worked out, else it is empty."""


def plan_rows(ledger: Ledger, connector: Connector, run_id: str) -> Iterator[tuple[str, ...]]:
    """The rows of a run's plan, batch by batch; values are masked, those that are not text are written as JSON.

    Customers whose changes are unknown have a row as well, with the reason: those of a
    failed batch and of unreadable records come last.

    Args:
        ledger: The connector's ledger.
        connector: Says what is masked.
        run_id: The run, whether it was a dry run or not.
    """
    for batch_key, customer, operations in ledger.plans.operations(run_id):
        whose = (customer.customer_id, customer.name, batch_key, customer.kind)
        if not operations:
            yield (*whose, *[""] * 7, customer.unknown)
        for operation in operations:
            entry = operation_entry(*whose[:2], operation, connector, verb="planned")
            what = (entry.action, entry.entity, entry.key, entry.store_id)
            fields: dict[str, list[Any]] = json.loads(entry.changes)
            for field, (old, new) in fields.items() or [("", [None, None])]:
                yield (*whose, *what, field, _text(old), _text(new), customer.unknown)
    for key in ledger.runs.with_reason(run_id, str(Reason.RECORD_UNREADABLE)):
        yield _unknown_row(key, "", Reason.RECORD_UNREADABLE)
    for key, batch in ledger.plans.unplanned(run_id):
        yield _unknown_row(key, batch, Reason.BATCH_FAILED)


def write_plan_if_configured(run: Run) -> list[str]:
    """Write ``plan.csv`` into the run's report folder, where one is configured; tell where it is."""
    directory = reports_directory()
    if directory is None or not run.leaves_files:
        return []
    path = folder_of_run(directory, run.connector.id, run.run_id) / "plan.csv"
    write_plan(run.ledger, run.connector, run.run_id, path)
    return [f"Plan, row by row: {path}"]


def write_plan(ledger: Ledger, connector: Connector, run_id: str, path: Path) -> None:
    """Write a run's plan as CSV, row by row."""
    make_private(path)
    with path.open("w", encoding="utf-8", newline="") as file:
        SpreadsheetWriter(file, COLUMNS).write(plan_rows(ledger, connector, run_id))


def _unknown_row(customer_id: str, batch: str, reason: Reason) -> tuple[str, ...]:
    return (customer_id, "", batch, *[""] * (len(COLUMNS) - 4), str(reason))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
