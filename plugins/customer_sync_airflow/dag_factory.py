"""The DAGs of this package, for a DAG file of your own::

from customer_sync_airflow import dag_factory
globals().update(dag_factory.dags())
"""

from airflow.sdk import DAG

from customer_sync_airflow.dags.doctor import doctor_dags
from customer_sync_airflow.dags.housekeeping import housekeeping_dag
from customer_sync_airflow.dags.push import push_dags
from customer_sync_airflow.dags.reconcile import reconcile_dags
from customer_sync_airflow.dags.sync import sync_dags
from customer_sync_airflow.dags.watch import watch_dag

__all__ = ["dags", "doctor_dags", "housekeeping_dag", "push_dags", "reconcile_dags", "sync_dags", "watch_dag"]


def dags() -> dict[str, DAG]:
    """Build the DAGs of all connector files, and those that look after them, by DAG id.

    Where Airflow parses the file to run a task, connectors other than that task's are left out.

    Raises:
        ConfigError: There is no folder of connector files; the message says where it was looked for.
    """
    alone = {dag.dag_id: dag for dag in (housekeeping_dag(), watch_dag())}
    return {**sync_dags(), **reconcile_dags(), **push_dags(), **doctor_dags(), **alone}
