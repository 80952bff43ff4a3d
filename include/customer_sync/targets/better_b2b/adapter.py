"""Better B2B as a target of the sync: the port's questions and operations as calls of the client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from customer_sync.errors import ConfigError, NotFound
from customer_sync.http.pacing import RequestUse
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    MethodsOperation,
    Operation,
    StatusOperation,
    TermsOperation,
    UserOperation,
)
from customer_sync.settings.connector import StoreRules
from customer_sync.targets.better_b2b.client import BetterB2BClient
from customer_sync.targets.better_b2b.fields import FIELDS
from customer_sync.targets.better_b2b.payments import TERM_DAYS
from customer_sync.targets.better_b2b.records import STATUSES
from customer_sync.targets.better_b2b.settings import SYSTEM
from customer_sync.targets.port import (
    ActionCost,
    Order,
    PaymentSettings,
    StoredAddress,
    StoredCompany,
    StoredUser,
    TargetLimits,
)

Kind = TypeVar("Kind")

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


class BetterB2BFacts:
    """What one store has, read when first asked for."""

    def __init__(self, client: BetterB2BClient) -> None:
        self._client = client

    @cached_property
    def role_ids(self) -> dict[str, int]:
        """Case-folded name -> id; ids differ per store (docs/api/better_b2b.md#roles)."""
        return {role.name.casefold(): role.id for role in self._roles}

    @cached_property
    def roles(self) -> dict[str, str]:
        """Case-folded name -> name."""
        return {role.name.casefold(): role.name for role in self._roles}

    @cached_property
    def payment_methods(self) -> frozenset[str]:
        """Codes of the payment methods."""
        return frozenset(method.code for method in self._client.list_payment_methods())

    @cached_property
    def company_extra_fields(self) -> dict[str, bool]:
        """Case-folded name -> whether the store keeps the value unique."""
        return {each.field_name.casefold(): each.is_unique for each in self._client.extra_field_definitions()}

    @cached_property
    def _roles(self) -> list[Any]:
        return self._client.list_roles()


class BetterB2BTarget:
    """A store behind the port; safe to use from several threads.

    Args:
        client: The store's client; closed at the end of a ``with`` block.
        rules: Channels, customer group and bulk size of the connector.
    """

    name = SYSTEM
    limits = LIMITS

    def __init__(self, client: BetterB2BClient, rules: StoreRules | None = None) -> None:
        self.client = client
        self.facts = BetterB2BFacts(client)
        self.limits = LIMITS._replace(read_timeout_s=client.settings.read_timeout_s)
        self._rules = rules or StoreRules()
        self._perform: dict[Action, Callable[[Sequence[Order]], list[int | None]]] = {
            Action.CREATE_COMPANY: self._create_companies,
            Action.UPDATE_COMPANY: self._update_companies,
            Action.SET_STATUS: self._each(self._set_status),
            Action.DELETE_COMPANY: self._each(lambda order: client.delete_company(order.company_id)),
            Action.CREATE_USER: self._create_users,
            Action.UPDATE_USER: self._each(self._update_user),
            Action.DELETE_USER: self._each(lambda order: client.delete_user(order.operation.store_id)),
            Action.CREATE_ADDRESS: self._create_addresses,
            Action.UPDATE_ADDRESS: self._each(self._update_address),
            Action.DELETE_ADDRESS: self._each(lambda order: client.delete_address(order.operation.store_id)),
            Action.SET_PAYMENT_METHODS: self._each(self._set_payment_methods),
            Action.SET_PAYMENT_TERMS: self._each(self._set_payment_terms),
        }

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.__exit__(kind, error, trace)

    @property
    def identity(self) -> str:
        """Address and store hash; ``""`` where the connection names no hash: one address may serve many stores."""
        settings = self.client.settings
        return f"{settings.address}/{settings.store_hash}".casefold() if settings.store_hash else ""

    def cost(self, action: Action) -> ActionCost:
        """How the store takes an action."""
        if action not in _IN_BULK:
            return ActionCost()
        return ActionCost(self._rules.bulk_size, is_atomic=_IN_BULK[action])

    def useful_in_flight(self) -> int:
        """How many requests the store's pace can keep busy now."""
        return self.client.useful_in_flight()

    def requests_used(self) -> RequestUse:
        """Requests since the client was made."""
        return self.client.requests_used()

    # -- finding ------------------------------------------------------------------------------------

    def count_companies(self) -> int:
        """Number of companies in the store."""
        return self.client.count_companies()

    def company(self, company_id: int) -> StoredCompany | None:
        """One company."""
        return self.client.get_company(company_id)

    def companies_by_key(self, key: str) -> list[StoredCompany]:
        """Companies that carry the key."""
        return self.client.find_companies_by_key(key)

    def user(self, user_id: int) -> StoredUser | None:
        """One user."""
        return self.client.get_user(user_id)

    def user_by_email(self, email: str) -> StoredUser | None:
        """The user with this e-mail."""
        return self.client.find_user(email)

    def address(self, address_id: int) -> StoredAddress | None:
        """One address."""
        return self.client.get_address(address_id)

    def addresses_by_key(self, external_ids: Sequence[str]) -> list[StoredAddress]:
        """Addresses that carry one of these external ids."""
        return self.client.find_addresses(external_ids)

    def payment_settings(self, company_id: int, *, methods: bool, terms: bool) -> PaymentSettings | None:
        """A company's payment settings: a request each."""
        try:
            found = self.client.company_payment_methods(company_id) if methods else []
            # Terms that are off show the store's own default days.
            have = self.client.payment_terms(company_id) if terms else None
        except NotFound:
            return None
        return PaymentSettings(methods={each.code: each.is_enabled for each in found}, terms=have)

    # -- crawling -----------------------------------------------------------------------------------

    def companies(self, *, created_since_s: int | None = None) -> Iterator[StoredCompany]:
        """Companies, each once."""
        return self.client.iter_companies(min_created_s=created_since_s)

    def users(self, *, company_id: int | None = None, created_since_s: int | None = None) -> Iterator[StoredUser]:
        """Users, each once."""
        return self.client.iter_users(company_id=company_id, min_created_s=created_since_s)

    def addresses(
        self, *, company_id: int | None = None, modified_since_s: int | None = None
    ) -> Iterator[StoredAddress]:
        """Addresses, each once."""
        return self.client.iter_addresses(company_id, min_modified_s=modified_since_s)

    # -- writing ------------------------------------------------------------------------------------

    def perform(self, action: Action, orders: Sequence[Order]) -> list[int | None]:
        """Send operations of one action in one request."""
        return self._perform[action](orders)

    def _each(self, send: Callable[[Order], object]) -> Callable[[Sequence[Order]], list[int | None]]:
        """Make of a call for one order one for a list of one."""

        def perform(orders: Sequence[Order]) -> list[int | None]:
            (order,) = orders
            send(order)
            return [order.operation.store_id or order.company_id]

        return perform

    def _create_companies(self, orders: Sequence[Order]) -> list[int | None]:
        payloads = [self._new_company(order.operation) for order in orders]
        if len(payloads) == 1:
            return [self.client.create_company(payloads[0])]
        return _known_or_none(self.client.create_companies(payloads), len(payloads))

    def _new_company(self, operation: Operation) -> dict[str, Any]:
        return {
            **_filled(operation.values),
            "channel_ids": list(self._rules.channel_ids),
            "origin_channel_id": self._rules.origin_channel_id,
            "customer_group_id": self._rules.customer_group_id,
            "accept_creation_email": False,
        }

    def _update_companies(self, orders: Sequence[Order]) -> list[int | None]:
        # ``uuid`` shows the customer's number to people and travels along.
        changes = [
            (order.operation.store_id, {**order.operation.values, "uuid": order.operation.key}) for order in orders
        ]
        if len(changes) == 1:
            self.client.update_company(*changes[0])
        else:
            self.client.update_companies(changes)
        return [company_id for company_id, _ in changes]

    def _set_status(self, order: Order) -> None:
        self.client.set_company_status(order.company_id, _WIRE_STATUS[_of(StatusOperation, order).new])

    def _create_users(self, orders: Sequence[Order]) -> list[int | None]:
        payloads = [self._new_user(order) for order in orders]
        if len(payloads) == 1:
            return [self.client.create_user(payloads[0])]
        return _known_or_none(self.client.create_users(payloads), len(payloads))

    def _new_user(self, order: Order) -> dict[str, Any]:
        values = order.operation.values
        return {
            **{name: value for name, value in _filled(values).items() if name != "role"},
            "company_id": order.company_id,
            "company_role_id": self._role_id(values["role"]),
            "channel_ids": list(self._rules.channel_ids),
            "origin_channel_id": self._rules.origin_channel_id,
            "uuid": order.operation.key,
            "accept_welcome_email": False,
        }

    def _update_user(self, order: Order) -> None:
        operation = _of(UserOperation, order)
        values = operation.values
        if "role" in values:
            values["company_role_id"] = self._role_id(values.pop("role"))
        self.client.update_user(operation.store_id, {**values, "uuid": operation.key})

    def _create_addresses(self, orders: Sequence[Order]) -> list[int | None]:
        payloads = [{**_filled(order.operation.values), "company_id": order.company_id} for order in orders]
        if len(payloads) == 1:
            return [self.client.create_address(payloads[0])]
        return _known_or_none(self.client.create_addresses(payloads), len(payloads))

    def _update_address(self, order: Order) -> None:
        operation = _of(AddressOperation, order)
        self.client.update_address(operation.store_id, changes_to_send(operation))

    def _set_payment_methods(self, order: Order) -> None:
        operation = _of(MethodsOperation, order)
        self.client.set_company_payment_methods(order.company_id, operation.new)

    def _set_payment_terms(self, order: Order) -> None:
        terms = _of(TermsOperation, order).new
        self.client.set_payment_terms(order.company_id, enabled=terms.is_enabled, days=terms.days or 0)

    def _role_id(self, name: str) -> int:
        try:
            return self.facts.role_ids[name.casefold()]
        except KeyError:
            raise ConfigError(f"The store has no role '{name}'.", setting="contacts") from None


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


def _of(kind: type[Kind], order: Order) -> Kind:
    """The operation of an order, whose action says of which kind it is.

    Raises:
        TypeError: Action and kind do not belong together.
    """
    if not isinstance(order.operation, kind):
        raise TypeError(f"{order.operation.action} comes as {type(order.operation).__name__}")
    return order.operation


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a new record is made with: the store refuses some empty texts, and needs none."""
    return {name: value for name, value in values.items() if value != ""}


def _known_or_none(ids: Sequence[int] | None, count: int) -> list[int | None]:
    return [None] * count if ids is None else list(ids)
