"""The task of the watching DAG."""

# ruff: noqa: PLC0415 -- the task imports what it needs when it runs: the DAG processor parses often and runs none

from airflow.sdk import task


@task(task_id="check_last_success")
def check_last_success(connector_ids: list[str]) -> None:
    """See for each connector whether it has had a good run lately.

    Args:
        connector_ids: The connectors that are watched.
    """
    from customer_sync_airflow.alerting.callbacks import check_silence
    from customer_sync_airflow.tasks.error_boundary import airflow_boundary

    with airflow_boundary():
        for connector_id in connector_ids:
            check_silence(connector_id)
