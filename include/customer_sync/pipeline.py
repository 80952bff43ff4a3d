"""The steps in order without Airflow: for tests, benchmarks and embedding."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from customer_sync.errors import ConfigError, RunUnbalanced, SyncError
from customer_sync.ledger import Ledger
from customer_sync.loading.context import StoreCensus
from customer_sync.model.batch import BatchDescriptor, unpack_decisions
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run, Sink, discard
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Source
from customer_sync.steps.audit import AuditReport, audit_run
from customer_sync.steps.early_removals import EarlyRemovals, PlannedBatchContent, remove_early
from customer_sync.steps.extract import begin_run, extract_batches
from customer_sync.steps.filter import filter_batch
from customer_sync.steps.guard import PlanSummary, RemoveEarly, settle_plan
from customer_sync.steps.load import load_batch
from customer_sync.steps.store_places import PlaceReader
from customer_sync.steps.transform import transform_batch
from customer_sync.targets.port import PlanningStore, Target


def run(
    connector: Connector,
    source: Source,
    target: Target,
    ledger_url: str | None = None,
    window: RunRequest | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 - docs/architecture.md#stable-names
    *,
    run_id: str | None = None,
    sink: Sink = discard,
) -> AuditReport:
    """Run extract, filter, transform, guard, load and audit once.

    Batches wait on disk between the steps, as they wait in XCom under Airflow, so
    memory does not grow with the number of customers. The audit balances the run
    also when a step fails; the step's error is then raised.

    Args:
        connector: The connector's rules.
        source: The ERP; its session opens and ends as needed.
        target: The store; its connections are closed at the end.
        ledger_url: SQLAlchemy URL; by default ``CUSTOMER_SYNC_LEDGER_URL``.
        window: What to read; by default an incremental run.
        dry_run: Plan without writing.
        run_id: Name of the run in the ledger; by default a new one.
        sink: Receives the log entries of each batch.

    Returns:
        The run's balance.

    Raises:
        SyncError: A step failed; every error of ours derives from it.
    """
    request = window or RunRequest()
    if dry_run:
        request = request.model_copy(update={"dry_run": True})
    with Ledger.open(connector.id, ledger_url) as ledger:
        run = Run(connector, ledger, run_id or f"pipeline__{uuid.uuid4().hex}", sink=sink)
        return perform(run, source, target, request)


def perform(run: Run, source: Source, target: Target, request: RunRequest) -> AuditReport:
    """Perform a run whose ledger is open already; see :func:`run`."""
    with tempfile.TemporaryDirectory() as folder:
        return _Pipeline(run, source, target, request, Path(folder)).perform()


class Preview(NamedTuple):
    """What a dry run found.

    Attributes:
        summary: The plan.
        report: The balance.
        judged_out: Customers with a company that are not eligible -> their reasons; those that filter closed itself
            have an outcome that says so.
    """

    summary: PlanSummary
    report: AuditReport
    judged_out: Mapping[str, Sequence[str]]


def preview(run: Run, source: Source, store: PlanningStore, request: RunRequest) -> Preview:
    """Perform a dry run whose ledger and whose session are open already; nothing needs a store to write to.

    Args:
        run: The run.
        source: The ERP; its session is the caller's.
        store: What the plan needs of the store.
        request: What is asked of the run; whatever it says, nothing is applied.

    Raises:
        SyncError: A step failed; the run is not balanced then.
    """
    request = request.model_copy(update={"dry_run": True})
    with tempfile.TemporaryDirectory() as folder:
        planning = _Planning(run, source, store, request, Path(folder))
        judged_out = planning.judged_out = {}
        extracted = planning.extract()
        summary = planning.plan(extracted)
    report = audit_run(run.as_task("audit"), extracted=extracted, failed_tasks=[])
    return Preview(summary, report, judged_out)


class _Planning:
    """The steps until guard has settled the plan; batches wait in a folder between them.

    ``judged_out`` receives the reasons of those with a company who are not eligible, where somebody asks for them.
    """

    def __init__(self, run: Run, source: Source, store: PlanningStore, request: RunRequest, folder: Path) -> None:
        self.judged_out: dict[str, Sequence[str]] | None = None
        self._run = run
        self._source = source
        self._store = store
        self._request = request
        self._folder = folder

    def extract(self) -> list[BatchDescriptor]:
        """Read the window's customers."""
        run = self._run.as_task("extract")
        window = begin_run(run, self._request)
        descriptors = []
        for content, descriptor in extract_batches(run, self._source, window):
            self._put("extract", descriptor, content)
            descriptors.append(descriptor)
        return descriptors

    def plan(self, extracted: Sequence[BatchDescriptor], remove_early: RemoveEarly | None = None) -> PlanSummary:
        """Filter, transform and settle the plan."""
        planned = []
        for descriptor in extracted:
            content = self._take("extract", descriptor)
            decisions, filtered = filter_batch(self._run.as_task("filter"), content, descriptor)
            if self.judged_out is not None:
                decided = unpack_decisions(decisions, filtered)
                self.judged_out |= {each.customer_id: each.reasons for each in (*decided.unenrolled, *decided.kept)}
            changes, described = transform_batch(
                self._run.as_task("transform"), content, decisions, filtered, self._request, target=self._store
            )
            self._put("transform", described, changes)
            planned.append(described)
        guard = self._run.as_task("guard")
        if not planned:
            PlaceReader(guard, self._store).refresh()
        summary = settle_plan(
            guard, planned, self._request, remove_early=remove_early, count_shoppers=self._store.shoppers
        )
        if self._request.dry_run:
            guard.sink("\n".join(summary.lines), [])
        return summary

    def contents(self, descriptor: BatchDescriptor) -> tuple[str, str]:
        """What extract and transform wrote of a batch."""
        return self._take("extract", descriptor), self._take("transform", descriptor)

    def _put(self, step: str, descriptor: BatchDescriptor, content: str) -> None:
        (self._folder / f"{step}-{descriptor.key}").write_text(content, encoding="utf-8")

    def _take(self, step: str, descriptor: BatchDescriptor) -> str:
        return (self._folder / f"{step}-{descriptor.key}").read_text(encoding="utf-8")


class _Pipeline:
    def __init__(self, run: Run, source: Source, target: Target, request: RunRequest, folder: Path) -> None:
        self._run = run
        self._source = source
        self._target = target
        self._planning = _Planning(run, source, target, request, folder)

    def perform(self) -> AuditReport:
        extracted: list[BatchDescriptor] | None = None
        stopped_by: SyncError | None = None
        try:
            # One session for reading and for writing back: signing in is a request, and a seat is one.
            with self._source, self._target:
                extracted = self._planning.extract()
                self._apply(self._planning.plan(extracted, self._remove_early).descriptors)
        except SyncError as error:
            stopped_by = error
        failed = [] if stopped_by is None else [type(stopped_by).__name__]
        try:
            report = audit_run(self._run.as_task("audit"), extracted=extracted, failed_tasks=failed)
        except RunUnbalanced:
            if stopped_by is None:
                raise
        if stopped_by is not None:
            raise stopped_by
        return report

    def _remove_early(self, descriptors: Sequence[BatchDescriptor], most: int) -> EarlyRemovals:
        batches = (PlannedBatchContent(*self._planning.contents(each), each) for each in descriptors)
        return remove_early(self._run.as_task("guard"), batches, most, target=self._target, source=self._source)

    def _apply(self, descriptors: Sequence[BatchDescriptor]) -> None:
        run = self._run.as_task("load")
        census = StoreCensus()
        stopped_by: ConfigError | None = None
        for descriptor in descriptors:
            content, changes = self._planning.contents(descriptor)
            try:
                load_batch(run, content, changes, descriptor, target=self._target, source=self._source, census=census)
            except ConfigError as error:
                # It stops whatever is to be made; who has left a customer of another batch loses access all the same.
                stopped_by = stopped_by or error
        if stopped_by is not None:
            raise stopped_by
