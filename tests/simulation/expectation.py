"""What the store must hold in the end: a calculation of its own from the rules, sharing nothing with the product.

It takes what the rules say that the final state depends on, and nothing else: the ERP's state, who holds each e-mail
that several want, companies that strangers made, and of customers on hold that they stay what they were. It does not
know what the product did, in which order, or what its ledger says.

Rules, in the order in which they are used here:

- Active, switched-on customers are one approved company each, under their present number, with their own values.
- Customers that are withdrawn or gone have no approved company.
- On hold: what the customer was when it was last eligible, less whoever has explicitly left (whoever comes back waits);
  the last admin who left is followed by the first who can be the admin now.
- A person is a user of the company if active, ticked, named and with an e-mail that nobody else rightfully holds.
- The admin is the first of these (the primary one first); else the account itself, with the Account Email.
- An empty value is a value: no terms means that ours are off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from customer_sync.model.company import CompanyStatus
from customer_sync.model.customer import Contact, Customer, PostalAddress
from customer_sync.targets.port import StoredCompany, StoredUser
from tests.adapters import store_rules
from tests.simulation.store import DISLIKED, STRANGER, SimulatedStore

STATES: Final = {"CA": "California"}
METHODS: Final[Mapping[str, frozenset[str]]] = {
    "NET": frozenset({"cheque", "bankdeposit"}),
    "COD": frozenset({"cheque"}),
}
DAYS: Final = {"NET": 30, "COD": 0}
MANAGED: Final = frozenset({"cheque", "bankdeposit"})


class Violation(NamedTuple):
    """What is not as it must be."""

    kind: str
    detail: str


class Person(NamedTuple):
    """A user as the store must show it."""

    email: str
    first_name: str
    last_name: str
    phone_number: str
    role: str


def standing(customer: Customer | None) -> str:
    """``active``, ``hold`` or ``withdrawn``."""
    if customer is None or not customer.enabled or customer.status not in {"Active", "On Hold"}:
        return "withdrawn"
    return "active" if customer.status == "Active" else "hold"


def may_buy(contact: Contact) -> bool:
    """Whether the ERP lets a person into the store."""
    return contact.active and contact.enabled is True


def eligible(customer: Customer) -> list[Contact]:
    """The people of a customer who may be users, the admin's first candidate first, each e-mail once."""
    in_order = sorted(customer.contacts, key=lambda each: (not each.is_primary, len(each.contact_id), each.contact_id))
    by_email: dict[str, Contact] = {}
    for contact in in_order:
        if may_buy(contact) and contact.email:
            by_email.setdefault(contact.email.casefold(), contact)
    return list(by_email.values())


def disliked(contact: Contact) -> bool:
    """Whether the store refuses a person whatever happens."""
    return any(DISLIKED in text for text in (contact.email, contact.last_name))


@dataclass
class Judgement:
    """The comparison of one moment's ERP and store.

    Args:
        customers: Every customer that the ERP has, by the name that never changes.
        ever: Every customer that it ever had.
        store: The store.
        before: What each customer may be in the store by the runs that there were before it was on hold.
        taken: E-mails of each customer's people that somebody else's user had while a run might have needed them.
        missed: Those of them that somebody else had when the customer was last eligible.
        numbers: The numbers under which runs have met each customer.
        followed: E-mails of users who followed the admin of a customer on hold, by the runs so far.
    """

    customers: Mapping[str, Customer]
    ever: Iterable[str]
    store: SimulatedStore
    before: Mapping[str, Sequence[Customer | None]]
    taken: Mapping[str, Collection[str]] = field(default_factory=dict)
    missed: Mapping[str, Collection[str]] = field(default_factory=dict)
    numbers: Mapping[str, Collection[str]] = field(default_factory=dict)
    followed: Mapping[str, Collection[str]] = field(default_factory=dict)
    found: list[Violation] = field(default_factory=list)

    def judge(self) -> list[Violation]:
        """Everything that is not as it must be."""
        for name in self.ever:
            self._judge_customer(name, self.customers.get(name))
        for company in self.store.companies.values():
            if self.store.owners[company.id] == STRANGER:
                self._judge_stranger(company)
        return self.found

    def _say(self, kind: str, name: str, detail: str) -> None:
        self.found.append(Violation(kind, f"{name}: {detail}"))

    def _judge_customer(self, name: str, customer: Customer | None) -> None:
        companies = self.store.companies_of(name)
        if len(companies) > 1:
            self._say("two companies of one customer", name, f"{[each.id for each in companies]}")
            return
        company = companies[0] if companies else None
        state = standing(customer)
        if customer is None or state == "withdrawn":
            if company is not None and company.status is not CompanyStatus.INACTIVE:
                self._say("withdrawn customer still trades", name, f"company {company.id} is {company.status.name}")
            return
        if self._is_squatted(customer):
            return
        if state == "hold":
            self._judge_hold(name, customer, company)
            return
        people = self.expected_people(customer, company)
        if not people:
            if company is not None and company.status is CompanyStatus.APPROVED:
                self._say("company without anybody who may be admin trades", name, f"company {company.id}")
        elif company is None:
            self._say("company missing", name, f"number {customer.customer_id}, expected {len(people)} users")
        else:
            self._judge_company(name, customer, company, people)

    def may_trade(self, customer: Customer) -> bool:
        """Whether an eligible customer must have a company: somebody may be its admin, and its number is free."""
        return not self._is_squatted(customer) and bool(self.expected_people(customer, self._company_of(customer)))

    def _company_of(self, customer: Customer) -> StoredCompany | None:
        name = next(name for name, each in self.customers.items() if each.record_id == customer.record_id)
        return next(iter(self.store.companies_of(name)), None)

    def _is_squatted(self, customer: Customer) -> bool:
        """Whether a stranger's company carries the customer's number: then a person decides."""
        return any(
            each.key == customer.customer_id and self.store.owners[each.id] == STRANGER
            for each in self.store.companies.values()
        )

    # -- people ------------------------------------------------------------------------------------------------------

    def expected_people(self, customer: Customer, company: StoredCompany | None) -> list[Person]:
        """The users that a company must have, given who rightfully holds the e-mails that others want too."""
        company_id = company.id if company else 0
        free = [each for each in eligible(customer) if self._may_be_user(each, company_id)]
        if free:
            roles = [store_rules.ADMIN] + ["Junior Buyer"] * (len(free) - 1)
            return [
                Person(each.email, each.first_name, each.last_name, each.phone, role)
                for each, role in zip(free, roles, strict=True)
            ]
        if self._may_have(customer.email, company_id):
            return [Person(customer.email, customer.name, customer.name, customer.phone, store_rules.ADMIN)]
        return []

    def _may_be_user(self, contact: Contact, company_id: int) -> bool:
        """Whether a contact is a user; whom the store refuses in a new form stays what he was."""
        if disliked(contact):
            return contact.contact_id in map(self.store.contact_of, self.store.users_of(company_id))
        return self._may_have(contact.email, company_id)

    def _may_have(self, email: str, company_id: int) -> bool:
        """Whether nobody else holds an e-mail rightfully."""
        holder = self.store.user_with(email)
        if holder is None or holder.company_id == company_id:
            return True
        owner = self.store.owners.get(holder.company_id, STRANGER)
        if owner == STRANGER:
            return False
        other = self.customers.get(owner)
        if other is None or standing(other) == "withdrawn":
            # Who is withdrawn gives up what others want, but for its last user, whom the store does not let go.
            return len(self.store.users_of(holder.company_id)) > 1
        if standing(other) == "hold":
            return self._has_left(holder, other)
        return not self._wants(other, email) and not self._keeps(holder, other)

    def _wants(self, customer: Customer, email: str) -> bool:
        claimed = [each.email.casefold() for each in eligible(customer)]
        return email.casefold() in claimed or email.casefold() == customer.email.casefold()

    def _keeps(self, user: StoredUser, customer: Customer) -> bool:
        """Whether the person behind a user may buy, and the store refuses what he is now: he stays what he was."""
        contact = self.store.contact_of(user)
        return any(each.contact_id == contact and disliked(each) for each in eligible(customer))

    def _has_left(self, user: StoredUser, customer: Customer) -> bool:
        """Whether the ERP says of the person behind a user that he has no business in the store any more."""
        contact = self.store.contact_of(user)
        return any(each.contact_id == contact and not may_buy(each) for each in customer.contacts)

    # -- comparing ---------------------------------------------------------------------------------------------------

    def _judge_hold(self, name: str, customer: Customer, company: StoredCompany | None) -> None:
        may_be = [*self.before.get(name, ()), *([None] if name not in self.before else ())]
        kinds = {standing(each) for each in may_be}
        if company is None:
            if kinds == {"active"}:
                self._say("company of a customer on hold missing", name, f"number {customer.customer_id}")
            return
        if company.status is not CompanyStatus.APPROVED:
            if kinds == {"active"}:
                self._say("company of a customer on hold was stopped", name, f"company {company.id}")
            return
        if kinds == {"withdrawn"}:
            self._say("company of a customer on hold was let in", name, f"company {company.id}")
            return
        eligible_before = [each for each in may_be if each is not None and standing(each) == "active"]
        own = [dict(_own_fields(each), extra_fields=None) for each in eligible_before]
        shown = _shown_fields(company)
        if {**shown, "extra_fields": None} not in own:
            self._say("company of a customer on hold differs", name, f"{shown}")
        # Its key is the one that it had, its own of a later run where another customer wanted the former, or parked.
        keys = {*(each.customer_id for each in eligible_before), f"~{customer.record_id}", *self.numbers.get(name, ())}
        if company.key not in keys:
            self._say("company of a customer on hold has another key", name, f"{company.key}, expected {sorted(keys)}")
        self._judge_people_on_hold(name, customer, company, eligible_before, is_sure=len(may_be) == 1)

    def _judge_people_on_hold(
        self, name: str, customer: Customer, company: StoredCompany, before: Sequence[Customer], *, is_sure: bool
    ) -> None:
        have = {user.fields.email.casefold(): user for user in self.store.users_of(company.id)}
        ever = {each.email.casefold() for one in before for each in (*one.contacts, one)} | self.followers(name)
        # Whom the store refuses in a new form is there in the one that it took last.
        former = {each.contact_id for one in before for each in one.contacts if disliked(each)}
        for email, user in have.items():
            if self._has_left(user, customer):
                self._say("leaver of a customer on hold has access", name, email)
            elif email not in ever and self.store.contact_of(user) not in former:
                self._say("somebody new in a company on hold", name, email)
        now = {each.contact_id: each for each in customer.contacts}
        # In which form the store took whom it refuses, and whether it ever did, only their history says. Whose e-mail
        # was somebody else's is no user yet, and waits like everybody who would be new; so do those whom a run that
        # ended badly had not come to.
        missed = self.missed.get(name, ())
        sure = [each for each in eligible(before[0]) if not disliked(each)] if is_sure else []
        sure = [each for each in sure if each.email.casefold() not in missed]
        for person in sure:
            present = now.get(person.contact_id)
            wants_it = present is not None and may_buy(present) and present.email == person.email
            if wants_it and person.email.casefold() not in have and self._may_have(person.email, company.id):
                self._say("user of a customer on hold missing", name, person.email)

    def followers(self, name: str) -> set[str]:
        """E-mails of users who follow the admin of a customer on hold, by the ERP as it is now, and of who did before.

        Whatever becomes of such a person's e-mail in the ERP, the user stays what it is while the customer is on hold.
        """
        customer, companies = self.customers.get(name), self.store.companies_of(name)
        if customer is None or not companies:
            return set()
        have = {user.fields.email.casefold(): user for user in self.store.users_of(companies[0].id)}
        # Passed over is an heir whose e-mail was somebody else's when the admin left, or whom the store refuses.
        refused = {each.email.casefold() for each in customer.contacts if disliked(each)}
        passed_over = refused.union(self.taken.get(name, ()))
        in_order = [email.casefold() for email in (*(each.email for each in eligible(customer)), customer.email)]
        heir = next((email for email in in_order if email in have or email not in passed_over), "")
        admins = {email for email, user in have.items() if user.fields.role == store_rules.ADMIN}
        return admins & {heir} | have.keys() & set(self.followed.get(name, ()))

    def _judge_company(self, name: str, customer: Customer, company: StoredCompany, people: list[Person]) -> None:
        if company.status is not CompanyStatus.APPROVED:
            self._say("company does not trade", name, f"company {company.id} is {company.status.name}")
        shown = _shown_fields(company)
        for part, value in _own_fields(customer).items():
            if shown[part] != value:
                self._say("company differs", name, f"{part} is {shown[part]!r}, expected {value!r}")
        if customer.reference_id != str(company.id):
            self._say("reference differs", name, f"{customer.reference_id!r}, expected {company.id}")
        self._judge_users(name, customer, company, people)
        self._judge_addresses(name, customer, company)
        self._judge_payment(name, customer, company)

    def _judge_users(self, name: str, customer: Customer, company: StoredCompany, people: list[Person]) -> None:
        have = {user.fields.email.casefold(): user for user in self.store.users_of(company.id)}
        refused = {each.contact_id: each.email.casefold() for each in eligible(customer) if disliked(each)}
        # In which form the store took those last, with which role, and whether the account had to be the admin, only
        # their history says.
        free = {email for email, user in have.items() if self.store.contact_of(user) in refused}
        free |= {*refused.values(), customer.email.casefold()} if refused else set()
        must = {email: person for person in people if (email := person.email.casefold()) not in free}
        for email in sorted(have.keys() - must.keys() - free):
            self._say("user that must not be", name, email)
        for email in sorted(must.keys() - have.keys()):
            self._say("user missing", name, f"{email}, held by {self._holder(email)}")
        for email in sorted(must.keys() & have.keys()):
            fields = have[email].fields
            seen = Person(*(getattr(fields, part) for part in Person._fields))
            if refused:
                seen = seen._replace(role=must[email].role)
            if seen != must[email]:
                self._say("user differs", name, f"{seen}, expected {must[email]}")

    def _holder(self, email: str) -> str:
        holder = self.store.user_with(email)
        return "nobody" if holder is None else f"{self.store.owners.get(holder.company_id)} ({holder.company_id})"

    def _judge_addresses(self, name: str, customer: Customer, company: StoredCompany) -> None:
        # The number in an external id is the one that the customer had when the address was made.
        have = sorted(
            (each.fields.external_id.partition(":")[2], _place(each.fields))
            for each in self.store.addresses_of(company.id)
        )
        must = sorted(
            (each.location_id, (*_where(each.address), each.name, each.phone, each.is_default))
            for each in customer.locations
            if each.active
        )
        if have != must:
            self._say("addresses differ", name, f"{have}, expected {must}")

    def _judge_payment(self, name: str, customer: Customer, company: StoredCompany) -> None:
        methods = {code for code, is_on in self.store.methods.get(company.id, {}).items() if is_on}
        terms = self.store.terms.get(company.id)
        days = terms.days if terms and terms.is_enabled else None
        if methods & MANAGED != METHODS.get(customer.terms, frozenset()):
            self._say("payment methods differ", name, f"{sorted(methods)} with terms {customer.terms!r}")
        if days != DAYS.get(customer.terms):
            self._say("payment terms differ", name, f"{days} days with terms {customer.terms!r}")

    def _judge_stranger(self, company: StoredCompany) -> None:
        if company.fields.company_name != "Stranger & Co":
            self._say("stranger's company was changed", STRANGER, f"{company.id}")
        if len(self.store.users_of(company.id)) != 1:
            self._say("stranger's company has other users", STRANGER, f"{company.id}")


def _shown_fields(company: StoredCompany) -> dict[str, object]:
    shown = {name: getattr(company.fields, name) for name in company.fields.__struct_fields__}
    return {**shown, "extra_fields": dict(company.fields.extra_fields)}


def _own_fields(customer: Customer) -> dict[str, object]:
    line1, line2, city, state, zip_code, country = _where(customer.main_address)
    return {
        "company_name": customer.name,
        "company_phone": customer.phone,
        "company_email": customer.email,
        "address_line1": line1,
        "address_line2": line2,
        "city": city,
        "state": state,
        "country": country,
        "zip_code": zip_code,
        "extra_fields": {store_rules.KEY_FIELD: customer.customer_id},
    }


def _where(address: PostalAddress) -> tuple[str, str, str, str, str, str]:
    state = STATES.get(address.state, address.state)
    return address.line1, address.line2, address.city, state, address.postal_code, address.country


def _place(fields: object) -> tuple[object, ...]:
    names = "address_line1 address_line2 city state_name zip_code country_code label phone_number is_default_shipping"
    return tuple(getattr(fields, name) for name in names.split())
