"""What runs leave in the ledger that did not apply their plan, that died, or whose ledger was lost."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.errors import PlanRefused
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import Action
from tests.conformance.pipeline.test_lost_answers import killed_at
from tests.conformance.pipeline.world import World

MIA = "mia@people.example"
REFERENCES = {"erp": {"write_reference": True}}


def begun(**rules: Any) -> World:
    """A store with one customer of whom nothing changes."""
    world = World(rules=rules)
    world.save("Z", world.contact("Zoe", is_primary=True))
    return world


def unanswered(world: World) -> int:
    """How many writes have no answer."""
    with world.ledger() as ledger:
        return len(ledger.intents.unanswered())


# Plans that are not applied.


@pytest.mark.parametrize("is_refused", [False, True], ids=["dry run", "refused by a guard"])
def test_a_plan_that_is_not_applied_claims_nothing(*, is_refused: bool) -> None:
    """Neither what a newcomer would have nor what a company would give up stays in the directory of e-mails."""
    world = begun()
    world.save("A", world.contact("Mia", is_primary=True), world.contact("Ann"))
    world.save("W", world.contact("Will", is_primary=True))
    world.save("V", world.contact("Vera", is_primary=True), world.contact("Waits", "ann@people.example"))
    world.sync()
    before = world.directory()
    assert ("V", "Waits", "claimed") in before
    world.change("A", "Mia", email="moss@people.example")
    world.save("B", world.contact("Mia2", MIA, is_primary=True))
    world.save("W", enabled=False)
    if is_refused:
        world.rules = {"guards": {"most_withdrawn_share": 0.01, "always_allowed": 0}}
        with pytest.raises(PlanRefused):
            world.sync()
    else:
        world.sync(dry_run=True)
    assert world.directory() == before
    world.rules = {}
    world.sync()
    assert world.users("B") == {"mia": "Admin"}
    assert world.users("A") == {"moss": "Admin", "ann": "Junior Buyer"}


# Runs that died.


def test_an_account_email_claimed_under_a_former_number_is_the_records_own() -> None:
    """A run dies before it makes anything, and the customer gets another number: it is not its own rival."""
    world = begun()
    world.save("N5", world.contact("Cara", is_primary=True))
    killed_at(world, "companies")
    world.erp.rename("N5", "N7")
    world.sync()
    assert world.users("N7") == {"cara": "Admin"}


@pytest.mark.parametrize("is_used_again", [False, True])
def test_a_company_whose_record_is_deleted_before_the_answer_is_read_is_withdrawn(*, is_used_again: bool) -> None:
    """Nothing links it and the ERP does not show its record: a full run asks the store what became of it."""
    world = begun()
    world.sync()
    world.save("N5", world.contact("Cara", is_primary=True))
    killed_at(world, Action.CREATE_COMPANY)
    world.erp.delete("N5")
    if is_used_again:
        world.save("N5", world.contact("Dora", is_primary=True), email="dora@office.example")
    world.sync()
    world.sync(mode="full")
    world.sync(mode="full")
    made = {each.status for each in world.store.companies.values() if each.fields.company_email == "office@n5.example"}
    assert made == {CompanyStatus.INACTIVE}
    assert unanswered(world) == 0
    if is_used_again:
        assert world.users("N5") == {"dora": "Admin"}


# Lost ledgers.


@pytest.mark.parametrize("batches", [{}, {"batch": {"size": 1, "largest": 1}}], ids=["one batch", "a batch each"])
@pytest.mark.parametrize("is_used_again", [False, True])
def test_a_renumbered_customer_finds_its_company_by_reference_and_email(
    batches: dict[str, Any], *, is_used_again: bool
) -> None:
    """Two signs agree: the company follows its record, also where its former number is another customer's now."""
    world = begun(**REFERENCES, **batches)
    world.save("N5", world.contact("Cara", is_primary=True))
    world.sync()
    company_id = world.company("N5").id
    world.lose_ledger()
    world.erp.rename("N5", "N7")
    if is_used_again:
        world.save("N5", world.contact("Dora", is_primary=True), name="Another", email="dora@office.example")
    world.sync(mode="full")
    world.sync(mode="full")
    assert world.company("N7").id == company_id
    assert world.users("N7") == {"cara": "Admin"}
    assert world.waits("N7") == []
    if is_used_again:
        assert world.users("N5") == {"dora": "Admin"}


def test_a_reference_alone_proves_nothing() -> None:
    """The e-mail is another one by now, and the key the former: a person decides."""
    world = begun(**REFERENCES)
    world.save("N5", world.contact("Cara", is_primary=True))
    world.sync()
    world.lose_ledger()
    world.erp.rename("N5", "N7")
    world.save("N7", email="new@office.example")
    world.sync(mode="full")
    assert world.waits("N7") == [("customer:", "reference_changed_elsewhere")]


def test_a_company_that_names_a_deleted_record_is_withdrawn_by_a_full_run() -> None:
    """Its customer was deleted before the ledger was lost: the next full run but one finds it."""
    world = begun(store={"key_field": "Acumatica Customer ID", "record_field": "Record"})
    world.store.extra_fields = {**world.store.extra_fields, "Record": False}
    world.save("N5", world.contact("Cara", is_primary=True))
    world.sync()
    world.erp.delete("N5")
    world.lose_ledger()
    world.sync(mode="full")
    world.sync(mode="full")
    assert world.company("N5").status is CompanyStatus.INACTIVE
    assert world.company("Z").status is CompanyStatus.APPROVED


# Words.


def test_who_shares_an_account_email_is_told_with_whom() -> None:
    """What a person reads names the customer that holds it."""
    world = begun()
    world.sync()
    world.save("A", world.contact("Ann", is_primary=True), email="office@z.example")
    world.sync()
    with world.ledger() as ledger:
        (row,) = ledger.quarantine.load(["A"])["A"]
        story = ledger.stories.of("A")
    assert (row.reason, row.holder_id) == ("email_duplicate", "Z")
    assert story is not None
    assert "until customer Z has another one" in next(each.waits_for for each in story.waiting)
