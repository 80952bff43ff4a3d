"""What a store has: roles, payment methods, extra fields; read when first asked for, once."""

from functools import cached_property
from operator import itemgetter

from customer_sync.targets.better_b2b.calls import StoreCalls
from customer_sync.targets.better_b2b.records import as_flag, as_text, required_id


class FactCalls(StoreCalls):
    """Reading what belongs to the store and not to a company."""

    @cached_property
    def role_ids(self) -> dict[str, int]:
        """Roles of users: case-folded name -> id; ids differ per store (docs/api/better_b2b.md#roles)."""
        return {name.casefold(): role_id for name, role_id in self._roles}

    @cached_property
    def roles(self) -> dict[str, str]:
        """Roles of users: case-folded name -> name."""
        return {name.casefold(): name for name, _ in self._roles}

    @cached_property
    def payment_methods(self) -> frozenset[str]:
        """Codes of the payment methods (docs/api/better_b2b.md#payments)."""
        return frozenset(self._get_rows("/payments", lambda row: as_text(row.get("paymentCode"))))

    @cached_property
    def company_extra_fields(self) -> dict[str, bool]:
        """Extra fields of companies: case-folded name -> whether the store keeps the value unique.

        Source: docs/api/better_b2b.md#extra-fields. Built-in ones can come without an id.
        """
        found = self._crawl(
            "/companies/extra-fields",
            lambda row: (as_text(row.get("fieldName")).casefold(), as_flag(row.get("isUnique"))),
            itemgetter(0),
        )
        return dict(found)

    @cached_property
    def _roles(self) -> list[tuple[str, int]]:
        return list(
            self._crawl(
                "/companies/roles", lambda row: (as_text(row.get("name")), required_id(row, "id")), itemgetter(1)
            )
        )
