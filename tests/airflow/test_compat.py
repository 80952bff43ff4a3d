"""What older versions of Airflow lack is found out by looking, and the rest goes on; `make matrix` runs it on them."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from airflow.models.dag import DagModel
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineReference

from airflow import settings
from customer_sync.ledger import Ledger
from customer_sync.model.push_notification import Notification
from customer_sync_airflow import compat
from customer_sync_airflow.alerting.callbacks import run_is_overdue
from tests.airflow.sync_world import RULES, World

if TYPE_CHECKING:
    from tests.airflow.conftest import LoadDags


def test_nothing_is_lacking_on_the_locked_airflow() -> None:
    """From 3.3 on there is nothing to tell, so that the health page says nothing."""
    assert compat.lacking() == []


@pytest.mark.parametrize("parked", compat.PARKED, ids=lambda each: each.__name__)
def test_a_waiting_task_keeps_what_it_was_parked_with(parked: type[BaseException]) -> None:
    """Whatever way an approval waits, it goes on with the arguments of Airflow and with ours."""
    trigger = {"trigger": None} if parked.__name__ == "TaskDeferred" else {}
    for before, after in ((None, {"notes": [1]}), ({"theirs": 2}, {"theirs": 2, "notes": [1]})):
        waiting = parked(method_name="execute_complete", kwargs=before, timeout=None, **trigger)
        compat.park_with(waiting, notes=[1])
        assert vars(waiting)["kwargs"] == after


def test_a_late_run_has_a_named_deadline() -> None:
    """Where deadlines have names, ours does."""
    late = AsyncCallback(run_is_overdue, {"connector_id": "knb"})
    reference = DeadlineReference.DAGRUN_QUEUED_AT
    alert = compat.deadline_alert(name="late", reference=reference, interval=timedelta(hours=1), callback=late)
    assert alert.name == "late"


@pytest.mark.usefixtures("metadata_database")
def test_push_fails_with_a_sentence_when_the_sync_is_paused(
    world: World, load_dags: "LoadDags", capfd: pytest.CaptureFixture[str], connectors_dir: Path
) -> None:
    """A run of a paused sync would wait for ever: nothing is triggered, and the log says to unpause it."""
    world.rules(RULES + "push: {enabled: true}\n")
    assert connectors_dir.is_dir()
    assert world.run(mode="full", dry_run=True).state == "success"
    with settings.Session() as session, session.begin():
        session.execute(sa.update(DagModel).where(DagModel.dag_id == "customer_sync__knb").values(is_paused=True))
    with Ledger.open("knb") as ledger:
        ledger.push.receive(Notification(customer_ids=("C000001",), ticks=1))
        ledger.push.announce(0)
    run = load_dags()["customer_push__knb"].test(logical_date=None)
    states = {each.task_id: str(each.state) for each in run.get_task_instances()}
    assert states == {"take_customers": "success", "sync_them": "failed"}
    assert "customer_sync__knb is paused, so nothing was triggered. Unpause it" in "".join(capfd.readouterr())
