"""ERP, ledger and store are compared three ways; what differs is told, and repaired on request.

compare >> guard >> repair [] >> report, where [] is mapped over batches of customers to be repaired.

| task | does |
|---|---|
| **compare** | reads all three sides, classes what differs, reads each suspect again before it is told, plans repairs |
| **guard** | adds up the plan of all repairs; nothing is written before it |
| **repair** | applies the plan through the sync's own load, one store at a time |
| **report** | balances the run and leaves a page and tables behind; downstream DAGs can wait for its asset |

It only reports, unless the connector file (`reconcile.repair`) or the param *Repair* says otherwise. In mode
*adopt* it links the companies of a store that another connector filled; in mode *shadow* it compares every field
beside that connector and writes nothing at all. docs/reconcile.md has the classes, their rules and remedies.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, TriggerRule
from airflow.sdk.exceptions import AirflowTimetableInvalid

from b2b_connector.reconcile_params import reconcile_params
from b2b_connector.reconcile_report import PublishReport
from b2b_connector.reconcile_tasks import RepairGuard, compare, repair
from b2b_connector.tasks import refuse_broken_connector
from customer_sync.connector import Connector
from customer_sync.connector_file import connector_paths, load_connector
from customer_sync.errors import ConfigError

START = datetime(2026, 1, 1, tzinfo=UTC)
TAGS = ["customer-sync", "reconciliation"]


def timetable_of(connector: Connector) -> CronDataIntervalTimetable | None:
    """The comparison's schedule in UTC; none while the connector is inactive.

    Raises:
        ConfigError: The schedule is no cron expression.
    """
    schedule = connector.reconcile.schedule
    timetable = CronDataIntervalTimetable(schedule, timezone="UTC")
    try:
        timetable.validate()
    except AirflowTimetableInvalid as error:
        raise ConfigError(
            f"Connector file {connector.id}.yaml is wrong. reconcile.schedule: {schedule!r} is no cron expression; "
            "write five columns such as '30 2 * * *'. See docs/connector-file.md.",
            setting="reconcile.schedule",
        ) from error
    return timetable if connector.active else None


def reconcile_dag(connector: Connector) -> DAG:
    """Wire the four tasks of one connector."""
    with DAG(
        dag_id=connector.reconcile_dag_id,
        description=f"Proves that the store equals the ERP, connector {connector.id}",
        doc_md=f"{__doc__}\nConnector file: `{connector.id}.yaml`",
        schedule=timetable_of(connector),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        params=reconcile_params(connector),
        default_args={"owner": connector.owner},
        tags=[*TAGS, connector.id, *([] if connector.active else ["inactive"])],
    ) as dag:
        compared = compare.override(pool=connector.erp_pool)(connector.id)
        guard = RepairGuard(
            task_id="guard",
            connector_id=connector.id,
            extract_task_id="compare",
            trigger_rule=TriggerRule.ALL_DONE,
            retries=0,
            doc_md=RepairGuard.__doc__,
        )
        repaired = (
            repair.override(pool=connector.store_pool).partial(connector_id=connector.id).expand(note=guard.output)
        )
        report = PublishReport(
            task_id="report",
            connector_id=connector.id,
            trigger_rule=TriggerRule.ALL_DONE,
            retries=0,
            outlets=[Asset(name=f"reconciliation_{connector.id}", uri=f"better-b2b://{connector.id}/reconciliation")],
            doc_md=PublishReport.__doc__,
        )
        compared >> guard
        repaired >> report
    return dag


def broken_dag(path: Path, problem: str) -> DAG:
    """Stand in for a connector whose file is wrong: visible, paused, and its run says what to repair."""
    stem = re.sub(r"[^\w.-]", "_", path.stem, flags=re.ASCII)
    with DAG(
        dag_id=f"customer_reconcile__{stem}",
        description=f"The connector file {path.name} is wrong",
        doc_md=f"**This connector cannot run.** {problem}",
        schedule=CronDataIntervalTimetable("30 2 * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        default_args={"owner": "integration"},
        tags=[*TAGS, "broken"],
    ) as dag:
        refuse_broken_connector.override(task_id="compare")(problem)
    return dag


def dags_of_all_connectors() -> dict[str, DAG]:
    """Build a DAG for every connector file; a wrong file takes down no other.

    Raises:
        ConfigError: The folder of connector files does not exist.
    """
    dags: dict[str, DAG] = {}
    for path in connector_paths():
        try:
            dag = reconcile_dag(load_connector(path))
        except ConfigError as error:
            dag = broken_dag(path, error.message)
        dags.setdefault(dag.dag_id, dag)
    return dags


globals().update(dags_of_all_connectors())
