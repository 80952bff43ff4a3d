"""A store of companies in dictionaries, behind the target port.

It behaves as docs/api/better_b2b.md says that the store does, and shares no code with the real store's adapter. Faults
are not its business (``faults``).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any, Final, NamedTuple, Self, TypeVar, get_args

from msgspec.structs import replace

from customer_sync.errors import ConfigError, NotFound, RecordRejected, SyncError
from customer_sync.http.pacing import RequestCounter, RequestUse
from customer_sync.model import company as model
from customer_sync.model.operation import Action, UserOperation
from customer_sync.model.place import Place
from customer_sync.targets import port
from customer_sync.targets.port import ActionCost, StoredAddress, StoredCompany, StoredUser
from tests.adapters import store_rules as rules

Record = TypeVar("Record")

_PAGE_ROWS: Final = 50
_TERMS_OFF: Final = model.PaymentTerms(is_enabled=False, days=30)


@dataclass
class InMemoryStore:
    """The records and the rules of one store; targets are its connections."""

    clock: Callable[[], float] = time.time  # Unix seconds
    status_of_new: model.CompanyStatus = model.CompanyStatus.APPROVED
    tells_ids: bool = True  # whether the answer to several rows says which id belongs to which
    costs: Mapping[Action, ActionCost] = field(default_factory=lambda: rules.COSTS)
    roles: Sequence[str] = (rules.ADMIN, "Senior Buyer", "Junior Buyer")
    payment_methods: Sequence[str] = ("cheque", "bankdeposit", "cod", "purchase_order")
    extra_fields: Mapping[str, bool] = field(default_factory=lambda: rules.EXTRA_FIELDS)
    part_fields: Mapping[port.Extended, frozenset[str]] = field(
        default_factory=dict
    )  # extra fields of users, addresses
    demanded: Mapping[port.Extended, frozenset[str]] = field(default_factory=dict)  # those that new records need
    countries: Sequence[Place] = rules.COUNTRIES
    states: Mapping[str, Sequence[Place]] = field(default_factory=lambda: rules.STATES)
    blank_extra_fields: bool = False  # whether an extra field may be emptied
    bulk_loses_extra_fields: bool = False
    channels: Mapping[int, str] | None = None  # storefronts, where the store lists them
    shown_fields: Sequence[str] = ()  # extra fields that shoppers see and can fill in
    needs_catalogs: bool = False
    shopper_emails: frozenset[str] = frozenset()  # accounts of people without a company
    placed: dict[int, tuple[int, ...]] = field(default_factory=dict)  # company or user -> storefronts that were named
    welcomed: set[int] = field(default_factory=set)  # companies and users whose people got an e-mail
    required_fields: Sequence[str] = ()  # of companies, which shoppers must fill in
    refused: frozenset[str] = frozenset()  # names of companies and cities that it will not take
    companies: dict[int, StoredCompany] = field(default_factory=dict)
    users: dict[int, StoredUser] = field(default_factory=dict)
    addresses: dict[int, StoredAddress] = field(default_factory=dict)
    methods: dict[int, dict[str, bool]] = field(default_factory=dict)
    terms: dict[int, model.PaymentTerms] = field(default_factory=dict)
    stamps_s: dict[int, int] = field(default_factory=dict)  # created; of an address: modified
    ids: count[int] = field(default_factory=lambda: count(1001))
    identity: str = field(default_factory=lambda: f"memory/{uuid.uuid4().hex}")
    lock: threading.RLock = field(default_factory=threading.RLock)

    def definitions(self, kind: port.Extended) -> dict[str, port.ExtraField]:
        """Extra fields of a kind of record by their case-folded names."""
        known = self.extra_fields if kind == "company" else dict.fromkeys(self.part_fields.get(kind, ()), False)
        demanded = self.demanded.get(kind, frozenset())
        needed = {*demanded, *(self.required_fields if kind == "company" else ())}
        return {
            name.casefold(): port.ExtraField(name, known.get(name, False), name in self.shown_fields, name in needed)
            for name in {*known, *demanded}
        }

    def _known_only(self, kind: port.Extended, record: Any) -> Any:
        """A record without the extra fields that the store does not have: it drops them without a word."""
        known = self.definitions(kind)
        kept = {name: value for name, value in record.extra_fields.items() if name.casefold() in known}
        return replace(record, extra_fields=kept)

    def write(self, action: Action, order: port.Order) -> int:
        """Do what one order says, by the method of the action's name; returns the record's id."""
        perform: Callable[[Any, int], int] = getattr(self, f"_{action}")
        record_id = perform(order.operation, order.company_id)
        if action in {Action.CREATE_COMPANY, Action.CREATE_USER}:
            self.placed |= {record_id: order.channel_ids} if order.channel_ids else {}
            self.welcomed |= {record_id} if order.is_welcomed else set()
        if action is Action.UPDATE_COMPANY and order.record_id:
            self._change_company(order.company_id, record_id=order.record_id)
        return record_id

    def _create_company(self, operation: Any, _: int) -> int:
        new = replace(operation.new, extra_fields=self._extra_fields({}, operation.new.extra_fields, 0))
        admin = replace(operation.admin, role=rules.ADMIN)
        self._check(new, new.company_name, rules.COMPANY)
        self._check_demands("company", new.extra_fields)
        self._check_user(admin, 0)
        company_id, now_s = next(self.ids), int(self.clock())
        self.stamps_s[company_id] = now_s
        self.companies[company_id] = StoredCompany(id=company_id, fields=new, created_at_s=now_s)
        self._create_user(UserOperation(action=Action.CREATE_USER, key="", new=admin), company_id)
        return self._change_company(
            company_id, status=self.status_of_new, key=new.extra_fields.get(rules.KEY_FIELD, "")
        )

    def _update_company(self, operation: Any, _: int) -> int:
        have, values = _existing(self.companies, operation.store_id).fields, operation.values
        extra_fields = self._extra_fields(have.extra_fields, values.get("extra_fields", {}), operation.store_id)
        new = replace(have, **{**values, "extra_fields": extra_fields})
        self._check(new, new.company_name, rules.COMPANY)
        return self._change_company(operation.store_id, fields=new, key=extra_fields.get(rules.KEY_FIELD, ""))

    def _set_company_status(self, operation: Any, company_id: int) -> int:
        return self._change_company(company_id, status=operation.new)

    def _delete_company(self, _: Any, company_id: int) -> int:
        self.companies.pop(company_id, None)
        for records in (self.users, self.addresses):
            for record in [each for each in records.values() if each.company_id == company_id]:
                del records[record.id]
        return company_id

    def _change_company(self, company_id: int, **changes: Any) -> int:
        have = _existing(self.companies, company_id)
        self.companies[company_id] = replace(have, updated_at_s=int(self.clock()), **changes)
        return company_id

    def _extra_fields(self, have: Mapping[str, str], sent: Mapping[str, str], company_id: int) -> dict[str, str]:
        """Extra fields after a write: those that the store does not have are ignored, unique ones checked."""
        if company_id and not self.blank_extra_fields and not all(sent.values()):
            rules.refuse("An extra field may not be blank.")
        here = self.definitions("company")
        known = {name: value for name, value in sent.items() if name.casefold() in here and (value or company_id)}
        others = [each.fields.extra_fields for each in self.companies.values() if each.id != company_id]
        for name, value in known.items():
            if here[name.casefold()].is_unique and any(other.get(name) == value for other in others):
                rules.refuse(said := f"{name} must be unique.", taken={"key": [said]})
        return {**have, **known}

    def _check(self, new: Any, name: str, table: Mapping[str, Any]) -> None:
        rules.check(new, table)
        if name in self.refused:
            rules.refuse(f"'{name}' is not allowed.")

    def _check_demands(self, kind: port.Extended, extra_fields: Mapping[str, str]) -> None:
        for name in self.demanded.get(kind, ()):
            if not extra_fields.get(name):
                rules.refuse(f"{name} is required.")

    def _create_user(self, operation: Any, company_id: int) -> int:
        self._check_user(operation.new, 0)
        self._check_demands("user", operation.new.extra_fields)
        company_id, user_id, now_s = _existing(self.companies, company_id).id, next(self.ids), int(self.clock())
        fields = self._known_only("user", operation.new)
        made = StoredUser(id=user_id, company_id=company_id, key=operation.key, fields=fields)
        self.users[user_id] = replace(made, created_at_s=now_s, updated_at_s=now_s)
        self.stamps_s[user_id] = now_s
        return user_id

    def _update_user(self, operation: Any, _: int) -> int:
        have = _existing(self.users, operation.store_id)
        new = self._known_only("user", rules.merged(have.fields, operation.values))
        self._check_user(new, have.id)
        self.users[have.id] = replace(have, key=operation.key, fields=new, updated_at_s=int(self.clock()))
        return have.id

    def _delete_user(self, operation: Any, _: int) -> int:
        user = self.users.get(operation.store_id)
        if user is not None:
            others = [e for e in self.users.values() if e.company_id == user.company_id and e.id != user.id]
            if not others:
                rules.refuse("The last user in company can not be deleted.")
            del self.users[user.id]
            if all(other.fields.role != rules.ADMIN for other in others):
                self._change_company(user.company_id, status=model.CompanyStatus.INACTIVE)
        return int(operation.store_id)

    def _check_user(self, new: model.UserFields, user_id: int) -> None:
        rules.check(new, rules.USER)
        if new.role not in self.roles:
            raise ConfigError(f"The store has no role '{new.role}'.", setting="contacts")
        folded = new.email.casefold()
        if any(each.fields.email.casefold() == folded and each.id != user_id for each in self.users.values()):
            rules.refuse(said := f"Email already exists. ['{new.email}']", taken={"email": [said]})

    def _create_address(self, operation: Any, company_id: int) -> int:
        self._check_demands("address", operation.new.extra_fields)
        return self._save_address(next(self.ids), _existing(self.companies, company_id).id, operation.new)

    def _update_address(self, operation: Any, _: int) -> int:
        have = _existing(self.addresses, operation.store_id)
        return self._save_address(have.id, have.company_id, rules.merged(have.fields, operation.values))

    def _delete_address(self, operation: Any, _: int) -> int:
        self.addresses.pop(operation.store_id, None)
        return int(operation.store_id)

    def _save_address(self, address_id: int, company_id: int, new: model.Address) -> int:
        self._check(new, new.city, rules.ADDRESS)
        new = self._known_only("address", rules.placed(new, self.countries, self.states))
        for default, plain in (("is_default_billing", "is_billing"), ("is_default_shipping", "is_shipping")):
            if getattr(new, default) and not getattr(new, plain):
                rules.refuse("Check is default fields and corresponding field.")
            for other in [each for each in self.addresses.values() if getattr(new, default)]:
                if other.company_id == company_id:
                    self.addresses[other.id] = replace(other, fields=replace(other.fields, **{default: False}))
        self.addresses[address_id] = StoredAddress(id=address_id, company_id=company_id, fields=new)
        self.stamps_s[address_id] = int(self.clock())
        return address_id

    def _set_payment_methods(self, operation: Any, company_id: int) -> int:
        if not operation.new.keys() <= set(self.payment_methods):
            raise NotFound("Payment Does not Exist", system=rules.STORE_NAME)
        have = self.methods.get(_existing(self.companies, company_id).id, {})
        self.methods[company_id] = {**have, **operation.new}
        return company_id

    def _set_payment_terms(self, operation: Any, company_id: int) -> int:
        if operation.new.is_enabled and operation.new.days not in rules.LIMITS.term_days:
            rules.refuse("Payment terms value error.")
        self.terms[_existing(self.companies, company_id).id] = operation.new if operation.new.is_enabled else _TERMS_OFF
        return company_id


class _Facts(NamedTuple):
    roles: dict[str, str]
    payment_methods: frozenset[str]
    channels: Mapping[int, str] | None
    needs_catalogs: bool
    countries: Sequence[Place]
    fields_of: dict[port.Extended, dict[str, port.ExtraField]]
    ask: Callable[[], InMemoryStore]

    def states(self, country_code: str) -> Sequence[Place]:
        return self.ask().states.get(country_code, ())

    def extra_fields(self, kind: port.Extended) -> dict[str, port.ExtraField]:
        return self.fields_of[kind]


class InMemoryTarget:
    """One connection to a store."""

    name = rules.STORE_NAME
    limits = rules.LIMITS

    def __init__(self, store: InMemoryStore) -> None:
        self._store = store
        self._counter = RequestCounter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    @property
    def identity(self) -> str:
        return self._store.identity

    @cached_property
    def facts(self) -> _Facts:
        store = self._asked()
        return _Facts(
            {name.casefold(): name for name in store.roles},
            frozenset(store.payment_methods),
            store.channels,
            store.needs_catalogs,
            store.countries,
            {kind: store.definitions(kind) for kind in get_args(port.Extended)},
            self._asked,
        )

    def cost(self, action: Action) -> ActionCost:
        return self._store.costs.get(action, ActionCost())

    def useful_in_flight(self) -> int:
        return 4

    def now_utc(self) -> datetime:
        return datetime.now(UTC)

    def requests_used(self) -> RequestUse:
        return self._counter.snapshot()

    def _asked(self, method: str = "GET") -> InMemoryStore:
        """The store, at the price of one request."""
        self._counter.count(method, 200)
        return self._store

    def count_companies(self) -> int:
        return len(self._asked().companies)

    def shoppers(self, emails: Sequence[str]) -> int | None:
        return len(self._asked().shopper_emails.intersection(email.casefold() for email in emails))

    def company(self, company_id: int) -> StoredCompany | None:
        return self._asked().companies.get(company_id)

    def companies_by_key(self, key: str) -> list[StoredCompany]:
        return [each for each in list(self._asked().companies.values()) if each.key == key]

    def user(self, user_id: int) -> StoredUser | None:
        return self._asked().users.get(user_id)

    def user_by_email(self, email: str) -> StoredUser | None:
        sought, users = email.strip().casefold(), list(self._asked().users.values())
        return next((each for each in users if each.fields.email.casefold() == sought), None)

    def address(self, address_id: int) -> StoredAddress | None:
        return self._asked().addresses.get(address_id)

    def addresses_by_key(self, external_ids: Sequence[str]) -> list[StoredAddress]:
        return [each for each in list(self._asked().addresses.values()) if each.fields.external_id in external_ids]

    def payment_settings(self, company_id: int, *, methods: bool, terms: bool) -> port.PaymentSettings | None:
        store = self._asked()
        if company_id not in store.companies:
            return None
        shown = {**dict.fromkeys(store.payment_methods, False), **store.methods.get(company_id, {})}
        have = store.terms.get(company_id, _TERMS_OFF)
        return port.PaymentSettings(methods=shown if methods else {}, terms=have if terms else None)

    def companies(self, *, created_since_s: int | None = None) -> Iterator[StoredCompany]:
        return self._crawl("companies", None, created_since_s)

    def users(self, *, company_id: int | None = None, created_since_s: int | None = None) -> Iterator[StoredUser]:
        return self._crawl("users", company_id, created_since_s)

    def addresses(
        self, *, company_id: int | None = None, modified_since_s: int | None = None
    ) -> Iterator[StoredAddress]:
        return self._crawl("addresses", company_id, modified_since_s)

    def _crawl(self, kind: str, company_id: int | None, since_s: int | None) -> Iterator[Any]:
        """Pages in the order of ids, each read when it is needed: what others write meanwhile is in a later one."""
        last = 0
        while page := sorted(each for each in list(getattr(self._asked(), kind)) if each > last)[:_PAGE_ROWS]:
            last = page[-1]
            for record in filter(None, map(getattr(self._store, kind).get, page)):
                is_of_company = company_id is None or record.company_id == company_id
                if is_of_company and self._store.stamps_s[record.id] >= (since_s or 0):
                    yield record

    def perform(self, action: Action, orders: Sequence[port.Order]) -> list[int | None]:
        store, done, refused = self._asked("POST"), list[int | None](), dict[int, list[str]]()
        taken = dict[str, list[str]]()
        with store.lock:
            before = store.companies.copy(), store.users.copy(), store.addresses.copy()
            try:
                for row, order in enumerate(orders):
                    try:
                        if action is Action.CREATE_COMPANY and store.bulk_loses_extra_fields and len(orders) > 1:
                            order = order._replace(operation=_without_extra_fields(order.operation))  # noqa: PLW2901
                        done.append(store.write(action, order))
                    except RecordRejected as error:
                        refused[row] = error.texts
                        for what, said in error.taken.items():
                            taken[what] = [*taken.get(what, ()), *said]
                        if self.cost(action).is_atomic:
                            raise
            except SyncError:
                store.companies, store.users, store.addresses = before
                raise
        if refused:
            texts = [text for texts in refused.values() for text in texts]
            rules.refuse(*texts, row_errors=refused, good_rows_kept=True, taken=taken)
        return done if len(orders) == 1 or store.tells_ids else [None] * len(orders)


def _without_extra_fields(operation: Any) -> Any:
    return replace(operation, new=replace(operation.new, extra_fields={}))


def _existing(records: Mapping[int, Record], record_id: int) -> Record:
    if record_id not in records:
        raise NotFound("This resource is not found.", system=rules.STORE_NAME)
    return records[record_id]
