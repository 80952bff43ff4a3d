"""Cases from public reports of people who do this job, over the twins: identity, leavers, time, keys."""

from __future__ import annotations

import pytest

from tests.integration.twin_world import World, call

FIRST, SECOND, THIRD = "C000042", "C000044", "C000018"
ON = {"EnableKensiumCommerce": True, "ConnectionType": "KNB"}


@pytest.fixture
def synced(world: World) -> World:
    """Three customers with several people each are in the store, and a full run has seen everybody."""
    world.sync(mode="full")
    return world


def users_of(world: World, customer_id: str) -> set[str]:
    """E-mails of the users of a customer's company."""
    company_id = world.companies()[customer_id]["companyId"]
    return {user["email"] for user in world.store_state()["users"] if int(user["companyId"]) == company_id}


def contacts(world: World, customer_id: str) -> dict[int, str]:
    """ContactID -> e-mail of a customer's contacts who are users."""
    users = users_of(world, customer_id)
    rows = [row for row in world.erp_state()["contacts"] if row["BusinessAccount"] == customer_id]
    return {row["ContactID"]: row["values"]["Email"] for row in rows if row["values"]["Email"] in users}


def test_one_refused_contact_keeps_no_leaver_in(synced: World) -> None:
    """The store takes no umlaut in an e-mail: that contact is left out by name, and the leaver goes in the same run."""
    leaver, email = list(contacts(synced, SECOND).items())[-1]
    refused = "jürgen@firm.example.com"
    synced.add("Contact", BusinessAccount=SECOND, FirstName="J", LastName="Refused", Email=refused, **ON)
    synced.edit("Contact", ContactID=leaver, Active=False)
    synced.sync()
    assert not {email, refused} & users_of(synced, SECOND)
    assert synced.last_outcome(SECOND)[0] == "updated"


def test_a_leaver_goes_where_every_successors_email_is_another_customers(synced: World) -> None:
    """All contacts leave, and the only new one has the e-mail of another customer's user: the account is admin."""
    taken = next(iter(users_of(synced, FIRST)))
    former = users_of(synced, SECOND)
    for contact in synced.contact_ids(SECOND):
        synced.edit("Contact", ContactID=contact, Active=False)
    synced.add("Contact", BusinessAccount=SECOND, FirstName="New", LastName="Person", Email=taken, **ON)
    synced.sync()
    (admin,) = synced.book()[SECOND]["users"]
    assert admin["role"] == "Admin"
    assert admin["email"] not in {taken, *former}
    assert taken in users_of(synced, FIRST)


def test_a_leaver_of_a_customer_on_hold_goes(synced: World) -> None:
    """Taking access away needs no intact customer."""
    leaver, email = list(contacts(synced, SECOND).items())[-1]
    synced.edit("Customer", CustomerID=SECOND, Status="On Hold")
    synced.edit("Contact", ContactID=leaver, Active=False)
    synced.sync()
    assert email not in users_of(synced, SECOND)
    assert synced.companies()[SECOND]["companyStatus"] == 1


def test_a_stamp_from_the_future_hides_no_later_edit(synced: World) -> None:
    """The ERP's clock is seven days ahead while one customer is saved, and is put right: the next edit comes over."""
    call(f"{synced.erp_url}/_sandbox/clock", "PUT", {"advance_s": 7 * 86400})
    synced.edit("Customer", CustomerID=FIRST, CustomerName="Saved in the future")
    synced.sync()
    call(f"{synced.erp_url}/_sandbox/clock", "PUT", {"advance_s": -7 * 86400})
    synced.edit("Customer", CustomerID=SECOND, CustomerName="Saved after that")
    synced.edit("Customer", CustomerID=THIRD, EnableKensiumCommerce=False)
    synced.sync()
    assert synced.book()[SECOND]["companyName"] == "Saved after that"
    assert synced.book()[THIRD]["status"] == 3


def test_keys_that_a_store_loses_in_bulk_are_written_singly(world: World) -> None:
    """Noticed when the first of them are read back: every company has its key after the run."""
    world.store_settings(bulk_drops_extra_fields=True)
    numbers = [FIRST, SECOND, THIRD]
    world.sync(mode="selected", customer_ids=numbers)
    assert set(world.companies()) == set(numbers)


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_a_company_stays_its_records_when_its_number_is_used_again(synced: World, *, is_withdrawn: bool) -> None:
    """The first company follows its record with name and people, and stays closed where it was withdrawn."""
    company_id, name = synced.companies()[SECOND]["companyId"], synced.book()[SECOND]["companyName"]
    before = users_of(synced, SECOND)
    if is_withdrawn:
        synced.edit("Customer", CustomerID=SECOND, Status="Inactive")
        synced.sync()
    synced.change_id(SECOND, f"{SECOND}-OLD")
    new = {"CustomerName": "The second", "Email": "second@firm.example.com", "CustomerClass": "B2B"}
    made = synced.add("Customer", **new, **ON)
    synced.change_id(made["CustomerID"]["value"], SECOND)
    own = {"FirstName": "Own", "LastName": "Person", "Email": "own@firm.example.com"}
    synced.add("Contact", BusinessAccount=SECOND, **own, **ON)
    synced.sync()
    state = synced.store_state()
    (old,) = [each for each in state["companies"] if each["companyId"] == company_id]
    assert old["companyName"] == name
    keys = {each["fieldValue"] for each in old["extraFields"]}
    # Nobody wants the key of a closed company: it stays until somebody does.
    assert (SECOND if is_withdrawn else f"{SECOND}-OLD") in keys
    assert {user["email"] for user in state["users"] if int(user["companyId"]) == company_id} == before
    assert old["companyStatus"] == (3 if is_withdrawn else 1)


def test_a_deleted_customer_is_withdrawn_by_a_full_run(synced: World) -> None:
    """Its company stops trading, and the story says why."""
    for contact in synced.contact_ids(SECOND):
        synced.delete("Contact", str(contact))
    synced.delete("Customer", SECOND)
    synced.sync(mode="full")
    assert synced.book()[SECOND]["status"] == 3
    assert synced.last_outcome(SECOND) == ("deactivated", "deleted_in_erp")
