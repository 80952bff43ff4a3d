"""Clients for a run's tasks: they draw on the budgets that all machines share, and report what they used."""

# ruff: noqa: PLC0415 -- clients and adapters are imported when a task runs: the DAG processor parses often and runs none

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from customer_sync_airflow.tasks.task_log import reporting_requests

if TYPE_CHECKING:
    from customer_sync.run import Run
    from customer_sync.sources.port import Source
    from customer_sync.targets.port import Target


@contextmanager
def erp_client(run: "Run") -> "Iterator[Source]":
    """Give the run's source; it signs in at its first request and signs out at the end of the block.

    Args:
        run: The run; its connector names the connection, and the licence that the session counts against.

    Raises:
        ConfigError: The connection is missing, or a field of it is missing or wrong.
    """
    from customer_sync.adapters import open_source
    from customer_sync_airflow.hooks.connections import read_connection

    connection = read_connection(run.connector.source_connection_id)
    source = open_source(run.connector, connection, run.ledger, f"{run.task} of run {run.run_id}")
    with source, reporting_requests(run.connector.source.label, source):
        yield source


@contextmanager
def store_client(run: "Run") -> "Iterator[Target]":
    """Give the run's store.

    Args:
        run: The run; its connector names the connection, and the store whose requests are counted.

    Raises:
        ConfigError: The connection is missing, or a field of it is missing or wrong.
    """
    from customer_sync.adapters import open_target
    from customer_sync_airflow.hooks.connections import read_connection

    target = open_target(run.connector, read_connection(run.connector.target_connection_id), run.ledger)
    with target, reporting_requests(target.name, target):
        yield target
