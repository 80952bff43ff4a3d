"""A person's word about a customer holds in the sync: skipped, handled until it changes, taken back."""

import pytest

from customer_sync.model.outcome import Outcome
from tests.integration.twin_world import World


def mark(world: World, customer_id: str, kind: str) -> None:
    """Set a customer aside as the page does."""
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.set_aside.put(connection, customer_id, kind)  # type: ignore[arg-type] # one of the two words


def someone(world: World) -> str:
    """A customer that has a company."""
    return min(world.companies())


@pytest.mark.parametrize("kind", ["skip", "handled"])
def test_a_customer_set_aside_is_passed_over_and_the_run_balances(world: World, kind: str) -> None:
    """Its outcome is `skipped` with the reason; nothing of it is written."""
    world.sync()
    customer_id = someone(world)
    mark(world, customer_id, kind)
    world.forget_calls()
    report = world.sync()
    reason = {"skip": "skipped_by_person", "handled": "handled_by_person"}[kind]
    assert world.last_outcome(customer_id) == (Outcome.SKIPPED, reason)
    assert report.outcomes["skipped"] == 1
    assert world.store_writes() == []


def test_a_handled_customer_is_synced_again_when_it_changes(world: World) -> None:
    """The first change of the source ends the mark; a skipped one stays away until it is taken back."""
    world.sync()
    handled, skipped = sorted(world.companies())[:2]
    mark(world, handled, "handled")
    mark(world, skipped, "skip")
    world.sync()
    for customer_id in (handled, skipped):
        world.edit("Customer", CustomerID=customer_id, CustomerName="Another Name")
    world.sync()
    assert world.last_outcome(handled)[0] == Outcome.UPDATED
    assert world.last_outcome(skipped)[0] == Outcome.SKIPPED
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.set_aside.drop(connection, [skipped])
    world.sync()
    assert world.last_outcome(skipped)[0] == Outcome.UPDATED


def test_a_dry_run_takes_no_mark_away(world: World) -> None:
    """A preview changes nothing: the customer that changed is still marked afterwards."""
    world.sync()
    customer_id = someone(world)
    mark(world, customer_id, "handled")
    world.sync()
    world.edit("Customer", CustomerID=customer_id, CustomerName="Another Name")
    world.sync(dry_run=True)
    with world.ledger() as ledger:
        assert customer_id in ledger.set_aside.load([customer_id])
    world.sync()
    assert world.last_outcome(customer_id)[0] == Outcome.UPDATED
