"""The steps of a run, one file per task of the DAG: extract, filter, transform, guard, load, audit."""

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
