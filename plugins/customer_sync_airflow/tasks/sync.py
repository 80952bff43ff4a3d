"""The tasks of the sync: hook, step function, XCom and log; the rules are in ``customer_sync``."""

# ruff: noqa: PLC0415 -- tasks import steps, clients and hooks when they run: the DAG processor parses often and runs none

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import TriggerRule, task

from customer_sync_airflow.tasks.batches import BatchNote, descriptor_of, pull_batch, pull_customers, push_batch
from customer_sync_airflow.tasks.run_context import data_interval_of, is_backfill, is_scheduled, open_run, request_of
from customer_sync_airflow.tasks.task_log import print_lines
from customer_sync_airflow.tasks.task_states import read_task_states
from customer_sync_airflow.tasks.undo import extract_for_undo, filter_for_undo, load_for_undo, transform_for_undo

LABEL = "{{ task.op_kwargs['note']['descriptor']['label'] }}"
"""Names a mapped instance in the UI: its first and last customer, and how many they are."""

READS: dict[str, Any] = {
    # Between two tries: short enough for people who watch.
    "retries": 2,
    "retry_delay": timedelta(seconds=15),
    "show_return_value_in_logs": False,
}
"""A task that only reads, and may be tried again at once."""

WRITES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=5),
    "trigger_rule": TriggerRule.ALL_SUCCESS,
    "show_return_value_in_logs": False,
    "map_index_template": LABEL,
}
"""A task that applies a batch of what guard passed."""

_PER_BATCH: dict[str, Any] = {
    **READS,
    "trigger_rule": TriggerRule.ALL_DONE,
    "multiple_outputs": False,  # the note is one value; its annotation would make Airflow push each key by itself
    "map_index_template": LABEL,
}


@task(task_id="extract", **READS)
def extract(connector_id: str) -> list[BatchNote]:
    """Read what changed in the ERP; push each batch as it is read."""
    from customer_sync.errors import NotFound
    from customer_sync.steps.extract import begin_run, extract_batches
    from customer_sync_airflow.tasks.clients import erp_client

    with open_run(connector_id) as (run, context):
        request = request_of(context)
        if request.undo_run:
            return extract_for_undo(run, context, request)
        window = begin_run(
            run,
            request,
            is_backfill=is_backfill(context),
            is_scheduled=is_scheduled(context),
            data_interval=data_interval_of(context),
        )
        print_lines([f"Reading {window.mode}: {window.why}."])
        with erp_client(run) as erp:
            try:
                return [push_batch(context, content, batch) for content, batch in extract_batches(run, erp, window)]
            except NotFound:
                # A list that does not exist is most likely a wrong endpoint: this names those that are served.
                erp.contract()
                raise


@task(task_id="filter", **_PER_BATCH)
def filter_customers(connector_id: str, note: BatchNote) -> BatchNote:
    """Give each customer of a batch its decision."""
    from customer_sync.steps.filter import filter_batch

    with open_run(connector_id) as (run, context):
        if request_of(context).undo_run:
            return filter_for_undo(note)
        descriptor = descriptor_of(note)
        return push_batch(context, *filter_batch(run, pull_customers(context, descriptor), descriptor))


@task(task_id="transform", **_PER_BATCH)
def transform(connector_id: str, note: BatchNote) -> BatchNote:
    """Build the state that the store should have, and plan the operations that lead there."""
    from customer_sync.steps.transform import transform_batch
    from customer_sync_airflow.tasks.clients import store_client

    with open_run(connector_id) as (run, context):
        request = request_of(context)
        if request.undo_run:
            return transform_for_undo(run, context, note, request)
        decisions, descriptor = pull_batch(context, note, pushed_to="filter")
        customers = pull_customers(context, descriptor)
        with store_client(run) as target:
            planned = transform_batch(run, customers, decisions, descriptor, request, target=target)
        return push_batch(context, *planned)


@task(task_id="load", **WRITES)
def load(connector_id: str, note: BatchNote) -> None:
    """Apply a batch's part of the plan to the store."""
    from customer_sync.steps.load import load_batch
    from customer_sync_airflow.tasks.clients import erp_client, store_client

    with open_run(connector_id) as (run, context):
        request = request_of(context)
        if request.undo_run:
            load_for_undo(run, context, note, request)
            return
        changes, descriptor = pull_batch(context, note, pushed_to="transform")
        customers = pull_customers(context, descriptor)
        with store_client(run) as target, erp_client(run) as source:
            load_batch(run, customers, changes, descriptor, target=target, source=source)


@task(task_id="audit", trigger_rule=TriggerRule.ALL_DONE, **READS)
def audit(connector_id: str) -> None:
    """Balance the run by task states and ledger; fail it when anything is unaccounted for."""
    from customer_sync.reporting.run_metrics import measure_run
    from customer_sync.steps.audit import audit_run
    from customer_sync_airflow.tasks.metrics import emit

    with open_run(connector_id) as (run, context):
        states = read_task_states(context)
        notes = context["ti"].xcom_pull(task_ids="extract") if states.is_green("extract") else None
        try:
            audit_run(
                run,
                extracted=None if notes is None else [descriptor_of(note) for note in notes],
                failed_tasks=states.not_green(without="audit"),
            )
        finally:
            emit(measure_run(run, now_utc=datetime.now(UTC)))


@task(task_id="extract", retries=0, show_return_value_in_logs=False)
def refuse_broken_connector(problem: str) -> None:
    """Report what is wrong with the connector file, in place of the first task.

    Args:
        problem: The sentence that names file, field and remedy.
    """
    from customer_sync.errors import ConfigError
    from customer_sync_airflow.tasks.error_boundary import airflow_boundary

    with airflow_boundary():
        raise ConfigError(problem)
