"""What all writes of one load share: the run, both systems, and what is known of the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final, get_args

import sqlalchemy as sa

from customer_sync.calls_in_flight import side_by_side
from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.watermarks import BULK_KEYS, LOST
from customer_sync.loading.store_needs import (
    demand_faults,
    key_faults,
    lacking_extra_fields,
    method_faults,
    open_field_faults,
    record_faults,
    role_faults,
    storefront_faults,
    unmet_demands,
)
from customer_sync.model.check import Fault
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import CREATIONS, Action, reference_of
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Reference, Source
from customer_sync.targets.port import Extended, Order, StoredUser, Target

_MEET_STOREFRONTS: Final = frozenset({Action.CREATE_COMPANY, Action.CREATE_USER, Action.UPDATE_USER})
_FILL_FIELDS: Final = CREATIONS | {Action.UPDATE_COMPANY, Action.UPDATE_USER, Action.UPDATE_ADDRESS}

NOTHING_ELSE: Final = "Until then nothing is made or changed; access is taken away all the same."


@dataclass
class StoreCensus:
    """What the batches of one run pass on to each other.

    Attributes:
        is_accounted_for: Whether a count of this run found no company that the ledger does not know. Who makes one
            meanwhile meets the unique key, or the question for each key where the store does not keep it unique.
        meets_demands: Whether the connector file was found to fill what the store demands of new records.
        keys_in_bulk: What became of the keys of companies that were made in one request; ``""`` while nobody looked.
        holders_asked_for: How often the store was asked who has an e-mail that it refused.
        looked_elsewhere: Whether what customers of other connectors claim was looked at.
    """

    is_accounted_for: bool = False
    meets_demands: bool = False
    keys_in_bulk: str = ""
    holders_asked_for: int = 0
    looked_elsewhere: bool = False


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
            reference = reference_of(order.operation, order.company_id)
            self.source.write_reference(Reference(order.operation.key, record_id, reference))
        return [order.company_id for order in orders]

    def ask_ahead(self) -> None:
        """Read at once what a creation will ask of the store one after the other: its extra fields and its roles."""
        facts = self.target.facts
        kinds: tuple[Extended, ...] = get_args(Extended)
        side_by_side([lambda: facts.roles, *(partial(facts.extra_fields, kind) for kind in kinds)])

    @property
    def key_is_unique(self) -> bool:
        """Whether the store itself refuses a second company with one key.

        Raises:
            ConfigError: The store lacks the extra field that holds the key, or shoppers can or must fill it in.
        """
        facts, rules = self.target.facts, self.connector.store
        faults = [*key_faults(facts, self.connector), *open_field_faults(facts, rules.record_field)]
        self._refuse(faults, "store.key_field")
        return facts.extra_fields("company")[rules.key_field.casefold()].is_unique

    @cached_property
    def approved_adoptions(self) -> frozenset[str]:
        """Customers whose companies a person lets this run take over with the users whom the source does not know."""
        row = self.ledger.runs.get(self.run.run_id) or {}
        said = row.get("approval") or {}
        return frozenset(said.get("adoptions", ())) if said.get("state") == "approved" else frozenset()

    def note_keys_in_bulk(self, connection: sa.Connection, state: str) -> None:
        """Remember what the store makes of the keys of companies that are written in one request."""
        if self.census.keys_in_bulk == state:
            return
        self.census.keys_in_bulk = state
        self.ledger.watermarks.put(connection, self.run.run_id, {BULK_KEYS: state})
        if state == LOST:
            self.run.sink("the store lost the key of a new company: companies are written singly from now on", [])

    def user_with(self, email: str) -> StoredUser | None:
        """Ask the store who has an e-mail that it refused; such questions are counted apart."""
        found = self.target.user_by_email(email)
        self.census.holders_asked_for += 1
        return found

    def holder_of(self, company_id: int) -> tuple[str, bool] | None:
        """The customer of this connector to whom a company belongs, and whether the company is closed."""
        links = self.ledger.links
        customer_id = links.holders([company_id]).get(company_id, "")
        # Another connector's customer may bear the same number.
        link = links.load_hashes([customer_id]).get(customer_id) if customer_id else None
        if link is None or link.company_id != company_id:
            return None
        return customer_id, link.status == CompanyStatus.INACTIVE

    def check_roles(self, names: Iterable[str]) -> None:
        """Compare roles with those of the store.

        Raises:
            ConfigError: The store lacks one; the message lists those that it has.
        """
        wanted = list(names)
        if wanted:
            self._refuse(role_faults(self.target.facts, self.connector, wanted), "contacts")

    def check_channels(self, actions: Collection[Action]) -> None:
        """Compare the storefronts of new companies and users with those of the store.

        The store takes a wrong one without a word, and then the people cannot buy.

        Args:
            actions: What is to be done; only creations and changes of users name a storefront.

        Raises:
            ConfigError: The store has none of that id; the message lists those that it has.
        """
        if _MEET_STOREFRONTS.intersection(actions):
            self._refuse(storefront_faults(self.target.facts, self.connector), "store.channel_ids")

    def check_demands(self, actions: Collection[Action]) -> None:
        """Compare the extra fields that the connector file fills with those of the store.

        Args:
            actions: What is to be done; only creations meet a demand, only what fills a field can lose its value.

        Raises:
            ConfigError: The store demands one that stays empty, or lacks one that is filled; the message names each.
        """
        if self.census.meets_demands or not _FILL_FIELDS.intersection(actions):
            return
        facts, makes = self.target.facts, CREATIONS.intersection(actions)
        faults = [*record_faults(facts, self.connector), *lacking_extra_fields(facts, self.connector)]
        self._refuse([*faults, *(demand_faults(facts, self.connector) if makes else ())], "source")
        self.census.meets_demands = bool(makes)

    @cached_property
    def takes_new_users(self) -> bool:
        """Whether the store would take a new admin, as far as the connector file decides: fields, role, storefronts."""
        try:
            self.check_channels({Action.CREATE_USER})
            self.check_roles([self.connector.contacts.primary_role])
        except ConfigError:
            return False
        return not unmet_demands(self.target.facts, self.connector, "user")

    def _refuse(self, faults: Iterable[Fault], setting: str) -> None:
        told = [str(fault) for fault in faults]
        if told:
            raise ConfigError(f"{' '.join(told)} {NOTHING_ELSE}", setting=f"{self.connector.id}.yaml: {setting}")

    def check_payment_codes(self, codes: Iterable[str]) -> None:
        """Compare the terms table with the store's payment methods.

        Raises:
            ConfigError: The table names a method that the store does not have.
        """
        wanted = list(codes)
        if wanted:
            self._refuse(method_faults(self.target.facts, self.connector, wanted), "terms")
