"""The balance of a run: every way in which it can be wrong fails the run, and then no watermark moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from customer_sync.errors import RunUnbalanced
from customer_sync.ledger import IntendedWrite
from customer_sync.model.operation import Action
from customer_sync.steps.audit import audit_run
from tests.integration.twin_world import Attempts, World, attempts
from tests.unit.customer_sync.builders import an_operation

CUSTOMER = "C000001"
Disturb = Callable[[Attempts], dict[str, Any]]


def audit(parts: Attempts, **facts: Any) -> Any:
    """Balance the run on what Airflow says of its tasks."""
    return audit_run(parts.at("audit"), **{"extracted": parts._extracted, "failed_tasks": (), **facts})


def a_task_failed(parts: Attempts) -> dict[str, Any]:
    """Airflow says that a task ended otherwise than it should."""
    parts.load()
    return {"failed_tasks": ["load[0] (failed)"]}


def extract_failed(parts: Attempts) -> dict[str, Any]:
    """Nothing is known of what extract read."""
    parts.load()
    return {"extracted": None}


def a_batch_is_lost(parts: Attempts) -> dict[str, Any]:
    """Extract handed on fewer customers than the ledger holds."""
    parts.load()
    return {"extracted": []}


def a_load_did_nothing(_parts: Attempts) -> dict[str, Any]:
    """Every task is green, and nobody gave the customers an outcome."""
    return {}


def a_customer_came_twice(parts: Attempts) -> dict[str, Any]:
    """The ledger counts one customer more than it has outcomes."""
    parts.load()
    ledger = parts.at("audit").ledger
    extracted = (ledger.runs.get("r") or {})["extracted"]
    with ledger.write() as connection:
        ledger.runs.update(connection, "r", extracted=extracted + 1)
    return {}


def a_write_is_open(parts: Attempts) -> dict[str, Any]:
    """A write of the run has no answer."""
    parts.load()
    left = an_operation(Action.UPDATE_COMPANY, CUSTOMER, 1, values={"company_name": "x"})
    with parts.at("load").ledger.write() as connection:
        parts.at("load").ledger.intents.open(connection, "r", 1, [[IntendedWrite(CUSTOMER, left)]])
    return {}


@pytest.mark.parametrize(
    ("disturb", "sentence"),
    [
        (a_task_failed, r"^Not successful: load\[0\] \(failed\)\. Read their logs, then clear them\.$"),
        (extract_failed, r"^extract did not succeed, so nothing is known to be complete"),
        (
            a_batch_is_lost,
            r"^extract reported 0 customers, the ledger holds [1-9]\d*: clear the run from extract on\.$",
        ),
        (a_load_did_nothing, r"^1 customers have no outcome: C000001\.$"),
        (a_customer_came_twice, r"^[1-9]\d* customers were extracted, [1-9]\d* outcomes were written\.$"),
        (a_write_is_open, r"^1 writes have no answer; the next run reads them back\.$"),
    ],
)
def test_run_fails_and_nothing_moves_on_when_its_balance_is_wrong(
    world: World, disturb: Disturb, sentence: str
) -> None:
    """The message names what is missing; the next run reads the same window again."""
    world.sync(mode="full")
    world.edit("Customer", CustomerID=CUSTOMER, CustomerName="Elbe Neu")
    with attempts(world, "r") as parts:
        ledger = parts.at("audit").ledger
        before = ledger.watermarks.load()
        parts.plan()
        facts = disturb(parts)

        with pytest.raises(RunUnbalanced, match=sentence):
            audit(parts, **facts)

        assert (ledger.runs.get("r") or {})["state"] == "failed"
        assert ledger.watermarks.load() == before


def test_watermark_moves_when_the_balance_is_right(world: World) -> None:
    """The same run without a disturbance is green and moves on: the refusals above are not for another reason."""
    world.sync(mode="full")
    world.edit("Customer", CustomerID=CUSTOMER, CustomerName="Elbe Neu")
    with attempts(world, "r") as parts:
        ledger = parts.at("audit").ledger
        before = ledger.watermarks.load()
        parts.plan().load()
        assert audit(parts).outcomes["updated"] == 1
        assert (ledger.runs.get("r") or {})["state"] == "success"
        assert ledger.watermarks.load()["customers"] > before["customers"]


def test_watermarks_stay_when_a_run_only_looks_or_reads_named_customers(world: World) -> None:
    """A dry run, a selection and a window of one's own see a part; the schedule's window is not theirs to move."""
    world.sync(mode="full")
    with world.ledger() as ledger:
        before = ledger.watermarks.load()
    world.edit("Customer", CustomerID=CUSTOMER, CustomerName="Elbe Neu")
    world.sync(dry_run=True)
    world.sync(mode="selected", customer_ids=[CUSTOMER])
    world.sync(modified_from="2000-01-01T00:00:00Z")
    with world.ledger() as ledger:
        assert ledger.watermarks.load() == before
