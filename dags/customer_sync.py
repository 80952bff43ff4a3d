"""Customers of an Acumatica ERP become companies of a Better B2B store: one DAG per connector file.

extract >> filter [] >> transform [] >> guard >> load [] >> audit, where [] is mapped over batches.

| task | does |
|---|---|
| **extract** | reads what changed in the ERP, batch by batch |
| **filter** | decides which customers belong in the store, and says why the others do not |
| **transform** | works out the state that the store should have, and the operations that lead there |
| **guard** | adds up the whole run's plan; nothing is written to the store before it |
| **load** | applies the plan to the store, one store at a time |
| **audit** | balances the run: every extracted customer has exactly one outcome, or the run fails |

Trigger it with *mode* full for the first time. What happened to a customer stands in the task
logs, one line per customer and part. docs/operating.md tells how to trigger, read, backfill,
repair and cancel.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, TriggerRule
from airflow.sdk.exceptions import AirflowTimetableInvalid

from b2b_connector.alerting import alert_arguments
from b2b_connector.guard import Guard
from b2b_connector.sync_params import sync_params
from b2b_connector.tasks import audit, extract, filter_customers, load, refuse_broken_connector, transform
from customer_sync.connector import Connector
from customer_sync.connector_file import connector_paths, load_connector, watched_connectors
from customer_sync.errors import ConfigError
from customer_sync.shared_systems import refusals

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Earlier intervals do not exist for Airflow, so backfills begin here; params reach further back."""

TAGS = ["customer-sync", "acumatica", "better-b2b"]


def timetable_of(connector: Connector) -> CronDataIntervalTimetable | None:
    """The connector's schedule, in UTC, with data intervals (backfills need them); none while it is inactive.

    Raises:
        ConfigError: The schedule is no cron expression.
    """
    timetable = CronDataIntervalTimetable(connector.schedule, timezone="UTC")
    try:
        timetable.validate()
    except AirflowTimetableInvalid as error:
        raise ConfigError(
            f"Connector file {connector.id}.yaml is wrong. schedule: {connector.schedule!r} is no cron expression; "
            "write five columns such as '*/15 * * * *'. See docs/connector-file.md.",
            setting="schedule",
        ) from error
    return timetable if connector.active else None


def sync_dag(connector: Connector) -> DAG:
    """Wire the six tasks of one connector."""
    with DAG(
        dag_id=connector.dag_id,
        description=connector.name or f"Acumatica customers to Better B2B companies, connector {connector.id}",
        doc_md=f"{__doc__}\nConnector file: `{connector.id}.yaml`",
        schedule=timetable_of(connector),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        params=sync_params(),
        default_args={"owner": connector.owner},
        tags=[*TAGS, connector.id, *([] if connector.active else ["inactive"])],
        **alert_arguments(connector),
    ) as dag:
        batches = extract.override(pool=connector.erp_pool)(connector.id)
        filtered = filter_customers.partial(connector_id=connector.id).expand(note=batches)
        planned = transform.partial(connector_id=connector.id).expand(note=filtered)
        guard = Guard(
            task_id="guard",
            connector_id=connector.id,
            trigger_rule=TriggerRule.ALL_DONE,
            retries=0,
            doc_md=Guard.__doc__,
        )
        loaded = load.override(pool=connector.store_pool).partial(connector_id=connector.id).expand(note=guard.output)
        companies = Asset(name=f"better_b2b_companies_{connector.id}", uri=f"better-b2b://{connector.id}/companies")
        planned >> guard
        loaded >> audit.override(outlets=[companies])(connector.id)
    return dag


def broken_dag(path: Path, problem: str) -> DAG:
    """Stand in for a connector whose file is wrong: visible, paused, and its run says what to repair.

    It keeps a schedule, so that a connector that was running and breaks becomes a row of failed
    runs and not silence.
    """
    stem = re.sub(r"[^\w.-]", "_", path.stem, flags=re.ASCII)
    with DAG(
        dag_id=f"customer_sync__{stem}",
        description=f"The connector file {path.name} is wrong",
        doc_md=f"**This connector cannot run.** {problem}",
        schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        default_args={"owner": "integration"},
        tags=[*TAGS, "broken"],
        **alert_arguments(watched_connectors().get(path.stem)),
    ) as dag:
        refuse_broken_connector(problem)
    return dag


def dags_of_all_connectors() -> dict[str, DAG]:
    """Build a DAG for every connector file; a wrong file takes down no other.

    Raises:
        ConfigError: The folder of connector files does not exist.
    """
    found: dict[Path, Connector | ConfigError] = {}
    for path in connector_paths():
        try:
            found[path] = load_connector(path)
        except ConfigError as error:
            found[path] = error
    refused = refusals(each for each in found.values() if isinstance(each, Connector))
    dags: dict[str, DAG] = {}
    for path, connector in found.items():
        dag = _dag_of(path, connector if isinstance(connector, ConfigError) else refused.get(connector.id, connector))
        dags.setdefault(dag.dag_id, dag)
    return dags


def _dag_of(path: Path, connector: Connector | ConfigError) -> DAG:
    if isinstance(connector, ConfigError):
        return broken_dag(path, connector.message)
    try:
        return sync_dag(connector)
    except ConfigError as error:
        return broken_dag(path, error.message)


globals().update(dags_of_all_connectors())
