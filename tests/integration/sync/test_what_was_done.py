"""The log says what was done, with before and after: by this attempt, by an earlier one, by a lost answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import plan, story
from customer_sync.reporting.journalled import with_changes
from tests.integration.twin_world import World

CUSTOMER = "C000002"


def lines(world: World, run_id: str) -> list[dict[str, Any]]:
    """What a run said of the customer, oldest first, with the values from the journal."""
    with world.ledger() as ledger:
        rows = ledger.log.rows(run_id=run_id, customer_id=CUSTOMER, limit=None)
    engine = open_engine(world.ledger_url)
    found = with_changes(engine, reversed(rows), lambda _: world.connector)
    engine.dispose()
    return found


def changes(world: World, run_id: str, action: str) -> list[dict[str, list[Any]]]:
    """The values of one kind of operation, line by line."""
    return [json.loads(row["changes"]) for row in lines(world, run_id) if row["action"] == action]


def test_a_new_company_is_told_in_one_sentence_and_its_values_are_kept_once(world: World) -> None:
    """Lines name the operations; their values stand in the journal, and are masked where they are shown."""
    world.sync(run_id="first", mode="selected", customer_ids=[CUSTOMER])
    told = lines(world, "first")
    assert told[-1]["outcome"] == "created"
    assert told[-1]["message"].startswith("company created, ")
    assert told[-1]["message"].endswith("; id written to the ERP")
    (company,) = changes(world, "first", "create_company")
    assert company["city"][0] is None
    assert company["city"][1]
    assert "•••" in company["company_email"][1]
    assert all(changes(world, "first", action) for action in ("create_user", "create_address", "write_reference"))
    engine = open_engine(world.ledger_url)
    with engine.connect() as connection:
        texts = connection.execute(sa.select(story.c.lines)).scalars().all()
        planned = connection.execute(sa.select(sa.func.count()).select_from(plan)).scalar_one()
    engine.dispose()
    assert not any(str(company["city"][1]) in text for text in texts)
    assert planned == 0


def test_a_change_shows_what_was_before(world: World) -> None:
    """In the story and in the task's log alike."""
    world.sync(run_id="first", mode="selected", customer_ids=[CUSTOMER])
    (company,) = changes(world, "first", "create_company")
    world.edit("Customer", CustomerID=CUSTOMER, MainContact={"Address": {"City": "Fresno"}})
    printed: list[str] = []
    world.sync(
        run_id="second",
        sink=lambda _title, entries: printed.extend(entry.changes for entry in entries if entry.action),
        mode="selected",
        customer_ids=[CUSTOMER],
    )
    (changed,) = changes(world, "second", "update_company")
    assert changed["city"] == [company["city"][1], "Fresno"]
    assert any(json.loads(each) == changed for each in printed if each)


def test_what_an_adopted_company_was_is_told(world: World) -> None:
    """A lost ledger and an edit by hand: each value that is overwritten is shown with what the store had."""
    world.sync(run_id="first", mode="selected", customer_ids=[CUSTOMER])
    (company,) = changes(world, "first", "create_company")
    world.edit("Customer", CustomerID=CUSTOMER, MainContact={"Address": {"City": "Fresno"}})
    Path(world.ledger_url.removeprefix("sqlite:///")).unlink()
    world.sync(run_id="again", mode="selected", customer_ids=[CUSTOMER])
    (changed,) = changes(world, "again", "update_company")
    assert changed["city"] == [company["city"][1], "Fresno"]
    assert "company changed (city)" in lines(world, "again")[-1]["message"]


def test_a_record_whose_answer_was_lost_is_told_with_its_values(world: World) -> None:
    """Found in the store, it counts among what was done."""
    world.store_faults(
        {"match": {"method": "POST", "path_regex": r"/addresses(/bulk)?$"}, "effect": "commit_then_reset", "times": 1}
    )
    world.sync(run_id="lost", mode="selected", customer_ids=[CUSTOMER])
    made = [row for row in lines(world, "lost") if row["action"] == "create_address"]
    assert "done: the record was found in the store" in {row["message"] for row in made}
    assert all(json.loads(row["changes"])["city"][1] for row in made)
    assert len(made) == len({row["record_key"] for row in made})
