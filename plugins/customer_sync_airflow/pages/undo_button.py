"""The buttons on a run's page that take the run back: by the sync's own DAG, in the person's own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import sqlalchemy as sa
from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.planning.undo import UNDO_MODE
from customer_sync.reconcile.undo.undoable import mode_of_undone_run
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.obstacles import stuck_sentence
from customer_sync_airflow.pages.operator_actions import Done, Text
from customer_sync_airflow.pages.rights import DAG_PREFIX, CurrentViewer, Viewer, same_site_only

router = APIRouter(prefix="/actions", dependencies=[Depends(same_site_only)])

_CONFLICT = 409
_ENDED = frozenset({"success", "failed"})


class UndoOffer(NamedTuple):
    """What the page of a run offers to who may undo it.

    Attributes:
        run_id: The run that would be taken back: the page's own, or the one of which it shows the planned undo.
        plan_hash: The plan that the page shows, ``""`` where it shows none.
        refusal: Why the run cannot be taken back, ``""`` where it can.
        aside: How many customers are left alone since the page's run undid them.
    """

    run_id: str
    plan_hash: str
    refusal: str
    aside: int = 0


class RunOrder(BaseModel):
    """What is to be done about which run, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    connector: Text = Field(min_length=1, max_length=40)
    run_id: Text = Field(min_length=1, max_length=250)
    why: Text = Field(default="", max_length=500)


class UndoOrder(RunOrder):
    """Which run is to be taken back, and how."""

    how: Literal["plan", "undo"]
    plan_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""


def offer_of(viewer: Viewer, ledger: Ledger, row: Mapping[str, Any] | None) -> UndoOffer | None:
    """What the page of a run offers; ``None`` where there is nothing to be undone, or the person may not.

    Args:
        viewer: The person.
        ledger: The ledger of the run's connector.
        row: The run's row; ``None`` where the page is about no run.
    """
    connector_id = ledger.connector_id
    if row is None or row["state"] not in _ENDED:
        return None
    if not viewer.may_act(connector_id) or not viewer.may_edit(connector_id):
        return None
    run_id, plan_hash = row["run_id"], ""
    if row["dry_run"]:
        if row["mode"] != UNDO_MODE or row["state"] != "success" or not row["plan_hash"].strip("0"):
            return None
        run_id, plan_hash = (row["window"] or {}).get("undo_run", ""), row["plan_hash"]
    aside = len(_aside(ledger, run_id)) if row["mode"] == UNDO_MODE and not plan_hash else 0
    return UndoOffer(run_id, plan_hash, _refusal(ledger, run_id), aside)


def _aside(ledger: Ledger, run_id: str) -> list[str]:
    """The customers of an undo whom the sync passes over because of it."""
    marks = ledger.set_aside.load(customer_id for customer_id, *_ in ledger.runs.customers(run_id))
    return [key for key, mark in marks.items() if mark.kind == "undone"]


def _refusal(ledger: Ledger, run_id: str) -> str:
    try:
        mode_of_undone_run(ledger, find_connector(ledger.connector_id), run_id)
    except ConfigError as error:
        return error.message
    return ""


@router.post("/undo")
def undo_run(viewer: CurrentViewer, session: SessionDep, order: UndoOrder) -> Done:
    """Record the wish; the page then starts the run through Airflow's API, with the person's own login."""
    viewer.must_edit(order.connector)
    ledger = Ledger(ledger_engine(), order.connector)
    if stuck := stuck_sentence(order.connector, session):
        raise HTTPException(_CONFLICT, stuck)
    row = ledger.runs.get(order.run_id)
    if row is not None and row["state"] not in _ENDED:
        raise HTTPException(_CONFLICT, f"Run {order.run_id} is under way: undo it when it has ended.")
    if refusal := _refusal(ledger, order.run_id):
        raise HTTPException(_CONFLICT, refusal)
    is_plan = order.how == "plan"
    with ledger.write() as connection:
        _record(ledger, connection, viewer, order, "plan_undo" if is_plan else "undo")
    conf: dict[str, object] = {"undo_run": order.run_id, "dry_run": is_plan}
    if order.plan_hash:
        conf["plan_hash"] = order.plan_hash
    started = "A dry run that plans the undo was started" if is_plan else "The undo was started"
    message = f"{started}: it is the newest run on the page Runs, and guard tells its plan."
    return Done(message=message, dag_id=f"{DAG_PREFIX}{order.connector}", conf=conf)


@router.post("/resume-undone")
def resume_undone(viewer: CurrentViewer, session: SessionDep, order: RunOrder) -> Done:
    """Take all customers of an undo back into the sync at once: what was wrong is mended."""
    viewer.must_edit(order.connector)
    ledger = Ledger(ledger_engine(), order.connector)
    aside = _aside(ledger, order.run_id)
    if not aside:
        raise HTTPException(_CONFLICT, "Nobody is left alone because of this run any more.")
    with ledger.write() as connection:
        ledger.set_aside.drop(connection, aside)
        _record(ledger, connection, viewer, order, "resume_undone", f", {len(aside)} customers")
    then = "The next run that reads them decides about them again; trigger one in mode full to have that at once."
    return Done(
        message=f"{len(aside)} customers are in the sync again. {stuck_sentence(order.connector, session) or then}"
    )


def _record(
    ledger: Ledger, connection: sa.Connection, viewer: Viewer, order: RunOrder, action: str, more: str = ""
) -> None:
    ledger.operator_actions.record(
        connection,
        customer_id="",
        actor=viewer.name,
        action=action,
        why=order.why,
        detail=f"run {order.run_id}{more}",
    )
