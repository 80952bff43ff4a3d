"""What load refuses before its first write: another store, another connector file, another hand's reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from customer_sync.errors import BatchDamaged, ConfigError
from tests.integration.twin_world import World, attempts, call

CUSTOMER = "C000001"
OTHER = "C000002"


def naming_unknown_methods(world: World) -> World:
    """The same world, whose terms table switches on a payment method that no store has."""
    return world.with_file(terms={name: {"payment_methods": {"gold": True}} for name in world.connector.terms})


@pytest.mark.parametrize(
    ("disturb", "sentence"),
    [
        (lambda world: world.with_rules(contacts={"primary_role": "Boss"}), r"no role 'Boss' \(it has: Admin, "),
        (lambda world: world.with_rules(contacts={"other_role": "Clerk"}), r"no role 'Clerk' \(it has: Admin, "),
        (lambda world: world.with_rules(store={"key_field": "Our No"}), "no company extra field 'Our No'"),
        (naming_unknown_methods, r"no payment method gold \(it has: "),
    ],
)
def test_nothing_is_written_when_the_store_lacks_what_the_file_names(world: World, disturb: Any, sentence: str) -> None:
    """The message names it and what the store has; no company is left half made."""
    with pytest.raises(ConfigError, match=sentence):
        disturb(world).sync(mode="full")

    assert world.store_writes() == []


def test_what_stops_the_run_by_name_leaves_nothing_to_read_back(world: World) -> None:
    """A store whose mode shows with the first company alone refuses that one, and has made none."""
    world.store_settings(independent_companies=False, catalog_required=True)
    with pytest.raises(ConfigError, match=r"Dependent Companies.*store\.catalog_id"):
        world.sync(mode="full")
    assert len(world.store_writes()) == 1
    with world.ledger() as ledger:
        assert list(ledger.intents.unanswered()) == []
    with_catalog = world.with_rules(store={"catalog_id": 7})
    with_catalog.sync(mode="full")
    assert {company["catalogId"] for company in with_catalog.companies().values()} == {7}


Demand = Callable[[str], None]


@pytest.fixture
def demand(world: World) -> Iterator[Demand]:
    """Has the store ask for an extra field of every company, user or address, until the test is over."""
    seed, field = f"{world.store_url}/_sandbox/seed", {"fieldName": "Cost Center", "isRequired": True}
    yield lambda family: call(seed, "POST", {"extra_fields": {family: [field]}})
    call(seed, "POST", {})


@pytest.mark.parametrize("family", ["companies", "users", "addresses"])
def test_nothing_is_written_when_the_store_demands_what_nothing_fills(
    world: World, demand: Demand, family: str
) -> None:
    """The run stops by name, instead of one customer after the other."""
    demand(family)
    with pytest.raises(ConfigError, match="Cost Center"):
        world.sync(mode="full")
    assert world.store_writes() == []


def test_what_the_store_demands_of_users_is_filled_by_the_file(world: World, demand: Demand) -> None:
    """Extra fields of contacts come from where the connector file says."""
    demand("users")
    source = world.connector.source.model_dump(mode="json")
    source["contact"]["extra_fields"] = {"Cost Center": "LastName"}
    filled = world.with_file(source=source)
    filled.sync(mode="full")
    state = world.store_state()
    ours = {company["companyId"] for company in world.companies().values()}
    users = [user for user in state["users"] if user["companyId"] in ours]
    assert users
    for user in users:
        assert user["extraFields"] == [{"fieldName": "Cost Center", "fieldValue": user["lastName"]}], user
    # Two e-mails of the seed are users of companies that are not ours, and some customers cannot be stored.
    assert set(filled.reconcile().classes) <= {"user_of_other_company", "waiting"}


def test_nothing_is_written_when_the_file_changed_after_the_plan(world: World) -> None:
    """What load compares anew follows the file's rules, so another file would write what nobody was shown."""
    with attempts(world, "planned", mode="full") as parts:
        parts.plan()
        changed = world.with_rules(policy={"contact": "leave"})
        with attempts(changed, "planned", mode="full") as other:
            other.__dict__.update(_plans=parts._plans)
            with pytest.raises(BatchDamaged, match=r"knb\.yaml was changed since batch .* was planned"):
                other.load()

    assert world.store_writes() == []


def test_newcomer_is_quarantined_when_its_reference_names_another_customers_company(world: World) -> None:
    """The reference may be right and our search wrong: a person looks before a second company is made."""
    world.sync(mode="selected", customer_ids=[OTHER])
    taken = world.references()[OTHER]
    world.edit("Customer", CustomerID=CUSTOMER, CommerceReferenceID=taken)
    world.forget_calls()

    world.sync(mode="selected", customer_ids=[CUSTOMER])

    assert world.last_outcome(CUSTOMER) == ("quarantined", "reference_changed_elsewhere")
    assert world.store_writes() == []
    assert world.references()[CUSTOMER] == taken


@pytest.mark.parametrize("stale", ["no number", "9" * 40, "999999999"])
def test_newcomer_is_made_when_its_reference_names_no_company(world: World, stale: str) -> None:
    """A reference left over from another store is overwritten, whatever it looks like."""
    world.edit("Customer", CustomerID=CUSTOMER, CommerceReferenceID=stale)

    world.sync(mode="selected", customer_ids=[CUSTOMER])

    assert world.last_outcome(CUSTOMER) == ("created", "")
    assert world.references()[CUSTOMER] == str(world.companies()[CUSTOMER]["companyId"])
