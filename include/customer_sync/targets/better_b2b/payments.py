"""Payment methods and payment terms (docs/api/better_b2b.md#payments)."""

from collections.abc import Mapping
from typing import Final

from customer_sync.model.company import PaymentTerms
from customer_sync.targets.better_b2b.calls import StoreCalls, ignore_content
from customer_sync.targets.better_b2b.records import (
    CompanyPaymentMethod,
    StorePaymentMethod,
    company_method_from_wire,
    store_method_from_wire,
    terms_from_wire,
)

TERM_DAYS: Final = (0, 5, 15, 30, 45, 60)
"""The only payment terms, in days, that the store takes."""


class PaymentCalls(StoreCalls):
    """Reading and writing payment settings."""

    def list_payment_methods(self) -> list[StorePaymentMethod]:
        """Read the payment methods that the store offers."""
        return self._get_rows("/payments", store_method_from_wire)

    def company_payment_methods(self, company_id: int) -> list[CompanyPaymentMethod]:
        """Read which payment methods a company may use.

        Raises:
            NotFound: There is no such company.
        """
        return self._get_rows(f"/companies/{company_id:d}/payments", company_method_from_wire)

    def set_company_payment_methods(self, company_id: int, methods: Mapping[str, bool]) -> None:
        """Switch payment methods on or off; codes that are not named stay as they are.

        Args:
            company_id: The store's id.
            methods: Payment code → enabled; nothing is sent for an empty mapping.

        Raises:
            NotFound: The company or a code does not exist.
        """
        if methods:
            rows = [{"code": code, "isEnabled": enabled} for code, enabled in methods.items()]
            self._call("PUT", f"/companies/{company_id:d}/payments", ignore_content, body={"payments": rows})

    def payment_terms(self, company_id: int) -> PaymentTerms:
        """Read a company's payment terms; the store's own default is shown when they are disabled."""
        return self._get_record(f"/companies/{company_id:d}/payment-terms", terms_from_wire)

    def set_payment_terms(self, company_id: int, *, enabled: bool, days: int) -> PaymentTerms:
        """Set a company's payment terms.

        Args:
            company_id: The store's id.
            enabled: Whether the company may pay later.
            days: One of :data:`TERM_DAYS`; ignored by the store when disabled.

        Returns:
            The terms as the store has them now.

        Raises:
            ValueError: ``days`` is no term that the store takes.
        """
        if days not in TERM_DAYS:
            raise ValueError(f"{days} days are not a payment term; it must be one of {TERM_DAYS}.")
        return self._call(
            "PUT",
            f"/companies/{company_id:d}/payment-terms",
            lambda request, envelope: terms_from_wire(envelope.record(request)),
            body={"isEnabled": enabled, "paymentTerms": days},
        )
