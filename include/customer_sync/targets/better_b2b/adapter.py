"""Better B2B as a target of the sync: the port's questions and operations as calls of the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Self

from customer_sync.errors import ConfigError
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    MethodsOperation,
    StatusOperation,
    TermsOperation,
    UserOperation,
)
from customer_sync.targets.better_b2b.addresses import AddressCalls
from customer_sync.targets.better_b2b.companies import CompanyCalls
from customer_sync.targets.better_b2b.facts import FactCalls
from customer_sync.targets.better_b2b.field_table import FIELDS
from customer_sync.targets.better_b2b.payments import TERM_DAYS, PaymentCalls
from customer_sync.targets.better_b2b.records import STATUSES
from customer_sync.targets.better_b2b.settings import SYSTEM
from customer_sync.targets.better_b2b.shoppers import ShopperCalls
from customer_sync.targets.port import ActionCost, Order, TargetLimits

LIMITS: Final = TargetLimits(FIELDS, term_days=TERM_DAYS)
"""What every store of this kind holds."""

_IN_BULK: Final[Mapping[Action, bool]] = {
    # Action -> whether a refused request stored none of its rows (docs/api/better_b2b.md#error-shape-4).
    Action.CREATE_COMPANY: False,
    Action.UPDATE_COMPANY: False,
    Action.CREATE_USER: True,
    Action.CREATE_ADDRESS: True,
}
_WIRE_STATUS: Final = {status: number for number, status in STATUSES.items()}
_PLACE: Final = ("country_name", "country_code", "state_name", "state_code")
_FLAG_BESIDE: Final = {"is_default_billing": "is_billing", "is_default_shipping": "is_shipping"}


class BetterB2BTarget(CompanyCalls, ShopperCalls, AddressCalls, PaymentCalls, FactCalls):
    """A store behind the port; safe to use from several threads. Its calls bear the names that the port gives them.

    Construct it as :class:`~customer_sync.targets.better_b2b.calls.StoreCalls` describes. Every method may raise,
    beside what it documents: ``RateLimited``, ``ConnectFailed`` or ``Unavailable`` when the retries ran
    out, ``AuthenticationFailed`` and ``PermissionDenied``, ``ContractError`` for an answer that does
    not fit, and, when writing, ``AmbiguousWriteError``.
    """

    name = SYSTEM

    @property
    def facts(self) -> Self:
        """What this store has."""
        return self

    @cached_property
    def limits(self) -> TargetLimits:
        """What stores of this kind hold."""
        return LIMITS._replace(longest_work_s=self.settings.longest_work_s or self.settings.read_timeout_s)

    @property
    def identity(self) -> str:
        """Address and store hash; ``""`` where the connection names no hash: one address may serve many stores."""
        settings = self.settings
        return f"{settings.address}/{settings.store_hash}".casefold() if settings.store_hash else ""

    def cost(self, action: Action) -> ActionCost:
        """How the store takes an action."""
        # A bulk row names its catalog, a single company gives the catalog's id (docs/api/better_b2b.md#modes).
        is_single = action is Action.CREATE_COMPANY and self.settings.rules.is_one_by_one
        if action not in _IN_BULK or is_single:
            return ActionCost()
        return ActionCost(self.settings.rules.bulk_size, is_atomic=_IN_BULK[action])

    def perform(self, action: Action, orders: Sequence[Order]) -> list[int | None]:
        """Send operations of one action in one request; those that the store takes singly come singly.

        Raises:
            TypeError: Action and operation do not belong together, or the action is not the store's.
        """
        match action:
            case Action.CREATE_COMPANY:
                return self.create_companies([_new_company(order) for order in orders])
            case Action.CREATE_USER:
                return self.create_users([self._new_user(order) for order in orders])
            case Action.CREATE_ADDRESS:
                return self.create_addresses([_new_address(order) for order in orders])
            case Action.UPDATE_COMPANY:
                changes = [(order.operation.store_id, order.operation.values) for order in orders]
                self.update_companies(changes, orders[0].record_id if len(orders) == 1 else "")
                return [company_id for company_id, _ in changes]
        (order,) = orders
        self._perform_one(action, order)
        return [order.operation.store_id or order.company_id]

    def _perform_one(self, action: Action, order: Order) -> None:
        match action, order.operation:
            case Action.SET_STATUS, StatusOperation() as operation:
                self.set_company_status(order.company_id, _WIRE_STATUS[operation.new])
            case Action.DELETE_COMPANY, _:
                self.delete_company(order.company_id)
            case Action.UPDATE_USER, UserOperation() as operation:
                values = _with_channel_ids(self._with_role_id(operation.values))
                self.update_user(operation.store_id, {**values, "uuid": operation.key})
            case Action.DELETE_USER, operation:
                self.delete_user(operation.store_id)
            case Action.UPDATE_ADDRESS, AddressOperation() as operation:
                self.update_address(operation.store_id, changes_to_send(operation))
            case Action.DELETE_ADDRESS, operation:
                self.delete_address(operation.store_id)
            case Action.SET_PAYMENT_METHODS, MethodsOperation() as operation:
                self.set_payment_methods(order.company_id, operation.new)
            case Action.SET_PAYMENT_TERMS, TermsOperation() as operation:
                self.set_payment_terms(order.company_id, operation.new)
            case _, operation:
                raise TypeError(f"{action} comes as {type(operation).__name__}")

    def _new_user(self, order: Order) -> dict[str, Any]:
        values = self._with_role_id(order.operation.values)
        values.pop("storefronts", None)
        return {
            **_filled(values),
            "company_id": order.company_id,
            "uuid": order.operation.key,
            "accept_welcome_email": order.is_welcomed,
            **_storefronts(order),
        }

    def _with_role_id(self, values: dict[str, Any]) -> dict[str, Any]:
        """A user's values, the role by the id that it has in this store."""
        if "role" not in values:
            return values
        role = values.pop("role")
        try:
            return {**values, "company_role_id": self.role_ids[role.casefold()]}
        except KeyError:
            raise ConfigError(f"The store has no role '{role}'.", setting="contacts") from None


def changes_to_send(operation: AddressOperation) -> dict[str, Any]:
    """The changed fields, and those that the store's update rules want in the same body.

    A change of country or state sends the whole place, without a state where the
    country has none; a default flag needs its plain flag beside it
    (docs/api/better_b2b.md#address-update).
    """
    changes = operation.values
    if any(name in changes for name in _PLACE):
        place = {name: getattr(operation.new, name) for name in _PLACE}
        changes = {name: value for name, value in {**changes, **place}.items() if name not in _PLACE or value != ""}
    for default, plain in _FLAG_BESIDE.items():
        if default in changes or plain in changes:
            changes |= {name: getattr(operation.new, name) for name in (default, plain)}
    return changes


def _storefronts(order: Order) -> dict[str, Any]:
    """Where the customer's rule puts new records; without one the connection's settings say it."""
    found = order.channel_ids
    return {"channel_ids": list(found), "origin_channel_id": found[0]} if found else {}


def _with_channel_ids(values: dict[str, Any]) -> dict[str, Any]:
    """A user's changes, the storefronts by their ids; a user without any is refused, so that none leaves them."""
    storefronts = values.pop("storefronts", "")
    return {**values, "channel_ids": [int(each) for each in storefronts.split(",")]} if storefronts else values


def _new_company(order: Order) -> dict[str, Any]:
    values = _filled(order.operation.values)
    # The first admin's travel under a name of their own (docs/api/better_b2b.md#companies).
    values["user_extra_fields"] = values.pop("admin_extra_fields", {})
    values.pop("admin_storefronts", None)
    return {**values, "accept_creation_email": order.is_welcomed, **_storefronts(order)}


def _new_address(order: Order) -> dict[str, Any]:
    return {**_filled(order.operation.values), "company_id": order.company_id}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a new record is made with: the store refuses some empty texts, and needs none."""
    return {name: value for name, value in values.items() if value != ""}
