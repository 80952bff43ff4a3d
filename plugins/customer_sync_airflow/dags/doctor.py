"""Looks at everything that a run of a connector needs, and writes nothing to ERP or store: one DAG per connector file.

| task | does |
|---|---|
| **look** | what `customer-sync doctor` does: some fifty checks, each with a sentence and a remedy |

What it saw is on *Connector Logs*, page *Health*, whose button *Check now* triggers it. It has no schedule, and is
green whatever it finds; it fails only where it cannot look at all.
"""

from datetime import timedelta

from airflow.sdk import DAG

from customer_sync.settings.connector import Connector
from customer_sync_airflow.dags.per_connector import dags_of_all_connectors, one_run_at_a_time
from customer_sync_airflow.tasks.doctor import look

PREFIX = "customer_doctor__"
"""Prefix of the DAG's id; the connector's id follows."""


def doctor_dag(connector: Connector) -> DAG:
    """Wire the task of one connector."""
    with one_run_at_a_time(
        dag_id=connector.doctor_dag_id,
        description=f"What stands in the way of a run, connector {connector.id}",
        doc_md=__doc__,
        schedule=None,
        # Nothing runs by itself here, and a person who clicks should not have to unpause first.
        is_paused_upon_creation=False,
        default_args={"owner": connector.owner, "execution_timeout": timedelta(minutes=30)},
        tags=["customer-sync", "doctor", connector.id],
    ) as dag:
        # In no pool of the connector's: that one is missing is among what it looks for.
        look(connector.id)
    return dag


def doctor_dags() -> dict[str, DAG]:
    """Build a DAG for every connector file that can be read; a wrong one has its own elsewhere.

    Raises:
        ConfigError: There is no folder of connector files.
    """
    return dags_of_all_connectors(PREFIX, doctor_dag)
