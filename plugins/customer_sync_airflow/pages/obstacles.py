"""Why nothing of a connector would run: its DAG is gone or paused, or a pool is missing."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from airflow.models.dag import DagModel
from airflow.models.pool import Pool

from customer_sync.doctor.pools import MAKE_POOLS
from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.pages.rights import DAG_PREFIX


class Obstacle(NamedTuple):
    """What keeps runs from working, and what a person does about it."""

    what: str
    remedy: str
    is_paused: bool = False


def obstacles(connector_id: str, session: Any) -> list[Obstacle]:
    """Everything that keeps the connector's runs from working, as far as Airflow knows it."""
    found = dag_obstacles(connector_id, session)
    try:
        connector = find_connector(connector_id)
    except ConfigError as error:
        return [*found, Obstacle("The connector file is wrong or gone.", error.message)]
    return found + missing_pools(connector, session)


def stuck_sentence(connector_id: str, session: Any) -> str:
    """That nothing will run, and what a person does about it; ``""`` where runs work."""
    found = obstacles(connector_id, session)
    if not found:
        return ""
    return f"Nothing runs at present. {' '.join(f'{each.what} {each.remedy}' for each in found)}"


def dag_obstacles(connector_id: str, session: Any) -> list[Obstacle]:
    """The DAG is gone, or paused."""
    dag = session.get(DagModel, f"{DAG_PREFIX}{connector_id}")
    if dag is None or dag.is_stale:
        gone = "Airflow does not find the DAG any more."
        return [Obstacle(gone, "See the import errors on Airflow's DAG list.")]
    if dag.is_paused:
        remedy = "Unpause it; the next run reads what has changed."
        return [Obstacle("The DAG is paused: nothing runs.", remedy, is_paused=True)]
    return []


def missing_pools(connector: Connector, session: Any) -> list[Obstacle]:
    """Pools that tasks would wait for without end."""
    tasks = {connector.erp_pool: "extract", connector.store_pool: "load"}
    remedy = f"Make it with the button on Health, or by the command: {MAKE_POOLS}"
    return [
        Obstacle(f"The pool {name} is missing: the task {tasks[name]} waits for ever.", remedy)
        for name in pools_missing(connector, session)
    ]


def pools_missing(connector: Connector, session: Any) -> list[str]:
    """Names of the pools that the connector's tasks wait in and Airflow does not have."""
    names = (connector.erp_pool, connector.store_pool)
    known = set(session.scalars(sa.select(Pool.pool).where(Pool.pool.in_(names))))
    return [name for name in names if name not in known]
