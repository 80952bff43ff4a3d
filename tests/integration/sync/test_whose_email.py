"""E-mails that belong to somebody else, over the twins: exchanged, freed, taken and moved between customers."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.integration.twin_world import World

FIRST, SECOND = "C000042", "C000044"
ON = {"EnableKensiumCommerce": True, "ConnectionType": "KNB"}


@pytest.fixture
def synced(world: World) -> World:
    """Two customers with several people each are in the store."""
    world.sync(mode="selected", customer_ids=[FIRST, SECOND])
    return world


def people(world: World, customer_id: str) -> dict[int, dict[str, str]]:
    """ContactID -> e-mail and last name of a customer's contacts who are users."""
    users = set(users_of(world, customer_id))
    rows = [row for row in world.erp_state()["contacts"] if row["BusinessAccount"] == customer_id]
    return {row["ContactID"]: row["values"] for row in rows if row["values"]["Email"] in users}


def users_of(world: World, customer_id: str) -> dict[str, str]:
    """E-mail -> last name of the users of a customer's company."""
    company_id = world.companies()[customer_id]["companyId"]
    users = [user for user in world.store_state()["users"] if int(user["companyId"]) == company_id]
    return {user["email"]: user["lastName"] for user in users}


def waits(world: World, customer_id: str) -> list[tuple[str, str, str]]:
    """Contact, reason and holder of what waits."""
    with world.ledger() as ledger:
        rows = ledger.quarantine.load([customer_id]).get(customer_id, [])
    return [(row.key, row.reason, row.holder_id) for row in rows if row.entity == "contact"]


def test_people_of_two_customers_exchange_their_emails(synced: World) -> None:
    """After one incremental run each person has the other's e-mail in the own company, and nothing waits."""
    synced.sync(mode="full")
    (one, mine), (other, yours) = (next(iter(people(synced, key).items())) for key in (FIRST, SECOND))
    synced.edit("Contact", ContactID=one, Email=yours["Email"])
    synced.edit("Contact", ContactID=other, Email=mine["Email"])
    synced.sync()
    assert users_of(synced, FIRST)[yours["Email"]] == mine["LastName"]
    assert users_of(synced, SECOND)[mine["Email"]] == yours["LastName"]
    assert waits(synced, FIRST) == waits(synced, SECOND) == []
    synced.forget_calls()
    synced.sync(mode="selected", customer_ids=[FIRST, SECOND])
    assert synced.store_writes() == []


def test_an_email_that_is_freed_elsewhere_is_given_in_the_next_run(synced: World) -> None:
    """A contact waits for a user of another customer, whose contact then leaves: one incremental run is enough."""
    synced.sync(mode="full")
    holder, values = list(people(synced, FIRST).items())[-1]
    synced.add("Contact", BusinessAccount=SECOND, FirstName="Mia", LastName="Waits", Email=values["Email"], **ON)
    synced.sync()
    assert [(reason, whose) for _, reason, whose in waits(synced, SECOND)] == [("email_in_use", FIRST)]
    synced.edit("Contact", ContactID=holder, Active=False)
    synced.sync()
    assert users_of(synced, SECOND)[values["Email"]] == "Waits"
    assert values["Email"] not in users_of(synced, FIRST)
    assert waits(synced, SECOND) == []


def test_the_next_contact_is_admin_where_the_primary_ones_email_is_taken(world: World) -> None:
    """Only that contact waits; the company exists."""
    world.sync(mode="selected", customer_ids=[FIRST])
    taken = next(iter(users_of(world, FIRST)))
    primary = world.erp_state()["contacts"]
    ids = [row["ContactID"] for row in primary if row["BusinessAccount"] == SECOND]
    world.edit("Contact", ContactID=min(ids), Email=taken, **ON)
    world.sync(mode="selected", customer_ids=[SECOND])
    roles = Counter(user["role"] for user in world.book()[SECOND]["users"])
    assert roles["Admin"] == 1
    assert taken not in users_of(world, SECOND)
    assert [(reason, whose) for _, reason, whose in waits(world, SECOND)] == [("email_in_use", FIRST)]


def test_people_of_merged_customers_are_users_of_the_one_that_stays(synced: World) -> None:
    """All contacts move and the source is closed: its company is inactive and holds none of their e-mails."""
    synced.sync(mode="full")
    moved = people(synced, FIRST)
    for contact in synced.contact_ids(FIRST):
        synced.edit("Contact", ContactID=contact, BusinessAccount=SECOND)
    synced.edit("Customer", CustomerID=FIRST, Status="Inactive")
    report = synced.sync()
    assert report.outcomes.get("failed") is None
    emails = {values["Email"] for values in moved.values()}
    assert emails <= users_of(synced, SECOND).keys()
    assert not emails & users_of(synced, FIRST).keys()
    company_id = synced.companies()[FIRST]["companyId"]
    (company,) = [each for each in synced.store_state()["companies"] if each["companyId"] == company_id]
    assert company["companyStatus"] == 3
