"""Customers of whom nothing changed are closed without being judged again, and nothing that matters is hidden by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from customer_sync.errors import SyncError, TransientApiError
from customer_sync.ledger import IntendedWrite
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import customer_state, known_customer, store_place
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import Action, StatusOperation
from customer_sync.model.place import Place
from customer_sync.pipeline import run
from customer_sync.planning.window import RunRequest
from customer_sync.sources.port import CustomerPage, Known
from customer_sync.targets.port import Order
from tests.adapters.in_memory_source import InMemorySource
from tests.adapters.in_memory_target import InMemoryTarget
from tests.conformance.pipeline.world import World

made: list[str] = []


class Watched(InMemorySource):
    """Tells whom the sync had made into records, to be judged."""

    def _page(self, keys: Sequence[str], known: Known) -> CustomerPage:
        page = super()._page(keys, known)
        made.extend(each.customer_id for each in page.customers)
        return page


class Silent(InMemoryTarget):
    """A store that takes nothing."""

    def perform(self, action: Action, orders: Sequence[Order]) -> list[int | None]:
        raise TransientApiError(f"{action} of {len(orders)} is not answered.")


@pytest.fixture
def world() -> World:
    """Three customers that trade and one that does not, closed with nothing left to do."""
    world = World(session=Watched)
    for number in ("C1", "C2", "C3"):
        world.save(number, world.contact(f"Ann{number}", is_primary=True), world.contact(f"Bob{number}"))
    world.save("C4", world.contact("AnnC4"), enabled=False)
    world.sync()
    world.sync(mode="full")
    return world


def judged(world: World, mode: str = "full", **request: object) -> list[str]:
    """Whom one more run judges."""
    made.clear()
    world.sync(mode=mode, **request)
    return sorted(set(made))


def test_nobody_is_judged_again_who_did_not_change(world: World) -> None:
    """Each is closed as before, eligible or not, and asks nothing of the store."""
    made.clear()
    report = world.sync(mode="full")
    assert made == []
    assert report.outcomes == {"unchanged": 3, "filtered": 1}
    assert report.reasons == {"not_enabled": 1}
    assert report.extracted == 4
    assert (world.outcome("C1"), world.outcome("C4")) == ("unchanged", "filtered")


def test_an_incremental_run_passes_them_too(world: World) -> None:
    """The overlap reads again what was done already."""
    assert judged(world, "incremental") == []


@pytest.mark.parametrize("fields", [{"name": "Other"}, {"phone": "+1 555 010 0199"}, {"status": "On Hold"}])
def test_who_changed_is_judged(world: World, fields: Mapping[str, str]) -> None:
    """And nobody else; afterwards he is as before as well."""
    world.save("C2", **fields)
    assert judged(world) == ["C2"]
    judged(world)
    assert judged(world) == ([] if "status" not in fields else ["C2"])


def test_a_value_that_came_back_is_written_back(world: World) -> None:
    """What was closed before the change is no proof after it."""
    world.save("C2", name="Other")
    world.sync()
    assert world.company("C2").fields.company_name == "Other"
    world.save("C2", name="Firm C2")
    world.sync()
    assert world.company("C2").fields.company_name == "Firm C2"


@pytest.mark.parametrize(
    "rules",
    [
        {"erp": {"write_reference": False}},
        {"contacts": {"other_role": "Senior Buyer"}},
        {"masking": {"names": False}},
        {"policy": {"customer": "delete"}},
    ],
)
def test_under_other_settings_everybody_is_judged(world: World, rules: Mapping[str, object]) -> None:
    """Whatever of the connector file changed."""
    world.rules = {**world.rules, **rules}
    assert judged(world) == ["C1", "C2", "C3", "C4"]


def make_old(world: World) -> None:
    """The store's lists of places were read more than a day ago."""
    with world.ledger() as ledger, ledger.write() as connection:
        connection.execute(sa.update(store_place).values(read_at_utc=utc_now() - timedelta(days=1, minutes=1)))


def test_under_other_places_everybody_is_judged(world: World) -> None:
    """Whatever run found that the store calls them otherwise."""
    with world.ledger() as ledger, ledger.write() as connection:
        budget, identity = world.connector.store_budget, InMemoryTarget(world.store).identity
        ledger.places.put(connection, budget, identity, "US", [Place("CA", "Calif.")])
    assert judged(world) == ["C1", "C2", "C3", "C4"]


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_places_are_read_once_a_day_while_nobody_is_judged(world: World, mode: str) -> None:
    """A list that changed makes the next run of the schedule judge everybody, and the one after it nobody."""
    make_old(world)
    assert judged(world, mode) == []
    assert judged(world, "incremental") == []
    world.store.states = {**world.store.states, "US": [*world.store.states["US"], Place("ZZ", "New State")]}
    assert judged(world, mode) == []
    make_old(world)
    assert judged(world, mode) == []
    assert judged(world, "incremental") == ["C1", "C2", "C3", "C4"]
    assert judged(world, "incremental") == []


def test_a_list_that_nobody_needs_who_is_judged_is_read_as_well(world: World) -> None:
    """Those who are passed by have places, too."""
    with world.ledger() as ledger, ledger.write() as connection:
        budget, identity = world.connector.store_budget, InMemoryTarget(world.store).identity
        ledger.places.put(connection, budget, identity, "CA", [Place("ON", "Ont.")])
    world.sync()
    make_old(world)
    world.save("C2", name="Other")
    assert judged(world, "incremental") == ["C2"]
    assert judged(world, "incremental") == ["C1", "C2", "C3", "C4"]


def test_the_reference_is_written_when_that_is_switched_on() -> None:
    """A setting that no mapping knows."""
    world = World({"erp": {"write_reference": False}})
    world.save("C1", world.contact("Ann", is_primary=True))
    for _ in range(3):
        world.sync(mode="full")
    world.rules = {}
    world.sync(mode="full")
    assert world.erp.customer("C1").reference_id == str(world.company("C1").id)


def test_whoever_is_marked_is_judged(world: World) -> None:
    """A person's word counts at once, and so does its taking back."""
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.set_aside.put(connection, "C2", "skip")
    assert judged(world) == ["C2"]
    assert world.outcome("C2") == "skipped"
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.set_aside.drop(connection, ["C2"])
    assert judged(world) == ["C2"]
    assert world.outcome("C2") == "unchanged"


def test_what_is_applied_no_more_is_judged(world: World) -> None:
    """A repair, an adoption or a lost company leaves another state behind, whatever the rows say."""
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.links.put_hashes(connection, {"C1": ""})
        connection.execute(sa.update(customer_state).where(customer_state.c.customer_id == "C2").values(status=3))
        ledger.links.drop_company(connection, "C3")
    assert judged(world) == ["C1", "C2", "C3"]
    assert world.company("C2").status is CompanyStatus.APPROVED


def test_whoever_waits_is_judged(world: World) -> None:
    """What it waits for may have come without a change of its own."""
    world.save("C5", world.contact("Eve", "bobc1@people.example", is_primary=True))
    for _ in range(3):
        world.sync(mode="full")
    assert "C5" in judged(world)
    world.change("C1", "BobC1", email="bob-new@people.example")
    world.sync(mode="full")
    world.sync(mode="full")
    assert world.outcome("C5") in {"created", "unchanged", "updated"}


def test_an_account_email_that_is_held_stays_held(world: World) -> None:
    """Who is not judged keeps its claim: a newcomer with the same e-mail waits."""
    judged(world)
    world.save("C5", world.contact("Eve", is_primary=True), email="office@c1.example")
    world.sync(mode="full")
    assert world.waits("C5") == [("customer:", "email_duplicate")]


def test_the_email_of_a_user_stays_his(world: World) -> None:
    """Who is not judged keeps what the directory says of it: a newcomer waits, and gets the e-mail when it is free."""
    judged(world)
    world.save("C0", world.contact("Eve", "bobc1@people.example"), world.contact("Zoe", is_primary=True))
    assert judged(world) == ["C0"]
    assert world.waits("C0") == [("contact:Eve", "email_in_use")]
    assert set(world.users("C0")) == {"zoe"}
    assert judged(world) == ["C0"]
    world.change("C1", "BobC1", enabled=False)
    assert judged(world) == ["C0", "C1"]
    assert set(world.users("C0")) == {"zoe", "bobc1"}
    assert world.waits("C0") == []


def test_a_deleted_customer_is_missed_among_them(world: World) -> None:
    """A full run in which nobody had to be judged still knows whom it did not see."""
    world.erp.delete("C2")
    world.sync(mode="full")
    assert world.company("C2").status is CompanyStatus.INACTIVE


def test_a_contact_that_moved_loses_access_while_its_former_customer_is_on_hold(world: World) -> None:
    """Also when the run that saw the move did not come to its end."""
    world.save("C1", status="On Hold")
    world.sync()
    bob = next(each for each in world.erp.customer("C1").contacts if each.contact_id == "BobC1")
    ann = world.erp.customer("C1").contacts[0]
    world.save("C1", ann)
    world.save("C4", *world.erp.customer("C4").contacts, bob)
    with pytest.raises(SyncError):
        run(world.connector, Watched(world.erp), Silent(world.store), world.ledger_url, RunRequest(mode="full"))
    world.sync(mode="full")
    assert "bobc1" not in world.users("C1")


def test_the_guard_counts_them_as_eligible(world: World) -> None:
    """A full read in which all are as before is not one in which nobody is eligible."""
    world.save("C4", name="Other")
    assert judged(world) == ["C4"]
    assert world.outcome("C4") == "filtered"


def test_a_long_read_goes_on_behind_them() -> None:
    """A read that is cut into runs loses nobody, judged or not."""
    world = World({"batch": {"size": 1, "largest": 1, "count": 2}})
    numbers = [f"C{number}" for number in range(1, 7)]
    for number in numbers:
        world.save(number, world.contact(f"Ann{number}", is_primary=True))
    for _ in range(12):
        world.sync(mode="full")
    for number in ("C3", "C4", "C6"):
        world.save(number, name="Other")
    seen: set[str] = set()
    for _ in range(2):
        world.sync()
    with world.ledger() as ledger:
        seen |= {key for key in numbers if ledger.stories.of(key)}
    assert seen == set(numbers)
    assert {number: world.company(number).fields.company_name for number in ("C3", "C4", "C6")} == dict.fromkeys(
        ("C3", "C4", "C6"), "Other"
    )


def test_an_open_write_is_read_back(world: World) -> None:
    """Whoever has a write without an answer is judged, whatever its rows say."""
    have = world.company("C2")
    lost = StatusOperation(
        action=Action.SET_STATUS,
        key="C2",
        store_id=have.id,
        new=CompanyStatus.INACTIVE,
        old=CompanyStatus.APPROVED,
    )
    record_id = world.erp.customer("C2").record_id
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.intents.open(connection, "lost", 1, [[IntendedWrite("C2", lost, record_id=record_id)]])
    assert judged(world) == ["C2"]
    with world.ledger() as ledger:
        assert ledger.intents.unanswered() == []


def test_the_ledger_remembers_a_hash_and_no_rows(world: World) -> None:
    """Sixteen bytes for each customer."""
    with world.ledger() as ledger, ledger.engine.connect() as connection:
        kept = connection.execute(sa.select(known_customer.c.rows_hash)).scalars().all()
    assert [len(each) for each in kept] == [16] * 4
