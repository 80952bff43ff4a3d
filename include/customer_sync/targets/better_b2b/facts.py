"""What a store has: roles, payment methods, extra fields; read when first asked for, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from customer_sync.targets.better_b2b.calls import StoreCalls
from customer_sync.targets.better_b2b.records import as_flag, as_text, required_id
from customer_sync.targets.port import Demanding


class _Definition(NamedTuple):
    """An extra field; its name comes first, which tells two apart."""

    name: str
    is_unique: bool
    is_required: bool


def _definition(row: Mapping[str, Any]) -> _Definition:
    name, flags = as_text(row.get("fieldName")), (as_flag(row.get("isUnique")), as_flag(row.get("isRequired")))
    return _Definition(name, *flags)


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
        return {each.name.casefold(): each.is_unique for each in self._company_definitions}

    @cached_property
    def demanded_extra_fields(self) -> dict[Demanding, frozenset[str]]:
        """Extra fields that a new record needs (docs/api/better_b2b.md#extra-fields)."""
        found: dict[Demanding, Iterable[_Definition]] = {
            "company": self._company_definitions,
            "user": self._definitions("users"),
            "address": self._definitions("addresses"),
        }
        return {kind: frozenset(each.name for each in some if each.is_required) for kind, some in found.items()}

    @cached_property
    def _company_definitions(self) -> list[_Definition]:
        return self._definitions("companies")

    def _definitions(self, family: str) -> list[_Definition]:
        return list(self._crawl(f"/{family}/extra-fields", _definition, itemgetter(0)))

    @cached_property
    def _roles(self) -> list[tuple[str, int]]:
        return list(
            self._crawl(
                "/companies/roles", lambda row: (as_text(row.get("name")), required_id(row, "id")), itemgetter(1)
            )
        )
