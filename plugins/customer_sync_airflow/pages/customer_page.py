"""One customer: what it is now, what waits and for what, what a person can do, and what happened, run by run."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.connection import Connection
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import customer_state
from customer_sync.ledger.story.customer_facts import CustomerFacts, facts_of
from customer_sync.ledger.story.customer_list import CustomerKey
from customer_sync.ledger.story.log_scope import LogFilter
from customer_sync.ledger.story.log_search import position_of, search_log
from customer_sync.reporting.customer_words import (
    next_step_now,
    part_in_words,
    place_in_words,
    reasons_in_words,
    state_now,
    step_for,
    until_in_words,
)
from customer_sync.reporting.journalled import with_changes
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.pages.applied_company import company_of
from customer_sync_airflow.pages.connector_of import readable_connectors
from customer_sync_airflow.pages.customer_history import cards_of
from customer_sync_airflow.pages.customer_rows import name_of, words_of_connectors
from customer_sync_airflow.pages.filter_form import Place
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.name_views import record_look
from customer_sync_airflow.pages.obstacles import obstacles
from customer_sync_airflow.pages.rendering import page
from customer_sync_airflow.pages.rights import DAG_PREFIX, CurrentViewer

router = APIRouter()

ROWS_PER_PAGE = 200
_Key = Annotated[str, Query(max_length=200)]


@router.get("/customer")
def show_customer(
    viewer: CurrentViewer,
    session: SessionDep,
    connector: _Key,
    customer_id: Annotated[str, Query(alias="id", max_length=200)],
    after: str = "",
) -> HTMLResponse:
    """The page of one customer."""
    viewer.must_see(connector)
    engine = ledger_engine()
    ledger = Ledger(engine, connector)
    if not ledger.stories.knows(customer_id):
        raise HTTPException(404, f"The log and the ledger of {connector} know no customer {customer_id}.")
    named = viewer.named() & {connector}
    record_look(engine, viewer, named, customer_id)
    own = LogFilter(connectors=frozenset({connector}), customer_id=customer_id)
    found = search_log(engine, own, after=Place.read(after).position, limit=ROWS_PER_PAGE)
    facts = facts_of(engine, [CustomerKey(connector, customer_id)])[0]
    words = words_of_connectors()(connector)
    may_act = viewer.may_act(connector)
    return page(
        "customer.html.j2",
        nav="customers",
        viewer=viewer,
        may_act=may_act,
        connector=connector,
        dag_id=f"{DAG_PREFIX}{connector}",
        facts=facts,
        name=name_of(facts, named),
        state=state_now(facts),
        place=place_in_words(facts.status).words,
        why=reasons_in_words("" if facts.company_id is not None else facts.not_eligible or facts.reasons),
        company=company_of(ledger, customer_id, readable=bool(named)),
        linked=_linked(ledger, customer_id),
        waits=[
            (part_in_words(part), until_in_words(part, words), step_for(part.reason, words, part.field), part)
            for part in facts.held
        ],
        open_count=len(ledger.intents.unanswered([customer_id])),
        next_step=next_step_now(facts, words),
        mark=ledger.set_aside.load([customer_id]).get(customer_id),
        obstacles=obstacles(connector, session) if may_act else [],
        cards=cards_of(ledger, customer_id, with_changes(engine, found.rows, readable_connectors(named))),
        older=str(Place(position_of(found.rows[-1]))) if found.has_more else "",
        newest=ledger.runs.latest_of(customer_id),
        deeds=ledger.operator_actions.of_customer(customer_id),
        store_url=_store_url(connector, facts),
    )


def _linked(ledger: Ledger, customer_id: str) -> dict[str, Any]:
    """When the company was linked and last written, and the id in the ERP; empty where there is none."""
    c = customer_state.c
    query = sa.select(c.reference_id, c.linked_at_utc, c.applied_at_utc, c.record_id, c.made_by_run).where(
        c.connector_id == ledger.connector_id, c.customer_id == customer_id
    )
    with ledger.engine.connect() as connection:
        row = connection.execute(query).mappings().first()
    return dict(row) if row else {}


def _store_url(connector_id: str, facts: CustomerFacts) -> str:
    """The company's page in the store, by the connector's setting; ``""`` where none is known."""
    if facts.company_id is None:
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
    return template.replace("{company_id}", str(facts.company_id))


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
