"""The tasks of the sync where a run takes another one back: the same six, by a plan of inverse operations."""

# ruff: noqa: PLC0415 -- the steps are imported when a task runs: the DAG processor parses often and runs none

from typing import TYPE_CHECKING

from airflow.sdk import Context

from customer_sync.errors import ConfigError
from customer_sync.planning.window import RunRequest
from customer_sync_airflow.tasks.batches import BatchNote, descriptor_of, pull_batch, pull_customers, push_batch
from customer_sync_airflow.tasks.run_context import is_backfill
from customer_sync_airflow.tasks.task_log import print_lines

if TYPE_CHECKING:
    from customer_sync.reconcile.undo.undo_request import UndoRequest
    from customer_sync.run import Run


def extract_for_undo(run: "Run", context: Context, request: RunRequest) -> list[BatchNote]:
    """List the customers to whom the run wrote, from the journal.

    Raises:
        ConfigError: There is nothing that could be undone.
    """
    from customer_sync.reconcile.undo.undo_steps import begin_undo, extract_undo

    if is_backfill(context):
        raise ConfigError("A backfill takes no run back: trigger one run with undo_run.", setting="undo_run")
    asked = _asked_for(request)
    print_lines([begin_undo(run, asked)])
    notes = [push_batch(context, content, batch) for content, batch in extract_undo(run, asked)]
    customers = sum(descriptor_of(note).count for note in notes)
    told = f"It wrote to {customers} customers." if notes else "It wrote nothing: there is nothing to take back."
    print_lines([told])
    return notes


def filter_for_undo(note: BatchNote) -> BatchNote:
    """Hand a batch on: an undo judges nobody, and transform asks the ERP who may have access now."""
    print_lines([f"{descriptor_of(note).label}: all go on, since an undo judges nobody."])
    return note


def transform_for_undo(run: "Run", context: Context, note: BatchNote, request: RunRequest) -> BatchNote:
    """Plan the inverse operations of a batch, and say what stays."""
    from customer_sync.reconcile.undo.undo_steps import transform_undo
    from customer_sync_airflow.tasks.clients import erp_client, store_client

    descriptor = descriptor_of(note)
    content = pull_customers(context, descriptor)
    with store_client(run) as target, erp_client(run) as source:
        planned = transform_undo(run, content, descriptor, _asked_for(request), source=source, target=target)
    return push_batch(context, planned.content, planned.descriptor)


def load_for_undo(run: "Run", context: Context, note: BatchNote, request: RunRequest) -> None:
    """Apply a batch's part of the plan, for customers of whom it still holds."""
    from customer_sync.reconcile.undo.undo_steps import load_undo
    from customer_sync_airflow.tasks.clients import erp_client, store_client

    content, descriptor = pull_batch(context, note, pushed_to="transform")
    with store_client(run) as target, erp_client(run) as source:
        load_undo(run, content, descriptor, _asked_for(request), source=source, target=target)


def _asked_for(request: RunRequest) -> "UndoRequest":
    from customer_sync.reconcile.undo.undo_request import UndoRequest

    return UndoRequest(undo_run=request.undo_run or "", dry_run=request.dry_run, plan_hash=request.plan_hash)
