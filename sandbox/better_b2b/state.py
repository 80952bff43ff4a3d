"""The store: its tables, the indexes over them, and the only places where both are changed together."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.records import (
    Address,
    Company,
    CompanyPayment,
    CoreCustomer,
    Credit,
    ExtraField,
    Permission,
    Role,
    StorePayment,
    Terms,
    User,
    UserRole,
)
from sandbox.better_b2b.tables import Index, Order, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.clock import Clock
    from sandbox.settings import Settings

DEFAULT_CHANNEL_ID = 1
KEY_FIELD = "Acumatica Customer ID"

FIRST_COMPANY_ID = 61_000
FIRST_USER_ID = 20_000
FIRST_ADDRESS_ID = 33_000
FIRST_CUSTOMER_ID = 9_000
FIRST_ROLE_ID = 8_400


class Store:
    """Everything the store knows. All access is from one thread; a call's writes are whole when it returns.

    Attributes:
        settings: Switches.
        changed: Called after every write, for the state file.
    """

    def __init__(self, clock: Clock, settings: Settings, changed: Callable[[], None]) -> None:
        self.clock = clock
        self.settings = settings
        self.changed = changed
        self.clear()

    def clear(self) -> None:
        """An empty store: no record, not even roles."""
        self.companies: Table[Company] = Table(FIRST_COMPANY_ID)
        self.companies_by_name = Order()
        self.companies_by_extra: Index[tuple[str, str]] = Index()
        self.companies_by_email: Index[str] = Index()
        self.users: Table[User] = Table(FIRST_USER_ID)
        self.users_by_email: Index[str] = Index()
        self.users_by_company: Index[int] = Index()
        self.users_by_customer: Index[int] = Index()
        self.users_by_role: Index[int] = Index()
        self.addresses: Table[Address] = Table(FIRST_ADDRESS_ID)
        self.addresses_by_company: Index[int] = Index()
        self.addresses_by_external_id: Index[str] = Index()
        self.customers: dict[int, CoreCustomer] = {}
        self.customers_by_email: dict[str, int] = {}
        self.next_customer_id = FIRST_CUSTOMER_ID
        self.super_admins: list[str] = []
        self.payments: dict[str, StorePayment] = {}
        self.company_payments: dict[int, dict[str, CompanyPayment]] = {}
        self.terms: dict[int, Terms] = {}
        self.credit: dict[int, Credit] = {}
        self.roles: dict[int, Role] = {}
        self.next_role_id = FIRST_ROLE_ID
        self.permissions: dict[str, Permission] = {}
        self.next_permission_id = 1
        self._unsettled: deque[tuple[int, Table[Any], int]] = deque()
        self.extra_fields: dict[str, list[ExtraField]] = {"companies": [], "users": [], "addresses": []}

    @property
    def channel_names(self) -> dict[int, str]:
        """The storefronts: id -> name."""
        return dict(enumerate(self.settings["storefronts"], start=DEFAULT_CHANNEL_ID))

    def settle_stamps(self) -> None:
        """Move the stamps that move by themselves and are due (statement 37)."""
        now = self.now()
        while self._unsettled and self._unsettled[0][0] <= now:
            due, table, row_id = self._unsettled.popleft()
            row = table.rows.get(row_id)
            if row is not None and row.updated_at < due:
                table.touch(row_id, due)

    def _moves_later(self, table: Table[Any], row_id: int) -> None:
        after_s = self.settings["stamps_move_after_s"]
        if after_s:
            self._unsettled.append((self.now() + after_s, table, row_id))

    def now(self) -> int:
        """Sandbox time in Unix seconds."""
        return int(self.clock.now_s())

    # Companies -------------------------------------------------------------------------------------------------

    def add_company(self, company: Company) -> None:
        """Store a new company."""
        self.companies.add(company.company_id, company)
        self._moves_later(self.companies, company.company_id)
        self._index_company(company)

    def change_company(self, company: Company, values: dict[str, Any]) -> None:
        """Set attributes of a company and move its stamp."""
        self._unindex_company(company)
        for name, value in values.items():
            setattr(company, name, value)
        self._index_company(company)
        self.companies.touch(company.company_id, self.now())

    def remove_company(self, company: Company) -> None:
        """Drop a company with its payments, terms and credit; users and addresses are the caller's decision."""
        self._unindex_company(company)
        self.companies.remove(company.company_id)
        for table in (self.company_payments, self.terms, self.credit):
            table.pop(company.company_id, None)

    def _index_company(self, company: Company) -> None:
        company_id = company.company_id
        self.companies_by_name.add(company.company_name.casefold(), company_id)
        self.companies_by_email.add(company.company_email.casefold(), company_id)
        for pair in company.extra_fields.items():
            self.companies_by_extra.add(pair, company_id)

    def _unindex_company(self, company: Company) -> None:
        company_id = company.company_id
        self.companies_by_name.remove(company.company_name.casefold(), company_id)
        self.companies_by_email.remove(company.company_email.casefold(), company_id)
        for pair in company.extra_fields.items():
            self.companies_by_extra.remove(pair, company_id)

    def touch_parent(self, company_id: int) -> None:
        """Move a company's stamp after a write to something below it, where the switch says so (statement 37)."""
        if self.settings["company_updated_by_children"] and company_id in self.companies.rows:
            self.companies.touch(company_id, self.now())

    # Users -----------------------------------------------------------------------------------------------------

    def add_user(self, user: User) -> None:
        """Store a new user."""
        self.users.add(user.id, user)
        self._moves_later(self.users, user.id)
        self.users_by_company.add(user.company_id, user.id)
        self._index_user(user)

    def change_user(self, user: User, values: dict[str, Any]) -> None:
        """Set attributes of a user and move its stamp; the company never changes."""
        self._unindex_user(user)
        for name, value in values.items():
            setattr(user, name, value)
        self._index_user(user)
        self.users.touch(user.id, self.now())

    def remove_user(self, user: User) -> None:
        """Drop a user; its core customer stays."""
        self._unindex_user(user)
        self.users_by_company.remove(user.company_id, user.id)
        self.users.remove(user.id)

    def _index_user(self, user: User) -> None:
        self.users_by_email.add(user.email.casefold(), user.id)
        self.users_by_customer.add(user.customer_id, user.id)
        self.users_by_role.add(user.company_role_id, user.id)

    def _unindex_user(self, user: User) -> None:
        self.users_by_email.remove(user.email.casefold(), user.id)
        self.users_by_customer.remove(user.customer_id, user.id)
        self.users_by_role.remove(user.company_role_id, user.id)

    def users_of(self, company_id: int) -> list[User]:
        """Users of a company, oldest first."""
        return [self.users.rows[user_id] for user_id in self.users_by_company.ids(company_id)]

    def has_admin(self, company_id: int) -> bool:
        """Whether a company has at least one user with role Admin."""
        return any(user.role == UserRole.ADMIN for user in self.users_of(company_id))

    def user_with_email(self, email: str) -> User | None:
        """The user who holds an e-mail; case counts only when the switch says so (statement 21)."""
        for user_id in self.users_by_email.ids(email.casefold()):
            user = self.users.rows[user_id]
            if self.settings["email_case_insensitive"] or user.email == email:
                return user
        return None

    def customer_for(self, email: str, first_name: str, last_name: str) -> CoreCustomer:
        """The core customer of an e-mail: the present one, linked as it is, or a new one."""
        known = self.customers_by_email.get(email.casefold())
        if known is not None:
            return self.customers[known]
        customer = CoreCustomer(id=self.next_customer_id, email=email, first_name=first_name, last_name=last_name)
        self.next_customer_id += 1
        self.add_customer(customer)
        return customer

    def add_customer(self, customer: CoreCustomer) -> None:
        """Store a core customer."""
        self.customers[customer.id] = customer
        self.customers_by_email[customer.email.casefold()] = customer.id

    # Addresses -------------------------------------------------------------------------------------------------

    def add_address(self, address: Address) -> None:
        """Store a new address."""
        self.addresses.add(address.address_id, address)
        self.addresses_by_company.add(address.company_id, address.address_id)
        if address.external_id is not None:
            self.addresses_by_external_id.add(address.external_id, address.address_id)

    def change_address(self, address: Address, values: dict[str, Any]) -> None:
        """Set attributes of an address and move its stamp; the company never changes."""
        if address.external_id is not None:
            self.addresses_by_external_id.remove(address.external_id, address.address_id)
        for name, value in values.items():
            setattr(address, name, value)
        if address.external_id is not None:
            self.addresses_by_external_id.add(address.external_id, address.address_id)
        self.addresses.touch(address.address_id, self.now())

    def remove_address(self, address: Address) -> None:
        """Drop an address."""
        if address.external_id is not None:
            self.addresses_by_external_id.remove(address.external_id, address.address_id)
        self.addresses_by_company.remove(address.company_id, address.address_id)
        self.addresses.remove(address.address_id)

    # Roles and extra fields ------------------------------------------------------------------------------------

    def predefined_role(self, role: int) -> Role:
        """The predefined role behind `role` 0, 1 or 2: they were made first, in this order."""
        return list(self.roles.values())[role]

    def role_number(self, role_id: int) -> int:
        """The `role` that users of a role read: 0 or 1 for the first two predefined ones, else 2 (statement 22)."""
        position = list(self.roles).index(role_id)
        return min(position, UserRole.JUNIOR_BUYER)
