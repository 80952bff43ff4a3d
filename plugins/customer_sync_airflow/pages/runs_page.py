"""Runs: when, what for, how long, what became of whom, what it cost, and by which plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from customer_sync.ledger.story.run_list import RunPosition, list_runs
from customer_sync.model.outcome import Outcome
from customer_sync_airflow.pages import report_page
from customer_sync_airflow.pages.connector_of import known_connectors
from customer_sync_airflow.pages.cursor import read_cursor, write_cursor
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.moment import checked_moment
from customer_sync_airflow.pages.rendering import page
from customer_sync_airflow.pages.rights import DAG_PREFIX, CurrentViewer

router = APIRouter()

RUNS_PER_PAGE = 25
_Key = Annotated[str, Query(max_length=300)]


@router.get("/runs")
def show_runs(viewer: CurrentViewer, connector: _Key = "", dag_id: _Key = "", after: _Key = "") -> HTMLResponse:
    """The list of runs, the newest first."""
    chosen = connector or dag_id.removeprefix(DAG_PREFIX)
    connectors = viewer.connectors & {chosen} if chosen else viewer.connectors
    found = list_runs(ledger_engine(), connectors, after=_place(after), limit=RUNS_PER_PAGE + 1)
    rows = found[:RUNS_PER_PAGE]
    return page(
        "runs.html.j2",
        nav="runs",
        viewer=viewer,
        connector=chosen,
        rows=[shown(row) for row in rows],
        older=_text(rows[-1]) if len(found) > RUNS_PER_PAGE else "",
        is_first=not after,
    )


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A run with what the page says of it."""
    counts = row["outcomes"]
    connector = known_connectors()(row["connector_id"])
    labels = {each.kind: each.label for each in (connector.source, connector.target)} if connector else {}
    return {
        **row,
        "counts": [(str(word), counts[str(word)]) for word in Outcome if counts.get(str(word))],
        "open": counts.get("", 0),
        "seconds": ((row["ended_at_utc"] or datetime.now(UTC)) - row["started_at_utc"]).total_seconds(),
        "requests": [
            (_label(system, labels), numbers.get("requests", 0), numbers.get("refused", 0))
            for system, numbers in sorted((row["usage"] or {}).items())
        ],
        "why": why_of(row),
        "problems": (row["summary"] or {}).get("problems") or [],
        "has_report": row["mode"] in report_page.MODES,
        "url": run_url(row["connector_id"], row["run_id"], row["mode"]),
    }


def why_of(row: Mapping[str, Any]) -> str:
    """Why a run read what it read; ``""`` where its mode says so already."""
    why = str((row["window"] or {}).get("why") or "")
    return "" if why == f"mode {row['mode']}" else why


_APART = {"places": "for its countries and states", "holders": "for who holds an e-mail"}
"""Requests that are counted by themselves."""


def _label(system: str, labels: Mapping[str, str]) -> str:
    """What people call a system; requests that are counted apart name what they were about."""
    for kind, label in labels.items():
        if system.startswith(kind):
            rest = system.removeprefix(kind).strip("_")
            return f"{label} {_APART.get(rest, rest.replace('_', ' '))}".strip()
    return system.replace("_", " ")


def run_url(connector_id: str, run_id: str, mode: str = "") -> str:
    """Where Airflow shows a run, seen from our pages; the mode tells a reconciliation's from a sync's."""
    prefix = "customer_reconcile__" if mode in report_page.MODES else DAG_PREFIX
    return f"../dags/{quote(prefix + connector_id)}/runs/{quote(run_id, safe='')}"


def _text(row: dict[str, Any]) -> str:
    return write_cursor(row["started_at_utc"].isoformat(), row["connector_id"], row["run_id"])


def _place(text: str) -> RunPosition | None:
    return read_cursor(
        text, lambda moment, connector, run: RunPosition(checked_moment(moment), str(connector), str(run))
    )
