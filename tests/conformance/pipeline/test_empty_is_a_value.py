"""What the ERP empties is emptied in the store; where the store cannot, a finding says so for as long as it stays."""

from __future__ import annotations

import pytest

from customer_sync.model.company import PaymentTerms
from tests.adapters import store_rules
from tests.conformance.pipeline.world import World

NET = {"days": 30, "payment_methods": {"cheque": True, "bankdeposit": True}}


@pytest.fixture
def world() -> World:
    """A customer with a price level and with net terms."""
    extra = {"extra_fields": {"Price Level": "PriceClassID"}}
    terms = {"NET": NET, "COD": {"days": 0, "payment_methods": {"cod": True}}, "PREPAY": {"enabled": False}}
    world = World({"source": {"customer": extra}, "terms": terms})
    world.save("C1", world.contact("Ann", is_primary=True), extra_fields={"Price Level": "GOLD"}, terms="NET")
    world.sync()
    assert world.company("C1").fields.extra_fields["Price Level"] == "GOLD"
    assert world.methods("C1") == {"cheque", "bankdeposit"}
    return world


def test_a_value_that_the_store_cannot_empty_is_a_finding_as_long_as_it_stays(world: World) -> None:
    """Never unchanged: the finding names field and value in this run and in every full run."""
    world.save("C1", extra_fields={})
    for mode in ("incremental", "full", "full"):
        world.sync(mode=mode)
        assert world.company("C1").fields.extra_fields["Price Level"] == "GOLD"
        assert world.outcome("C1") == "waiting"
        assert world.waits("C1") == [("extra_field:Price Level", "cannot_clear")]
        assert any("GOLD" in line for line in world.story("C1"))
    world.save("C1", name="Another name")
    world.sync()
    assert world.waits("C1") == [("extra_field:Price Level", "cannot_clear")]
    world.save("C1", extra_fields={"Price Level": "SILVER"})
    world.sync()
    assert world.company("C1").fields.extra_fields["Price Level"] == "SILVER"
    assert world.waits("C1") == []


def test_a_value_is_emptied_where_the_store_takes_an_empty_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's field table says whether it does."""
    rule = store_rules.COMPANY["extra_fields"]._replace(can_clear=True)
    target_fields = world.connector.target.fields.company
    monkeypatch.setitem(target_fields, "extra_fields", rule)
    world.store.blank_extra_fields = True
    world.save("C1", extra_fields={})
    world.sync()
    assert world.company("C1").fields.extra_fields.get("Price Level", "") == ""
    assert world.waits("C1") == []
    world.sync(mode="full")
    assert world.outcome("C1") == "unchanged"


@pytest.mark.parametrize("terms", ["", "UNLISTED"])
def test_terms_that_are_emptied_or_unlisted_take_away_what_they_gave(world: World, terms: str) -> None:
    """Net terms and the methods that the sync switched on go off."""
    world.save("C1", terms=terms)
    world.sync()
    assert world.methods("C1") == set()
    assert world.terms("C1") == PaymentTerms(is_enabled=False, days=30)
    world.sync(mode="full")
    assert world.outcome("C1") == "unchanged"


def test_what_the_sync_never_set_stays(world: World) -> None:
    """A customer without terms keeps what people switched on for it in the store."""
    world.save("C2", world.contact("Bob", is_primary=True))
    world.sync()
    company_id = world.company("C2").id
    world.store.methods[company_id] = {"cheque": True}
    world.store.terms[company_id] = PaymentTerms(is_enabled=True, days=45)
    world.save("C2", name="Another")
    world.sync()
    assert world.methods("C2") == {"cheque"}
    assert world.terms("C2") == PaymentTerms(is_enabled=True, days=45)


def test_terms_without_credit_switch_net_terms_off(world: World) -> None:
    """``enabled: false`` says so in the connector file."""
    world.save("C1", terms="PREPAY")
    world.sync()
    assert world.terms("C1") == PaymentTerms(is_enabled=False, days=30)
    world.sync(mode="full")
    assert world.outcome("C1") == "unchanged"


def test_terms_come_back(world: World) -> None:
    """Emptied and set again."""
    world.save("C1", terms="")
    world.sync()
    world.save("C1", terms="NET")
    world.sync()
    assert world.methods("C1") == {"cheque", "bankdeposit"}
    assert world.terms("C1") == PaymentTerms(is_enabled=True, days=30)


def test_what_is_adopted_and_as_desired_is_ours(world: World) -> None:
    """A lost ledger: terms that are emptied afterwards go off all the same."""
    world.lose_ledger()
    world.sync(mode="full")
    world.save("C1", terms="")
    world.sync()
    assert world.methods("C1") == set()
    assert world.terms("C1") == PaymentTerms(is_enabled=False, days=30)


@pytest.mark.parametrize(
    "trouble",
    [{"phone": ""}, {"name": ""}, {"status": "On Hold"}, {"email": ""}],
    ids=["no phone", "no name", "on hold", "no e-mail"],
)
@pytest.mark.parametrize("terms", ["", "UNLISTED", "PREPAY"])
def test_terms_go_off_although_the_customer_as_a_whole_waits(world: World, trouble: dict[str, str], terms: str) -> None:
    """Taking credit away needs no intact customer; the reconciliation says so until it is done, and who waits after."""
    world.save("C1", terms=terms, **trouble)
    waits = [("C1", "waiting", "customer:")] if {"phone", "name"} & trouble.keys() else []
    told = world.reconcile()
    assert set(told) == {("C1", "erp_changed", "payment:"), *waits}
    world.sync()
    assert world.terms("C1") == PaymentTerms(is_enabled=False, days=30)
    assert world.methods("C1") == (set() if terms != "PREPAY" else {"cheque", "bankdeposit"})
    assert world.outcome("C1") == ("quarantined" if waits else "updated")
    assert world.reconcile() == waits
    assert world.requests_of_one_more_run()["POST"] == 0


def test_nothing_is_given_to_a_customer_that_waits_as_a_whole(world: World) -> None:
    """Other terms that give something wait with it; of what they take away the methods go off."""
    world.save("C1", terms="COD", phone="")
    world.sync()
    assert world.methods("C1") == set()
    assert world.terms("C1") == PaymentTerms(is_enabled=True, days=30)
    world.save("C1", phone="+1 555 010 0100")
    world.sync()
    assert world.methods("C1") == {"cod"}
    assert world.terms("C1") == PaymentTerms(is_enabled=True, days=0)
