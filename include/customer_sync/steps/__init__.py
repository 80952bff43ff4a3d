"""The steps of a run, one file per task of the DAG: extract, filter, transform, guard, load, audit.

The names of all of them can be had from here; a step is imported when it is asked for. A task is a
process of its own, and filter, guard or audit have no use for the clients of both systems, which
take longer to import than these steps to run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_sync.batch import BatchDescriptor, read_descriptor
    from customer_sync.run import Run
    from customer_sync.steps.approval import approve_plan, ask_for_approval, reject_plan
    from customer_sync.steps.audit import AuditReport, audit_run
    from customer_sync.steps.extract import begin_run, extract_batches
    from customer_sync.steps.filter import filter_batch
    from customer_sync.steps.guard import PlanSummary, settle_plan
    from customer_sync.steps.load import LoadReport, load_batch
    from customer_sync.steps.transform import transform_batch

__all__ = [
    "AuditReport",
    "BatchDescriptor",
    "LoadReport",
    "PlanSummary",
    "Run",
    "approve_plan",
    "ask_for_approval",
    "audit_run",
    "begin_run",
    "extract_batches",
    "filter_batch",
    "load_batch",
    "read_descriptor",
    "reject_plan",
    "settle_plan",
    "transform_batch",
]

_MODULES = {
    "customer_sync.batch": ("BatchDescriptor", "read_descriptor"),
    "customer_sync.run": ("Run",),
    "customer_sync.steps.approval": ("approve_plan", "ask_for_approval", "reject_plan"),
    "customer_sync.steps.audit": ("AuditReport", "audit_run"),
    "customer_sync.steps.extract": ("begin_run", "extract_batches"),
    "customer_sync.steps.filter": ("filter_batch",),
    "customer_sync.steps.guard": ("PlanSummary", "settle_plan"),
    "customer_sync.steps.load": ("LoadReport", "load_batch"),
    "customer_sync.steps.transform": ("transform_batch",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
