"""The tasks of the housekeeping DAG: each goes through all connectors, by the ages that their files name."""

# ruff: noqa: PLC0415 -- the tasks import what they need when they run: the DAG processor parses often and runs none

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context, task
from airflow.sdk.configuration import conf

from customer_sync.errors import ConfigError
from customer_sync.settings.connector_file import connector_paths, load_connector

if TYPE_CHECKING:
    from customer_sync.settings.connector import Connector

log = logging.getLogger(__name__)


@task(task_id="remove_old_batches")
def remove_old_batches() -> None:
    """Remove batch files that are older than ``retention.batch_file_days``, or than the run's ``keep_days``."""
    from customer_sync_airflow.tasks.error_boundary import airflow_boundary

    asked = get_current_context()["params"]["keep_days"]
    with airflow_boundary():
        base = conf.get("common.io", "xcom_objectstorage_path", fallback="")
        if not base:
            log.info(
                "Batches are kept in the metadata database ([common.io] xcom_objectstorage_path is not set): no files."
            )
            return
        for connector in _connectors():
            folders = [connector.dag_id, connector.reconcile_dag_id, connector.push_dag_id]
            _remove(connector, "batch files", base, folders, asked or connector.retention.batch_file_days)


@task(task_id="remove_old_reports")
def remove_old_reports() -> None:
    """Remove reports that are older than ``retention.report_days``."""
    from customer_sync_airflow.tasks.error_boundary import airflow_boundary
    from customer_sync_airflow.tasks.report_files import reports_base

    with airflow_boundary():
        base = reports_base()
        if base is None:
            log.info("There is no place for reports: neither CUSTOMER_SYNC_REPORTS_DIR nor object storage is set.")
            return
        for connector in _connectors():
            _remove(connector, "files of reports", str(base), [connector.id], connector.retention.report_days)


@task(task_id="clean_ledger")
def clean_ledger() -> None:
    """Remove old lines of the connector log and old runs; links, open writes and quarantine are never touched."""
    from customer_sync.ledger import Ledger
    from customer_sync_airflow.tasks.error_boundary import airflow_boundary

    logging.getLogger("alembic").setLevel(logging.WARNING)
    with airflow_boundary():
        now = datetime.now(UTC)
        for connector in _connectors():
            rules = connector.retention
            with Ledger.open(connector.id) as ledger:
                lines = ledger.retention.clean_log(now, timedelta(days=rules.log_days))
                rows = ledger.retention.clean_runs(now, timedelta(days=rules.run_days), timedelta(days=rules.undo_days))
            removed = ", ".join(f"{count} of {table}" for table, count in rows.items() if count) or "none"
            log.info(
                "%s: removed %d lines of the log older than %d days; rows of runs older than %d days: %s.",
                connector.id,
                lines,
                rules.log_days,
                rules.run_days,
                removed,
            )


def _remove(connector: "Connector", what: str, base: str, folders: list[str], days: int) -> None:
    from customer_sync_airflow.tasks.batch_files import remove_old_files

    removal = remove_old_files(base, folders, keep=timedelta(days=days), now_utc=datetime.now(UTC))
    size_mb = removal.size_bytes / 1e6
    text = "%s: removed %d %s (%.1f MB) older than %d days from %s; %d are younger."
    log.info(text, connector.id, removal.files, what, size_mb, days, base, removal.kept)


def _connectors() -> "Iterator[Connector]":
    """All connectors whose file can be read; what a broken one left behind stays until it is repaired."""
    for path in connector_paths():
        try:
            yield load_connector(path)
        except ConfigError as error:
            log.warning("Nothing is cleaned for %s: %s", path.stem, error.message)
