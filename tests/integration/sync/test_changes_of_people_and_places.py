"""Contacts and locations that come, change and go; a company is never without an admin on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.twin_world import World

CUSTOMER = "C000001"
PRIMARY, SECOND, THIRD = 100021, 100022, 100023
ON = {"EnableKensiumCommerce": True, "ConnectionType": "KNB"}


@pytest.fixture
def synced(world: World) -> World:
    """A world in which one customer is in the store, and both call logs are empty."""
    sync(world)
    world.forget_calls()
    return world


def sync(world: World, *customer_ids: str) -> None:
    """Sync some customers, by default the one of this module."""
    world.sync(mode="selected", customer_ids=list(customer_ids or [CUSTOMER]))


def lines(world: World) -> list[str]:
    """Method and route of the store's writes, ids left out."""
    return [f"{row['method']} {row['path'].split('/v3/io')[-1].rstrip('0123456789')}" for row in world.store_writes()]


def sent(world: World) -> list[dict[str, Any]]:
    """Bodies of the store's writes; rows of bulk calls one by one."""
    found: list[dict[str, Any]] = []
    for row in world.store_writes():
        body = json.loads(row["body"]) if row["body"] else {}
        found.extend(body if isinstance(body, list) else [body])
    return found


def roles(world: World, customer_id: str = CUSTOMER) -> dict[str, str]:
    """Role by e-mail of a customer's users."""
    return {user["email"]: user["role"] for user in world.book()[customer_id]["users"]}


def user_ids(world: World) -> dict[str, int]:
    """Id in the store by e-mail."""
    return {user["email"]: user["id"] for user in world.store_state()["users"]}


def assert_never_without_admin(world: World, admins: set[int]) -> None:
    """Replay the call log: at no point of it does the company have no admin.

    Args:
        world: The world, its call log covering one run.
        admins: Ids of the company's admins before the run.
    """
    admin_role = next(role["id"] for role in world.store_state()["roles"] if role["name"] == "Admin")
    for row in world.store_writes():
        body = json.loads(row["body"]) if row["body"] else {}
        name = row["path"].rpartition("/")[2]
        if "/users" not in row["path"] or row["status"] != 200:
            continue
        if row["method"] == "POST":
            admins |= {-1 for new in (body if isinstance(body, list) else [body]) if new["companyRoleId"] == admin_role}
        elif row["method"] == "DELETE":
            admins -= {int(name)}
        elif "companyRoleId" in body:
            admins = admins | {int(name)} if body["companyRoleId"] == admin_role else admins - {int(name)}
        assert admins, f"no admin after {row['method']} {row['path']}"


def test_one_user_is_made_when_a_contact_is_added(synced: World) -> None:
    """A new contact becomes a Junior Buyer in one request; nothing else is written."""
    synced.add(
        "Contact", BusinessAccount=CUSTOMER, FirstName="Ute", LastName="Neu", Email="ute.neu@elbe1.example", **ON
    )

    sync(synced)

    assert lines(synced) == ["POST /users"]
    assert roles(synced)["ute.neu@elbe1.example"] == "Junior Buyer"


@pytest.mark.parametrize(
    "edit", [{"Active": False}, {"EnableKensiumCommerce": False}, {"ConnectionType": "BCM"}, {"Email": ""}]
)
def test_user_loses_access_when_the_contact_is_withdrawn(synced: World, edit: dict[str, Any]) -> None:
    """A contact that is inactive, un-ticked, of another connector or without e-mail has no user any more."""
    synced.edit("Contact", ContactID=SECOND, **edit)

    sync(synced)

    assert lines(synced) == ["DELETE /users/"]
    assert sorted(roles(synced)) == ["aenne.weiss@elbe1.example", "bjoern.schaefer@elbe1.example"]


def test_user_is_kept_when_the_policy_says_leave(world: World) -> None:
    """Policy leave: a withdrawn contact's user stays as it is, and nothing is written."""
    lenient = world.with_rules(policy={"contact": "leave", "location": "leave"})
    sync(lenient)
    lenient.edit("Contact", ContactID=SECOND, Active=False)
    lenient.forget_calls()

    sync(lenient)

    assert lenient.store_writes() == []
    assert "juergen.boehm@elbe1.example" in roles(lenient)


@pytest.mark.parametrize(
    ("edit", "body"),
    [
        ({"Email": "j.boehm@elbe1.example"}, {"email": "j.boehm@elbe1.example"}),
        ({"LastName": "Böhme"}, {"lastName": "Böhme"}),
        ({"Phone1": "+49 30 2"}, {"phoneNumber": "+49 30 2"}),
    ],
)
def test_user_keeps_its_id_when_the_contact_changes(synced: World, edit: dict[str, Any], body: dict[str, Any]) -> None:
    """A contact's changed field is sent alone, to the same user."""
    before = user_ids(synced)["juergen.boehm@elbe1.example"]
    synced.edit("Contact", ContactID=SECOND, **edit)

    sync(synced)

    assert sent(synced) == [{**body, "uuid": str(SECOND)}]
    assert user_ids(synced)[body.get("email", "juergen.boehm@elbe1.example")] == before


def test_both_people_keep_access_when_they_exchange_their_emails(synced: World) -> None:
    """Two contacts that swap e-mails are right after one run, with the same two users and an admin all along."""
    before = user_ids(synced)
    people = {row["ContactID"]: row["values"] for row in synced.erp_state()["contacts"]}
    emails = {key: people[key]["Email"] for key in (PRIMARY, SECOND)}
    admin = before[emails[PRIMARY]]
    synced.edit("Contact", ContactID=PRIMARY, Email=emails[SECOND])
    synced.edit("Contact", ContactID=SECOND, Email=emails[PRIMARY])

    sync(synced)

    assert_never_without_admin(synced, {admin})
    assert user_ids(synced) == before
    assert roles(synced)[emails[SECOND]] == "Admin"
    users = {user["email"]: user for user in synced.book()[CUSTOMER]["users"]}
    assert users[emails[SECOND]]["lastName"] == people[PRIMARY]["LastName"]
    assert users[emails[PRIMARY]]["lastName"] == people[SECOND]["LastName"]
    synced.forget_calls()
    sync(synced)
    assert synced.store_writes() == []


def test_emails_go_from_hand_to_hand_without_a_refusal(synced: World) -> None:
    """Three contacts hand their e-mails on, a new one takes the last: from the far end on, none is refused."""
    before = user_ids(synced)
    people = {row["ContactID"]: row["values"] for row in synced.erp_state()["contacts"]}
    emails = [people[key]["Email"] for key in (PRIMARY, SECOND, THIRD)]
    new = synced.add(
        "Contact", BusinessAccount=CUSTOMER, FirstName="New", LastName="Person", Email="n@x.example", **ON
    )["ContactID"]["value"]
    for key, email in {PRIMARY: emails[1], SECOND: emails[2], THIRD: "far@elbe1.example", new: emails[0]}.items():
        synced.edit("Contact", ContactID=key, Email=email)

    sync(synced)

    users = {user["email"]: user["lastName"] for user in synced.book()[CUSTOMER]["users"]}
    assert users[emails[1]] == people[PRIMARY]["LastName"]
    assert users[emails[2]] == people[SECOND]["LastName"]
    assert users["far@elbe1.example"] == people[THIRD]["LastName"]
    assert users[emails[0]] == "Person"
    after = user_ids(synced)
    assert [after[email] for email in (*emails[1:], "far@elbe1.example")] == [before[email] for email in emails]
    assert len(synced.store_writes()) == 4
    assert_never_without_admin(synced, {before[emails[0]]})


def test_next_admin_takes_over_the_email_of_the_present_one(synced: World) -> None:
    """The new primary contact gets the old one's e-mail, who gets another: one run, and always an admin."""
    before = user_ids(synced)
    people = {row["ContactID"]: row["values"] for row in synced.erp_state()["contacts"]}
    email = people[PRIMARY]["Email"]
    synced.edit("Contact", ContactID=PRIMARY, Email="former@elbe1.example")
    synced.edit("Contact", ContactID=SECOND, Email=email)
    synced.edit("Customer", CustomerID=CUSTOMER, PrimaryContactID=SECOND)

    sync(synced)

    users = {user["email"]: (user["lastName"], user["role"]) for user in synced.book()[CUSTOMER]["users"]}
    assert users[email] == (people[SECOND]["LastName"], "Admin")
    assert users["former@elbe1.example"] == (people[PRIMARY]["LastName"], "Junior Buyer")
    assert_never_without_admin(synced, {before[email]})
    synced.forget_calls()
    sync(synced)
    assert synced.store_writes() == []


def test_promotion_comes_before_demotion_when_the_primary_contact_changes(synced: World) -> None:
    """The new primary is promoted first, the old one demoted after; the company always has an admin."""
    before = user_ids(synced)
    synced.edit("Customer", CustomerID=CUSTOMER, PrimaryContactID=THIRD)

    sync(synced)

    assert roles(synced) == {
        "aenne.weiss@elbe1.example": "Junior Buyer",
        "bjoern.schaefer@elbe1.example": "Admin",
        "juergen.boehm@elbe1.example": "Junior Buyer",
    }
    assert len(synced.store_writes()) == 2
    assert_never_without_admin(synced, {before["aenne.weiss@elbe1.example"]})


def test_successor_is_made_first_when_the_admin_is_withdrawn(synced: World) -> None:
    """The admin's contact is inactive: the next contact is promoted before the admin's user is deleted."""
    before = user_ids(synced)
    synced.edit("Contact", ContactID=PRIMARY, Active=False)

    sync(synced)

    assert roles(synced) == {
        "juergen.boehm@elbe1.example": "Admin",
        "bjoern.schaefer@elbe1.example": "Junior Buyer",
    }
    assert_never_without_admin(synced, {before["aenne.weiss@elbe1.example"]})
    assert synced.book()[CUSTOMER]["status"] == 1


def test_account_becomes_admin_first_when_all_contacts_are_withdrawn(synced: World) -> None:
    """With no contact left the account itself is made admin before the last contact's user goes."""
    before = user_ids(synced)
    for contact in (PRIMARY, SECOND, THIRD):
        synced.edit("Contact", ContactID=contact, Active=False)

    sync(synced)

    assert roles(synced) == {"orders@elbe1.example": "Admin"}
    assert_never_without_admin(synced, {before["aenne.weiss@elbe1.example"]})
    assert synced.book()[CUSTOMER]["status"] == 1


def test_old_admin_stays_when_the_store_refuses_the_successor(synced: World) -> None:
    """A new primary whose e-mail another company's user has cannot be admin: the company keeps the one it has."""
    before = user_ids(synced)
    made = synced.add(
        "Contact",
        BusinessAccount=CUSTOMER,
        FirstName="Theo",
        LastName="Vance",
        Email="taken@othercompany.example",
        **ON,
    )
    synced.edit("Customer", CustomerID=CUSTOMER, PrimaryContactID=made["ContactID"]["value"])

    sync(synced)

    assert_never_without_admin(synced, {before["aenne.weiss@elbe1.example"]})
    assert roles(synced)["aenne.weiss@elbe1.example"] == "Admin"
    assert synced.book()[CUSTOMER]["status"] == 1
    assert synced.last_outcome(CUSTOMER)[0] in {"updated", "waiting"}
    synced.forget_calls()
    sync(synced)
    assert synced.store_writes() == []


def test_old_admin_stays_when_the_refused_successor_is_to_replace_it(synced: World) -> None:
    """The admin's contact is withdrawn and its successor refused: another contact takes over before it goes."""
    before = user_ids(synced)
    made = synced.add(
        "Contact",
        BusinessAccount=CUSTOMER,
        FirstName="Theo",
        LastName="Vance",
        Email="taken@othercompany.example",
        **ON,
    )
    synced.edit("Customer", CustomerID=CUSTOMER, PrimaryContactID=made["ContactID"]["value"])
    synced.edit("Contact", ContactID=PRIMARY, Active=False)

    sync(synced)

    assert_never_without_admin(synced, {before["aenne.weiss@elbe1.example"]})
    assert roles(synced) == {
        "juergen.boehm@elbe1.example": "Admin",
        "bjoern.schaefer@elbe1.example": "Junior Buyer",
    }
    assert synced.book()[CUSTOMER]["status"] == 1


def test_person_is_a_user_of_the_new_company_when_a_contact_moves_to_another_customer(synced: World) -> None:
    """A contact that moved leaves the old company and enters the new one, in incremental runs alone."""
    synced.sync(mode="full")
    synced.edit("Contact", ContactID=SECOND, BusinessAccount="C000002")

    synced.sync()
    synced.sync()

    assert "juergen.boehm@elbe1.example" not in roles(synced)
    assert roles(synced, "C000002")["juergen.boehm@elbe1.example"] == "Junior Buyer"


def test_one_address_is_made_when_a_location_is_added(synced: World) -> None:
    """A new location is one new address; nothing else is written."""
    synced.add("CustomerLocation", Customer=CUSTOMER, LocationID="SOUTH", LocationName="South")

    sync(synced)

    assert lines(synced) == ["POST /addresses"]
    keys = [row["externalId"] for row in synced.book()[CUSTOMER]["addresses"]]
    assert keys == ["C000001:BILLING", "C000001:MAIN", "C000001:SOUTH"]


def test_one_field_is_sent_when_a_location_changes(synced: World) -> None:
    """A renamed location changes its address's label and nothing else."""
    synced.edit("CustomerLocation", Customer=CUSTOMER, LocationID="MAIN", LocationName="Zentrale")

    sync(synced)

    assert sent(synced) == [{"label": "Zentrale"}]


def test_whole_place_is_sent_when_a_location_moves_abroad(world: World) -> None:
    """A location that moves to a country without states loses its state in the store."""
    sync(world, "C000002")
    place = {"AddressLine1": "1 High St", "City": "Leeds", "State": "", "PostalCode": "LS1", "Country": "GB"}
    world.edit("CustomerLocation", Customer="C000002", LocationID="EAST", LocationContact={"Address": place})

    sync(world, "C000002")

    east = next(row for row in world.book()["C000002"]["addresses"] if row["externalId"].endswith(":EAST"))
    assert (east["countryCode"], east["stateCode"], east["stateName"], east["city"]) == ("GB", "", "", "Leeds")


def test_address_goes_and_comes_back_when_a_location_is_deactivated_and_activated(world: World) -> None:
    """An inactive location's address is deleted; active again, it is made again, once."""
    sync(world, "C000002")
    before = world.book()["C000002"]
    world.edit("CustomerLocation", Customer="C000002", LocationID="EAST", Active=False)
    world.forget_calls()
    sync(world, "C000002")
    assert lines(world) == ["DELETE /addresses/"]

    world.edit("CustomerLocation", Customer="C000002", LocationID="EAST", Active=True)
    sync(world, "C000002")

    assert world.book()["C000002"] == before


def test_address_stays_when_the_policy_says_leave(world: World) -> None:
    """Policy leave: an inactive location's address stays in the book."""
    lenient = world.with_rules(policy={"location": "leave"})
    sync(lenient, "C000002")
    lenient.edit("CustomerLocation", Customer="C000002", LocationID="EAST", Active=False)
    lenient.forget_calls()

    sync(lenient, "C000002")

    assert lenient.store_writes() == []


def test_default_shipping_moves_when_the_default_location_moves(world: World) -> None:
    """The new default location is the only default shipping address."""
    sync(world, "C000002")
    world.edit("CustomerLocation", Customer="C000002", LocationID="WEST", Default=True)

    sync(world, "C000002")

    addresses = world.book()["C000002"]["addresses"]
    assert [row["externalId"] for row in addresses if row["isDefaultShipping"]] == ["C000002:WEST"]
    world.forget_calls()
    sync(world, "C000002")
    assert world.store_writes() == []


def test_user_and_address_are_made_again_when_someone_deleted_them_in_the_store(synced: World) -> None:
    """A record deleted by hand does not stop the next change: it is made again, once."""
    state = synced.store_state()
    address = next(row for row in state["addresses"] if row["externalId"] == "C000001:MAIN")
    user = user_ids(synced)["juergen.boehm@elbe1.example"]
    store = synced.store()
    store.delete_address(address["addressId"])
    store.delete_user(user)
    synced.edit("Contact", ContactID=SECOND, LastName="Böhme")
    synced.edit("CustomerLocation", Customer=CUSTOMER, LocationID="MAIN", LocationName="Zentrale")

    sync(synced)

    book = synced.book()[CUSTOMER]
    assert [row["label"] for row in book["addresses"]] == ["Billing", "Zentrale"]
    assert "Böhme" in {row["lastName"] for row in book["users"]}
    assert synced.last_outcome(CUSTOMER)[0] == "updated"


def test_company_is_made_again_when_someone_deleted_it_in_the_store(synced: World) -> None:
    """A company deleted by hand is noticed at the next change and made again by the run after it."""
    before = synced.book()[CUSTOMER]
    synced.store().delete_company(synced.companies()[CUSTOMER]["companyId"])
    synced.edit("Customer", CustomerID=CUSTOMER, CustomerName="Elbe Neu")

    sync(synced)
    assert synced.last_outcome(CUSTOMER) == ("failed", "store_record_gone")
    sync(synced)

    assert synced.book()[CUSTOMER] == {
        **before,
        "companyName": "Elbe Neu",
        "addresses": [
            {**row, "firstName": row["firstName"].replace("Elbe Großhandel KG", "Elbe Neu")} | _named(row)
            for row in before["addresses"]
        ],
    }


def _named(row: dict[str, Any]) -> dict[str, str]:
    is_billing = row["externalId"].endswith(":BILLING")
    return {"firstName": "Elbe Neu", "lastName": "Elbe Neu"} if is_billing else {"firstName": "Elbe", "lastName": "Neu"}
