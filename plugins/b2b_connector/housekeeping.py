"""The task of the housekeeping DAG."""

# ruff: noqa: PLC0415 -- the task imports what it needs when it runs: the DAG processor parses often and runs none

import logging
from datetime import UTC, datetime, timedelta

from airflow.sdk import get_current_context, task
from airflow.sdk.configuration import conf

log = logging.getLogger(__name__)


@task(task_id="remove_old_batches")
def remove_old_batches() -> None:
    """Remove batch files of all connectors that are older than the run's ``keep_days``."""
    from b2b_connector import batch_files
    from b2b_connector.boundary import airflow_boundary
    from customer_sync.connector_file import connector_paths

    keep_days = get_current_context()["params"]["keep_days"]
    with airflow_boundary():
        base = conf.get("common.io", "xcom_objectstorage_path", fallback="")
        if not base:
            log.info("Batches lie in the metadata database ([common.io] xcom_objectstorage_path is not set): no files.")
            return
        removal = batch_files.remove_old_batches(
            base,
            [f"customer_sync__{path.stem}" for path in connector_paths()],
            keep=timedelta(days=keep_days),
            now_utc=datetime.now(UTC),
        )
        log.info(
            "Removed %d batch files (%.1f MB) older than %d days from %s; %d are younger.",
            removal.files,
            removal.size_bytes / 1e6,
            keep_days,
            base,
            removal.kept,
        )
