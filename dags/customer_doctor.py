"""One DAG per connector file: what stands in the way of a run is looked at, without a write."""

from customer_sync_airflow.dag_factory import doctor_dags

globals().update(doctor_dags())  # Airflow finds DAGs among the names of this module
