"""A reconciliation without Airflow: for tests, measurements and embedding."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from customer_sync.ledger import Ledger
from customer_sync.model.batch import BatchDescriptor
from customer_sync.reconcile.reconciliation import ReconcileReport, close_reconciliation, compare_sides
from customer_sync.reconcile.repair.apply_repair import apply_repairs
from customer_sync.reconcile.request import ReconcileRequest
from customer_sync.run import Run, Sink, discard
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Source
from customer_sync.steps.guard import settle_plan
from customer_sync.targets.port import Target


def reconcile(
    connector: Connector,
    source: Source,
    target: Target,
    ledger_url: str | None = None,
    request: ReconcileRequest | None = None,
    *,
    run_id: str | None = None,
    sink: Sink = discard,
    decisions: str | None = None,
    keep_list: Callable[[str], None] = lambda _list: None,
) -> ReconcileReport:
    """Compare, guard, repair and close once.

    Args:
        connector: The connector's rules.
        source: The ERP; its session opens and ends as needed.
        target: The store; its connections are closed at the end.
        ledger_url: SQLAlchemy URL; by default ``CUSTOMER_SYNC_LEDGER_URL``.
        request: The params; by default a comparison with the connector's own repairs.
        run_id: Name of the run in the ledger; by default a new one.
        sink: Receives titles and log entries.
        decisions: Mode ``adopt``: the list of matches with a person's decisions, as CSV.
        keep_list: Mode ``adopt``: receives the list of matches as CSV.

    Returns:
        The reconciliation in numbers.

    Raises:
        SyncError: A step failed; every error of ours derives from it.
    """
    request = request or ReconcileRequest()
    with Ledger.open(connector.id, ledger_url) as ledger, target, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = Run(connector, ledger, run_id or f"reconcile__{uuid.uuid4().hex}", sink=sink)
        descriptors: list[BatchDescriptor] = []
        with source:
            task = run.as_task("compare")
            for content, descriptor in compare_sides(
                task, source, target, request, decisions=decisions, keep_list=keep_list
            ):
                (folder / descriptor.key).write_text(content, encoding="utf-8")
                descriptors.append(descriptor)
        summary = settle_plan(run.as_task("guard"), descriptors, request.as_run_request())
        for descriptor in summary.descriptors:
            content = (folder / descriptor.key).read_text(encoding="utf-8")
            with source:
                apply_repairs(run.as_task("repair"), content, descriptor, target=target, source=source)
        return close_reconciliation(run.as_task("report"), failed_tasks=[])
