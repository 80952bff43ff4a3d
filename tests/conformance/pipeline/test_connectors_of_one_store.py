"""Two connectors of one ledger reach one store: its e-mails and companies are settled between all their customers."""

from __future__ import annotations

import pytest

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.model.company import CompanyStatus
from tests.adapters.ledger_file import process_ledger
from tests.conformance.pipeline.world import World

MIA = "mia@people.example"


@pytest.fixture
def older() -> World:
    """The ERP of a parent firm, whose customers were made first."""
    world = World({"id": "parent"})
    world.save("P1", world.contact("Ann", is_primary=True))
    return world


@pytest.fixture
def newer(older: World) -> World:
    """The ERP of its subsidiary, with a connector of its own to the same store."""
    world = World({"id": "subsidiary"}, store=older.store)
    world.save("S1", world.contact("Ben", is_primary=True))
    return world


@pytest.fixture(autouse=True)
def both_were_synced(older: World, newer: World) -> None:
    """Each has a company in the store."""
    older.sync()
    newer.sync()


def waits_for(world: World, number: str) -> set[str]:
    """For which customers the parts of a customer wait."""
    with world.ledger() as ledger:
        return {row.holder_id for row in ledger.quarantine.load([number]).get(number, [])}


def wants_mia(world: World, number: str, contact: str) -> None:
    """Give a customer one more contact with an e-mail that others want too."""
    world.save(number, *world.erp.customer(number).contacts, world.contact(contact, MIA))


def test_an_email_is_given_when_the_other_connector_freed_it(older: World, newer: World) -> None:
    """Who waits knows for whom, and has it in the next run after it is free; the store is not asked meanwhile."""
    wants_mia(newer, "S1", "Mia")
    newer.sync()
    wants_mia(older, "P1", "Mia2")
    older.sync()
    assert older.users("P1") == {"ann": "Admin"}
    assert older.waits("P1") == [("contact:Mia2", "email_in_use")]
    assert waits_for(older, "P1") == {"S1 of connector subsidiary"}
    assert older.requests_of_one_more_run() == {"GET": 0, "POST": 0}
    newer.change("S1", "Mia", active=False)
    newer.sync()
    older.sync()
    assert older.users("P1") == {"ann": "Admin", "mia": "Junior Buyer"}
    assert older.waits("P1") == []


@pytest.mark.parametrize("comes_first", ["older", "newer"])
def test_of_two_claimants_the_older_customer_gets_it(older: World, newer: World, comes_first: str) -> None:
    """Whichever connector runs first after a stranger gave the e-mail up."""
    older.register("Stranger & Co", MIA)
    for world, number in ((newer, "S1"), (older, "P1")):
        wants_mia(world, number, f"Mia of {number}")
        world.sync()
    (stranger,) = [each for each in older.store.users.values() if each.fields.email == MIA]
    del older.store.users[stranger.id]
    in_order = [older, newer] if comes_first == "older" else [newer, older]
    for world in (*in_order, *in_order):
        world.sync(mode="full", retry_quarantined=True)
    assert set(older.users("P1")) == {"ann", "mia"}
    assert set(newer.users("S1")) == {"ben"}
    assert waits_for(newer, "S1") == {"P1 of connector parent"}


def test_people_of_two_connectors_exchange_their_emails(older: World, newer: World) -> None:
    """Each stays in the own company, after as many runs as it takes to pass them on."""
    older.change("P1", "Ann", email="ben@people.example")
    newer.change("S1", "Ben", email="ann@people.example")
    for world in (older, newer, older):
        world.sync()
    assert {each.fields.email: each.fields.first_name for each in older.store.users.values()}.items() >= {
        "ben@people.example": "Ann",
        "ann@people.example": "Ben",
    }.items()
    assert older.waits("P1") == newer.waits("S1") == []


def test_a_withdrawn_company_of_another_connector_gives_up_what_is_claimed(older: World, newer: World) -> None:
    """By the next run of its own connector that writes anything; its company stays closed."""
    wants_mia(newer, "S1", "Mia")
    newer.save("S2", newer.contact("Sue", is_primary=True))
    newer.sync()
    newer.save("S1", status="Inactive")
    newer.sync()
    wants_mia(older, "P1", "Mia2")
    older.sync()
    assert waits_for(older, "P1") == {"S1 of connector subsidiary"}
    newer.save("S2", name="Another name")
    newer.sync()
    older.sync()
    assert set(older.users("P1")) == {"ann", "mia"}
    assert newer.company("S1").status is CompanyStatus.INACTIVE


def test_equal_numbers_are_different_customers(older: World, newer: World) -> None:
    """A customer of another connector with the same number keeps its e-mail."""
    wants_mia(newer, "S1", "Mia")
    newer.sync()
    older.save("S1", older.contact("Sam", is_primary=True), older.contact("Mia2", MIA))
    older.sync()
    assert set(newer.users("S1")) == {"ben", "mia"}
    assert waits_for(older, "S1") >= {"S1 of connector subsidiary"}


def test_a_company_has_one_link_across_connectors(older: World, newer: World) -> None:
    """Two that link the same company before either has reached the store are told so by the first that finds out."""
    with older.ledger() as ledger:
        (applied,) = ledger.links.load(["P1"]).values()
    third = Ledger(process_ledger().ledger.engine, "third")
    with third as ledger, ledger.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO customer_state SELECT 'third', 'T1', 'of third', company_id, company_key, 'other', status, "
            "applied, parts, reference_id, content_hash, made_by_run, evidence, parts_known, is_behind, linked_at_utc, "
            "applied_at_utc FROM customer_state WHERE connector_id = 'parent'"
        )
    assert applied.company_id == newer.company("P1").id
    with Ledger(process_ledger().ledger.engine, "third") as ledger, pytest.raises(ConfigError, match="link the same"):
        ledger.links.note_store("run", older.store.identity)
