"""What a refused operation means for its customer."""

from __future__ import annotations

from customer_sync.errors import NotFound, SyncError
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.model.company import content_hash
from customer_sync.model.operation import Operation
from customer_sync.model.outcome import Finding, Outcome, Reason


def quarantine(load: CustomerLoad, operation: Operation, error: SyncError) -> None:
    """Quarantine a customer for what the store said about one of its records."""
    texts = getattr(error, "texts", None) or [str(error)]
    fields = ", ".join(getattr(error, "field_errors", {}) or {})
    what = f"{operation.action} {operation.key}: {'; '.join(texts)[:400]}"
    load.stop(Outcome.QUARANTINED, Reason.REJECTED_BY_STORE, what, field=fields)


def quarantine_part(_context: LoadContext, part: Part, error: SyncError) -> None:
    """Quarantine the customer; fail it where the company of its record is gone."""
    load, operation = part
    if isinstance(error, NotFound):
        load.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, f"{operation.action}: the company was deleted in the store")
    else:
        quarantine(load, operation, error)


def leave_out_contact(load: CustomerLoad, operation: Operation, detail: str) -> None:
    """Leave one contact out until it changes; the customer goes on."""
    user = next(user for user in load.desired.users if user.key == operation.key)
    load.hold_back_contact(
        operation.key,
        Finding(
            reason=Reason.EMAIL_IN_USE,
            entity="contact",
            key=operation.key,
            field="contact.email",
            detail=detail,
            hash=content_hash(user),
        ),
    )
