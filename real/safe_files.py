"""Files for spreadsheets: every cell stays a text."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from customer_sync.ledger import Ledger
from customer_sync.reporting.log_entry import LOG_COLUMNS
from customer_sync.reporting.plan_table import write_plan
from customer_sync.reporting.run_report import write_report
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync_airflow.pages.export import csv_lines
from real.formula import is_run


def unsafe_cells(ledger: Ledger, connector: Connector, run_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """File and text of every cell that a spreadsheet would run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run_id in run_ids:
            write_plan(ledger, connector, run_id, folder / f"{run_id}-plan.csv")
            write_report(Run(connector, ledger, run_id), folder)
            pages = [ledger.log.rows(run_id=run_id, limit=None)]
            (folder / f"{run_id}-export.csv").write_text(
                "".join(csv_lines(LOG_COLUMNS, pages)), encoding="utf-8", newline=""
            )
        for path in sorted(folder.rglob("*.csv")):
            text = path.read_text(encoding="utf-8-sig")
            for row in csv.reader(io.StringIO(text, newline="")):
                yield from ((path.name, cell) for cell in row if is_run(cell))
