"""Makes records in a store as the core does, under keys and e-mails that nobody else has."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from customer_sync.model.company import (
    Address,
    CompanyFields,
    CompanyStatus,
    PaymentTerms,
    UserFields,
)
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    CompanyOperation,
    MethodsOperation,
    StatusOperation,
    TermsOperation,
    UserOperation,
)
from customer_sync.targets.port import Order, StoredAddress, StoredCompany, StoredUser, Target

OAKLAND = {"state_name": "California", "state_code": "CA", "country_name": "United States", "country_code": "US"}
UTRECHT = {"state_name": "", "state_code": "", "country_name": "Netherlands", "country_code": "NL"}

# A mark has no digits, so that none of them is taken for a telephone number.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass
class Records:
    """Records of one case.

    Args:
        target: The store's connection.
        key_field: The extra field that holds a company's key.
        mark: Part of every key and e-mail of this case.
    """

    target: Target
    key_field: str
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8].translate(_LETTERS))

    # -- values ------------------------------------------------------------------------------------------------------

    def key(self, name: str = "A") -> str:
        """A company's key."""
        return f"{self.mark}-{name}"

    def email(self, name: str) -> str:
        """An e-mail."""
        return f"{name}@{self.mark}.example"

    def company(self, name: str = "A", **changes: Any) -> CompanyFields:
        """A company's fields."""
        extra_fields = {self.key_field: self.key(name), **changes.pop("extra_fields", {})}
        values = {
            "company_name": f"Company {name}",
            "company_phone": "+1 555 010 0100",
            "company_email": self.email(f"office-{name.lower()}"),
            "address_line1": "410 Harbor Ave",
            "address_line2": "Suite 12",
            "city": "Oakland",
            "state": "California",
            "country": "US",
            "zip_code": "94607",
        }
        return CompanyFields(**{**values, **changes}, extra_fields=extra_fields)

    def user(self, name: str = "ann", **changes: Any) -> UserFields:
        """A user's fields."""
        values = {
            "email": self.email(name),
            "first_name": name.title(),
            "last_name": "Rivera",
            "phone_number": "+1 555 010 0101",
            "role": self.roles()[0],
        }
        return UserFields(**{**values, **changes})

    def address(self, location: str = "MAIN", company: str = "A", **changes: Any) -> Address:
        """An address of the company of that name."""
        values: dict[str, Any] = {
            "external_id": f"{self.key(company)}:{location}",
            "first_name": "East",
            "last_name": "Bay",
            "address_line1": "2200 Wharf St",
            "address_line2": "Dock 4",
            "city": "Alameda",
            **OAKLAND,
            "zip_code": "94501",
            "phone_number": "+1 555 010 0102",
            "label": f"{location} warehouse",
            "is_shipping": True,
        }
        return Address(**{**values, **changes})

    def roles(self) -> list[str]:
        """The store's roles, in a fixed order."""
        return sorted(self.target.facts.roles.values())

    # -- orders ------------------------------------------------------------------------------------------------------

    def new_company(self, name: str = "A", admin: UserFields | None = None, **changes: Any) -> Order:
        """Create a company with its first user, ``boss-<name>``."""
        admin = admin or self.user(f"boss-{name.lower()}")
        new = self.company(name, **changes)
        return Order(CompanyOperation(action=Action.CREATE_COMPANY, key=self.key(name), new=new, admin=admin), 0)

    def new_user(self, company_id: int, name: str = "ann", **changes: Any) -> Order:
        """Create a user."""
        new = self.user(name, **changes)
        return Order(UserOperation(action=Action.CREATE_USER, key=f"contact-{name}", new=new), company_id)

    def new_address(self, company_id: int, location: str = "MAIN", company: str = "A", **changes: Any) -> Order:
        """Create an address."""
        new = self.address(location, company, **changes)
        return Order(AddressOperation(action=Action.CREATE_ADDRESS, key=new.external_id, new=new), company_id)

    def company_change(self, have: StoredCompany, **changes: Any) -> Order:
        """Update some fields of a company."""
        operation = CompanyOperation(
            action=Action.UPDATE_COMPANY,
            key=have.key,
            store_id=have.id,
            new=replace(have.fields, **changes),
            old=have.fields,
            changed=tuple(changes),
        )
        return Order(operation, have.id)

    def user_change(self, have: StoredUser, **changes: Any) -> Order:
        """Update some fields of a user."""
        operation = UserOperation(
            action=Action.UPDATE_USER,
            key=have.key,
            store_id=have.id,
            new=replace(have.fields, **changes),
            old=have.fields,
            changed=tuple(changes),
        )
        return Order(operation, have.company_id)

    def address_change(self, have: StoredAddress, **changes: Any) -> Order:
        """Update some fields of an address."""
        operation = AddressOperation(
            action=Action.UPDATE_ADDRESS,
            key=have.fields.external_id,
            store_id=have.id,
            new=replace(have.fields, **changes),
            old=have.fields,
            changed=tuple(changes),
        )
        return Order(operation, have.company_id)

    def company_end(self, company_id: int) -> Order:
        """Delete a company."""
        return Order(CompanyOperation(action=Action.DELETE_COMPANY, key=self.key(), store_id=company_id), company_id)

    def user_end(self, have: StoredUser) -> Order:
        """Delete a user."""
        return Order(UserOperation(action=Action.DELETE_USER, key=have.key, store_id=have.id), have.company_id)

    def address_end(self, have: StoredAddress) -> Order:
        """Delete an address."""
        key = have.fields.external_id
        return Order(AddressOperation(action=Action.DELETE_ADDRESS, key=key, store_id=have.id), have.company_id)

    def status(self, company_id: int, new: CompanyStatus) -> Order:
        """Set a company's status."""
        operation = StatusOperation(
            action=Action.SET_STATUS, key=self.key(), store_id=company_id, new=new, old=CompanyStatus.UNKNOWN
        )
        return Order(operation, company_id)

    def methods(self, company_id: int, **switches: bool) -> Order:
        """Switch payment methods."""
        operation = MethodsOperation(
            action=Action.SET_PAYMENT_METHODS, key=self.key(), store_id=company_id, new=switches
        )
        return Order(operation, company_id)

    def terms(self, company_id: int, *, is_enabled: bool, days: int) -> Order:
        """Set payment terms."""
        new = PaymentTerms(is_enabled=is_enabled, days=days)
        operation = TermsOperation(action=Action.SET_PAYMENT_TERMS, key=self.key(), store_id=company_id, new=new)
        return Order(operation, company_id)

    # -- doing -------------------------------------------------------------------------------------------------------

    def send(self, *orders: Order) -> list[int | None]:
        """Send orders of one action in one request."""
        return self.target.perform(orders[0].operation.action, orders)

    def make_company(self, name: str = "A", **changes: Any) -> StoredCompany:
        """Create a company, and read it."""
        self.send(self.new_company(name, **changes))
        return self.only_company(name)

    def only_company(self, name: str = "A") -> StoredCompany:
        """The company of that name, of which there must be one."""
        (found,) = self.target.companies_by_key(self.key(name))
        return found

    def make_user(self, company_id: int, name: str = "ann", **changes: Any) -> StoredUser:
        """Create a user, and read it."""
        self.send(self.new_user(company_id, name, **changes))
        return self.user_named(name)

    def user_named(self, name: str) -> StoredUser:
        """The user with the e-mail of that name."""
        found = self.target.user_by_email(self.email(name))
        assert found is not None
        return found

    def make_address(
        self, company_id: int, location: str = "MAIN", company: str = "A", **changes: Any
    ) -> StoredAddress:
        """Create an address, and read it."""
        order = self.new_address(company_id, location, company, **changes)
        self.send(order)
        found = self.target.addresses_by_key([order.operation.key])
        (made,) = (each for each in found if each.company_id == company_id)
        return made
