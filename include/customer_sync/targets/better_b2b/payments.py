"""Payment methods and payment terms of companies (docs/api/better_b2b.md#payments)."""

from collections.abc import Mapping
from typing import Final

from customer_sync.errors import NotFound
from customer_sync.model.company import PaymentTerms
from customer_sync.targets.better_b2b.calls import StoreCalls
from customer_sync.targets.better_b2b.records import as_flag, as_int, as_text
from customer_sync.targets.port import PaymentSettings

TERM_DAYS: Final = (0, 5, 15, 30, 45, 60)
"""The only payment terms, in days, that the store takes."""


class PaymentCalls(StoreCalls):
    """Reading and writing payment settings."""

    def payment_settings(self, company_id: int, *, methods: bool, terms: bool) -> PaymentSettings | None:
        """A company's payment methods and terms, a request each; ``None`` when it does not exist.

        Terms that are off show the store's own default days.
        """
        path = f"/companies/{company_id:d}"
        found = []
        if methods:
            try:
                found = self._get_rows(
                    f"{path}/payments", lambda row: (as_text(row.get("code")), as_flag(row.get("isEnabled")))
                )
            except NotFound:
                return None
        have = None
        if terms:
            have = self._get_record(
                f"{path}/payment-terms",
                lambda row: PaymentTerms(
                    is_enabled=as_flag(row.get("isEnabled")), days=as_int(row.get("paymentTerms"))
                ),
            )
            if have is None:
                return None
        return PaymentSettings(methods=dict(found), terms=have)

    def set_payment_methods(self, company_id: int, methods: Mapping[str, bool]) -> None:
        """Switch payment methods on or off; codes that are not named stay as they are.

        Args:
            company_id: The store's id.
            methods: Payment code → enabled; nothing is sent for an empty mapping.

        Raises:
            NotFound: The company or a code does not exist.
        """
        if methods:
            rows = [{"code": code, "isEnabled": enabled} for code, enabled in methods.items()]
            self._put(f"/companies/{company_id:d}/payments", {"payments": rows})

    def set_payment_terms(self, company_id: int, terms: PaymentTerms) -> None:
        """Set a company's payment terms; the store ignores the days where they are off.

        Raises:
            ValueError: The days are no term that the store takes.
        """
        days = terms.days or 0
        if days not in TERM_DAYS:
            raise ValueError(f"{days} days are not a payment term; it must be one of {TERM_DAYS}.")
        self._put(f"/companies/{company_id:d}/payment-terms", {"isEnabled": terms.is_enabled, "paymentTerms": days})
