"""What a task learns of its run from Airflow, and the run that the steps are given."""

# ruff: noqa: PLC0415 -- the ledger brings SQLAlchemy and Alembic along; the DAG processor must not pay for them

import logging
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, get_current_context

from customer_sync.planning.window import RunRequest, read_request
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.addresses import dag_address
from customer_sync_airflow.tasks.error_boundary import airflow_boundary
from customer_sync_airflow.tasks.task_log import print_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_sync.run import Run


@contextmanager
def open_run(connector_id: str, context: Context | None = None) -> "Iterator[tuple[Run, Context]]":
    """Open the ledger for one attempt of the current task, inside the error boundary.

    Args:
        connector_id: Id of the connector file.
        context: Airflow's context, where the caller has it already.

    Yields:
        The run, as the steps take it, and the context.
    """
    from customer_sync.ledger import Ledger
    from customer_sync.run import Run

    # Migrations are checked at every start: silences Alembic's up-to-date messages.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    context = context or get_current_context()
    instance = context["ti"]
    with airflow_boundary(), Ledger.open(connector_id) as ledger:
        run = Run(
            connector=find_connector(connector_id),
            ledger=ledger,
            run_id=instance.run_id,
            try_number=instance.try_number,
            task=instance.task_id,
            sink=print_batch,
            url=dag_address(instance.dag_id, instance.run_id),
        )
        yield run, context


def request_of(context: Context) -> RunRequest:
    """The run's params.

    Raises:
        ConfigError: They do not fit together.
    """
    return read_request(context["params"])


def is_backfill(context: Context) -> bool:
    """Whether Airflow runs this for a past interval."""
    # The type differs between Airflow's processes; both are enumerations of the same texts.
    return getattr(context["dag_run"].run_type, "value", "") == "backfill"


def is_scheduled(context: Context) -> bool:
    """Whether the schedule asked for this run, and no person, program or backfill."""
    return getattr(context["dag_run"].run_type, "value", "") == "scheduled"


def data_interval_of(context: Context) -> tuple[datetime, datetime] | None:
    """The run's data interval, half-open; absent for a run that was triggered without a date."""
    # The keys are missing from the context of such a run (docs/api/airflow.md#no-interval).
    values: dict[str, Any] = dict(context)
    start, end = values.get("data_interval_start"), values.get("data_interval_end")
    return (start, end) if start is not None and end is not None else None
