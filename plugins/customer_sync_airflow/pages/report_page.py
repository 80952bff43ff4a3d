"""Reports of reconciliations: the list of a connector's, a report's page, and its tables as files."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response

from customer_sync.ledger import Ledger
from customer_sync.reporting.report_place import report_folder
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.rendering import SECURITY_HEADERS, page
from customer_sync_airflow.pages.rights import CurrentViewer
from customer_sync_airflow.tasks.report_files import MATCHES_FILE, reports_base

router = APIRouter()

MODES = ("reconcile", "adopt", "shadow")
"""Modes of the runs that leave a report with a page."""

SHOWN_RUNS = 50
PAGE = "report.html"
_TABLE = re.compile(rf"(?:[a-z_]{{1,40}}\.(?:csv|parquet)|{re.escape(MATCHES_FILE)})")
_OWN_STYLE = {
    **SECURITY_HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'",
}
"""The report is one file with its style inside; it may load and run nothing."""


@router.get("/reports")
def show_reports(viewer: CurrentViewer, connector: str) -> HTMLResponse:
    """The newest reconciliations of a connector, each with its report."""
    viewer.must_see(connector)
    runs = Ledger(ledger_engine(), connector).runs
    rows = sorted(
        (row for mode in MODES for row in runs.recent(mode, SHOWN_RUNS)),
        key=lambda row: row["started_at_utc"],
        reverse=True,
    )
    return page("reports.html.j2", viewer=viewer, connector=connector, rows=rows[:SHOWN_RUNS], counted=counted)


@router.get("/report")
def show_report(viewer: CurrentViewer, connector: str, run_id: str) -> Response:
    """The page of one reconciliation."""
    viewer.must_see(connector)
    return Response(_content(connector, run_id, PAGE), media_type="text/html", headers=_OWN_STYLE)


@router.get("/report-table")
def download_table(viewer: CurrentViewer, connector: str, run_id: str, name: str) -> Response:
    """One of its tables, as CSV or Parquet."""
    viewer.must_see(connector)
    if not _TABLE.fullmatch(name):
        raise HTTPException(404, "A report has tables with names such as differences.csv.")
    media_type = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/vnd.apache.parquet"
    headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_content(connector, run_id, name), media_type=media_type, headers=headers)


def counted(row: dict[str, Any]) -> str:
    """What a run found, in a few words."""
    summary = row.get("summary") or {}
    counts = summary.get("classes") or summary.get("matches") or {}
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count) or "nothing differs"


def _content(connector_id: str, run_id: str, name: str) -> bytes:
    base = reports_base()
    file = base / report_folder(connector_id, run_id) / name if base is not None else None
    if file is None or not file.exists():
        raise HTTPException(404, "This run left no such file, or housekeeping has removed it (retention.report_days).")
    content: bytes = file.read_bytes()
    return content
