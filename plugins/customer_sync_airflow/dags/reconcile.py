"""Compares ERP, ledger and store; reports every difference, and repairs it on request.

compare >> guard >> repair [] >> report, where [] is mapped over batches of customers to be repaired.

| task | does |
|---|---|
| **compare** | reads all three sides, classifies differences, re-reads each before it is reported, plans repairs |
| **guard** | adds up the plan of all repairs; nothing is written before it |
| **repair** | applies the plan through the sync's own load, one store at a time |
| **report** | balances the run and leaves a page and tables behind; downstream DAGs can wait for its asset |

It only reports, unless the connector file (`reconcile.repair`) or the param *Repair* says otherwise. In mode
*adopt* it links the companies of a store that another connector filled; in mode *shadow* it compares every field
beside that connector and writes nothing at all. docs/reconcile.md has the classes, their rules and remedies.
"""

from airflow.sdk import DAG, Asset, TriggerRule

from customer_sync.settings.connector import Connector
from customer_sync_airflow.dags.per_connector import Placeholder, connector_dag, dags_of_all_connectors
from customer_sync_airflow.tasks.reconcile import RepairGuard, compare, repair
from customer_sync_airflow.tasks.reconcile_params import reconcile_params
from customer_sync_airflow.tasks.reconcile_report import PublishReport

PREFIX = "customer_reconcile__"
"""Prefix of the DAG's id; the connector's id follows."""

TAGS = ["customer-sync", "reconciliation"]

PLACEHOLDER = Placeholder("compare", "30 2 * * *", TAGS)


def reconcile_dag(connector: Connector) -> DAG:
    """Wire the four tasks of one connector."""
    with connector_dag(
        connector,
        connector.reconcile_dag_id,
        __doc__,
        schedule=connector.reconcile.schedule,
        setting="reconcile.schedule",
        tags=TAGS,
        description=f"Proves that the store equals the ERP, connector {connector.id}",
        params=reconcile_params(connector),
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


def reconcile_dags() -> dict[str, DAG]:
    """Build the reconciliations of all connector files, by DAG id.

    Raises:
        ConfigError: There is no folder of connector files.
    """
    return dags_of_all_connectors(PREFIX, reconcile_dag, PLACEHOLDER)
