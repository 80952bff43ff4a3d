"""Whose an e-mail is that several customers claim: the same answer whatever the batches, and each loser knows."""

from __future__ import annotations

import pytest

from customer_sync.model.company import CompanyFields, CompanyStatus, UserFields
from customer_sync.model.operation import Action
from customer_sync.targets.port import StoredCompany, StoredUser
from tests.conformance.pipeline.test_lost_answers import killed_at
from tests.conformance.pipeline.world import World

MIA = "mia@people.example"


@pytest.fixture(params=[{}, {"batch": {"size": 1, "largest": 1}}], ids=["one batch", "a batch each"])
def world(request: pytest.FixtureRequest) -> World:
    """Both systems, empty."""
    return World(rules=request.param)


def quiet(world: World) -> None:
    """One more run, and one more full one, write nothing."""
    before = dict(world.store.users)
    world.sync()
    world.sync(mode="full")
    assert world.store.users == before


def ids(world: World) -> dict[str, int]:
    """E-mail -> id of each user."""
    return {each.fields.email.partition("@")[0]: each.id for each in world.store.users.values()}


def last_names(world: World, number: str) -> dict[str, str]:
    """E-mail -> first name of the users of a customer's company."""
    company_id = world.company(number).id
    users = [each.fields for each in world.store.users.values() if each.company_id == company_id]
    return {each.email.partition("@")[0]: each.first_name for each in users}


@pytest.mark.parametrize("has_colleagues", [True, False])
def test_people_of_two_customers_exchange_their_emails(world: World, has_colleagues: bool) -> None:  # noqa: FBT001 - a parameter
    """Each person stays in the own firm, also where both are the only users of their companies."""
    for number, name in (("A", "Ann"), ("B", "Ben")):
        colleague = [world.contact(f"{name}2")] if has_colleagues else []
        world.save(number, world.contact(name, is_primary=True), *colleague)
    world.sync()
    world.change("A", "Ann", email="ben@people.example")
    world.change("B", "Ben", email="ann@people.example")
    world.sync()
    others = [{"ann2": "Ann2"}, {"ben2": "Ben2"}] if has_colleagues else [{}, {}]
    assert last_names(world, "A") == {"ben": "Ann", **others[0]}
    assert last_names(world, "B") == {"ann": "Ben", **others[1]}
    assert world.users("A")["ben"] == world.users("B")["ann"] == "Admin"
    assert world.may_enter("A")
    assert world.may_enter("B")
    assert world.waits("A") == world.waits("B") == []
    quiet(world)


def test_emails_go_round_between_three_customers(world: World) -> None:
    """Nobody is lost where the first wants the second's, the second the third's, and the third the first's."""
    names = ("Ann", "Ben", "Cleo")
    for number, name in zip("ABC", names, strict=True):
        world.save(number, world.contact(name, is_primary=True), world.contact(f"{name}2"))
    world.sync()
    for number, name, new in zip("ABC", names, ("ben", "cleo", "ann"), strict=True):
        world.change(number, name, email=f"{new}@people.example")
    world.sync()
    found = [last_names(world, number) for number in "ABC"]
    assert [each.get(new) for each, new in zip(found, ("ben", "cleo", "ann"), strict=True)] == list(names)
    quiet(world)


def test_an_email_is_handed_over_to_another_customer(world: World) -> None:
    """The giver gets another and is the same user still, the taker has the former one after the same run."""
    world.save("B", world.contact("Ben", is_primary=True))
    world.save("C", world.contact("Mia", is_primary=True))
    world.sync()
    before = ids(world)["mia"]
    world.change("C", "Mia", email="moss@people.example")
    world.save("B", world.contact("Ben", is_primary=True), world.contact("Mia2", MIA))
    world.sync()
    assert ids(world)["moss"] == before
    assert "mia" in world.users("B")


def test_of_two_newcomers_the_older_customer_gets_the_email(world: World) -> None:
    """The one that was made first in the ERP, whatever its number; the other's next contact is its admin."""
    world.save("Z", world.contact("Mia", is_primary=True), world.contact("Zoe"))
    world.save("A", world.contact("Mia2", MIA, is_primary=True), world.contact("Ann"))
    world.sync()
    assert world.users("Z") == {"mia": "Admin", "zoe": "Junior Buyer"}
    assert world.users("A") == {"ann": "Admin"}
    assert world.waits("A") == [("contact:Mia2", "email_in_use")]
    assert waits_for(world, "A") == "Z"
    quiet(world)


def waits_for(world: World, number: str) -> str:
    """The customer that has what a customer's one waiting part waits for."""
    with world.ledger() as ledger:
        story = ledger.stories.of(number)
        (row,) = ledger.quarantine.load([number])[number]
    assert story is not None
    (part,) = story.waiting
    assert f"customer {row.holder_id}" in part.waits_for
    return row.holder_id


def test_whom_a_part_waits_for_changes_when_the_world_does(world: World) -> None:
    """Of two who wait the older gets what is freed, and the other waits for that one from then on."""
    world.save("H", world.contact("Mia", is_primary=True), world.contact("Hal"))
    world.save("Z", world.contact("Zoe", is_primary=True), world.contact("Mia2", MIA))
    world.save("A", world.contact("Ann", is_primary=True), world.contact("Mia3", MIA))
    world.sync()
    assert waits_for(world, "Z") == waits_for(world, "A") == "H"
    world.change("H", "Mia", active=False)
    world.sync()
    assert world.users("Z") == {"zoe": "Admin", "mia": "Junior Buyer"}
    assert world.users("A") == {"ann": "Admin"}
    assert waits_for(world, "A") == "Z"


def test_a_customer_waits_whose_every_email_is_somebody_elses(world: World) -> None:
    """Its contact's and its own: no company is made, and it says for whom it waits."""
    world.save("A", world.contact("Mia", is_primary=True), world.contact("Ann"))
    world.sync()
    world.save("B", world.contact("Mia2", MIA, is_primary=True), email="ann@people.example")
    world.sync()
    assert not [each for each in world.store.companies.values() if each.key == "B"]
    assert world.outcome("B") == "quarantined"
    with world.ledger() as ledger:
        rows = ledger.quarantine.load(["B"])["B"]
    assert {(row.key, row.holder_id) for row in rows} == {("Mia2", "A"), ("ACCOUNT", "A")}


def test_whose_new_email_is_taken_is_no_user_until_it_is_free(world: World) -> None:
    """The former e-mail is nobody's any more: it opens nothing."""
    world.save("A", world.contact("Mia", is_primary=True))
    world.save("B", world.contact("Ben", is_primary=True), world.contact("Bea"))
    world.sync()
    world.change("B", "Bea", email=MIA)
    world.sync()
    assert world.users("B") == {"ben": "Admin"}
    assert world.waits("B") == [("contact:Bea", "email_in_use")]
    world.change("A", "Mia", email="moss@people.example")
    world.sync()
    assert world.users("B") == {"ben": "Admin", "mia": "Junior Buyer"}


def test_a_withdrawn_company_gives_up_what_an_active_customer_wants(world: World) -> None:
    """Its contact is unchanged and the customer not read: the account follows, and the company stays closed."""
    world.save("A", world.contact("Mia", is_primary=True))
    world.save("B", world.contact("Ben", is_primary=True))
    world.sync()
    world.save("A", status="Inactive")
    world.sync()
    world.save("B", world.contact("Ben", is_primary=True), world.contact("Mia2", MIA))
    world.sync()
    assert world.users("B") == {"ben": "Admin", "mia": "Junior Buyer"}
    assert set(world.users("A")) == {"office"}
    assert world.company("A").status is CompanyStatus.INACTIVE
    quiet(world)


def test_merged_customers_are_right_after_one_run(world: World) -> None:
    """Contacts move, the former customer is closed: its company holds none of their e-mails."""
    for source, target in (("S", "T"), ("V", "U")):
        sue, sam = world.contact(f"Sue{source}", is_primary=True), world.contact(f"Sam{source}")
        world.save(source, sue, sam)
        world.save(target, world.contact(f"Tom{target}", is_primary=True))
    world.sync()
    for source, target in (("S", "T"), ("V", "U")):
        world.save(source, status="Inactive")
        moved = [world.contact(f"Sue{source}"), world.contact(f"Sam{source}")]
        world.save(target, *world.erp.customer(target).contacts, *moved)
    world.sync()
    for source, target in (("S", "T"), ("V", "U")):
        low = source.lower()
        assert set(world.users(target)) == {f"tom{target.lower()}", f"sue{low}", f"sam{low}"}
        assert set(world.users(source)) == {"office"}
        assert world.company(source).status is CompanyStatus.INACTIVE
    quiet(world)


def test_whoever_wants_the_email_of_a_refused_colleague_waits_for_him(world: World) -> None:
    """The store refuses what he is now, so he keeps what he has: nothing fails, and nothing is tried again."""
    world.save("A", world.contact("Ann", is_primary=True), world.contact("Mia"))
    world.sync()
    refused = world.contact("Mia", "jürgen@people.example")
    world.save("A", world.contact("Ann", is_primary=True), refused, world.contact("Mia2", MIA))
    world.sync()
    assert world.users("A") == {"ann": "Admin", "mia": "Junior Buyer"}
    assert world.waits("A") == [("contact:Mia", "rejected_by_store"), ("contact:Mia2", "email_in_use")]
    assert world.outcome("A") == "waiting"
    quiet(world)
    world.change("A", "Mia", email="moss@people.example")
    world.sync()
    assert world.users("A") == {"ann": "Admin", "moss": "Junior Buyer", "mia": "Junior Buyer"}


def test_branches_of_a_chain_are_companies_each(world: World) -> None:
    """They have one Account Email and people of their own."""
    world.rules = {**world.rules, "target": {"company_emails_unique": False}}
    for number in ("A", "B", "C"):
        world.save(number, world.contact(f"Ann{number}", is_primary=True), email="chain@chain.example")
    world.sync()
    assert [world.users(number) for number in "ABC"] == [{f"ann{number.lower()}": "Admin"} for number in "ABC"]
    assert {each.fields.company_email for each in world.store.companies.values()} == {"chain@chain.example"}
    quiet(world)


def test_a_chain_without_people_has_its_account_as_the_user_of_one_branch(world: World) -> None:
    """Its one e-mail is one user's: the branch that was made first has it, the others wait for that one."""
    world.rules = {**world.rules, "target": {"company_emails_unique": False}}
    for number in ("Z", "A"):
        world.save(number, email="chain@chain.example")
    world.sync()
    assert world.users("Z") == {"chain": "Admin"}
    assert not [each for each in world.store.companies.values() if each.key == "A"]
    assert waits_for(world, "A") == "Z"


def test_what_a_record_claimed_under_another_number_is_its_own_claim(world: World) -> None:
    """A run claims for N5 and dies before it makes anything; the customer gets the number N7."""
    world.save("N5", world.contact("Cara", is_primary=True), world.contact("Carl"))
    killed_at(world, "companies")
    world.erp.rename("N5", "N7")
    world.save("N7", email="office@n7.example")
    world.sync()
    assert world.users("N7") == {"cara": "Admin", "carl": "Junior Buyer"}
    assert world.waits("N7") == []


def test_whoever_waited_for_a_claim_that_is_gone_is_tried_again(world: World) -> None:
    """The customer that was to have the e-mail was deleted before it had a company."""
    world.save("N5", world.contact("Cara", "mia@shared.example", is_primary=True))
    killed_at(world, "companies")
    world.save("N6", world.contact("Dora", is_primary=True), world.contact("Mia", "mia@shared.example"))
    world.sync(mode="selected", customer_ids=["N6"])
    assert world.waits("N6") == [("contact:Mia", "email_in_use")]
    world.erp.delete("N5")
    world.sync(mode="full")
    world.sync(mode="full")
    assert world.users("N6") == {"dora": "Admin", "mia": "Junior Buyer"}


def test_a_strangers_email_that_two_customers_claim_is_not_asked_for_in_every_run(world: World) -> None:
    """The store said no to the first of them; the other waits for that one."""
    fields = UserFields(email=MIA, first_name="Mia", last_name="Stranger", role="Admin")
    world.store.users[901], world.store.stamps_s[901] = StoredUser(id=901, company_id=900, fields=fields), 0
    for number in ("A", "B"):
        world.save(number, world.contact(f"Ann{number}", is_primary=True), world.contact(f"Mia{number}", MIA))
    world.sync()
    assert world.waits("A") == [("contact:MiaA", "email_in_use")]
    assert world.waits("B") == [("contact:MiaB", "email_in_use")]
    assert world.requests_of_one_more_run()["POST"] == 0


def test_who_has_a_refused_email_is_asked_once_and_counted_apart(world: World) -> None:
    """One question for each refusal; together with the others they are what the store was asked."""
    world.register("Stranger & Co", MIA)
    world.save("A", world.contact("Ann", is_primary=True), world.contact("MiaA", MIA))
    asked = world.requests_of_one_more_run()
    with world.ledger() as ledger:
        (row,) = ledger.runs.recent("full", 1)
    usage = row["usage"]
    assert usage["better_b2b_holders"] == {"requests": 1, "refused": 0, "status_200": 1}
    assert sum(usage[system]["requests"] for system in usage if system.startswith("better_b2b")) == sum(asked.values())


def test_who_waits_for_a_person_keeps_nobody_else_from_an_email(world: World) -> None:
    """A stranger's company has the number of the customer that was made first; once it is gone that one waits."""
    world.save("A", world.contact("Ann", "mia@shared.example", is_primary=True), world.contact("Ada"))
    world.save("B", world.contact("Ben", is_primary=True), world.contact("Mia", "mia@shared.example"))
    fields = CompanyFields(company_name="Stranger", extra_fields={"Acumatica Customer ID": "A"})
    world.store.companies[900], world.store.stamps_s[900] = StoredCompany(id=900, key="A", fields=fields), 0
    world.sync()
    world.sync()
    assert ("customer:", "adoption_unproven") in world.waits("A")
    assert world.users("B") == {"ben": "Admin", "mia": "Junior Buyer"}
    del world.store.companies[900]
    world.sync(mode="full")
    assert world.users("A") == {"ada": "Admin"}
    assert world.waits("A") == [("contact:Ann", "email_in_use")]
    quiet(world)


def test_a_withdrawn_company_whose_next_contact_waits_is_followed_by_its_account(world: World) -> None:
    """The last admin's e-mail is somebody else's now, and the only colleague's, too."""
    world.save("W", world.contact("Wanda", is_primary=True))
    world.save("V", world.contact("Vera", is_primary=True))
    world.sync()
    world.save("W", enabled=False)
    world.sync()
    world.save("W", world.contact("Wanda", "wanda2@people.example"), world.contact("Will", "vera@people.example"))
    world.save("V", *world.erp.customer("V").contacts, world.contact("Wim", "wanda@people.example"))
    world.sync(mode="full")
    world.sync(mode="full")
    assert world.users("V") == {"vera": "Admin", "wanda": "Junior Buyer"}
    assert world.users("W") == {"office": "Admin"}


@pytest.mark.parametrize(("gone", "stays"), ["AB", "BA"])
def test_the_email_of_a_deleted_customer_is_given_in_the_same_run(world: World, gone: str, stays: str) -> None:
    """The full run that sees the deletion closes the company, and whoever waited has the e-mail after it."""
    world.save("Z", world.contact("Zoe", is_primary=True))
    world.save(gone, world.contact("Mia", is_primary=True), world.contact("Ann"))
    world.save(stays, world.contact("Bob", is_primary=True), world.contact("Mia2", MIA))
    world.sync()
    world.erp.delete(gone)
    world.sync(mode="full")
    assert world.users(stays) == {"bob": "Admin", "mia": "Junior Buyer"}
    assert world.company(gone).status is CompanyStatus.INACTIVE
    quiet(world)


def test_a_removal_without_an_answer_from_a_deleted_customer_is_read_back(world: World) -> None:
    """Its company is closed and its record gone: the full run looks all the same, and whoever waited has the e-mail."""
    world.rules = {**world.rules, "guards": {"always_allowed": 10}}
    world.save("A", world.contact("Mia", is_primary=True), world.contact("Ann"))
    world.save("B", world.contact("Bob", is_primary=True), world.contact("Mia2", MIA))
    world.save("Z", world.contact("Zoe", is_primary=True))
    world.sync()
    world.save("A", enabled=False)
    killed_at(world, Action.DELETE_USER)
    world.erp.delete("A")
    world.sync(mode="full")
    world.sync(mode="full")
    assert world.users("B") == {"bob": "Admin", "mia": "Junior Buyer"}
    quiet(world)
