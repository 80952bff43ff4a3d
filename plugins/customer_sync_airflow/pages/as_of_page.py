"""The store's state of one customer as the sync had made it at a moment, with run, approver and reason per value."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.reporting.as_of import state_as_of
from customer_sync.reporting.customer_words import record_in_words
from customer_sync_airflow.pages.connector_of import readable_connectors
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.moment import Moment
from customer_sync_airflow.pages.name_views import record_look
from customer_sync_airflow.pages.rendering import page, shown_value
from customer_sync_airflow.pages.rights import CurrentViewer
from customer_sync_airflow.pages.runs_page import run_url

router = APIRouter()

_Key = Annotated[str, Query(max_length=200)]
_PARTS = {
    "customer:": "Company",
    "customer:status": "Company",
    "customer:reference": "Id in the ERP",
    "payment:methods": "Payment methods",
    "payment:terms": "Payment terms",
}


@router.get("/as-of")
def show_as_of(
    viewer: CurrentViewer, connector: _Key, customer_id: Annotated[str, Query(alias="id")], at: Moment | None = None
) -> HTMLResponse:
    """What we had made of a customer's company until a moment; by default until now."""
    viewer.must_see(connector)
    engine = ledger_engine()
    ledger = Ledger(engine, connector)
    if not ledger.stories.knows(customer_id):
        raise HTTPException(404, f"The log and the ledger of {connector} know no customer {customer_id}.")
    named = viewer.named() & {connector}
    record_look(engine, viewer, named, customer_id)
    known = readable_connectors(named)(connector)
    if known is None:
        raise HTTPException(404, f"The connector file {connector}.yaml is gone or wrong: see Health.")
    moment = at or utc_now()
    values = state_as_of(ledger, known, customer_id, moment)
    modes = {run_id: (ledger.runs.get(run_id) or {}).get("mode", "") for run_id in {each.run_id for each in values}}
    return page(
        "as_of.html.j2",
        nav="customers",
        viewer=viewer,
        connector=connector,
        customer_id=customer_id,
        at=at,
        moment=moment,
        parts=[(name, list(rows)) for name, rows in groupby(values, key=lambda each: part_name(each.part))],
        shown=shown_value,
        url=lambda run_id: run_url(connector, run_id, modes[run_id]),
    )


def part_name(part: str) -> str:
    """A part of a company in words: *Contact 100021*."""
    entity, _, key = part.partition(":")
    return _PARTS.get(part) or record_in_words(entity, key)
