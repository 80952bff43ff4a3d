"""The Airflow edge: hooks, tasks, error boundary."""
