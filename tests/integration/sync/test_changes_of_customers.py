"""A change in the ERP changes exactly its fields in the store, in as few requests as it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.twin_world import World

CUSTOMER = "C000001"


@pytest.fixture
def synced(world: World) -> World:
    """A world in which one customer is in the store, and both call logs are empty."""
    sync(world)
    world.forget_calls()
    return world


def sync(world: World, *customer_ids: str) -> None:
    """Sync some customers, by default the one of this module."""
    world.sync(mode="selected", customer_ids=list(customer_ids or [CUSTOMER]))


def bodies(world: World) -> list[tuple[str, str, Any]]:
    """Method, last part of the path and body of every write to the store."""
    return [
        (row["method"], row["path"].rpartition("/")[2], json.loads(row["body"]) if row["body"] else None)
        for row in world.store_writes()
    ]


def ids(world: World) -> dict[str, Any]:
    """Ids of the customer's company, users and addresses in the store."""
    state = world.store_state()
    company_id = world.companies()[CUSTOMER]["companyId"]
    return {
        "company": company_id,
        "users": sorted(user["id"] for user in state["users"] if user["companyId"] == company_id),
        "addresses": sorted(row["addressId"] for row in state["addresses"] if row["companyId"] == company_id),
    }


@pytest.mark.parametrize(
    ("edit", "sent"),
    [
        ({"CustomerName": "Elbe Handel AG"}, {"companyName": "Elbe Handel AG"}),
        ({"MainContact": {"Phone1": "+49 30 1"}}, {"companyPhone": "+49 30 1"}),
        ({"Email": "neu@elbe1.example"}, {"companyEmail": "neu@elbe1.example"}),
        (
            {"MainContact": {"Address": {"City": "Potsdam", "State": "BB"}}},
            {"city": "Potsdam", "state": "Brandenburg"},
        ),
        ({"MainContact": {"Address": {"AddressLine2": "Hof 2"}}}, {"addressLine2": "Hof 2"}),
    ],
    ids=["name", "phone", "e-mail", "city", "line"],
)
def test_one_company_update_names_only_the_changed_fields_when_a_field_changes(
    synced: World, edit: dict[str, Any], sent: dict[str, Any]
) -> None:
    """The company is written once, with the changed fields and nothing else (the record's id travels along)."""
    synced.edit("Customer", CustomerID=CUSTOMER, **edit)
    with synced.source() as erp:
        record_id = next(erp.customers_of([CUSTOMER])).customers[0].record_id

    sync(synced)

    company_id = synced.companies()[CUSTOMER]["companyId"]
    own = [body for body in bodies(synced) if body[1] == str(company_id)]
    assert own == [("PUT", str(company_id), {**sent, "uuid": record_id})]
    assert synced.last_outcome(CUSTOMER) == ("updated", "")


def test_addresses_that_inherit_follow_when_the_main_address_changes(synced: World) -> None:
    """A new city of the main address reaches the billing address and the locations without one of their own."""
    synced.edit("Customer", CustomerID=CUSTOMER, MainContact={"Address": {"City": "Spandau"}})

    sync(synced)

    assert {row["city"] for row in synced.book()[CUSTOMER]["addresses"]} == {"Spandau"}
    assert len(synced.store_writes()) == 3  # the company, the billing address, one location
    assert [body for _, _, body in bodies(synced) if "uuid" not in body] == [{"city": "Spandau"}] * 2


def test_payment_settings_alone_are_written_when_the_terms_change(synced: World) -> None:
    """New terms switch their methods on, the old terms' methods off, and set the days: two requests."""
    synced.edit("Customer", CustomerID=CUSTOMER, Terms="COD")

    sync(synced)

    assert sorted(name for _, name, _ in bodies(synced)) == ["payment-terms", "payments"]
    book = synced.book()[CUSTOMER]
    assert book["payments"] == ["cod"]
    assert book["terms"]["paymentTerms"] == 0


def test_net_terms_and_our_methods_go_off_when_terms_become_unmapped(synced: World) -> None:
    """Nobody goes on buying on account by terms that the ERP took away; a second run finds nothing to do."""
    before = synced.book()[CUSTOMER]
    assert before["payments"]
    assert before["terms"]["isEnabled"]
    synced.edit("Customer", CustomerID=CUSTOMER, Terms="PREPAY")

    sync(synced)

    book = synced.book()[CUSTOMER]
    assert book["payments"] == []
    assert not book["terms"]["isEnabled"]
    synced.forget_calls()
    sync(synced)
    assert synced.store_writes() == []


def test_a_blanked_field_is_blank_in_the_store_when_the_erp_holds_nothing_any_more(synced: World) -> None:
    """Clearing a street's second line or a phone that has a second one behind it is a change like any other."""
    synced.edit("Customer", CustomerID=CUSTOMER, MainContact={"Address": {"AddressLine2": "Hof 2"}})
    sync(synced)
    synced.edit("Customer", CustomerID=CUSTOMER, MainContact={"Address": {"AddressLine2": ""}})

    sync(synced)

    book = synced.book()[CUSTOMER]
    assert book["addressLine2"] == ""
    assert {row["addressLine2"] for row in book["addresses"]} == {""}
    synced.forget_calls()
    sync(synced)
    assert synced.store_writes() == []


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"EnableKensiumCommerce": False}, "not_enabled"),
        ({"ConnectionType": "BCM"}, "connection_type_mismatch"),
        ({"CustomerClass": "RETAIL"}, "type_not_b2b"),
        ({"Status": "Inactive"}, "status_inactive"),
    ],
)
def test_company_is_inactive_and_comes_back_with_its_ids_when_the_customer_leaves_and_returns(
    synced: World, edit: dict[str, Any], reason: str
) -> None:
    """Un-enrolling is one status request that names the reason; re-enrolling gives the same ids back."""
    before, book = ids(synced), synced.book()[CUSTOMER]
    original = {"EnableKensiumCommerce": True, "ConnectionType": "KNB", "CustomerClass": "B2B", "Status": "Active"}
    synced.edit("Customer", CustomerID=CUSTOMER, **edit)

    sync(synced)

    assert bodies(synced) == [("PUT", "status", {"companyStatus": 3})]
    outcome, reasons = synced.last_outcome(CUSTOMER)
    assert (outcome, reason in reasons.split(",")) == ("deactivated", True)
    assert synced.book()[CUSTOMER] == {**book, "status": 3}
    synced.forget_calls()
    sync(synced)
    assert synced.store_writes() == []
    assert synced.last_outcome(CUSTOMER)[0] == "filtered"

    synced.edit("Customer", CustomerID=CUSTOMER, **{name: original[name] for name in edit})
    sync(synced)

    assert synced.last_outcome(CUSTOMER) == ("reactivated", "")
    assert ids(synced) == before
    assert synced.book()[CUSTOMER] == book
    assert bodies(synced) == [("PUT", "status", {"companyStatus": 1})]


@pytest.mark.parametrize(
    ("edit", "reason"), [({"Status": "On Hold"}, "status_on_hold"), ({"Email": ""}, "email_missing")]
)
def test_company_is_kept_as_it_is_when_the_customer_is_on_hold_or_loses_its_email(
    synced: World, edit: dict[str, Any], reason: str
) -> None:
    """A hold or a blank Account Email writes nothing and names the reason."""
    before = synced.book()[CUSTOMER]
    synced.edit("Customer", CustomerID=CUSTOMER, CustomerName="Elbe Neu", **edit)

    sync(synced)

    assert synced.store_writes() == []
    assert synced.book()[CUSTOMER] == before
    assert synced.last_outcome(CUSTOMER) == ("filtered", reason)


def test_changes_made_meanwhile_arrive_when_a_customer_comes_back(synced: World) -> None:
    """What was changed while the customer was out is in the store after its return."""
    synced.edit("Customer", CustomerID=CUSTOMER, Status="Inactive")
    sync(synced)
    contact = synced.contact_ids(CUSTOMER)[1]
    synced.edit("Contact", ContactID=contact, LastName="Neumann")
    synced.edit("Customer", CustomerID=CUSTOMER, Status="Active", CustomerName="Elbe Neu")

    sync(synced)

    book = synced.book()[CUSTOMER]
    assert (book["companyName"], book["status"]) == ("Elbe Neu", 1)
    assert "Neumann" in {user["lastName"] for user in book["users"]}
    assert synced.last_outcome(CUSTOMER) == ("reactivated", "")


def test_company_is_left_alone_when_the_policy_says_leave(world: World) -> None:
    """Policy leave: an un-enrolled customer's company stays active, and no request is made."""
    lenient = world.with_rules(policy={"customer": "leave"})
    sync(lenient)
    lenient.edit("Customer", CustomerID=CUSTOMER, EnableKensiumCommerce=False)
    lenient.forget_calls()

    sync(lenient)

    assert lenient.store_writes() == []
    assert lenient.book()[CUSTOMER]["status"] == 1
    assert lenient.last_outcome(CUSTOMER)[0] == "filtered"


def test_company_is_deleted_and_made_anew_when_the_policy_says_delete(world: World) -> None:
    """Policy delete: un-enrolling deletes the company with all that is in it; returning makes a new one, whole."""
    strict = world.with_rules(policy={"customer": "delete"})
    sync(strict)
    before, old = strict.book()[CUSTOMER], ids(strict)
    strict.edit("Customer", CustomerID=CUSTOMER, EnableKensiumCommerce=False)

    sync(strict)

    assert CUSTOMER not in strict.companies()
    assert strict.last_outcome(CUSTOMER)[0] == "deactivated"
    strict.edit("Customer", CustomerID=CUSTOMER, EnableKensiumCommerce=True)
    sync(strict)
    assert strict.book()[CUSTOMER] == before
    assert strict.last_outcome(CUSTOMER)[0] == "created"
    assert ids(strict)["company"] != old["company"]
    assert strict.references()[CUSTOMER] == str(ids(strict)["company"])


def test_customer_waits_in_quarantine_when_its_account_email_is_another_ones(world: World) -> None:
    """The holder of an Account Email keeps it; the newcomer is quarantined and enters when the holder gives it up."""
    world = world.with_rules(target={"company_emails_unique": True})
    sync(world, "C000001", "C000002")
    world.edit("Customer", CustomerID="C000003", Email="ORDERS@elbe1.example")

    sync(world, "C000001", "C000002", "C000003")

    assert world.last_outcome("C000003") == ("quarantined", "email_duplicate")
    assert set(world.companies()) == {"C000001", "C000002"}

    world.sync(mode="full")
    world.edit("Customer", CustomerID="C000001", Email="neu@elbe1.example")
    sync(world, "C000001")
    world.sync()
    assert world.last_outcome("C000003") == ("created", "")
    assert world.book()["C000003"]["companyEmail"] == "ORDERS@elbe1.example"


def test_both_newcomers_enter_when_one_of_a_shared_email_is_corrected(world: World) -> None:
    """Two newcomers with one Account Email are both quarantined; correcting one lets both in without a further edit."""
    world = world.with_rules(target={"company_emails_unique": True})
    world.sync(mode="full")
    assert world.last_outcome("C000036") == ("quarantined", "email_duplicate")
    assert world.last_outcome("C000037") == ("quarantined", "email_duplicate")
    world.edit("Customer", CustomerID="C000037", Email="own@firm37.example")

    sync(world, "C000037")
    world.sync()

    assert ("created", "") in world.outcomes("C000037")
    assert ("created", "") in world.outcomes("C000036")


def test_refused_customer_is_not_sent_again_when_nothing_changed(world: World) -> None:
    """A customer that the store refused costs no request until its data change, and then enters by itself."""
    world.store_faults(
        {"match": {"method": "POST", "path_regex": "/companies"}, "effect": "status", "status": 422, "times": 9}
    )
    sync(world)
    world.store_faults()
    assert world.last_outcome(CUSTOMER) == ("quarantined", "rejected_by_store")
    world.forget_calls()

    sync(world)

    assert world.store_writes() == []
    assert world.last_outcome(CUSTOMER) == ("quarantined", "rejected_by_store")
    with world.ledger() as ledger:
        said = ledger.log.rows(customer_id=CUSTOMER, limit=1)[0]["message"]
    assert "; in quarantine since 20" in said
    assert said.endswith(" UTC, seen once before")
    world.edit("Customer", CustomerID=CUSTOMER, CustomerName="Elbe Neu")
    sync(world)
    assert world.last_outcome(CUSTOMER) == ("created", "")
    with world.ledger() as ledger:
        assert ledger.quarantine.load([CUSTOMER]) == {}


def test_refused_customer_is_sent_again_when_an_operator_asks(world: World) -> None:
    """``retry_quarantined`` reads every quarantined customer afresh and sends it."""
    world.store_faults(
        {"match": {"method": "POST", "path_regex": "/companies"}, "effect": "status", "status": 422, "times": 9}
    )
    sync(world)
    world.store_faults()
    world.sync(mode="selected", customer_ids=["C000002"])

    world.sync(mode="selected", customer_ids=["C000002"], retry_quarantined=True)

    assert world.last_outcome(CUSTOMER) == ("created", "")


def test_nothing_is_written_when_someone_else_changed_the_reference(synced: World) -> None:
    """A reference that another hand changed stops the customer; clearing it lets the customer go on."""
    synced.edit("Customer", CustomerID=CUSTOMER, CommerceReferenceID="61001", CustomerName="Elbe Neu")

    sync(synced)

    assert synced.last_outcome(CUSTOMER) == ("quarantined", "reference_changed_elsewhere")
    assert synced.store_writes() == []
    assert synced.references()[CUSTOMER] == "61001"

    synced.edit("Customer", CustomerID=CUSTOMER, CommerceReferenceID="")
    sync(synced)
    assert synced.last_outcome(CUSTOMER) == ("updated", "")
    assert synced.references()[CUSTOMER] == str(ids(synced)["company"])


def test_reference_is_written_again_when_it_was_lost(synced: World) -> None:
    """A reference that the ERP lost is written again; the company is not touched."""
    synced.edit("Customer", CustomerID=CUSTOMER, CommerceReferenceID="")

    sync(synced)

    assert synced.store_writes() == []
    assert synced.references()[CUSTOMER] == str(ids(synced)["company"])
