"""What all writes of one load share: the run, the store's client, and what must be known of the store once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.targets.better_b2b.client import BetterB2BClient


class StoreFacts:
    """What must be known of a store and does not change while a run writes to it: read when first needed, once.

    Args:
        store: The store's client.

    Attributes:
        is_accounted_for: Whether a count of this run found no company that the ledger does not know. Who makes one
            meanwhile meets the unique key, or the question for each key where the store does not keep it unique.
    """

    def __init__(self, store: BetterB2BClient) -> None:
        self._store = store
        self.is_accounted_for = False

    @cached_property
    def role_ids(self) -> dict[str, int]:
        """Role ids by case-folded name; ids differ per store (docs/api/better_b2b.md#roles)."""
        return {role.name.casefold(): role.id for role in self._store.list_roles()}

    @cached_property
    def is_unique_by_field(self) -> dict[str, bool]:
        """The company extra fields that the store defines, case-folded, and whether it keeps them unique."""
        return {each.field_name.casefold(): each.is_unique for each in self._store.extra_field_definitions()}

    @cached_property
    def payment_codes(self) -> frozenset[str]:
        """Codes of the payment methods that the store has."""
        return frozenset(method.code for method in self._store.list_payment_methods())


@dataclass(frozen=True)
class Surroundings:
    """The run, the store, and what is known of it."""

    run: Run
    store: BetterB2BClient
    facts: StoreFacts

    @property
    def connector(self) -> Connector:
        """The connector's rules."""
        return self.run.connector

    @property
    def ledger(self) -> Ledger:
        """The connector's ledger."""
        return self.run.ledger

    def role_id(self, name: str) -> int:
        """The id of a role.

        Raises:
            ConfigError: The store has no such role; the message lists those it has.
        """
        try:
            return self.facts.role_ids[name.casefold()]
        except KeyError:
            known = ", ".join(sorted(self.facts.role_ids)) or "none"
            raise ConfigError(
                f"The store has no role '{name}' (it has: {known}). Set contacts.primary_role and contacts.other_role "
                f"in {self.connector.id}.yaml to roles of this store.",
                setting=f"{self.connector.id}.yaml: contacts",
            ) from None

    @property
    def key_is_unique(self) -> bool:
        """Whether the store itself refuses a second company with one Customer ID.

        Raises:
            ConfigError: The store does not define the extra field at all.
        """
        name = self.connector.store.key_field
        known = self.facts.is_unique_by_field
        if name.casefold() not in known:
            raise ConfigError(
                f"The store has no company extra field '{name}', which holds the Customer ID. Create it in the store's "
                f"settings (text, unique), or set store.key_field in {self.connector.id}.yaml.",
                setting=f"{self.connector.id}.yaml: store.key_field",
            )
        return known[name.casefold()]

    def check_payment_codes(self, codes: Iterable[str]) -> None:
        """Compare the terms table with the store's payment methods.

        Raises:
            ConfigError: The table names a method that the store does not have.
        """
        unknown = sorted(set(codes) - self.facts.payment_codes)
        if unknown:
            raise ConfigError(
                f"The store has no payment method {', '.join(unknown)} (it has: "
                f"{', '.join(sorted(self.facts.payment_codes))}). Correct the terms table in {self.connector.id}.yaml.",
                setting=f"{self.connector.id}.yaml: terms",
            )
