"""What is special about payment methods, terms, and the reference id in the source."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from customer_sync.errors import NotFound, RecordRejected, SyncError
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.model.operation import MethodsOperation, TermsOperation, reference_of
from customer_sync.model.outcome import Outcome, Reason

MOST_ID_DIGITS = 18
"""Beyond any id of a store."""


def confirm_methods(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Remember which payment methods are on."""
    for load, operation in parts:
        if load.applied is not None and isinstance(operation, MethodsOperation):
            methods = {**load.applied.payment_methods, **operation.new}
            on = {code for code, is_on in operation.new.items() if is_on}
            ours = on.union(load.applied.our_methods) - (operation.new.keys() - on)
            load.applied = msgspec.structs.replace(
                load.applied, payment_methods=methods, our_methods=tuple(sorted(ours))
            )


def confirm_terms(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Remember the payment terms."""
    for load, operation in parts:
        if load.applied is not None and isinstance(operation, TermsOperation):
            load.applied = msgspec.structs.replace(
                load.applied, payment_terms=operation.new, our_terms=operation.new.is_enabled
            )


def confirm_reference(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Remember what we wrote: the customer's stamp moves by it, and the next run must recognise that as ours."""
    for load, operation in parts:
        load.reference_written = reference_of(operation, load.company_id)
        if load.applied is not None:
            load.applied = msgspec.structs.replace(load.applied, reference_id=load.reference_written)


def refuse_reference(_context: LoadContext, part: Part, error: SyncError) -> None:
    """The company stays; the reference is tried again by the next run."""
    texts = error.texts if isinstance(error, RecordRejected) else [str(error)]
    gone = "the customer is no longer in the ERP" if isinstance(error, NotFound) else "; ".join(texts)[:400]
    part.load.stop(
        Outcome.FAILED, Reason.REFERENCE_REFUSED, f"the company is in the store, the ERP refused its id: {gone}"
    )


def stop_changed_elsewhere(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Stop customers whose reference someone else changed since our last write.

    A reference of a customer that we never wrote to is checked in the store: where no
    such company exists it is stale and will be overwritten (docs/api/incumbent.md#reference-conflict).
    """
    if not context.connector.writes_reference:
        return
    for load in loads:
        reference = load.plan.erp_reference
        if load.problem or load.plan.kind != "sync" or not reference or reference == str(load.company_id):
            continue
        ours = load.applied.reference_id if load.applied else ""
        if reference == ours or (not ours and not _names_foreign_company(context, load, reference)):
            continue
        load.stop(
            Outcome.QUARANTINED,
            Reason.REFERENCE_CHANGED_ELSEWHERE,
            f"the ERP's Commerce Reference ID is {reference[:40]}, "
            + (f"we wrote {ours}" if ours else "a company in the store that is not this customer's"),
            field="reference_id",
        )


def _names_foreign_company(context: LoadContext, load: CustomerLoad, reference: str) -> bool:
    if not reference.isdecimal() or len(reference) > MOST_ID_DIGITS:
        return False
    record = context.target.company(int(reference))
    return record is not None and record.key != load.customer_id
