"""A company that is in the store already is a customer's only where enough speaks for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from customer_sync.errors import ConfigError
from customer_sync.ledger.journal.parts import decode_parts
from customer_sync.ledger.storage.schema import journal
from customer_sync.loading.adoption_evidence import Claimant, judge
from customer_sync.model.company import CompanyFields, CompanyStatus, UserFields
from customer_sync.model.operation import Action, CompanyOperation, UserOperation
from customer_sync.model.outcome import Reason
from customer_sync.targets.port import Order, StoredCompany
from tests.adapters.store_rules import ADMIN, KEY_FIELD
from tests.unit.identity.small_world import SmallWorld


@pytest.fixture
def world() -> SmallWorld:
    """An empty one."""
    return SmallWorld()


def register(world: SmallWorld, number: str, status: CompanyStatus, email: str = "stranger@shop.example") -> int:
    """Somebody registers in the shop and fills in a customer's number."""
    fields = CompanyFields(
        company_name="A stranger",
        company_phone="1",
        company_email=email,
        country="US",
        extra_fields={KEY_FIELD: number},
    )
    admin = UserFields(email="stranger@shop.example", first_name="A", last_name="Stranger", role=ADMIN)
    order = Order(CompanyOperation(action=Action.CREATE_COMPANY, key=number, new=fields, admin=admin), 0)
    company_id = world.store.write(Action.CREATE_COMPANY, order)
    world.store.companies[company_id] = replace(world.store.companies[company_id], status=status)
    return company_id


def waiting(world: SmallWorld, number: str) -> list[str]:
    """Why a customer waits."""
    with world.ledger() as ledger:
        return [row.reason for row in ledger.quarantine.load([number]).get(number, [])]


@pytest.mark.parametrize("email", ["stranger@shop.example", "office-of-a@a.example"])
@pytest.mark.parametrize("is_unique", [True, False])
def test_a_strangers_pending_company_is_neither_taken_over_nor_approved(
    world: SmallWorld, email: str, *, is_unique: bool
) -> None:
    """Key and company e-mail can be typed by anybody: the customer waits, and the company stays as it is."""
    world.store.extra_fields = {KEY_FIELD: is_unique}
    company = register(world, "A", CompanyStatus.PENDING, email)
    before = world.store.companies[company]
    world.firm("A", "a@a.example")
    world.sync()
    world.settle()
    assert world.store.companies[company] == before
    assert {user.fields.email for user in world.store.users.values()} == {"stranger@shop.example"}
    assert waiting(world, "A") == ["adoption_unproven"]


def test_a_refused_bulk_does_not_make_a_strangers_company_ours(world: SmallWorld) -> None:
    """What the store kept of a refused request is looked for by key: it must be what was sent, too."""
    company = register(world, "A", CompanyStatus.PENDING)
    world.firm("A", "a@a.example")
    world.sync()
    before = world.store.companies[company]
    world.firm("B", "b@b.example")
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.quarantine.replace(connection, "r", ["A"], [])
    world.sync(mode="full")
    assert world.store.companies[company] == before
    assert world.people("B") == {"b@b.example"}


def test_an_approved_company_with_nothing_but_the_key_is_left_to_a_person(world: SmallWorld) -> None:
    """One sign is none; when the store's person takes the key away, the next run makes the customer's own company."""
    company = register(world, "A", CompanyStatus.APPROVED)
    world.firm("A", "a@a.example")
    world.sync()
    assert waiting(world, "A") == ["adoption_unproven"]
    have = world.store.companies[company]
    world.store.companies[company] = replace(have, key="", fields=replace(have.fields, extra_fields={}))
    world.sync(mode="full")
    assert waiting(world, "A") == []
    assert world.people("A") == {"a@a.example"}


@pytest.mark.parametrize("batch_size", [1, 40])
def test_a_lost_ledger_finds_its_companies_and_says_so(world: SmallWorld, batch_size: int) -> None:
    """Outcome ``adopted``, with what was overwritten: before and after."""
    world.settings = {"batch": {"size": batch_size, "largest": batch_size}}
    for name in "ABC":
        world.firm(name, f"{name.lower()}@firm.example")
    world.sync()
    have = world.company("B")
    world.store.companies[have.id] = replace(have, fields=replace(have.fields, company_name="Edited by hand"))
    world.lose_ledger()
    report = world.sync(mode="full")
    assert report.outcomes == {"adopted": 3}
    assert world.company("B").fields == have.fields
    assert {world.company(name).id for name in "ABC"} == set(world.store.companies)
    engine = sa.create_engine(world.ledger_url)
    with engine.connect() as connection:
        texts = connection.execute(sa.select(journal.c.parts).where(journal.c.action == "update_company")).scalars()
        (part,) = [part for text in texts for part in decode_parts(text)]
    engine.dispose()
    assert (part.before_values(), part.after_values()) == (
        {"company_name": "Edited by hand"},
        {"company_name": "Firm B"},
    )


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in json.loads(row["changes"] or "{}").items() if name == "company_name"}


def test_a_lost_ledger_does_not_mix_a_number_that_was_used_again(world: SmallWorld) -> None:
    """Number and nothing else fit: the former customer's company is not the new one's."""
    world.firm("A", "first@a.example", name="First")
    world.sync()
    world.erp.delete("A")
    world.firm("A", "second@a.example", name="Second")
    world.lose_ledger()
    world.sync(mode="full")
    assert world.company("A").fields.company_name == "First"
    assert waiting(world, "A") == ["adoption_unproven"]


@pytest.mark.parametrize("status", [CompanyStatus.INACTIVE, CompanyStatus.REJECTED])
def test_what_was_closed_in_the_store_is_not_reopened(world: SmallWorld, status: CompanyStatus) -> None:
    """Its own company, by every sign: but somebody closed it, and only a person opens it again."""
    world.firm("A", "a@a.example")
    world.sync()
    have = world.company("A")
    world.store.companies[have.id] = replace(have, status=status)
    world.lose_ledger()
    world.sync(mode="full")
    world.settle()
    assert world.company("A").status is status
    assert waiting(world, "A") == ["closed_in_store"]
    world.store.companies[have.id] = replace(have, status=CompanyStatus.APPROVED)
    assert world.sync(mode="full").outcomes == {"adopted": 1}


def test_users_whom_the_erp_does_not_know_are_named(world: SmallWorld) -> None:
    """An adopted company's other users stay, and the log lists them with their roles."""
    world.firm("A", "a@a.example")
    world.sync()
    company = world.company("A").id
    guest = UserFields(email="guest@shop.example", first_name="A", last_name="Guest", role="Senior Buyer")
    user = world.store.write(
        Action.CREATE_USER, Order(UserOperation(action=Action.CREATE_USER, key="", new=guest), company)
    )
    world.lose_ledger()
    world.sync(mode="full")
    assert "guest@shop.example" in world.people("A")
    with world.ledger() as ledger:
        rows = [row for row in ledger.log.rows(customer_id="A") if "foreign_user" in row["reasons"]]
    assert [row["record_key"] for row in rows] == [f"user {user}"]
    assert waiting(world, "A") == []


def test_the_record_field_alone_proves_whose_company_it_is(world: SmallWorld) -> None:
    """Number and e-mail changed while the ledger was lost; a hidden field of the company holds the record's id."""
    world.store.extra_fields = {KEY_FIELD: True, "Record": True}
    world.settings = {"store": {"key_field": KEY_FIELD, "record_field": "Record"}, "erp": {"write_reference": False}}
    customer = world.firm("A", "a@a.example")
    world.sync()
    company = world.company("A")
    assert company.fields.extra_fields["Record"] == customer.record_id
    world.erp.save(replace(world.erp.customer("A"), email="other@a.example"))
    world.lose_ledger()
    assert world.sync(mode="full").outcomes == {"adopted": 1}
    assert world.company("A").id == company.id


@pytest.mark.parametrize("field", [KEY_FIELD, "Record"])
@pytest.mark.parametrize(
    ("flag", "said"), [("shown_fields", "shows the company extra field"), ("required_fields", "requires the company")]
)
def test_a_key_that_shoppers_can_or_must_fill_in_is_refused(
    world: SmallWorld, field: str, flag: str, said: str
) -> None:
    """Before the first company is made or taken over."""
    world.store.extra_fields = {KEY_FIELD: True, "Record": True}
    setattr(world.store, flag, (field,))
    world.settings = {"store": {"key_field": KEY_FIELD, "record_field": "Record"}}
    world.firm("A")
    with pytest.raises(ConfigError, match=rf"{said}.*'{field}'.*nothing is made or changed"):
        world.sync()
    assert world.store.companies == {}


def test_keys_that_are_lost_in_bulk_are_written_singly(world: SmallWorld) -> None:
    """The read-back sees it, single updates repair it in the same run, and later runs make companies one by one."""
    world.store.bulk_loses_extra_fields = True
    for number in range(15):
        world.firm(f"C{number:02d}")
    world.sync()
    assert set(world.keys()) == {f"C{number:02d}" for number in range(15)}
    before = world.store.companies.copy()
    world.firm("D1")
    world.firm("D2")
    world.sync()
    made = [each for each in world.store.companies.values() if each.id not in before]
    assert {each.key for each in made} == {"D1", "D2"}
    assert all(each.updated_at_s == each.created_at_s for each in made)
    world.lose_ledger()
    assert world.sync(mode="full").outcomes == {"adopted": 17}


def writing_requests(world: SmallWorld) -> int:
    """How many requests wrote, by the journal."""
    engine = sa.create_engine(world.ledger_url)
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(journal)).scalar_one())


def repaired(world: SmallWorld, numbers: list[str]) -> int:
    """How many companies were changed after they were made."""
    with world.ledger() as ledger:
        past = ledger.intents.history(numbers)
    return sum(each.action == Action.UPDATE_COMPANY for writes in past.values() for each in writes)


def test_a_store_that_loses_keys_in_bulk_is_known_after_its_first_request_of_several(world: SmallWorld) -> None:
    """One company by itself, ten at once whose keys are looked at and repaired, and all others one by one."""
    world.store.bulk_loses_extra_fields = True
    numbers = [f"C{number:02d}" for number in range(40)]
    for number in numbers:
        world.firm(number)
    world.sync()
    assert set(world.keys()) == set(numbers)
    assert repaired(world, numbers) == 10


def test_a_store_whose_first_bulk_kept_its_keys_is_trusted(world: SmallWorld) -> None:
    """One company by itself is the price, once: 1, 10 and 9 of the first run, 10 and 10 of the next."""
    world.settings = {"locations": {"include": False, "billing_address": False}, "erp": {"write_reference": False}}
    for number in range(20):
        world.firm(f"C{number:02d}")
    world.sync()
    assert writing_requests(world) == 3
    for number in range(20):
        world.firm(f"D{number:02d}")
    world.sync()
    assert writing_requests(world) == 3 + 2
    assert len(world.keys()) == 40


def test_companies_are_made_one_by_one_where_the_shop_needs_a_webhook_for_each(world: SmallWorld) -> None:
    """The store fires none for those made in bulk; one that loses fields in bulk shows which way it was."""
    world.store.bulk_loses_extra_fields = True
    world.settings = {"store": {"key_field": KEY_FIELD, "single_creates": True}}
    for number in range(12):
        world.firm(f"C{number:02d}")
    world.sync()
    assert len(world.store.companies) == 12
    assert all(each.updated_at_s == each.created_at_s for each in world.store.companies.values())


COMPANY = StoredCompany(id=7, key="C1", fields=CompanyFields(company_email="Office@a.example"))
NOBODY = Claimant("other", "record", "")


@pytest.mark.parametrize(
    ("company", "customer", "against"),
    [
        ({}, {"customer_id": "c1"}, Reason.ADOPTION_UNPROVEN),
        ({}, {"email": "office@A.example"}, Reason.ADOPTION_UNPROVEN),
        ({}, {"reference_id": "7"}, Reason.ADOPTION_UNPROVEN),
        ({}, {"customer_id": "c1", "email": "office@a.example"}, None),
        ({}, {"customer_id": "C1", "reference_id": "7"}, None),
        ({}, {"email": "office@a.example", "reference_id": "7"}, None),
        ({}, {"customer_id": "C1", "sent": COMPANY.fields}, None),
        ({}, {"customer_id": "C1", "sent": replace(COMPANY.fields, company_name="Ours")}, Reason.ADOPTION_UNPROVEN),
        ({"record_id": "RECORD"}, {}, None),
        ({"record_id": "another"}, {"customer_id": "C1", "email": "office@a.example"}, Reason.ADOPTION_UNPROVEN),
        (
            {"status": CompanyStatus.PENDING},
            {"customer_id": "C1", "email": "office@a.example"},
            Reason.ADOPTION_UNPROVEN,
        ),
        ({"status": CompanyStatus.PENDING}, {"customer_id": "C1", "reference_id": "7"}, None),
        ({"status": CompanyStatus.PENDING}, {"customer_id": "C1", "sent": COMPANY.fields}, None),
        ({"status": CompanyStatus.PENDING, "record_id": "record"}, {}, None),
        ({"status": CompanyStatus.REJECTED, "record_id": "record"}, {}, Reason.CLOSED_IN_STORE),
    ],
)
def test_what_counts_as_evidence(company: dict[str, Any], customer: dict[str, Any], against: Reason | None) -> None:
    """Two signs, or the record id; more for a company that waits for approval; never against another record."""
    assert judge(replace(COMPANY, **company), NOBODY._replace(**customer)).against is against
