"""One DAG per connector file that takes push notifications: customers that they name are synced at once."""

from customer_sync_airflow.dag_factory import push_dags

globals().update(push_dags())  # Airflow finds DAGs among the names of this module
