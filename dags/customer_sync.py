"""One DAG per connector file: customers of the ERP become companies of the store."""

from customer_sync_airflow.dag_factory import sync_dags

globals().update(sync_dags())  # Airflow finds DAGs among the names of this module
