"""What a person may do to a customer, with the person's own rights; every action is recorded with its reason."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Depends, HTTPException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from customer_sync.ledger import CustomerState, Ledger
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import AppliedCompany
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.pages.hand_link import must_be_idle, read_company
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.obstacles import stuck_sentence
from customer_sync_airflow.pages.rights import DAG_PREFIX, CurrentViewer, Viewer, same_site_only

router = APIRouter(prefix="/actions", dependencies=[Depends(same_site_only)])

_CONFLICT = 409


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot hold."""
    if "\0" in text:
        raise ValueError("it holds a character that nothing can have")
    return text


Text = Annotated[str, AfterValidator(_storable)]


class Order(BaseModel):
    """What is to be done to whom, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    connector: Text = Field(min_length=1, max_length=40)
    customer_id: Text = Field(min_length=1, max_length=200)
    why: Text = Field(default="", max_length=500)


class ReasonedOrder(Order):
    """An action that asks for a reason."""

    why: Text = Field(min_length=1, max_length=500)


class MarkOrder(ReasonedOrder):
    """Take a customer out of the sync."""

    kind: Literal["skip", "handled"]


class LinkOrder(ReasonedOrder):
    """Pair a customer with a company of the store."""

    company_id: Annotated[int, Field(gt=0, lt=2**53)]


class Done(BaseModel):
    """What came of it, in a sentence; what the page still has to trigger."""

    message: str
    dag_id: str = ""
    conf: dict[str, object] = {}


def _ledger(viewer: Viewer, order: Order) -> Ledger:
    viewer.must_act(order.connector)
    ledger = Ledger(ledger_engine(), order.connector)
    if not ledger.stories.knows(order.customer_id):
        unknown = f"No run of {order.connector} has ever read a customer {order.customer_id}: check the number."
        raise HTTPException(404, f"{unknown} A new one comes with the next run, or with a run in mode selected.")
    return ledger


def _unless_stuck(connector_id: str, session: Any, sentence: str) -> str:
    """What the next run does; or that none will run, and what a person does about that."""
    return stuck_sentence(connector_id, session) or sentence


def _record(
    ledger: Ledger, connection: sa.Connection, viewer: Viewer, order: Order, action: str, detail: str = ""
) -> None:
    ledger.operator_actions.record(
        connection, customer_id=order.customer_id, actor=viewer.name, action=action, why=order.why, detail=detail
    )


@router.post("/sync")
def sync_now(viewer: CurrentViewer, session: SessionDep, order: Order) -> Done:
    """Record the wish; the page then starts the run through Airflow's API, with the person's own login."""
    ledger = _ledger(viewer, order)
    if stuck := _unless_stuck(order.connector, session, ""):
        raise HTTPException(_CONFLICT, stuck)
    with ledger.write() as connection:
        _record(ledger, connection, viewer, order, "sync")
    conf: dict[str, object] = {"mode": "selected", "customer_ids": [order.customer_id]}
    return Done(message="A run of this customer was started.", dag_id=f"{DAG_PREFIX}{order.connector}", conf=conf)


@router.post("/release")
def release(viewer: CurrentViewer, session: SessionDep, order: Order) -> Done:
    """Let a customer out of quarantine: the next run that reads it tries again, changed or not."""
    ledger = _ledger(viewer, order)
    with ledger.write() as connection:
        count = ledger.quarantine.release(connection, order.customer_id)
        if not count:
            raise HTTPException(_CONFLICT, "Nothing of this customer is in quarantine any more.")
        _record(ledger, connection, viewer, order, "release", f"{count} records")
    then = "The next run that reads the customer tries again; sync it now to have that at once."
    return Done(message=f"Released. {_unless_stuck(order.connector, session, then)}")


@router.post("/set-aside")
def set_aside(viewer: CurrentViewer, session: SessionDep, order: MarkOrder) -> Done:
    """Have the sync pass a customer over: until taken back, or until its source changes."""
    ledger = _ledger(viewer, order)
    with ledger.write() as connection:
        ledger.set_aside.put(connection, order.customer_id, order.kind)
        _record(ledger, connection, viewer, order, order.kind)
    until = "until somebody takes it back" if order.kind == "skip" else "until it changes in the ERP"
    said = f"The sync leaves this customer alone {until}."
    return Done(message=f"{said} {_unless_stuck(order.connector, session, '')}".strip())


@router.post("/take-back")
def take_back(viewer: CurrentViewer, session: SessionDep, order: Order) -> Done:
    """Have the sync look at a customer again."""
    ledger = _ledger(viewer, order)
    with ledger.write() as connection:
        if not ledger.set_aside.drop(connection, [order.customer_id]):
            raise HTTPException(_CONFLICT, "This customer is not set aside any more.")
        _record(ledger, connection, viewer, order, "take_back")
    then = "The sync looks at this customer again; sync it now to have that at once."
    return Done(message=_unless_stuck(order.connector, session, then))


@router.post("/link")
def link(viewer: CurrentViewer, session: SessionDep, order: LinkOrder) -> Done:
    """Pair a customer with a company that exists in the store, belongs to nobody else and bears no other key."""
    ledger = _ledger(viewer, order)
    connector = find_connector(order.connector)
    must_be_idle(ledger, connector)
    company = read_company(connector, order.customer_id, order.company_id)
    with ledger.write() as connection:
        known = ledger.links.load_hashes([order.customer_id]).get(order.customer_id)
        if known is not None:
            raise HTTPException(_CONFLICT, f"The customer is linked to company {known[0]}: unlink it first.")
        holder = ledger.links.holders([order.company_id]).get(order.company_id)
        if holder is not None:
            raise HTTPException(_CONFLICT, f"Company {order.company_id} belongs to customer {holder} already.")
        status = CompanyStatus.APPROVED if company.status is CompanyStatus.UNKNOWN else company.status
        applied = AppliedCompany(company_id=company.id, status=status, fields=company.fields, parts_known=False)
        state = CustomerState(order.customer_id, applied, key=company.key, evidence="a person")
        ledger.links.put(connection, "", [state])
        _record(ledger, connection, viewer, order, "link", f"company {company.id}")
    then = "The next run brings it in line with the ERP."
    return Done(message=f"Linked to company {company.id}. {_unless_stuck(order.connector, session, then)}")


@router.post("/unlink")
def unlink(viewer: CurrentViewer, session: SessionDep, order: ReasonedOrder) -> Done:
    """Forget which company belongs to a customer; nothing changes in the store."""
    ledger = _ledger(viewer, order)
    must_be_idle(ledger, find_connector(order.connector))
    known = ledger.links.load_hashes([order.customer_id]).get(order.customer_id)
    if known is None:
        raise HTTPException(_CONFLICT, "The customer is not linked any more.")
    if ledger.intents.unanswered([order.customer_id]):
        raise HTTPException(_CONFLICT, "A write of this customer has no answer yet: let the next run settle it first.")
    with ledger.write() as connection:
        ledger.links.drop_company(connection, order.customer_id)
        _record(ledger, connection, viewer, order, "unlink", f"company {known[0]}")
    said = f"Unlinked from company {known[0]}, which stays in the store as it is."
    return Done(message=f"{said} {_unless_stuck(order.connector, session, '')}".strip())
