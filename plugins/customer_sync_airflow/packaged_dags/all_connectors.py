# ruff: noqa: INP001 - a folder of DAG files, read by their path
"""All DAGs of this package in one file, for installations without a DAGs folder of their own."""

from customer_sync_airflow import dag_factory

globals().update(dag_factory.dags())  # Airflow finds DAGs among the names of this module
