"""One DAG per connector file: ERP, ledger and store are compared, and repaired on request."""

from customer_sync_airflow.dag_factory import reconcile_dags

globals().update(reconcile_dags())  # Airflow finds DAGs among the names of this module
