"""A whole Airflow at work: alerts to a mail server and a web hook, metrics to a collector, push from the ERP's twin.

The tests share it and run in the order of the file.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger.storage.schema import run
from tests.airflow.mail_and_web_sink import running_mail_server, running_web_hook
from tests.airflow.otlp_sink import OtlpSink, running_otlp_sink
from tests.e2e.ground import Ground
from tests.integration.twin_world import World, shipped_connector

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.in_order_of_file]

PATIENCE_S = 300
"""Longest wait for a run: a machine that does other work as well is no fault."""


TOKEN = "hook-token-51f3"
SECRET = "push-secret-71c0"
RULES = (
    "{email: {to: [ops@example.com], sender: sync@example.com, connection: mail}, webhook: {connection: chat}, "
    "most_rejected_share: 0.9}"
)
LATE = "customer_sync__late"
"""A connector without pools: its run stays where it is, and neither ends nor fails."""
LATE_RULES = "{webhook: {connection: chat}, no_success_minutes: 1}"


@dataclass
class Live:
    """A running Airflow and what it told whom."""

    ground: Ground
    mails: list[Message]
    hooks: list[tuple[dict[str, str], Any]]
    metrics: OtlpSink

    def wait_for(self, seen: Callable[[], bool], what: str) -> None:
        """Wait until something was told."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen():
            if time.monotonic() > deadline:
                states = [body["state"] + " " + body["alert"] for _, body in self.hooks]
                raise AssertionError(f"{what} did not come: {states}\n{self.ground.last_lines(lines=80)}")
            time.sleep(0.2)

    def told(self, connector: str = "knb") -> list[str]:
        """What the web hook was told of a connector, in order."""
        bodies = [body for _, body in self.hooks if body["connector"] == connector]
        return [f"{body['state']} {body['alert']}" for body in bodies]

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG as soon as Airflow has read it."""
        self.wait_for(lambda: self.ground.airflow.dag(dag_id) is not None, f"the DAG {dag_id}")
        self.ground.airflow.set_paused(dag_id, paused=False)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Twins, Airflow, a mail server, a web hook and a collector of metrics."""
    with running_mail_server() as (smtp, mails), running_web_hook() as (web, hooks), running_otlp_sink() as metrics:
        mail = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": smtp,
            "extra": {"disable_ssl": True, "disable_tls": True},
        }
        chat = {"conn_type": "http", "host": f"http://127.0.0.1:{web}/services/secret-path", "password": TOKEN}
        environment = {
            "AIRFLOW_CONN_MAIL": json.dumps(mail),
            "AIRFLOW_CONN_CHAT": json.dumps(chat),
            "AIRFLOW_CONN_ACUMATICA_PUSH_KNB": json.dumps({"conn_type": "generic", "password": SECRET}),
            **metrics.environment(),
        }
        rules = {"alerts": RULES, "push": "{enabled: true, debounce_s: 1}"}
        ground = Ground(Path(tmp_path_factory.mktemp("live")), environment, rules)
        ground.connectors.mkdir()
        ground.add_connector("late", alerts=LATE_RULES)
        try:
            ground.start()
            started = Live(ground, mails, hooks, metrics)
            # While Airflow still reads the files it holds its SQLite database, and others wait.
            for dag_id in (LATE, "connector_watch", "customer_push__knb"):
                started.wait_for(lambda: ground.airflow.dag(dag_id) is not None, f"the DAG {dag_id}")  # noqa: B023 - called in this turn
            yield started
        finally:
            ground.stop()


def test_watch_begins_when_connectors_are_watched(live: Live) -> None:
    """The watching DAG runs without being unpaused, and finds nothing to tell yet. A run that will hang is started."""
    assert live.ground.run({}, "connector_watch", PATIENCE_S).state == "success"
    assert live.told("late") == []
    live.unpause(LATE)
    live.ground.trigger({"mode": "full"}, LATE)


def test_failed_run_and_recovery_are_told_once_when_dag_processor_calls_back(live: Live) -> None:
    """Two failed runs: one mail, one post. The good run after them: one of each. Metrics of all three arrive."""
    ground = live.ground
    fault = {"match": {"path_regex": "/Customer"}, "effect": "status", "status": 403, "times": 999}
    ground.erp.call("PUT", "/_sandbox/faults", [fault])
    first = ground.run({"mode": "full"}, timeout_s=PATIENCE_S)
    assert first.state == "failed"
    live.wait_for(lambda: len(live.told()) >= 1 and len(live.mails) >= 1, "the failed run")
    assert ground.run({"mode": "full"}, timeout_s=PATIENCE_S).state == "failed"
    ground.erp.call("PUT", "/_sandbox/faults", [])
    assert ground.run({"mode": "full"}, timeout_s=PATIENCE_S).state == "success"
    live.wait_for(lambda: len(live.told()) >= 2 and len(live.mails) >= 2, "the recovery")
    assert live.told() == ["alert run_failed", "recovered run_failed"]
    headers, body = next(hook for hook in live.hooks if hook[1]["connector"] == "knb")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["path"] == "/services/secret-path"
    assert body["run_id"] == first.run_id
    assert body["link"].startswith(ground.address)
    assert [mail["Subject"] for mail in live.mails] == [
        "[customer sync knb] Alert: a run failed",
        "[customer sync knb] Resolved: runs end well again",
    ]
    assert {mail["To"] for mail in live.mails} == {"ops@example.com"}
    text = live.mails[0].as_string()
    assert "@ex" not in text.replace("ops@example.com", "").replace("sync@example.com", "")
    assert live.metrics.total("customer_sync.runs", connector="knb", status="failed") == 2
    assert live.metrics.total("customer_sync.runs", connector="knb", status="success") == 1
    assert live.metrics.total("customer_sync.customers", outcome="created") > 5
    assert live.metrics.total("customer_sync.requests", system="better_b2b", status="200") > 5
    assert live.metrics.of("customer_sync.oldest_unsynced_change_s")


def test_edit_in_erp_is_in_the_store_when_push_tells_of_it(live: Live) -> None:
    """Nobody triggers anything: the ERP pushes, the triggerer sees it, one selected run brings it over."""
    ground = live.ground
    world = World(ground.erp.address, ground.store.address, shipped_connector(), ground.ledger_url)
    live.unpause("customer_push__knb")
    keys = sorted(world.companies())[:3]
    assert len(keys) == 3
    before = ground.newest_run()
    world.erp_settings(
        push_url=f"{ground.address}/push-notifications/knb",
        push_header_name="X-Push-Secret",
        push_header_value=SECRET,
        push_duplicate=True,
        push_split=True,
    )
    for key in keys:
        world.edit("Customer", CustomerID=key, CustomerName=f"Pushed {key}")
    run_id = ground.newest_run(after=before, timeout_s=PATIENCE_S)
    assert ground.wait_for_run(run_id, timeout_s=PATIENCE_S).state == "success"
    assert {key: world.companies()[key]["companyName"] for key in keys} == {key: f"Pushed {key}" for key in keys}
    with world.ledger() as ledger:
        row = ledger.runs.get(run_id)
        assert row is not None
        assert (row["mode"], row["moves_watermark"]) == ("selected", False)
        assert set(keys) <= {customer for customer, *_ in ledger.runs.customers(run_id)}
    assert SECRET not in ground.last_lines(lines=100_000)
    world.erp_settings(push_url=None)


def test_run_that_hangs_is_told_when_its_deadline_passes(live: Live) -> None:
    """The run without pools neither ends nor fails; the triggerer tells after a minute, once."""
    live.wait_for(lambda: bool(live.told("late")), "the overdue run")
    assert live.told("late") == ["alert no_success"]


def test_silence_is_told_when_the_watch_looks(live: Live) -> None:
    """A connector whose last good run is long ago is told by the watching DAG, though no run of it is under way."""
    world = World("", "", shipped_connector(), live.ground.ledger_url)
    with world.ledger() as ledger, ledger.write() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=2)
        connection.execute(sa.update(run).values(started_at_utc=long_ago))
    seen = len(live.told())
    assert live.ground.run({}, "connector_watch", PATIENCE_S).state == "success"
    assert live.told()[seen:] == ["alert no_success"]
    assert live.ground.run({}, "connector_watch", PATIENCE_S).state == "success"
    assert live.told()[seen:] == ["alert no_success"]
    assert live.ground.run({"mode": "full"}, timeout_s=PATIENCE_S).state == "success"
    live.wait_for(lambda: len(live.told()) > seen + 1, "the recovery")
    assert live.told()[seen:] == ["alert no_success", "recovered no_success"]
