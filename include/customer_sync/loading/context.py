"""What all writes of one load share: the run, both systems, and what is known of the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.model.operation import Action
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Reference, Source
from customer_sync.targets.port import Demanding, Order, Target


@dataclass
class StoreCensus:
    """What the batches of one run pass on to each other.

    Attributes:
        is_accounted_for: Whether a count of this run found no company that the ledger does not know. Who makes one
            meanwhile meets the unique key, or the question for each key where the store does not keep it unique.
        meets_demands: Whether the connector file was found to fill what the store demands of new records.
    """

    is_accounted_for: bool = False
    meets_demands: bool = False


@dataclass(frozen=True)
class LoadContext:
    """The run and both systems."""

    run: Run
    target: Target
    source: Source
    census: StoreCensus = field(default_factory=StoreCensus)

    @property
    def connector(self) -> Connector:
        """The connector's rules."""
        return self.run.connector

    @property
    def ledger(self) -> Ledger:
        """The connector's ledger."""
        return self.run.ledger

    def perform(self, action: Action, orders: Sequence[Order], record_ids: Sequence[str]) -> Sequence[int | None]:
        """Make one request that writes, in the system that the action belongs to.

        Args:
            action: What all orders do.
            orders: The operations, each with its company.
            record_ids: The customers' record ids in the source.

        Returns:
            The id of each record in the store; ``None`` where it has to be looked up.
        """
        if action is not Action.WRITE_REFERENCE:
            return self.target.perform(action, orders)
        for order, record_id in zip(orders, record_ids, strict=True):
            self.source.write_reference(Reference(order.operation.key, record_id, str(order.company_id)))
        return [order.company_id for order in orders]

    @property
    def key_is_unique(self) -> bool:
        """Whether the store itself refuses a second company with one key.

        Raises:
            ConfigError: The store does not define the extra field that holds the key.
        """
        name = self.connector.store.key_field
        known = self.target.facts.company_extra_fields
        if name.casefold() not in known:
            raise ConfigError(
                f"The store has no company extra field '{name}', which holds the Customer ID. Create it in the store's "
                f"settings (text, unique), or set store.key_field in {self.connector.id}.yaml.",
                setting=f"{self.connector.id}.yaml: store.key_field",
            )
        return known[name.casefold()]

    def holder_id(self, company_id: int) -> str:
        """The customer of this connector to whom a company belongs; ``""`` where it is none of ours."""
        links = self.ledger.links
        customer_id = links.holders([company_id]).get(company_id, "")
        # Another connector's customer may bear the same number.
        link = links.load_hashes([customer_id]).get(customer_id) if customer_id else None
        return customer_id if link is not None and link.company_id == company_id else ""

    def check_roles(self, names: Iterable[str]) -> None:
        """Compare roles with those of the store.

        Raises:
            ConfigError: The store lacks one; the message lists those that it has.
        """
        for name in names:
            roles = self.target.facts.roles
            if name.casefold() not in roles:
                known = ", ".join(sorted(roles)) or "none"
                raise ConfigError(
                    f"The store has no role '{name}' (it has: {known}). Set contacts.primary_role and "
                    f"contacts.other_role in {self.connector.id}.yaml to roles of this store.",
                    setting=f"{self.connector.id}.yaml: contacts",
                )

    def check_demands(self, actions: Collection[Action]) -> None:
        """Compare the extra fields that the connector file fills with those that the store demands of every new record.

        Args:
            actions: What is to be done; only creations meet a demand.

        Raises:
            ConfigError: The store demands one that stays empty; the message names each.
        """
        is_new = Action.CREATE_COMPANY in actions
        if self.census.meets_demands or not (
            is_new or Action.CREATE_USER in actions or Action.CREATE_ADDRESS in actions
        ):
            return
        source, demanded = self.connector.source, self.target.facts.demanded_extra_fields
        filled: dict[Demanding, Collection[str]] = {
            "company": {*source.extra_field_names, self.connector.store.key_field},
            "user": source.contact_extra_field_names,
            "address": source.location_extra_field_names,
        }
        settings = {"company": "customer", "user": "contact", "address": "location"}
        missing = [
            f"'{name}' of every {kind} (source.{settings[kind]}.extra_fields)"
            for kind, names in filled.items()
            for name in sorted(demanded.get(kind, ()))
            if name.casefold() not in {each.casefold() for each in names}
        ]
        if missing:
            raise ConfigError(
                f"The store demands the extra field {', '.join(missing)}, and {self.connector.id}.yaml does not. "
                "Map it there, or make it optional in the store's settings. Nothing was made or changed.",
                setting=f"{self.connector.id}.yaml: source",
            )
        self.census.meets_demands = True

    def check_payment_codes(self, codes: Iterable[str]) -> None:
        """Compare the terms table with the store's payment methods.

        Raises:
            ConfigError: The table names a method that the store does not have.
        """
        known = self.target.facts.payment_methods
        unknown = sorted(set(codes) - known)
        if unknown:
            raise ConfigError(
                f"The store has no payment method {', '.join(unknown)} (it has: {', '.join(sorted(known))}). "
                f"Correct the terms table in {self.connector.id}.yaml.",
                setting=f"{self.connector.id}.yaml: terms",
            )
