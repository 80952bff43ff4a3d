"""Customers: one row each, those first that need a person; and the same as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from customer_sync.ledger.story.customer_facts import facts_of
from customer_sync.ledger.story.customer_list import (
    MOST_COUNTED,
    CustomerFilter,
    CustomerKey,
    View,
    count_attention,
    find_customers,
    iter_customers,
)
from customer_sync_airflow.pages.cursor import read_cursor, write_cursor
from customer_sync_airflow.pages.customer_rows import CUSTOMER_COLUMNS, rows_of
from customer_sync_airflow.pages.export import as_csv, as_parquet
from customer_sync_airflow.pages.health import health_of, worst
from customer_sync_airflow.pages.hidden_search import hide, reveal
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.name_views import record_look
from customer_sync_airflow.pages.rendering import page
from customer_sync_airflow.pages.rights import DAG_PREFIX, CurrentViewer, Viewer

router = APIRouter()

ROWS_PER_PAGE = 50
VIEWS = {
    View.ATTENTION: "Needs attention",
    View.ALL: "All",
    View.IN_STORE: "In the store",
    View.CLOSED: "Closed",
    View.NOT_FOR_STORE: "Not for the store",
    View.SET_ASIDE: "Left alone by hand",
}
_LONGEST = 300


class CustomersForm(BaseModel):
    """The query of the list's address; ``q`` is sent in a body, ``find`` is the same, encrypted, in an address."""

    model_config = ConfigDict(extra="ignore")

    connector: str = Field(default="", max_length=_LONGEST)
    dag_id: str = Field(default="", max_length=_LONGEST)
    view: View = View.ATTENTION
    q: str = Field(default="", max_length=_LONGEST)
    find: str = Field(default="", max_length=4 * _LONGEST + 200)
    after: str = Field(default="", max_length=1000)
    before: str = Field(default="", max_length=1000)

    @property
    def searched(self) -> str:
        """What is searched for."""
        return self.q.strip() or reveal(self.find)

    def to_filter(self, viewer: Viewer) -> CustomerFilter:
        """The filter, within what the person may see."""
        chosen = self.connector or self.dag_id.removeprefix(DAG_PREFIX)
        connectors = viewer.connectors & {chosen} if chosen else viewer.connectors
        return CustomerFilter(connectors=connectors, view=self.view, text=self.searched, by_name=viewer.named())

    def address(self, **changes: str) -> str:
        """The query with some values changed; a page of its own is left unless given."""
        values = {"connector": self.connector, "dag_id": self.dag_id, "view": str(self.view)}
        return urlencode({k: v for k, v in {**values, "find": hide(self.searched), **changes}.items() if v})


@router.get("/")
def show_customers(viewer: CurrentViewer, session: SessionDep, form: Annotated[CustomersForm, Query()]) -> HTMLResponse:
    """The list, as HTML."""
    engine = ledger_engine()
    wanted = form.to_filter(viewer)
    found = find_customers(engine, wanted, after=_place(form.after), before=_place(form.before), limit=ROWS_PER_PAGE)
    rows = rows_of(facts_of(engine, found.keys), wanted.by_name)
    record_look(engine, viewer, {row.connector_id for row in rows} & wanted.by_name)
    waiting = count_attention(engine, wanted.connectors)
    return page(
        "customers.html.j2",
        nav="customers",
        viewer=viewer,
        form=form,
        views=VIEWS,
        connectors=[(name, name) for name in sorted(viewer.connectors)],
        rows=rows,
        by_name=bool(wanted.by_name & wanted.connectors),
        waiting=f"{MOST_COUNTED:,}+" if waiting > MOST_COUNTED else str(waiting),
        knows_anybody=bool(rows) or _knows_anybody(wanted),
        newer=form.address(before=write_cursor(*found.keys[0])) if found.has_before and found.keys else "",
        older=form.address(after=write_cursor(*found.keys[-1])) if found.has_more and found.keys else "",
        health=worst(health_of(wanted.connectors, session)),
    )


@router.post("/")
def search_customers(form: Annotated[CustomersForm, Form()]) -> RedirectResponse:
    """The list's own address for a search: sent as a body, so that no access log holds what was searched for."""
    return RedirectResponse(f"./?{form.address()}", status_code=303)


@router.get("/customers.csv")
def customers_as_csv(viewer: CurrentViewer, form: Annotated[CustomersForm, Query()]) -> StreamingResponse:
    """Everybody whom the filter finds, as CSV."""
    return as_csv("customers", CUSTOMER_COLUMNS, _pages(viewer, form))


@router.get("/customers.parquet")
def customers_as_parquet(viewer: CurrentViewer, form: Annotated[CustomersForm, Query()]) -> StreamingResponse:
    """Everybody whom the filter finds, as Parquet."""
    return as_parquet("customers", CUSTOMER_COLUMNS, _pages(viewer, form))


def _pages(viewer: Viewer, form: CustomersForm) -> Iterator[list[dict[str, Any]]]:
    engine = ledger_engine()
    wanted = form.to_filter(viewer)
    record_look(engine, viewer, wanted.connectors & wanted.by_name)
    pages = iter_customers(engine, wanted)
    return ([row.as_cells() for row in rows_of(facts_of(engine, keys), wanted.by_name)] for keys in pages)


def _knows_anybody(wanted: CustomerFilter) -> bool:
    return bool(find_customers(ledger_engine(), CustomerFilter(connectors=wanted.connectors), limit=1).keys)


def _place(text: str) -> CustomerKey | None:
    return read_cursor(text, lambda connector_id, customer_id: CustomerKey(str(connector_id), str(customer_id)))
