"""Clients for a run's tasks: they draw on the budgets that all machines share, and report what they used."""

# ruff: noqa: PLC0415 -- clients and hooks are imported when a task runs: the DAG processor parses often and runs none

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
    from customer_sync.sources.acumatica.source import AcumaticaSource
    from customer_sync_airflow.hooks.acumatica import AcumaticaHook

    rules = run.connector
    budget = f"acumatica:{rules.erp_budget}"
    hook = AcumaticaHook(rules.source_connection_id, connector=rules)
    client = hook.get_conn(schedule=run.ledger.schedule(budget), seat=run.ledger.seat(budget, rules.erp.seats))
    with AcumaticaSource(client, rules) as source, reporting_requests(rules.source.label, source):
        yield source


@contextmanager
def store_client(run: "Run") -> "Iterator[Target]":
    """Give the run's store.

    Args:
        run: The run; its connector names the connection, and the store whose requests are counted.

    Raises:
        ConfigError: The connection is missing, or a field of it is missing or wrong.
    """
    from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
    from customer_sync_airflow.hooks.better_b2b import BetterB2BHook

    rules = run.connector
    hook = BetterB2BHook(rules.better_b2b_connection_id, connector=rules)
    client = hook.get_conn(schedule=run.ledger.schedule(f"better_b2b:{rules.store_budget}"))
    with BetterB2BTarget(client, rules.store) as target, reporting_requests(target.name, target):
        yield target
