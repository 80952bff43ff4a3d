"""One customer: its state, its links, what people did, and everything that happened to it, run by run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import quote

import sqlalchemy as sa
from airflow.models.connection import Connection
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import customer_state, quarantine, unfinished
from customer_sync.ledger.story.log_scope import LogFilter
from customer_sync.ledger.story.log_search import position_of, search_log
from customer_sync.reporting.journalled import with_changes
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.pages.connector_of import known_connectors
from customer_sync_airflow.pages.filter_form import Place
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.remedies import remedies_of
from customer_sync_airflow.pages.rendering import page
from customer_sync_airflow.pages.rights import DAG_PREFIX, CurrentViewer
from customer_sync_airflow.pages.runs_page import run_url

router = APIRouter()

ROWS_PER_PAGE = 100
_Key = Annotated[str, Query(max_length=200)]
_STATUSES = {0: "pending", 1: "approved", 2: "rejected", 3: "inactive"}
_MAPPED = frozenset({"filter", "transform", "load"})


@router.get("/customer")
def show_customer(
    viewer: CurrentViewer,
    connector: _Key,
    customer_id: Annotated[str, Query(alias="id", max_length=200)],
    after: str = "",
) -> HTMLResponse:
    """The page of one customer."""
    viewer.must_see(connector)
    engine = ledger_engine()
    ledger = Ledger(engine, connector)
    own = LogFilter(connectors=frozenset({connector}), customer_id=customer_id)
    found = search_log(engine, own, after=Place.read(after).position, limit=ROWS_PER_PAGE)
    state = _state(engine, ledger, connector, customer_id)
    if not found.rows and not after and not any(state.values()):
        raise HTTPException(404, f"The log and the ledger of {connector} know no customer {customer_id}.")
    marks = ledger.set_aside.load([customer_id])
    return page(
        "customer.html.j2",
        viewer=viewer,
        may_act=viewer.may_act(connector),
        connector=connector,
        dag_id=f"{DAG_PREFIX}{connector}",
        customer_id=customer_id,
        name=next((row["customer_name"] for row in found.rows if row["customer_name"]), ""),
        latest=next((row for row in found.rows if row["outcome"]), None),
        newest=ledger.runs.latest_of(customer_id),
        runs=_by_run(engine, connector, customer_id, with_changes(engine, found.rows, known_connectors())),
        older=str(Place(position_of(found.rows[-1]))) if found.has_more else "",
        mark=marks.get(customer_id),
        deeds=ledger.operator_actions.of_customer(customer_id),
        store_url=_store_url(connector, state["company"]),
        statuses=_STATUSES,
        reasons=remedies_of(connector),
        run_url=run_url,
        **state,
    )


def _state(engine: sa.Engine, ledger: Ledger, connector: str, customer_id: str) -> dict[str, Any]:
    with engine.connect() as connection:

        def rows(table: sa.Table) -> list[dict[str, Any]]:
            mine = sa.and_(table.c.connector_id == connector, table.c.customer_id == customer_id)
            return [dict(row) for row in connection.execute(sa.select(table).where(mine)).mappings()]

        return {
            "company": next(iter(rows(customer_state)), None),
            "children": _parts(ledger, customer_id),
            "held": rows(quarantine),
            "unfinished": next(iter(rows(unfinished)), None),
            "open_intents": ledger.intents.unanswered([customer_id]),
        }


def _parts(ledger: Ledger, customer_id: str) -> list[dict[str, Any]]:
    """Addresses and users of the customer's company: what each is, its key in the ERP and its id in the store."""
    applied = ledger.links.load([customer_id]).get(customer_id)
    if applied is None:
        return []
    ids = [("address", key, address.store_id) for key, address in sorted(applied.addresses.items())]
    ids += [("user", key, user.store_id) for key, user in sorted(applied.users.items())]
    return [{"entity": entity, "child_key": key, "store_id": store_id} for entity, key, store_id in ids]


def _by_run(
    engine: sa.Engine, connector: str, customer_id: str, rows: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of the timeline, run by run, each with the address of its task's log in Airflow."""
    runs = Ledger(engine, connector).runs
    grouped = []
    for run_id, group in groupby(rows, key=lambda row: row["run_id"]):
        lines = list(group)
        batch = runs.batch_of(run_id, customer_id)
        closing = next((row for row in lines if row["outcome"]), None)
        for line in lines:
            line["log_url"] = _log_url(connector, line, batch)
        grouped.append({"run_id": run_id, "lines": lines, "closing": closing, "facts": runs.get(run_id) or {}})
    return grouped


def _log_url(connector: str, row: dict[str, Any], batch: str) -> str:
    """Where Airflow shows the log of the task that wrote a row; batches are numbered like mapped instances."""
    address = f"{run_url(connector, row['run_id'])}/tasks/{quote(row['task'])}"
    number = batch.rpartition("_")[2]
    if row["task"] in _MAPPED and number.isdigit():
        address += f"/mapped/{int(number)}"
    return f"{address}?try_number={row['try_number']}"


def _store_url(connector_id: str, company: dict[str, Any] | None) -> str:
    """The company's page in the store, by the connector's setting; ``""`` where none is known."""
    if company is None:
        return ""
    try:
        connector = find_connector(connector_id)
    except ConfigError:
        return ""
    template = connector.store.company_page
    if "{host}" in template:
        host = _host_of(connector.target_connection_id)
        if not host:
            return ""
        template = template.replace("{host}", host)
    return template.replace("{company_id}", str(company["company_id"]))


def _host_of(connection_id: str) -> str:
    """Scheme, host and port of a connection; never more of it."""
    try:
        found = Connection.get_connection_from_secrets(connection_id)
    except Exception:  # noqa: BLE001 - a secrets backend may raise anything; the page then has no link
        return ""
    host = (found.host or "").rstrip("/")
    if not host.startswith(("http://", "https://")):
        host = f"{found.schema or 'https'}://{host}" if host else ""
    return f"{host}:{found.port}" if host and found.port else host
