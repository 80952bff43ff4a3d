"""One refused part waits by itself, and whoever has left loses access whatever else is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from customer_sync.model.company import CompanyStatus
from tests.conformance.pipeline.world import World

UMLAUT = "jürgen@firm.example"
"""An e-mail that is well-formed, and that the store refuses."""


@pytest.fixture
def world() -> World:
    """Both systems, empty."""
    return World()


def test_a_refused_contact_is_left_out_and_a_leaver_goes_in_the_same_run(world: World) -> None:
    """One colleague's e-mail does not keep a leaver in."""
    ann, bob = world.contact("Ann", is_primary=True), world.contact("Bob")
    world.save("C1", ann, bob)
    world.sync()
    world.save("C1", ann, world.contact("Bob", active=False), world.contact("Juergen", UMLAUT), world.contact("Cleo"))
    world.sync()
    assert world.users("C1") == {"ann": "Admin", "cleo": "Junior Buyer"}
    assert world.waits("C1") == [("contact:Juergen", "rejected_by_store")]
    assert world.outcome("C1") == "updated"


def test_a_refused_contact_is_tried_again_when_it_changes_and_not_before(world: World) -> None:
    """What waits costs no request until it is another."""
    world.save("C1", world.contact("Ann", is_primary=True), world.contact("Juergen", UMLAUT))
    world.sync()
    world.save("C1", name="Firm with another name")
    world.sync()
    assert world.users("C1") == {"ann": "Admin"}
    assert world.company("C1").fields.company_name == "Firm with another name"
    world.change("C1", "Juergen", email="juergen@firm.example")
    world.sync()
    assert world.users("C1") == {"ann": "Admin", "juergen": "Junior Buyer"}
    assert world.waits("C1") == []


def test_the_admin_of_a_new_company_is_refused_and_the_next_one_takes_its_place(world: World) -> None:
    """A company is made although the store refuses its first contact."""
    world.save("C1", world.contact("Juergen", UMLAUT, is_primary=True), world.contact("Bob"))
    world.sync()
    assert world.users("C1") == {"bob": "Admin"}


def test_the_primary_contacts_email_is_taken_and_the_next_one_is_admin(world: World) -> None:
    """The e-mail belongs to a user of another company: only this contact waits."""
    world.save("FIRST", world.contact("Mia", is_primary=True))
    world.sync()
    world.save("SECOND", world.contact("Mia2", "mia@people.example", is_primary=True), world.contact("Next"))
    world.sync()
    assert world.users("SECOND") == {"next": "Admin"}
    assert world.users("FIRST") == {"mia": "Admin"}
    assert world.waits("SECOND") == [("contact:Mia2", "email_in_use")]


def test_the_account_is_admin_when_every_contact_is_refused(world: World) -> None:
    """A company whose only contact waits is made with the account as its admin."""
    world.save("FIRST", world.contact("Mia", is_primary=True))
    world.sync()
    world.save("SECOND", world.contact("Mia2", "mia@people.example", is_primary=True))
    world.sync()
    assert world.users("SECOND") == {"office": "Admin"}


def test_a_leaver_who_was_the_only_admin_goes_and_the_account_takes_over(world: World) -> None:
    """The new contact's e-mail belongs to somebody else: the account becomes admin, the leaver goes."""
    world.save("C1", world.contact("Leaver", is_primary=True))
    world.save("C2", world.contact("Mia", is_primary=True))
    world.sync()
    world.save("C1", world.contact("Leaver", active=False), world.contact("New", "mia@people.example"))
    world.sync()
    assert world.users("C1") == {"office": "Admin"}


def test_a_company_without_any_successor_stops_trading(world: World) -> None:
    """Nobody may follow the leaver, so the company is closed until somebody may."""
    world.rules = {"contacts": {"admin_fallback": "refuse"}}
    world.save("C1", world.contact("Leaver", is_primary=True))
    world.sync()
    world.change("C1", "Leaver", active=False)
    world.sync()
    assert world.company("C1").status is CompanyStatus.INACTIVE
    world.save("C1", world.contact("Next", is_primary=True))
    world.sync()
    assert world.users("C1") == {"next": "Admin"}
    assert world.company("C1").status is CompanyStatus.APPROVED


@pytest.mark.parametrize(
    "trouble",
    [{"status": "On Hold"}, {"email": ""}, {"phone": ""}, {"name": ""}],
    ids=["on hold", "no e-mail", "no phone", "no name"],
)
def test_a_leaver_goes_although_the_customer_as_a_whole_waits(world: World, trouble: dict[str, str]) -> None:
    """Taking access away needs no intact customer; only creations wait."""
    ann, bob = world.contact("Ann", is_primary=True), world.contact("Bob")
    world.save("C1", ann, bob)
    world.sync()
    world.save("C1", ann, world.contact("Bob", active=False), world.contact("Cleo"), **trouble)
    world.sync()
    assert world.users("C1") == {"ann": "Admin"}
    assert world.company("C1").fields.company_name == "Firm C1"
    world.sync()
    assert world.users("C1") == {"ann": "Admin"}


@pytest.mark.parametrize("batch", [{}, {"size": 1, "largest": 1}], ids=["one batch", "two batches"])
@pytest.mark.parametrize("mode", ["incremental", "full"])
@pytest.mark.parametrize(("old", "new"), [("C1", "C2"), ("C2", "C1")], ids=["read before", "read after"])
@pytest.mark.parametrize(
    ("trouble", "there"),
    [({"status": "On Hold"}, {}), ({"phone": ""}, {"enabled": False})],
    ids=["on hold, a user there", "no phone, nobody there"],
)
def test_who_moved_away_goes_although_the_customer_as_a_whole_waits(
    world: World, trouble: dict[str, str], old: str, new: str, there: dict[str, bool], mode: str, batch: dict[str, int]
) -> None:
    """Another customer's record shows whose the contact is now, in whatever batch; who is only absent stays."""
    ann, cleo, bob = world.contact("Ann", is_primary=True), world.contact("Cleo"), world.contact("Bob")
    world.save(old, ann, cleo, bob)
    world.save(new, world.contact("Dan", is_primary=True))
    world.sync()
    world.rules = {"batch": batch}
    world.save(old, ann, **trouble)
    world.save(new, *world.erp.customer(new).contacts, replace(bob, **there))
    world.sync(mode=mode)
    assert world.users(old) == {"ann": "Admin", "cleo": "Junior Buyer"}
    world.sync()
    assert world.users(new) == {"dan": "Admin"} | ({} if there else {"bob": "Junior Buyer"})
    assert world.requests_of_one_more_run()["POST"] == 0


def test_the_only_admin_of_a_customer_on_hold_is_replaced_by_a_colleague(world: World) -> None:
    """The last admin is replaced first, by a user that is there already."""
    ann, bob = world.contact("Ann", is_primary=True), world.contact("Bob")
    world.save("C1", ann, bob)
    world.sync()
    world.save("C1", world.contact("Ann", enabled=False), bob, status="On Hold")
    world.sync()
    assert world.users("C1") == {"bob": "Admin"}


def test_a_refused_address_waits_alone(world: World) -> None:
    """A place that the store refuses keeps nobody out, and the others are in the book."""
    world.store.refused = frozenset({"Atlantis"})
    customer = world.save("C1", world.contact("Ann", is_primary=True))
    world.sync()
    place = customer.locations[0]
    world.save(
        "C1",
        world.contact("Ann", is_primary=True),
        world.contact("Bob"),
        locations=(
            place,
            replace(place, location_id="LOST", address=replace(place.address, city="Atlantis")),
            replace(place, location_id="OTHER"),
        ),
    )
    world.sync()
    assert world.users("C1") == {"ann": "Admin", "bob": "Junior Buyer"}
    book = {each.fields.external_id for each in world.store.addresses.values()}
    assert book == {"C1:MAIN", "C1:OTHER"}
    assert world.waits("C1") == [("location:C1:LOST", "rejected_by_store")]


def test_refused_own_fields_wait_and_people_go_on(world: World) -> None:
    """A company whose new name the store refuses gets its new users and loses its leavers all the same."""
    world.save("C1", world.contact("Ann", is_primary=True), world.contact("Bob"))
    world.sync()
    world.store.refused = frozenset({"Forbidden"})
    people = (world.contact("Ann", is_primary=True), world.contact("Bob", active=False), world.contact("Cleo"))
    world.save("C1", *people, name="Forbidden")
    world.sync()
    assert world.users("C1") == {"ann": "Admin", "cleo": "Junior Buyer"}
    assert world.company("C1").fields.company_name == "Firm C1"
    assert world.outcome("C1") == "quarantined"
    world.change("C1", "Cleo", active=False)
    world.sync()
    assert world.users("C1") == {"ann": "Admin"}


def test_the_next_run_writes_nothing(world: World) -> None:
    """What waits for a change is not tried again by itself."""
    world.save("C1", world.contact("Ann", is_primary=True), world.contact("Juergen", UMLAUT))
    world.sync()
    before = dict(world.store.users), dict(world.store.companies)
    world.sync(mode="full")
    assert (dict(world.store.users), dict(world.store.companies)) == before


def test_a_company_that_is_refused_whoever_is_its_admin_waits_as_a_whole(world: World) -> None:
    """It is the company's fault, not its people's: nobody is left out, and its next change brings all of them."""
    world.store.refused = frozenset({"Forbidden"})
    world.save("C1", world.contact("Ann", is_primary=True), world.contact("Bob"), name="Forbidden")
    world.sync()
    assert world.outcome("C1") == "quarantined"
    assert world.waits("C1") == [("customer:", "rejected_by_store")]
    world.sync(mode="full")
    assert world.outcome("C1") == "quarantined"
    world.save("C1", name="Allowed")
    world.sync()
    assert world.users("C1") == {"ann": "Admin", "bob": "Junior Buyer"}
