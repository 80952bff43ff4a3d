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

Trigger it with *mode* full for the first time. With *undo run* the same tasks take another run back: extract lists
whom it wrote to, transform plans the inverse operations. The task logs show what happened to each customer,
one line per customer and part. docs/operating.md explains how to trigger, read, backfill,
repair and cancel.
"""

from typing import Any

from airflow.sdk import DAG, Asset, TriggerRule

from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import watched_connectors
from customer_sync_airflow.alerting.callbacks import alert_arguments
from customer_sync_airflow.dags.per_connector import (
    Placeholder,
    connector_dag,
    dags_of_all_connectors,
    timetable_of,
)
from customer_sync_airflow.guard import Guard
from customer_sync_airflow.tasks.sync import audit, extract, filter_customers, load, transform
from customer_sync_airflow.tasks.sync_params import sync_params

PREFIX = "customer_sync__"
"""Prefix of the DAG's id; the connector's id follows."""

TAGS = ["customer-sync", "acumatica", "better-b2b"]


def sync_dag(connector: Connector) -> DAG:
    """Wire the six tasks of one connector.

    Raises:
        ConfigError: A schedule is no cron expression.
    """
    if connector.full_schedule is not None:
        timetable_of(connector, connector.full_schedule, "full_schedule")
    with connector_dag(
        connector,
        connector.dag_id,
        __doc__,
        schedule=connector.schedule,
        setting="schedule",
        tags=TAGS,
        description=connector.name or f"Acumatica customers to Better B2B companies, connector {connector.id}",
        params=sync_params(),
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


def _alerts(connector_id: str) -> dict[str, Any]:
    return alert_arguments(watched_connectors().get(connector_id))


PLACEHOLDER = Placeholder("extract", "0 * * * *", TAGS, _alerts)


def sync_dags() -> dict[str, DAG]:
    """Build the syncs of all connector files, by DAG id.

    Raises:
        ConfigError: There is no folder of connector files.
    """
    return dags_of_all_connectors(PREFIX, sync_dag, PLACEHOLDER)
