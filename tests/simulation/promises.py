"""What must hold at every moment, and what must hold after each run that ended well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from customer_sync.model.company import CompanyStatus
from customer_sync.model.customer import Contact
from customer_sync.targets.port import StoredCompany, StoredUser
from tests.adapters import store_rules
from tests.adapters.ledger_file import LedgerFile
from tests.simulation.expectation import Violation, eligible, may_buy, standing
from tests.simulation.merchant import Merchant
from tests.simulation.store import STRANGER, SimulatedStore

_LINKS: Final = "SELECT company_id, count(*) FROM customer_state GROUP BY company_id HAVING count(*) > 1"


def broken_now(store: SimulatedStore) -> Iterator[Violation]:
    """Nothing twice, nobody else's company touched, no company without an admin."""
    owned: dict[str, list[int]] = defaultdict(list)
    for company in store.companies.values():
        owner = store.owners[company.id]
        if owner == STRANGER:
            if company.updated_at_s != company.created_at_s:
                yield Violation("stranger's company was changed", f"company {company.id}")
            continue
        owned[owner].append(company.id)
        yield from _broken_in(store, company)
    for owner, companies in owned.items():
        if len(companies) > 1:
            yield Violation("two companies of one customer", f"{owner}: {companies}")


def _broken_in(store: SimulatedStore, company: StoredCompany) -> Iterator[Violation]:
    users, where = store.users_of(company.id), f"company {company.id} of {store.owners[company.id]}"
    if company.status is CompanyStatus.APPROVED and all(user.fields.role != store_rules.ADMIN for user in users):
        yield Violation("company without admin", where)
    places = [each.fields.external_id for each in store.addresses_of(company.id)]
    if len(places) != len(set(places)):
        yield Violation("address twice in a company", f"{where}: {sorted(places)}")


def broken_twice(store: SimulatedStore) -> Iterator[Violation]:
    """No contact has two users after a good run.

    Contacts that exchanged their e-mails exchange their users, one after the other, and who takes over the user of
    somebody who is gone leaves the former one: a run that dies in between leaves two. Where one customer failed two may
    bear the name of one contact, and only the e-mails say whose each is.
    """
    for company in store.companies.values():
        owner, users = store.owners[company.id], store.users_of(company.id)
        by_name = [store.contact_of(user) for user in users]
        by_email = [store.contact_with(owner, user.fields.email) or store.contact_of(user) for user in users]
        if owner != STRANGER and _is_repeated(by_name) and _is_repeated(by_email):
            yield Violation("user twice in a company", f"company {company.id} of {owner}: {sorted(by_email)}")


def _is_repeated(contacts: Iterable[str]) -> bool:
    known = list(filter(None, contacts))
    return len(known) != len(set(known))


def broken_links(ledger_file: LedgerFile) -> Iterator[Violation]:
    """Two links on one company."""
    for company_id, links in ledger_file.rows(_LINKS):
        yield Violation("two links on one company", f"company {company_id} has {links}")


def broken_after_reading(store: SimulatedStore, merchant: Merchant, *, is_full: bool) -> Iterator[Violation]:
    """Whoever has left, by what a run read that ended well, has no access; what is only absent, a full run sees."""
    customers = merchant.customers()
    for company in store.companies.values():
        owner = store.owners[company.id]
        if owner == STRANGER or company.status is not CompanyStatus.APPROVED:
            continue
        customer = customers.get(owner)
        if standing(customer) == "withdrawn" and (customer is not None or is_full):
            yield Violation("withdrawn customer still trades", f"{owner}: company {company.id}")
            continue
        people = {each.contact_id: each for each in customer.contacts} if customer else {}
        for user in store.users_of(company.id):
            contact = store.contact_of(user)
            where = f"{contact} in company {company.id} of {owner}"
            if contact in people and not may_buy(people[contact]):
                yield Violation("leaver has access", where)
            elif contact not in people and (present := merchant.owner_of_contact(contact)):
                if _is_a_colleagues(user, people.values()):
                    continue
                yield Violation("who moved away has access", f"{where}, now of {present}")


def _is_a_colleagues(user: StoredUser, people: Iterable[Contact]) -> bool:
    """Whether a user has the e-mail and the name of a present contact: what is equal is not written under its id."""
    have = user.fields
    return any(
        may_buy(each) and (each.email, each.first_name, each.last_name) == (have.email, have.first_name, have.last_name)
        for each in people
    )


def secure_people(store: SimulatedStore, merchant: Merchant) -> dict[tuple[int, str], str]:
    """Company and contact -> e-mail of the users whom the ERP wants to stay what they are: no run may take it away."""
    found = {}
    for name, customer in merchant.customers().items():
        people = {each.contact_id: each for each in eligible(customer)} if standing(customer) == "active" else {}
        for company in store.companies_of(name):
            for user in store.users_of(company.id):
                contact = store.contact_of(user)
                person = people.get(contact)
                if person and person.email == user.fields.email and company.status is CompanyStatus.APPROVED:
                    found[company.id, contact] = person.email
    return found


def broken_for(people: dict[tuple[int, str], str], store: SimulatedStore) -> Iterator[Violation]:
    """Whoever was a user and should stay one, still is after a good run."""
    users = {(user.company_id, user.fields.email) for user in store.users.values()}
    for (company_id, contact), email in people.items():
        trades = store.companies[company_id].status is CompanyStatus.APPROVED
        if (company_id, email) not in users or not trades:
            yield Violation("user lost who should stay", f"{contact} of company {company_id}: {email}")
