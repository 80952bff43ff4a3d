"""Watches that every connector has good runs."""

from customer_sync_airflow.dag_factory import watch_dag

dag = watch_dag()  # Airflow finds DAGs among the names of this module
