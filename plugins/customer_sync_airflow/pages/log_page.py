"""The log: its rows the connector log by filter, their chart, the run at hand, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from customer_sync.ledger import Ledger
from customer_sync.ledger.story.lines import customers_of, each_customer
from customer_sync.ledger.story.log_chart import count_over_time
from customer_sync.ledger.story.log_facets import LogKind, load_kinds
from customer_sync.ledger.story.log_scope import find_scope
from customer_sync.ledger.story.log_search import iter_log, position_of, search_log
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.reporting.journalled import with_changes
from customer_sync.reporting.log_entry import LOG_COLUMNS
from customer_sync_airflow.pages import report_page
from customer_sync_airflow.pages.chart import draw, span_in_words
from customer_sync_airflow.pages.connector_of import known_connectors
from customer_sync_airflow.pages.export import as_csv, as_parquet
from customer_sync_airflow.pages.filter_form import ORDERS, RANGES, FilterForm, Place
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.remedies import remedies_of
from customer_sync_airflow.pages.rendering import page
from customer_sync_airflow.pages.rights import CurrentViewer, Viewer
from customer_sync_airflow.pages.runs_page import run_url, why_of
from customer_sync_airflow.pages.undo_button import offer_of

router = APIRouter()

ROWS_PER_PAGE = 50


@router.get("/log")
def show_log(viewer: CurrentViewer, form: Annotated[FilterForm, Query()]) -> HTMLResponse:
    """The log, as HTML."""
    engine = ledger_engine()
    chosen = form.to_filter(viewer)
    found = search_log(
        engine,
        chosen,
        order=form.order,
        after=Place.read(form.after).position,
        before=Place.read(form.before).position,
        limit=ROWS_PER_PAGE,
    )
    counts = count_over_time(engine, find_scope(engine, chosen))
    run = _run(engine, viewer, form)
    with engine.connect() as connection:
        kinds = list(load_kinds(connection, viewer.connectors).values())
    return page(
        "log.html.j2",
        nav="log",
        viewer=viewer,
        form=form,
        by_name=bool(viewer.named()),
        rows=with_changes(engine, ({**row, "about": customers_of(row)} for row in found.rows), known_connectors()),
        newer=form.address(before=str(Place(position_of(found.rows[0])))) if found.has_before and found.rows else "",
        older=form.address(after=str(Place(position_of(found.rows[-1])))) if found.has_more and found.rows else "",
        chart=draw(counts) if counts else None,
        total=counts.total if counts else None,
        step=span_in_words(counts.step) if counts else "",
        choices=_choices(kinds, viewer),
        has_log=bool(kinds),
        run=run,
        undo=offer_of(viewer, Ledger(engine, run["connector_id"]), run) if run else None,
        run_url=run_url,
        has_report=lambda run: run["mode"] in report_page.MODES,
        reasons=cache(remedies_of),
        exports=form.address(),
    )


@router.post("/log")
def apply_filter(form: Annotated[FilterForm, Form()]) -> RedirectResponse:
    """The log's own address for a filter: sent as a body, so that no access log holds what was searched for."""
    return RedirectResponse(f"log?{form.address()}", status_code=303)


@router.get("/export.csv")
def export_csv(viewer: CurrentViewer, form: Annotated[FilterForm, Query()]) -> StreamingResponse:
    """Everything that the filter finds, as CSV."""
    return as_csv("connector-log", LOG_COLUMNS, _pages(viewer, form))


@router.get("/export.parquet")
def export_parquet(viewer: CurrentViewer, form: Annotated[FilterForm, Query()]) -> StreamingResponse:
    """Everything that the filter finds, as Parquet."""
    return as_parquet("connector-log", LOG_COLUMNS, _pages(viewer, form))


def _pages(viewer: Viewer, form: FilterForm) -> Iterator[list[dict[str, Any]]]:
    engine = ledger_engine()
    pages = iter_log(engine, form.to_filter(viewer), order=form.order)
    return (with_changes(engine, each_customer(rows), known_connectors()) for rows in pages)


def _choices(kinds: list[LogKind], viewer: Viewer) -> dict[str, list[tuple[str, str]]]:
    """What the drop-downs offer: the words that the log has."""

    def words(name: str) -> list[tuple[str, str]]:
        return [(word, word.replace("_", " ")) for word in sorted({getattr(kind, name) for kind in kinds} - {""})]

    present = {code for kind in kinds for code in kind.reasons.split(",")}
    outcomes = {kind.outcome for kind in kinds}
    return {
        "connector": [(name, name) for name in sorted(viewer.connectors)],
        "outcome": [(str(word), str(word)) for word in Outcome if word in outcomes],
        "reason": [(str(code), str(code)) for code in Reason if code in present],
        "action": words("action"),
        "level": words("level"),
        "entity": words("entity"),
        "last": list(RANGES.items()),
        "order": list(ORDERS.items()),
    }


def _run(engine: sa.Engine, viewer: Viewer, form: FilterForm) -> dict[str, Any] | None:
    """The run that the list is about, with its outcomes; none where it is not about one."""
    connector = form.chosen_connector() or (next(iter(viewer.connectors)) if len(viewer.connectors) == 1 else "")
    if not form.run_id or connector not in viewer.connectors:
        return None
    runs = Ledger(engine, connector).runs
    row = runs.get(form.run_id)
    if row is None:
        return None
    counts = runs.outcome_counts(form.run_id)
    ordered = [(str(word), counts[str(word)]) for word in Outcome if counts.get(str(word))]
    return {**row, "why": why_of(row), "outcomes": ordered, "open": counts.get("", 0)}
