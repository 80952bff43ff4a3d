"""A store, a ledger and an ERP spoilt in every class at once: all is found, nothing invented, and repaired."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from customer_sync.model.difference import REPAIRS, repair_choices
from tests.integration.reconcile.corruption import Corruption, new_run_id, repaired_by_hand, told
from tests.integration.twin_world import World

EVERY_REPAIR = tuple(text for text in repair_choices() if text != "drift=adopt")


def found(world: World, **params: object) -> Counter[tuple[str, str, str, str]]:
    """Compare, and give what was told."""
    run_id = new_run_id()
    world.reconcile(run_id=run_id, **params)
    return told(world, run_id)


def test_synced_store_shows_only_what_it_refused(world: World) -> None:
    """After a first sync only who waits differs: contacts whose e-mails others have, and customers as a whole."""
    world.sync(mode="full")
    assert {(kind, entity) for _, kind, entity, _ in found(world)} == {
        ("user_of_other_company", "contact"),
        ("waiting", "customer"),
    }
    report = world.reconcile()
    assert sum(report.standings.values()) == 90
    assert report.facts["foreign"]["companies"] == 4


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_every_defect_is_found_in_its_class_and_repaired_when_all_are_there_at_once(world: World, seed: int) -> None:
    """Every class is found and none invented; after the repair a comparison is as before, and a sync writes nothing."""
    world.sync(mode="full")
    before = found(world)
    expected = Corruption(world, random.Random(seed)).spoil(1)
    assert found(world) - before == expected
    assert {kind for _, kind, _, _ in expected} == {str(kind) for kind in REPAIRS} - {"waiting"}  # those wait before

    world.reconcile(repair=EVERY_REPAIR)
    repaired_by_hand(world)
    world.reconcile(repair=EVERY_REPAIR)
    assert found(world) == before
    world.forget_calls()
    world.sync(mode="full")
    assert world.write_lines() == []


def test_nothing_is_written_when_only_reported(world: World) -> None:
    """Without a repair, and in a dry run of one, neither store nor ERP nor ledger is touched."""
    world.sync(mode="full")
    Corruption(world, random.Random(3)).spoil(1)
    before = found(world)
    world.forget_calls()
    assert found(world) == before
    dry = world.reconcile(repair=EVERY_REPAIR, dry_run=True)
    assert dry.outcomes["planned"] > 0
    assert world.write_lines() == []
    assert [call for call in world.erp_calls() if call["method"] == "PUT"] == []
    assert found(world) == before
