"""Writes of companies: create, update, status, delete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.errors import NotFound, RecordRejected, SyncError
from customer_sync.loading.adoption import find_by_key
from customer_sync.loading.context import Surroundings
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import Write, reading_back, refuse
from customer_sync.model.company import company_fields
from customer_sync.model.operation import AppliedCompany, Operation
from customer_sync.model.outcome import Outcome, Reason

UNKNOWN_STATUS = -1
"""Status of a company between its creation and the read-back."""


class CreateCompanies(Write):
    """Create up to ten companies, each with its admin, in one request."""

    def __init__(
        self, around: Surroundings, parts: Sequence[tuple[Work, Operation]], *, is_repeat: bool = False
    ) -> None:
        super().__init__(parts, is_repeat=is_repeat)
        self._around = around

    def send(self) -> list[int | None]:
        """Create them; rows that the answer does not name are looked up by key."""
        store = self._around.store
        payloads = [self._payload(operation) for _, operation in self.parts]
        if len(payloads) == 1:
            return [store.create_company(payloads[0])]
        ids = store.create_companies(payloads)
        if ids is not None:
            return list(ids)
        with reading_back():
            found = [store.find_companies_by_key(work.customer_id) for work, _ in self.parts]
        return [records[0].id if len(records) == 1 else None for records in found]

    def _payload(self, operation: Operation) -> dict[str, Any]:
        rules = self._around.connector.store
        payload = {name: value for name, value in operation.values.items() if value != ""}
        return {
            **payload,
            "channel_ids": list(rules.channel_ids),
            "origin_channel_id": rules.origin_channel_id,
            "customer_group_id": rules.customer_group_id,
            "accept_creation_email": False,
        }

    def confirm(self, connection: sa.Connection, answer: list[int | None]) -> None:
        """Link the new companies; status and the admin's id are read back afterwards."""
        rows = []
        for (work, _), company_id in zip(self.parts, answer, strict=True):
            if company_id is None:
                work.stop(
                    Outcome.FAILED, Reason.OUTCOME_UNKNOWN, "the store confirmed the request but shows no such company"
                )
                continue
            work.applied = AppliedCompany(
                company_id=company_id, status=UNKNOWN_STATUS, fields=company_fields(work.desired)
            )
            rows.append(new_link(work, self._around.run.run_id))
        self._around.ledger.links.put_companies(connection, rows)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """One company: say why. Several: good rows may have been kept, so look each up, then try it alone."""
        if len(self.parts) > 1:
            return self._one_by_one()
        work, operation = self.parts[0]
        if isinstance(error, RecordRejected) and error.is_key_taken:
            if not find_by_key(self._around, work):
                refuse(work, operation, error)
        elif isinstance(error, RecordRejected) and error.is_email_taken:
            message = "the admin's e-mail belongs to a user of another company in the store"
            work.stop(Outcome.QUARANTINED, Reason.EMAIL_IN_USE, message, field="Email")
        else:
            refuse(work, operation, error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write]:
        """Read back by key: found means made; not found is tried again, once."""
        if not self.is_repeat:
            return self._one_by_one(is_repeat=True)
        for work, _ in self.parts:
            if not find_by_key(self._around, work):
                work.stop(Outcome.FAILED, Reason.OUTCOME_UNKNOWN, str(error))
        return ()

    def _one_by_one(self, *, is_repeat: bool = False) -> list[Write]:
        return [
            CreateCompanies(self._around, [(work, operation)], is_repeat=is_repeat or self.is_repeat)
            for work, operation in self.parts
            if not find_by_key(self._around, work) and work.problem is None
        ]


def new_link(work: Work, run_id: str) -> dict[str, Any]:
    """The link's row of a company that was just made."""
    return {
        "customer_id": work.customer_id,
        "company_id": work.company_id,
        "record_id": work.plan.record_id,
        "account_email": work.desired.company_email.casefold(),
        "status": UNKNOWN_STATUS,
        "fields": company_fields(work.desired),
        "made_by_run": run_id,
    }


def lose_company(around: Surroundings, work: Work, message: str, *, connection: sa.Connection | None = None) -> None:
    """Forget a company that is gone from the store; the next run makes it again.

    Args:
        around: The run.
        work: The customer.
        message: What is told of it.
        connection: The writing transaction to use; one of its own by default.
    """
    with nullcontext(connection) if connection is not None else around.ledger.write() as transaction:
        around.ledger.links.drop_company(transaction, work.customer_id)
    work.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, message)
    work.applied = None


class UpdateCompanies(Write):
    """Change fields of up to ten companies in one request; repeating it does no harm."""

    def __init__(
        self, around: Surroundings, parts: Sequence[tuple[Work, Operation]], *, is_repeat: bool = False
    ) -> None:
        super().__init__(parts, is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Send the changes; ``uuid`` shows the Customer ID to people and travels along."""
        changes = [(op.store_id, {**op.values, "uuid": work.customer_id}) for work, op in self.parts]
        if len(changes) == 1:
            self._around.store.update_company(*changes[0])
        else:
            self._around.store.update_companies(changes)

    def confirm(self, connection: sa.Connection, _answer: None) -> None:
        """Remember the new values."""
        changes: list[tuple[str, dict[str, Any]]] = []
        for work, operation in self.parts:
            if work.applied is None:
                continue
            fields = {**work.applied.fields, **operation.values}
            work.applied = msgspec.structs.replace(work.applied, fields=fields)
            email = str(fields.get("company_email", "")).casefold()
            changes.append((work.customer_id, {"fields": fields, "account_email": email}))
        self._around.ledger.links.update_companies(connection, changes)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Several: each alone. One: gone, or quarantined with the store's words."""
        if len(self.parts) > 1:
            return [UpdateCompanies(self._around, [part]) for part in self.parts]
        work, operation = self.parts[0]
        if isinstance(error, NotFound):
            lose_company(self._around, work, "the company was deleted in the store")
        else:
            refuse(work, operation, error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once; an update leads to the same state however often it is sent."""
        if not self.is_repeat:
            return [UpdateCompanies(self._around, self.parts, is_repeat=True)]
        return super().unknown(error)


class SetStatus(Write):
    """Set the status of one company: approved or inactive."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around
        self._status = int(operation.values["status"])

    def send(self) -> None:
        """Send the status."""
        self._around.store.set_company_status(self.parts[0][0].company_id, self._status)

    def confirm(self, connection: sa.Connection, _answer: None) -> None:
        """Remember the status."""
        work = self.parts[0][0]
        if work.applied is not None:
            work.applied = msgspec.structs.replace(work.applied, status=self._status)
        values: dict[str, Any] = {"status": self._status}
        if work.plan.kind == "unenroll":
            values["content_hash"] = ""
        self._around.ledger.links.update_company(connection, work.customer_id, **values)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Gone, or refused with the store's words."""
        work, operation = self.parts[0]
        if not isinstance(error, NotFound):
            refuse(work, operation, error)
        elif work.plan.kind == "unenroll":
            with self._around.ledger.write() as connection:
                self._around.ledger.links.drop_company(connection, work.customer_id)
            work.is_deleted = True
        else:
            lose_company(self._around, work, "the company was deleted in the store")
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [SetStatus(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)


class DeleteCompany(Write):
    """Delete one company, under the policy ``delete`` only."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Delete it; one that is gone already is done."""
        self._around.store.delete_company(self.parts[0][1].store_id)

    def confirm(self, connection: sa.Connection, _answer: None) -> None:
        """Forget the links."""
        work = self.parts[0][0]
        self._around.ledger.links.drop_company(connection, work.customer_id)
        work.is_deleted = True

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [DeleteCompany(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)
