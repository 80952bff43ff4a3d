"""The Airflow edge: DAGs, tasks, hooks, pages. The only package that imports Airflow."""
