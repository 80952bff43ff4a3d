"""Corrupts a store, a ledger and an ERP in every class at once, at random, and knows what a comparison must say."""

from __future__ import annotations

import copy
import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.ledger import CustomerState, Ledger
from customer_sync.ledger.storage.database import open_engine, writing
from customer_sync.ledger.storage.schema import customer_state, email, quarantine
from customer_sync.model.company import CompanyUser, content_hash
from customer_sync.model.difference import DifferenceClass
from customer_sync.model.outcome import Reason
from tests.integration.twin_world import KEY_FIELD, World, call

UNKNOWN = "unknown"
"""Marks users that somebody made in the store."""

LONG_AGO_S = 86_400
"""How much older than our write the store's stamp of a lost one is."""

Defect = tuple[str, str, str, str]
"""CustomerID, class, entity and key, as a comparison tells them."""


@dataclass
class Corruption:
    """The three sides as they stand, and what was done to them.

    Every customer is spoilt at most once, so that one defect never hides another.
    """

    world: World
    dice: random.Random
    store: dict[str, Any] = field(default_factory=dict)
    erp: dict[str, Any] = field(default_factory=dict)
    expected: Counter[Defect] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.store = self.world.store_state()
        self.erp = self.world.erp_state()
        self._companies = {
            extra["fieldValue"]: company
            for company in self.store["companies"]
            for extra in company["extraFields"]
            if extra["fieldName"] == KEY_FIELD
        }
        self._users = _grouped(self.store["users"])
        self._addresses = _grouped(self.store["addresses"])
        customers = {row["CustomerID"]: row for row in self.erp["customers"]}
        self._customers = customers
        self._shared = _shared_emails(self.erp["contacts"])
        self.engine = open_engine(self.world.ledger_url)
        with self.engine.connect() as connection:
            linked = set(connection.execute(sa.select(customer_state.c.customer_id)).scalars())
        applied = Ledger(self.engine, self.world.connector.id).links.load(linked)
        self._keys = {
            (entity, part.store_id): part_key
            for each in applied.values()
            for entity, parts in (("user", each.users), ("address", each.addresses))
            for part_key, part in parts.items()
        }
        whole = [key for key in sorted(self._companies) if key in linked and self._is_whole(key)]
        self.dice.shuffle(whole)
        self._free = iter(whole)

    def _is_whole(self, key: str) -> bool:
        company_id = self._companies[key]["companyId"]
        users = self._users.get(company_id, [])
        addresses = self._addresses.get(company_id, [])
        is_active = self._companies[key]["companyStatus"] == 1
        # Whoever is spoilt may end: somebody else would get an e-mail that both want.
        return len(users) > 1 and bool(addresses) and is_active and key not in self._shared

    def spoil(self, times: int, kinds: list[str] | None = None) -> Counter[Defect]:
        """Spoil so many customers in every way, and put the spoilt sides in place."""
        ways = [way for name, way in _WAYS.items() if kinds is None or name in kinds]
        with writing(self.engine) as ledger:
            for _ in range(times):
                for way in ways:
                    way(self, next(self._free), ledger)
        call(f"{self.world.store_url}/_sandbox/state", "PUT", self.store)
        call(f"{self.world.erp_url}/_sandbox/state", "PUT", self.erp)
        self.engine.dispose()
        return self.expected

    # -- what the ways need ------------------------------------------------------------------------

    def tell(self, key: str, kind: DifferenceClass, entity: str = "customer", part: str = "") -> None:
        """Note what a comparison must say."""
        self.expected[(key, str(kind), entity, part)] += 1

    def company(self, key: str) -> dict[str, Any]:
        """The store's company of a customer."""
        return self._companies[key]

    def other_user(self, key: str) -> dict[str, Any]:
        """A user of a customer's company that is not its admin."""
        admin = min(self._users[self.company(key)["companyId"]], key=lambda user: user["id"])
        return next(user for user in self._users[self.company(key)["companyId"]] if user is not admin)

    def address(self, key: str) -> dict[str, Any]:
        """An address of a customer's company."""
        return self.dice.choice(self._addresses[self.company(key)["companyId"]])

    def child_key(self, entity: str, store_id: int) -> str:
        """The key under which the ledger knows a user or address."""
        return self._keys[(entity, store_id)]

    def forget_user(self, connection: sa.Connection, key: str, user_id: int) -> None:
        """Have the ledger not know a user any more, and all else as before."""
        links = Ledger(self.engine, self.world.connector.id).links
        applied = links.load([key])[key]
        users = {name: user for name, user in applied.users.items() if user.store_id != user_id}
        links.put(connection, "", [CustomerState(key, msgspec.structs.replace(applied, users=users))])

    def customer(self, key: str) -> dict[str, Any]:
        """The ERP's customer."""
        return self._customers[key]

    def drop(self, table: str, record: dict[str, Any]) -> None:
        """Take a record out of the store."""
        self.store[table].remove(record)

    def new_id(self, name: str) -> int:
        """An id that the store has not given yet."""
        self.store["next_ids"][name] += 1
        return int(self.store["next_ids"][name]) - 1


def _grouped(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["companyId"], []).append(row)
    return found


def _shared_emails(contacts: list[dict[str, Any]]) -> set[str]:
    """Customers with a contact whose e-mail a contact of another customer has as well."""
    customers: dict[str, set[str]] = {}
    for contact in contacts:
        email = (contact["values"].get("Email") or "").casefold()
        customers.setdefault(email, set()).add(contact["BusinessAccount"])
    return {customer for email, found in customers.items() if email and len(found) > 1 for customer in found}


Way = Callable[[Corruption, str, sa.Connection], None]


def _company_gone(case: Corruption, key: str, _: sa.Connection) -> None:
    company_id = case.company(key)["companyId"]
    case.drop("companies", case.company(key))
    for table in ("users", "addresses"):
        case.store[table] = [row for row in case.store[table] if row["companyId"] != company_id]
    case.tell(key, DifferenceClass.MISSING_IN_STORE)


def _user_gone(case: Corruption, key: str, _: sa.Connection) -> None:
    user = case.other_user(key)
    case.drop("users", user)
    case.tell(key, DifferenceClass.MISSING_IN_STORE, "contact", case.child_key("user", user["id"]))


def _address_gone(case: Corruption, key: str, _: sa.Connection) -> None:
    address = case.address(key)
    case.drop("addresses", address)
    case.tell(key, DifferenceClass.MISSING_IN_STORE, "location", address["externalId"])


def _link_lost(case: Corruption, key: str, ledger: sa.Connection) -> None:
    for table in (customer_state, email):
        ledger.execute(sa.delete(table).where(table.c.customer_id == key))
    case.tell(key, DifferenceClass.MISSING_IN_LEDGER)


def _user_link_lost(case: Corruption, key: str, ledger: sa.Connection) -> None:
    user = case.other_user(key)
    case.forget_user(ledger, key, user["id"])
    case.tell(key, DifferenceClass.MISSING_IN_LEDGER, "contact", case.child_key("user", user["id"]))


def _withdrawn_unseen(case: Corruption, key: str, _: sa.Connection) -> None:
    # A row of the Site Association edited alone moves no stamp: no incremental run sees it.
    for site in case.customer(key)["SiteAssociations"]:
        site["Active"] = False
    case.tell(key, DifferenceClass.EXTRA_IN_STORE)


def _key_of_nobody(case: Corruption, key: str, _: sa.Connection) -> None:
    copied = copy.deepcopy(case.company(key))
    invented = f"X{case.new_id('company')}"
    copied |= {"companyId": case.new_id("company"), "extraFields": [{"fieldName": KEY_FIELD, "fieldValue": invented}]}
    case.store["companies"].append(copied)
    case.tell(invented, DifferenceClass.EXTRA_IN_STORE)


def _erp_edited(case: Corruption, key: str, _: sa.Connection) -> None:
    case.customer(key)["MainContact"]["Email"] = f"new.{key.casefold()}@renamed.example"
    case.tell(key, DifferenceClass.ERP_CHANGED)


def _edited_by_hand(case: Corruption, key: str, _: sa.Connection) -> None:
    case.company(key)["companyName"] = f"Typed by hand {key}"
    case.company(key)["updatedAt"] += LONG_AGO_S
    case.tell(key, DifferenceClass.DRIFT)


def _user_edited_by_hand(case: Corruption, key: str, _: sa.Connection) -> None:
    user = case.other_user(key)
    user["firstName"] = "Typed"
    user["updatedAt"] += LONG_AGO_S
    case.tell(key, DifferenceClass.DRIFT, "contact", case.child_key("user", user["id"]))


def _address_edited_by_hand(case: Corruption, key: str, _: sa.Connection) -> None:
    address = case.address(key)
    address["city"] = "Typedtown"
    address["updatedAt"] += LONG_AGO_S
    case.tell(key, DifferenceClass.DRIFT, "location", address["externalId"])


def _write_lost(case: Corruption, key: str, _: sa.Connection) -> None:
    case.company(key)["companyName"] = f"Before our write {key}"
    case.company(key)["updatedAt"] -= LONG_AGO_S
    case.tell(key, DifferenceClass.WRITE_LOST)


def _address_write_lost(case: Corruption, key: str, _: sa.Connection) -> None:
    address = case.address(key)
    address["city"] = "Oldtown"
    address["updatedAt"] -= LONG_AGO_S
    case.tell(key, DifferenceClass.WRITE_LOST, "location", address["externalId"])


def _key_twice(case: Corruption, key: str, _: sa.Connection) -> None:
    copied = copy.deepcopy(case.company(key))
    copied["companyId"] = case.new_id("company")
    case.store["companies"].append(copied)
    case.tell(key, DifferenceClass.DUPLICATE_KEY)


def _user_in_other_company(case: Corruption, key: str, _: sa.Connection) -> None:
    # The user was deleted, and somebody made it anew in a company of their own.
    user = case.other_user(key)
    part = case.child_key("user", user["id"])
    foreign = next(row for row in case.store["companies"] if not row["extraFields"])
    user |= {"companyId": foreign["companyId"], "id": case.new_id("user")}
    case.tell(key, DifferenceClass.USER_OF_OTHER_COMPANY, "contact", part)


def _orphaned_address(case: Corruption, key: str, _: sa.Connection) -> None:
    copied = copy.deepcopy(case.address(key))
    copied |= {"addressId": case.new_id("address"), "externalId": f"{key}:GONE", "isDefaultShipping": False}
    copied |= {"isDefaultBilling": False}
    case.store["addresses"].append(copied)
    case.tell(key, DifferenceClass.ORPHANED_CHILD, "location", f"{key}:GONE")


def _reference_cleared(case: Corruption, key: str, _: sa.Connection) -> None:
    _set_reference(case, key, None)


def _reference_of_another(case: Corruption, key: str, _: sa.Connection) -> None:
    _set_reference(case, key, "1")


def _set_reference(case: Corruption, key: str, reference: str | None) -> None:
    for site in case.customer(key)["SiteAssociations"]:
        site["CommerceReferenceID"] = reference
    case.tell(key, DifferenceClass.REFERENCE_MISMATCH, "reference")


def _deleted_in_erp(case: Corruption, key: str, _: sa.Connection) -> None:
    case.erp["customers"].remove(case.customer(key))
    for table, owner in (("contacts", "BusinessAccount"), ("locations", "Customer")):
        case.erp[table] = [row for row in case.erp[table] if row[owner] != key]
    case.tell(key, DifferenceClass.DELETED_IN_ERP)


def _link_unweighed(case: Corruption, key: str, ledger: sa.Connection) -> None:
    ledger.execute(sa.update(customer_state).where(customer_state.c.customer_id == key).values(evidence=""))
    case.tell(key, DifferenceClass.LINK_UNPROVEN)


def _unknown_admin(case: Corruption, key: str, _: sa.Connection) -> None:
    admin = next(user for user in case.store["users"] if user["companyId"] == case.company(key)["companyId"])
    user_id = case.new_id("user")
    roles = {role["name"]: role["id"] for role in case.store["roles"]}
    email = f"{UNKNOWN}.{user_id}@shop.example"
    made = {
        "id": user_id,
        "email": email,
        "uuid": UNKNOWN,
        "companyRoleId": roles["Admin"],
        "customerId": 900_000 + user_id,
    }
    case.store["users"].append(copy.deepcopy(admin) | made)
    case.tell(key, DifferenceClass.FOREIGN_USER, "contact", f"user {user_id}")


def _user_in_withdrawn_company(case: Corruption, key: str, _: sa.Connection) -> None:
    user = case.other_user(key)
    part = case.child_key("user", user["id"])
    foreign = copy.deepcopy(next(row for row in case.store["companies"] if not row["extraFields"]))
    foreign |= {"companyId": case.new_id("company"), "companyStatus": 3}
    case.store["companies"].append(foreign)
    user |= {"companyId": foreign["companyId"], "id": case.new_id("user")}
    case.tell(key, DifferenceClass.HELD_BY_WITHDRAWN, "contact", part)


def _waits_for_nobody(case: Corruption, key: str, ledger: sa.Connection) -> None:
    user = case.other_user(key)
    part = case.child_key("user", user["id"])
    links = Ledger(case.engine, case.world.connector.id).links
    fields = msgspec.structs.asdict(links.load([key])[key].users[part].fields)
    digest = content_hash(CompanyUser(key=part, **fields))
    case.drop("users", user)
    case.forget_user(ledger, key, user["id"])
    now = datetime.now(UTC)
    stamps = dict.fromkeys(("asked_at_utc", "first_seen_at_utc", "last_seen_at_utc"), now)
    facts = {"customer_id": key, "entity": "contact", "record_key": part, "reason": str(Reason.EMAIL_IN_USE)}
    texts = {"field": "contact.email", "detail": "", "holder_id": "", "run_id": "", "attempts": 1}
    row = {"connector_id": case.world.connector.id, **facts, **texts, **stamps, "content_hash": digest}
    ledger.execute(sa.insert(quarantine).values(**row))
    case.tell(key, DifferenceClass.WAIT_IS_OVER, "contact", part)


_WAYS: dict[str, Way] = {
    way.__name__.removeprefix("_"): way
    for way in (
        _company_gone,
        _user_gone,
        _address_gone,
        _link_lost,
        _user_link_lost,
        _withdrawn_unseen,
        _key_of_nobody,
        _erp_edited,
        _edited_by_hand,
        _user_edited_by_hand,
        _address_edited_by_hand,
        _write_lost,
        _address_write_lost,
        _key_twice,
        _user_in_other_company,
        _orphaned_address,
        _reference_cleared,
        _reference_of_another,
        _deleted_in_erp,
        _link_unweighed,
        _unknown_admin,
        _user_in_withdrawn_company,
        _waits_for_nobody,
    )
}


def ways() -> list[str]:
    """Names of the ways in which a customer is spoilt."""
    return list(_WAYS)


def repaired_by_hand(world: World) -> None:
    """Do what only a person can: delete surplus companies and users that are unknown or elsewhere, vouch for links."""
    state = world.store_state()
    with world.ledger() as ledger:
        linked = {company_id for page in ledger.links.companies() for _, company_id in page}
        holders = {key for page in ledger.links.companies() for key, _ in page}
        with ledger.write() as connection:
            by_hand = sa.update(customer_state).where(customer_state.c.evidence == "").values(evidence="by hand")
            connection.execute(by_hand)
    surplus = [
        company["companyId"]
        for company in state["companies"]
        for extra in company["extraFields"]
        if extra["fieldValue"] in holders and company["companyId"] not in linked
    ]
    known = linked | {company["companyId"] for company in state["companies"] if company["extraFields"]}
    state["companies"] = [row for row in state["companies"] if row["companyId"] not in surplus]
    state["users"] = [row for row in state["users"] if row["companyId"] in known - set(surplus) or row["uuid"] is None]
    state["users"] = [row for row in state["users"] if row["uuid"] != UNKNOWN]
    call(f"{world.store_url}/_sandbox/state", "PUT", state)


def told(world: World, run_id: str) -> Counter[Defect]:
    """What a comparison wrote down, each record once."""
    with world.ledger() as ledger:
        rows = [row for page in ledger.differences.pages(run_id) for row in page]
    return Counter(
        {(row["customer_id"], row["kind"], row["entity"], row["record_key"]) for row in rows},
    )


def new_run_id() -> str:
    """A run id that no other run has."""
    return f"reconcile__{uuid.uuid4().hex}"
