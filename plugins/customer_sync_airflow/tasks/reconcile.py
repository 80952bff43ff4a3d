"""The tasks of a reconciliation: hook, step function, XCom and log; the rules are in ``customer_sync.reconcile``."""

# ruff: noqa: PLC0415 -- tasks import steps, clients and hooks when they run: the DAG processor parses often and runs none

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow.sdk import Context, task

from customer_sync.planning.window import RunRequest
from customer_sync_airflow.guard import Guard
from customer_sync_airflow.tasks.batches import BatchNote, pull_batch, push_batch
from customer_sync_airflow.tasks.private_values import push_private
from customer_sync_airflow.tasks.report_files import MATCHES_KEY, read_list
from customer_sync_airflow.tasks.run_context import open_run
from customer_sync_airflow.tasks.sync import READS, WRITES
from customer_sync_airflow.tasks.task_log import print_lines

if TYPE_CHECKING:
    from customer_sync.reconcile.request import ReconcileRequest
    from customer_sync.run import Run
    from customer_sync.sources.port import Source
    from customer_sync.targets.port import Target


def reconcile_request_of(context: Context) -> "ReconcileRequest":
    """The run's params.

    Raises:
        ConfigError: They do not fit together.
    """
    from customer_sync.reconcile.request import read_reconcile_request

    return read_reconcile_request(context["params"])


@task(task_id="compare", **READS)
def compare(connector_id: str) -> list[BatchNote]:
    """Read all three sides, report what differs, and plan the repairs."""
    from customer_sync.reconcile.reconciliation import compare_sides

    with open_run(connector_id) as (run, context), ExitStack() as clients:
        request = reconcile_request_of(context)
        decisions = read_list(connector_id, request.matches) if request.matches else None
        erp, store = _clients(clients, replace(run, connector=run.connector.for_comparison()))
        batches = compare_sides(
            run,
            erp,
            store,
            request,
            decisions=decisions,
            keep_list=lambda text: push_private(context, MATCHES_KEY, text),
        )
        return [push_batch(context, content, batch) for content, batch in batches]


class RepairGuard(Guard):
    """Adds up the plan of all repairs, prints and hashes it, and passes it, refuses it or asks; limits: the sync's."""

    def _request(self, context: Context) -> RunRequest:
        return reconcile_request_of(context).as_run_request()

    def _notes(self, context: Context) -> list[BatchNote]:
        notes: list[BatchNote] = context["ti"].xcom_pull(task_ids=self.extract_task_id)
        return notes


@task(task_id="repair", **WRITES)
def repair(connector_id: str, note: BatchNote) -> None:
    """Read each customer of a batch once more and apply its repair."""
    from customer_sync.reconcile.repair.apply_repair import apply_repairs

    with open_run(connector_id) as (run, context), ExitStack() as clients:
        content, descriptor = pull_batch(context, note, pushed_to="compare")
        erp, store = _clients(clients, run)
        outcomes = apply_repairs(run, content, descriptor, target=store, source=erp)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "nothing to do"
        print_lines([f"{descriptor.label}: {counts}"])


def _clients(stack: ExitStack, run: "Run") -> "tuple[Source, Target]":
    from customer_sync_airflow.tasks.clients import erp_client, store_client

    store = stack.enter_context(store_client(run))
    return stack.enter_context(erp_client(run)), store
