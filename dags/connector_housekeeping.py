"""Removes what the syncs and reconciliations leave behind."""

from customer_sync_airflow.dag_factory import housekeeping_dag

dag = housekeeping_dag()  # Airflow finds DAGs among the names of this module
