"""Syncs at once what the ERP's push notifications named: one DAG per connector file that takes them.

take_customers >> sync_them

| task | does |
|---|---|
| **take_customers** | takes the customers that wait; skipped when a scheduled run was quicker |
| **sync_them** | triggers the sync in mode *selected* with them and waits for its end |

It starts by itself when notifications have come, one run after the other; what arrives during a run waits for the next.
It moves no watermark: the scheduled sync still finds every change, and push notifications only make it quicker.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetWatcher

from customer_sync.settings.connector import Connector
from customer_sync_airflow.dags.per_connector import dags_of_all_connectors, one_run_at_a_time, task_timeout_of
from customer_sync_airflow.push.tasks import take_customers
from customer_sync_airflow.push.trigger import PushTrigger
from customer_sync_airflow.push.trigger_sync import TriggerSync

PREFIX = "customer_push__"
"""Prefix of the DAG's id; the connector's id follows."""


def push_dag(connector: Connector) -> DAG:
    """Wire the two tasks of one connector."""
    trigger = PushTrigger(connector_id=connector.id, debounce_s=connector.push.debounce_s)
    named = Asset(
        name=f"acumatica_push_{connector.id}",
        uri=f"acumatica-push://{connector.id}/customers",
        watchers=[AssetWatcher(name=f"acumatica_push_{connector.id}", trigger=trigger)],
    )
    with one_run_at_a_time(
        dag_id=connector.push_dag_id,
        description=f"Customers named by push notifications of the ERP, connector {connector.id}",
        doc_md=__doc__,
        schedule=[named],
        default_args={"owner": connector.owner, "execution_timeout": task_timeout_of(connector)},
        tags=["customer-sync", "push", connector.id],
    ) as dag:
        TriggerSync(
            task_id="sync_them",
            trigger_dag_id=connector.dag_id,
            conf={"mode": "selected", "customer_ids": take_customers(connector.id)},
            wait_for_completion=True,
            poke_interval=2,
            retries=0,
            # It waits for a whole run, whose tasks end each by themselves, and for the person whom that may ask.
            execution_timeout=timedelta(days=7),
        )
    return dag


def push_dags() -> dict[str, DAG]:
    """Build a DAG for every connector file that takes push notifications; a wrong file has its own elsewhere.

    Raises:
        ConfigError: There is no folder of connector files.
    """

    def build(connector: Connector) -> DAG | None:
        return push_dag(connector) if connector.push.enabled and connector.active else None

    return dags_of_all_connectors(PREFIX, build)
