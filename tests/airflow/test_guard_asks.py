"""Guard asks a person through Airflow, and what was shown is applied, or nothing is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.taskinstance import TaskInstance

from airflow import settings
from customer_sync.ledger import Ledger
from tests.airflow.api_server import ApiServer, running_api_server
from tests.airflow.approver import answering
from tests.airflow.sync_world import CUSTOMERS, RULES, World

pytestmark = pytest.mark.usefixtures("metadata_database")

ALWAYS = RULES + "approval: {ask: always, timeout_minutes: 60}\n"
MASS_WITHDRAWAL = RULES + "eligibility: {types: [BUSINESS]}\n"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """Airflow's own API."""
    with running_api_server() as found:
        yield found


def let_the_time_run_out() -> None:
    """Move the deadline of whatever waits into the past, and let the scheduler look at it."""
    with settings.Session() as session, session.begin():
        late = datetime.now(UTC) - timedelta(minutes=1)
        waiting = sa.update(TaskInstance).where(TaskInstance.state == "awaiting_input")
        session.execute(waiting.values(trigger_timeout=late))
    SchedulerJobRunner(job=Job()).check_awaiting_input_timeouts()


def test_plan_is_applied_only_after_a_person_said_yes(world: World, api: ApiServer) -> None:
    """A run that must be approved writes nothing while it waits, and applies what it has shown after a yes.

    A dry run of the same connector waits for nobody; the run after it, bound to its plan, has the same plan.
    """
    world.rules(ALWAYS)
    assert world.run(mode="full", dry_run=True).state == "success"
    with Ledger.open("knb") as ledger:
        previewed = ledger.runs.get(world.last_run_id)["plan_hash"]

    seen: list[list[str]] = []
    with answering(api, "Approve", look=lambda: seen.append(world.store_writes())) as person:
        result = world.run(mode="full", plan_hash=previewed)

    assert seen == [[]]
    assert result.state == "success"
    assert result.outcomes["created"] > CUSTOMERS / 2
    assert person.question["subject"].endswith(f"for {result.outcomes['created']} customers?")
    assert f"plan hash `{previewed}`" in person.question["body"]
    assert "/connector-logs/log?connector=knb&run_id=manual__" in person.question["body"]
    with Ledger.open("knb") as ledger:
        assert ledger.runs.get(world.last_run_id)["approval"]["state"] == "approved"


@pytest.mark.parametrize(
    ("answer", "silence", "reason"),
    [("Reject", False, "plan_rejected"), ("", True, "approval_timed_out")],
    ids=["a no", "silence"],
)
def test_nothing_is_written_and_the_run_is_red_when_the_answer_is(
    world: World, api: ApiServer, answer: str, *, silence: bool, reason: str
) -> None:
    """A tripped guard asks; a no or silence skips its customers, fails the run, and load never starts."""
    assert world.run(mode="full").state == "success"
    again = world.run(mode="full").outcomes
    companies = again["unchanged"] + again["waiting"]
    before = len(world.store_writes())
    world.rules(MASS_WITHDRAWAL)
    with answering(api, answer, look=let_the_time_run_out if silence else _nothing) as person:
        result = world.run(mode="full")

    assert result.state == "failed"
    assert result.states[("guard", "failed")] == 1
    assert result.states[("load", "upstream_failed")] == 1
    assert result.states[("audit", "failed")] == 1
    assert len(world.store_writes()) == before
    assert result.outcomes["skipped"] == companies
    assert f"Companies to be withdrawn: {companies}" in person.question["body"]
    with Ledger.open("knb") as ledger:
        rows = ledger.runs.customers(world.last_run_id)
        assert {reasons for _, _, outcome, reasons in rows if outcome == "skipped"} == {reason}
        assert len(ledger.runs.unfinished()) == companies


def _nothing() -> Any:
    """Look at nothing."""
