"""A run task by task, as Airflow does it: what a finished task left is kept on disk, an unfinished one runs again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from customer_sync.ledger import Ledger
from customer_sync.model.batch import BatchDescriptor, read_descriptor
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run
from customer_sync.steps.audit import AuditReport, audit_run
from customer_sync.steps.extract import begin_run, extract_batches
from customer_sync.steps.filter import filter_batch
from customer_sync.steps.guard import settle_plan
from customer_sync.steps.load import load_batch
from customer_sync.steps.transform import transform_batch
from tests.integration.twin_world import World


class StagedRun:
    """One run whose tasks leave their results in a folder, as they leave them in XCom.

    Args:
        world: Twins, connector and ledger.
        ledger: The open ledger.
        folder: Where results wait; a task with a result there is not run again.
        run_id: The run's name.
        try_number: The attempt of every task that runs now.
        client_options: Changed settings of both clients, such as ``read_timeout_s``.
        params: The run's params.
    """

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        folder: Path,
        run_id: str,
        *,
        try_number: int = 1,
        client_options: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        self._world = world
        self._folder = folder
        self._options = client_options or {}
        self._request = RunRequest.model_validate(params or {})
        self._run = Run(world.connector, ledger, run_id, try_number=try_number)

    def proceed(self) -> AuditReport | None:
        """Run every task that has no result yet, in order; returns the balance if the audit ran now."""
        extracted = self._once("extract", self._extract)
        planned = []
        for descriptor in extracted:
            filtered = self._once(f"filter-{descriptor.key}", lambda d=descriptor: [self._filter(d)])  # type: ignore[misc]
            planned += self._once(f"transform-{descriptor.key}", lambda d=filtered[0]: [self._transform(d)])  # type: ignore[misc]
        for descriptor in self._once("guard", lambda: self._guard(planned)):
            self._once(f"load-{descriptor.key}", lambda d=descriptor: self._load(d))  # type: ignore[misc]
        reports: list[AuditReport] = []
        self._once("audit", lambda: self._audit(extracted, reports))
        return reports[0] if reports else None

    def _once(self, task: str, perform: Callable[[], list[BatchDescriptor]]) -> list[BatchDescriptor]:
        result = self._folder / f"{task}.result"
        if not result.exists():
            self._put(result, msgspec.json.encode([descriptor.to_json() for descriptor in perform()]))
        return [read_descriptor(value) for value in msgspec.json.decode(result.read_bytes())]

    def _put(self, path: Path, content: bytes) -> None:
        draft = path.with_suffix(".draft")
        draft.write_bytes(content)
        draft.replace(path)

    def _put_batch(self, task: str, content: str, descriptor: BatchDescriptor) -> BatchDescriptor:
        self._put(self._folder / f"{task}-{descriptor.key}.batch", content.encode())
        return descriptor

    def _take(self, task: str, descriptor: BatchDescriptor) -> str:
        return (self._folder / f"{task}-{descriptor.key}.batch").read_text()

    def _extract(self) -> list[BatchDescriptor]:
        run = self._run.as_task("extract")
        window = begin_run(run, self._request)
        with self._world.source(**self._options) as erp:
            return [self._put_batch("extract", *found) for found in extract_batches(run, erp, window)]

    def _filter(self, descriptor: BatchDescriptor) -> BatchDescriptor:
        content = self._take("extract", descriptor)
        return self._put_batch("filter", *filter_batch(self._run.as_task("filter"), content, descriptor))

    def _transform(self, descriptor: BatchDescriptor) -> BatchDescriptor:
        content, decisions = self._take("extract", descriptor), self._take("filter", descriptor)
        run = self._run.as_task("transform")
        with self._world.store(**self._options) as store:
            return self._put_batch(
                "transform", *transform_batch(run, content, decisions, descriptor, self._request, target=store)
            )

    def _guard(self, planned: list[BatchDescriptor]) -> list[BatchDescriptor]:
        return settle_plan(self._run.as_task("guard"), planned, self._request).descriptors

    def _load(self, descriptor: BatchDescriptor) -> list[BatchDescriptor]:
        run = replace(self._run, task="load")
        with self._world.source(**self._options) as source, self._world.store(**self._options) as target:
            content, changes = self._take("extract", descriptor), self._take("transform", descriptor)
            load_batch(run, content, changes, descriptor, target=target, source=source)
        return []

    def _audit(self, extracted: list[BatchDescriptor], reports: list[AuditReport]) -> list[BatchDescriptor]:
        reports.append(audit_run(self._run.as_task("audit"), extracted=extracted, failed_tasks=[]))
        return []
