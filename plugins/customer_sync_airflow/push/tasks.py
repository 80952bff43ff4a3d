"""The task that takes the waiting customers out of the ledger."""

# ruff: noqa: PLC0415 -- the task imports what it needs when it runs: the DAG processor parses often and runs none

import logging

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

log = logging.getLogger(__name__)


@task(task_id="take_customers", retries=1, show_return_value_in_logs=False)
def take_customers(connector_id: str) -> list[str]:
    """Take the customers that wait.

    Args:
        connector_id: The connector.

    Returns:
        Their ids.

    Raises:
        AirflowSkipException: None waits: a scheduled run was quicker.
    """
    from customer_sync.ledger import Ledger
    from customer_sync_airflow.tasks.error_boundary import airflow_boundary

    with airflow_boundary(), Ledger.open(connector_id) as ledger:
        ids = ledger.push.hand_out()
    if not ids:
        raise AirflowSkipException("No customer waits: a scheduled run was quicker.")
    log.info("%d customers were named by push notifications.", len(ids))
    return ids
