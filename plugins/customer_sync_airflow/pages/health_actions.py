"""What a person may start on *Health*: a look, and the pools that are missing, each with the person's own rights."""

from __future__ import annotations

from typing import Annotated

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.dag import DagModel
from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from customer_sync.doctor.pools import MAKE_POOLS, pools_of
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.dags.doctor import PREFIX
from customer_sync_airflow.pages.last_look import look_of
from customer_sync_airflow.pages.obstacles import pools_missing
from customer_sync_airflow.pages.rights import CurrentViewer, same_site_only

router = APIRouter(prefix="/actions", dependencies=[Depends(same_site_only)])

_CONFLICT = 409


class OfConnector(BaseModel):
    """Which connector is meant."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    connector: Annotated[str, Field(min_length=1, max_length=40, pattern="^[^\0]*$")]


class Started(BaseModel):
    """What the page still has to do through Airflow's API, with the person's own login."""

    message: str
    dag_id: str = ""
    conf: dict[str, object] = {}
    pools: list[dict[str, object]] = []


@router.post("/check")
def check_now(viewer: CurrentViewer, session: SessionDep, order: OfConnector) -> Started:
    """Say whether a look can be started; the page then starts it, and a task takes it, which holds the secrets."""
    viewer.must_act(order.connector)
    dag_id = f"{PREFIX}{order.connector}"
    dag = session.get(DagModel, dag_id)
    if dag is None or dag.is_stale:
        raise HTTPException(
            _CONFLICT, f"Airflow does not find the DAG {dag_id}: see the import errors on its DAG list."
        )
    if dag.is_paused:
        raise HTTPException(_CONFLICT, f"The DAG {dag_id} is paused: unpause it, and check again.")
    if look_of(order.connector, None, session).now == "work":
        raise HTTPException(_CONFLICT, "A look is being taken already; this page shows what it saw when it is over.")
    return Started(message="A look was started; what it saw will be shown here.", dag_id=dag_id)


@router.post("/pools")
def make_pools(viewer: CurrentViewer, session: SessionDep, order: OfConnector) -> Started:
    """Name the pools that are missing; the page then makes them."""
    viewer.must_act(order.connector)
    if not viewer.may_make_pools():
        raise HTTPException(403, f"You may not make pools in Airflow. Have an administrator run: {MAKE_POOLS}")
    connector = find_connector(order.connector)
    missing = pools_missing(connector, session)
    if not missing:
        raise HTTPException(_CONFLICT, "Every pool of this connector is there.")
    known = pools_of([connector])
    made = [{"name": name, **known[name]} for name in missing]
    return Started(message=f"Made: {', '.join(f'the pool {name}' for name in missing)}.", pools=made)
