"""A contact whose e-mail is somebody else's waits, and gets its user as soon as the holder gives it up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.schema import quarantine
from customer_sync.model.company import CompanyStatus
from tests.conformance.pipeline.world import World

MIA = "mia@people.example"


@pytest.fixture
def world() -> World:
    """Mia is a user of A, and a contact of B has her e-mail."""
    world = World()
    world.save("A", world.contact("Ann", is_primary=True), world.contact("Mia"))
    world.sync()
    world.save("B", world.contact("Bob", is_primary=True), world.contact("Mia2", MIA))
    world.sync()
    assert world.users("B") == {"bob": "Admin"}
    return world


def test_an_email_that_the_holder_gives_up_passes_in_the_same_run(world: World) -> None:
    """The holder's contact leaves: the next run makes her a user of the customer that waits, which did not change."""
    world.change("A", "Mia", active=False)
    world.sync()
    assert world.users("A") == {"ann": "Admin"}
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}
    assert world.waits("B") == []


def test_an_email_that_changes_at_the_holder_is_free(world: World) -> None:
    """The holder's contact gets another e-mail."""
    world.change("A", "Mia", email="mia.moss@people.example")
    world.sync()
    assert world.users("A") == {"ann": "Admin", "mia.moss": "Junior Buyer"}
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}


def test_who_waits_is_in_another_batch_than_the_holder(world: World) -> None:
    """At the latest the run after the one that freed the e-mail gives it on."""
    world.rules = {"batch": {"size": 1, "largest": 1}}
    world.change("A", "Mia", active=False)
    world.sync()
    world.sync()
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}


def test_a_deleted_company_frees_its_emails(world: World) -> None:
    """The policy deletes the holder's company."""
    world.rules = {"policy": {"customer": "delete"}}
    world.save("A", enabled=False)
    world.sync()
    world.sync()
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}


def test_nothing_is_sent_while_the_holder_keeps_it(world: World) -> None:
    """Who waits is looked at in every run, and asks the store for nothing."""
    before = list(world.store.users)
    world.sync()
    world.sync(mode="full")
    assert list(world.store.users) == before
    assert world.outcome("B") == "waiting"
    assert world.requests_of_one_more_run() == {"GET": 0, "POST": 0}


def test_people_of_merged_customers_are_users_of_the_one_that_stays(world: World) -> None:
    """Contacts move with their e-mails, the former customer is closed: its company holds none of them."""
    world.save("SOURCE", world.contact("Sue", is_primary=True), world.contact("Sam"))
    world.save("TARGET", world.contact("Tom", is_primary=True))
    world.sync()
    world.save("SOURCE", status="Inactive", contacts=())
    world.save("TARGET", *world.erp.customer("TARGET").contacts, world.contact("Sue"), world.contact("Sam"))
    world.sync()
    world.sync()
    assert world.users("TARGET") == {"tom": "Admin", "sue": "Junior Buyer", "sam": "Junior Buyer"}
    assert world.company("SOURCE").status is CompanyStatus.INACTIVE
    assert set(world.users("SOURCE")) == {"office"}


def test_a_withdrawn_company_gives_up_an_email_that_its_contact_has_no_more(world: World) -> None:
    """The contact of a closed customer got another e-mail: who waits for the former one gets it."""
    world.save("A", enabled=False)
    world.sync()
    world.change("A", "Mia", email="mia.moss@people.example")
    world.sync()
    world.sync()
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}
    assert world.users("A") == {"ann": "Admin"}
    assert world.company("A").status is CompanyStatus.INACTIVE


def test_a_strangers_email_is_asked_for_once_a_day(world: World) -> None:
    """Nobody of ours holds it: whether the stranger gave it up is looked for again after a day."""
    with world.ledger() as ledger:
        company_id = world.company("A").id
        with ledger.write() as connection:
            ledger.links.drop_company(connection, "A")
            connection.execute(sa.update(quarantine).values(holder_id=""))
    del world.erp.rows["customers"]["A"]
    world.sync()
    assert world.waits("B") == [("contact:Mia2", "email_in_use")]
    for user in [each for each in world.store.users.values() if each.company_id == company_id]:
        del world.store.users[user.id]
    world.sync()
    assert world.users("B") == {"bob": "Admin"}
    with world.ledger() as ledger, ledger.write() as connection:
        connection.execute(sa.update(quarantine).values(asked_at_utc=datetime.now(UTC) - timedelta(days=2)))
    world.sync()
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}


def test_the_story_says_for_whom_a_part_waits(world: World) -> None:
    """What a person reads names the customer that holds the e-mail."""
    with world.ledger() as ledger:
        story = ledger.stories.of("B")
    assert story is not None
    (part,) = story.waiting
    assert (part.part, part.reason) == ("contact Mia2", "email_in_use")
    assert "customer A" in part.waits_for


def test_who_waits_for_a_strangers_email_claims_it_from_the_first_run_on() -> None:
    """A company is made with a contact whose e-mail is a stranger's: one more run writes nothing to the directory."""
    world = World()
    world.register("stranger", MIA)
    world.save("B", world.contact("Bob", is_primary=True), world.contact("Mia"))
    world.sync()
    assert world.waits("B") == [("contact:Mia", "email_in_use")]
    first = world.directory()
    assert first == {("B", "Bob", "ours"), ("B", "Mia", "claimed")}
    world.sync(mode="full")
    assert world.directory() == first
