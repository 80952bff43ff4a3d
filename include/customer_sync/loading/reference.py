"""The write-back: the company's id goes into the ERP's Commerce Reference ID."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.errors import NotFound, RecordRejected, SyncError
from customer_sync.loading.context import Surroundings
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import Write
from customer_sync.model.operation import Operation
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.sources.acumatica.client import AcumaticaClient


class WriteReference(Write):
    """Write one customer's reference id; an update only, never an insert (docs/api/acumatica.md#if-match)."""

    def __init__(
        self,
        around: Surroundings,
        erp: AcumaticaClient,
        work: Work,
        operation: Operation,
        *,
        is_repeat: bool = False,
    ) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around
        self._erp = erp
        self._reference = str(operation.values["reference_id"])

    def send(self) -> None:
        """Send one PUT that names the record by its id and its key.

        A 200 does not prove that the value was stored (docs/api/acumatica.md#silent-put);
        the next run reads it and writes again where it is missing.
        """
        work, _ = self.parts[0]
        body: dict[str, Any] = {
            "CustomerID": {"value": work.customer_id},
            **reference_body(self._around, self._reference),
        }
        if work.plan.record_id:
            body["id"] = work.plan.record_id
        self._erp.put("Customer", body, update_only=True, select=("CustomerID", "LastModifiedDateTime"))

    def confirm(self, connection: sa.Connection, _answer: object) -> None:
        """Remember what we wrote: the customer's stamp moves by it, and the next run must recognise that as ours."""
        work, _ = self.parts[0]
        work.reference_written = self._reference
        if work.applied is not None:
            work.applied = msgspec.structs.replace(work.applied, reference_id=self._reference)
        self._around.ledger.links.update_company(connection, work.customer_id, reference_id=self._reference)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """The company stands; the reference is tried again by the next run."""
        work, _ = self.parts[0]
        texts = error.texts if isinstance(error, RecordRejected) else [str(error)]
        gone = "the customer is no longer in the ERP" if isinstance(error, NotFound) else "; ".join(texts)[:400]
        work.stop(
            Outcome.FAILED, Reason.REFERENCE_REFUSED, f"the company is in the store, the ERP refused its id: {gone}"
        )
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once: writing the same value again does no harm."""
        if not self.is_repeat:
            return [WriteReference(self._around, self._erp, *self.parts[0], is_repeat=True)]
        return super().unknown(error)


def reference_body(around: Surroundings, reference: str) -> dict[str, Any]:
    """The part of the PUT that holds the reference, in the form that the connector file names."""
    source = around.connector.source.customer.reference_id.sources[0]
    if source.custom:
        view, name = source.custom.split(".", 1)
        return {"custom": {view: {name: {"type": "CustomStringField", "value": reference}}}}
    body: dict[str, Any] = {"value": reference}
    for part in reversed(source.field.split("/")):
        body = {part: body}
    return body


def stop_changed_elsewhere(around: Surroundings, works: Sequence[Work]) -> None:
    """Stop customers whose reference someone else changed since our last write.

    Source: docs/api/incumbent.md#reference-conflict.

    A reference of a customer that we never wrote to is checked in the store: where no
    such company exists it is stale and will be overwritten.
    """
    if not around.connector.erp.write_reference:
        return
    for work in works:
        reference = work.plan.erp_reference
        if work.problem or work.plan.kind != "sync" or not reference or reference == str(work.company_id):
            continue
        ours = work.applied.reference_id if work.applied else ""
        if reference == ours or (not ours and not _names_foreign_company(around, work, reference)):
            continue
        work.stop(
            Outcome.QUARANTINED,
            Reason.REFERENCE_CHANGED_ELSEWHERE,
            f"the ERP's Commerce Reference ID is {reference[:40]}, "
            + (f"we wrote {ours}" if ours else "a company in the store that is not this customer's"),
            field="CommerceReferenceID",
        )


def _names_foreign_company(around: Surroundings, work: Work, reference: str) -> bool:
    if not reference.isdecimal() or len(reference) > 18:  # noqa: PLR2004 - beyond any id of the store
        return False
    record = around.store.get_company(int(reference))
    if record is None:
        return False
    return record.extra_fields.get(around.connector.store.key_field, "") != work.customer_id
