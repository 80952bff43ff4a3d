"""A run taken back in a real Airflow, by the sync's own DAG with the param ``undo_run``."""

from datetime import timedelta

import pytest
import requests
import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import run as run_table
from tests.airflow.sync_world import World

pytestmark = pytest.mark.usefixtures("metadata_database")

INACTIVE, APPROVED = 3, 1


def statuses(world: World) -> set[int]:
    """Every status that a customer's company has in the store."""
    state = requests.get(f"{world.store.url}/_sandbox/state", timeout=10).json()
    return {each["companyStatus"] for each in state["companies"] if any(x["fieldValue"] for x in each["extraFields"])}


def test_a_run_is_taken_back_and_its_undo_too(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Six tasks and guard as ever: a dry run writes nothing, its hash binds the undo, and the undo is undone."""
    world.rules(world.rules_file.read_text(encoding="utf-8") + "guards: {most_withdrawn_share: 1}\n")
    first = world.run(mode="full")
    made, run_id = first.outcomes["created"], world.last_run_id
    requests.delete(f"{world.store.url}/_sandbox/calls", timeout=10).raise_for_status()
    planned = world.run(undo_run=run_id, dry_run=True)
    assert planned.state == "success"
    assert planned.outcomes == {"planned": made}
    assert world.store_writes() == []
    assert f"It takes back what run {run_id} wrote." in caplog.text
    with Ledger.open("knb") as ledger:
        row = ledger.runs.get(world.last_run_id) or {}
    assert (row["mode"], row["window"]["why"]) == ("undo", f"undo of run {run_id}")

    undone = world.run(undo_run=run_id, plan_hash=row["plan_hash"])
    undo_id = world.last_run_id
    assert undone.state == "success"
    assert undone.outcomes == {"deactivated": made}
    assert undone.states[("load", "success")] == 1
    assert statuses(world) == {INACTIVE}
    following = world.run(mode="full")
    assert following.outcomes["skipped"] == made
    assert statuses(world) == {INACTIVE}

    again = world.run(undo_run=undo_id)
    assert again.state == "success"
    assert again.outcomes == {"reactivated": made}
    assert statuses(world) == {APPROVED}
    assert world.run(mode="full").outcomes["unchanged"] > made / 2


def test_what_cannot_be_undone_is_refused_with_a_sentence(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An unknown run, another connector's, a dry run, one of long ago, and params that do not fit."""
    world.run(mode="full", dry_run=True)
    dry = world.last_run_id
    with Ledger.open("other") as ledger, ledger.write() as connection:
        ledger.runs.begin(
            connection,
            "theirs",
            mode="full",
            dry_run=False,
            moves_watermark=False,
            window={},
            stamps=None,
            resume_after="",
            plan_hash="",
        )
    sentences = {
        "never": "Connector knb has made no run 'never'",
        "theirs": "Connector knb has made no run 'theirs'",
        dry: "was a dry run and wrote nothing",
    }
    for undone, sentence in sentences.items():
        caplog.clear()
        result = world.run(undo_run=undone)
        assert result.state == "failed"
        assert result.tries["extract"] == 1
        assert sentence in caplog.text
    world.run(mode="selected", customer_ids=["C000001"])
    with Ledger.open("knb") as ledger, ledger.write() as connection:
        old = sa.update(run_table).where(run_table.c.run_id == world.last_run_id)
        connection.execute(old.values(ended_at_utc=utc_now() - timedelta(days=31)))
    caplog.clear()
    assert world.run(undo_run=world.last_run_id).state == "failed"
    assert "more than 30 days ago" in caplog.text
    caplog.clear()
    assert world.run(undo_run=dry, mode="full").state == "failed"
    assert "undo_run names all that is to be done" in caplog.text
