"""The simulated store: it knows whose each company is, keeps its own list of writes, and refuses what it dislikes.

Whose a company is, the store cannot know; the simulation does: nothing changes in the ERP during a run, so the number
under which a company is made is that of the record for which it is made. What people make by hand is a stranger's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from customer_sync.model.company import CompanyFields, CompanyStatus, UserFields
from customer_sync.model.operation import Action
from customer_sync.targets.port import Order, StoredCompany, StoredUser
from tests.adapters import store_rules as rules
from tests.adapters.in_memory_target import InMemoryStore

STRANGER: Final = "a stranger"
DISLIKED: Final = "disliked"
"""A text that the store refuses wherever it is part of a name or an e-mail."""


@dataclass
class SimulatedStore(InMemoryStore):
    """The store.

    Attributes:
        owner_of_number: Who has a number now.
        contact_with: Which contact of a customer has an e-mail now, ``""`` if none.
        owners: Company -> the customer for whom it was made.
        writes: Every operation that was carried out, in a line each.
    """

    owner_of_number: Callable[[str], str | None] = lambda _: None
    contact_with: Callable[[str, str], str] = lambda _owner, _email: ""
    admins: dict[int, str] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)

    def write(self, action: Action, order: Order) -> int:
        new = getattr(order.operation, "new", None)
        for record in (new, getattr(order.operation, "admin", None)):
            texts = [getattr(record, name, "") for name in ("company_name", "last_name", "email")]
            if any(DISLIKED in text for text in texts):
                rules.refuse("The value is not accepted.")
        made = super().write(action, order)
        if action is Action.CREATE_COMPANY:
            key = order.operation.new.extra_fields.get(rules.KEY_FIELD, "")
            owner = self.owners[made] = self.owner_of_number(key) or f"nobody with number {key}"
            # A creation names no contact of its first user.
            (admin,) = self.users_of(made)
            self.admins[admin.id] = self.contact_with(owner, admin.fields.email)
        self.writes.append(f"{action} {order.operation.key} company {order.company_id} -> {made}")
        return made

    # -- by hand -----------------------------------------------------------------------------------------------------

    def register(self, key: str, email: str, *, is_pending: bool) -> bool:
        """Somebody registers a company of his own, with whatever key he types."""
        taken = any(each.fields.email.casefold() == email.casefold() for each in self.users.values())
        if taken or (key and any(each.key == key for each in self.companies.values())):
            return False
        company_id, user_id, now_s = next(self.ids), next(self.ids), int(self.clock())
        fields = CompanyFields(
            company_name="Stranger & Co",
            company_phone="+1 555 010 0199",
            company_email=email,
            country="US",
            extra_fields={rules.KEY_FIELD: key} if key else {},
        )
        status = CompanyStatus.PENDING if is_pending else CompanyStatus.APPROVED
        self.companies[company_id] = StoredCompany(
            id=company_id, key=key, fields=fields, status=status, created_at_s=now_s, updated_at_s=now_s
        )
        user = UserFields(email=email, first_name="Sam", last_name="Stranger", role=rules.ADMIN)
        self.users[user_id] = StoredUser(
            id=user_id, company_id=company_id, fields=user, created_at_s=now_s, updated_at_s=now_s
        )
        self.stamps_s[company_id] = self.stamps_s[user_id] = now_s
        self.owners[company_id] = STRANGER
        return True

    # -- reading -----------------------------------------------------------------------------------------------------

    def companies_of(self, owner: str) -> list[StoredCompany]:
        """The companies that were made for a customer."""
        return [each for each in self.companies.values() if self.owners[each.id] == owner]

    def users_of(self, company_id: int) -> list[StoredUser]:
        """The users of a company."""
        return [each for each in self.users.values() if each.company_id == company_id]

    def contact_of(self, user: StoredUser) -> str:
        """For which contact a user was made, ``""`` for nobody's."""
        return user.key or self.admins.get(user.id, "")

    def user_with(self, email: str) -> StoredUser | None:
        """Who has an e-mail."""
        return next((each for each in self.users.values() if each.fields.email.casefold() == email.casefold()), None)

    def addresses_of(self, company_id: int) -> list[Any]:
        """The addresses of a company."""
        return [each for each in self.addresses.values() if each.company_id == company_id]
