"""Writes of a company's payment methods and terms."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from customer_sync.errors import NotFound, SyncError
from customer_sync.loading.context import Surroundings
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import Write, refuse
from customer_sync.model.operation import Operation
from customer_sync.model.outcome import Outcome, Reason


class SetPaymentMethods(Write):
    """Switch the payment methods that the connector's table names; others stay as they are."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Send codes with on or off."""
        work, operation = self.parts[0]
        self._around.store.set_company_payment_methods(work.company_id, dict(operation.values))

    def confirm(self, connection: sa.Connection, _answer: object) -> None:
        """Remember them."""
        work, operation = self.parts[0]
        if work.applied is None:
            return
        methods = {**work.applied.payment_methods, **operation.values}
        work.applied = msgspec.structs.replace(work.applied, payment_methods=methods)
        self._around.ledger.links.update_company(connection, work.customer_id, payment_methods=methods)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Gone, or refused with the store's words."""
        refuse_setting(self.parts[0][0], self.parts[0][1], error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [SetPaymentMethods(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)


class SetPaymentTerms(Write):
    """Set the payment-term days of one company."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Send the days."""
        work, operation = self.parts[0]
        values = operation.values
        self._around.store.set_payment_terms(work.company_id, enabled=values["is_enabled"], days=values["days"])

    def confirm(self, connection: sa.Connection, _answer: object) -> None:
        """Remember them."""
        work, operation = self.parts[0]
        if work.applied is None:
            return
        terms = dict(operation.values)
        work.applied = msgspec.structs.replace(work.applied, payment_terms=terms)
        self._around.ledger.links.update_company(connection, work.customer_id, payment_terms=terms)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Gone, or refused with the store's words."""
        refuse_setting(self.parts[0][0], self.parts[0][1], error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [SetPaymentTerms(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)


def refuse_setting(work: Work, operation: Operation, error: SyncError) -> None:
    """A setting that the store would not take: the company is gone, or the customer is quarantined."""
    if isinstance(error, NotFound):
        work.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, f"{operation.action}: the company was deleted in the store")
    else:
        refuse(work, operation, error)
