"""Incidents over real runs and a real ledger: each is told once, and once that it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customer_sync.errors import SyncError
from customer_sync.model.alert import Alert, Notice
from customer_sync.reporting.incident_rules import Send, judge_refusal, judge_run, judge_silence, notify
from customer_sync.settings.alert_rules import AlertRules
from customer_sync.settings.connector import Connector
from tests.integration.twin_world import World

LINK = "http://127.0.0.1:8080/dags/customer_sync__knb"
SECRETS = ("sandbox-token", "password")


class Post:
    """A channel that keeps what it was given, or cannot be reached."""

    def __init__(self) -> None:
        self.got: list[Notice] = []
        self.is_down = False

    def send(self, notice: Notice) -> None:
        """Take a notice."""
        if self.is_down:
            raise ConnectionError("nobody listens")
        self.got.append(notice)

    def told(self) -> list[str]:
        """What was told since the last call."""
        found = [f"{'over' if notice.is_recovery else 'alert'} {notice.alert}" for notice in self.got]
        self.got.clear()
        return found


class Watched:
    """A world whose runs are judged as Airflow's callbacks judge them."""

    def __init__(self, world: World, **rules: Any) -> None:
        self.world = world
        self.connector = world.connector.model_copy(update={"alerts": AlertRules.model_validate(rules)})
        self.email = Post()
        self.channels: Mapping[str, Send] = {"email": self.email.send}
        self.problems: list[str] = []

    def run(self, run_id: str, **params: Any) -> list[str]:
        """Run once, judge it and tell; returns what was told."""
        try:
            self.world.sync(run_id=run_id, **params)
            is_green = True
        except SyncError:
            is_green = False
        with self.world.ledger() as ledger:
            judge_run(ledger, self.connector, run_id, is_green=is_green, link=f"{LINK}/runs/{run_id}")
        return self.tell()

    def silence(self, hours: float) -> list[str]:
        """The watch looks so many hours from now."""
        with self.world.ledger() as ledger:
            judge_silence(ledger, self.connector, now_utc=datetime.now(UTC) + timedelta(hours=hours), link=LINK)
        return self.tell()

    def tell(self) -> list[str]:
        """Tell what is new."""
        with self.world.ledger() as ledger:
            self.problems = notify(ledger, self.connector, self.channels)
        return self.email.told()

    def break_erp(self) -> None:
        """The ERP answers nothing but errors."""
        self.world.erp_faults({"match": {"path_regex": "/Customer"}, "effect": "status", "status": 500, "times": 999})

    def mend(self) -> None:
        """Both systems are well again."""
        self.world.erp_faults()
        self.world.store_faults()


def test_failed_runs_are_told_once_and_their_end_once(world: World) -> None:
    """Three failed runs are one alert; the good run after them is one word that it is over; then silence."""
    watched = Watched(world)
    assert watched.run("good", mode="full") == []
    watched.break_erp()
    assert watched.run("bad 1") == ["alert run_failed"]
    assert watched.run("bad 2") == []
    assert watched.run("bad 3") == []
    watched.mend()
    assert watched.run("good again") == ["over run_failed"]
    assert watched.run("and again") == []
    watched.break_erp()
    assert watched.run("bad 4") == ["alert run_failed"]


def test_dry_and_selected_runs_do_not_end_an_incident(world: World) -> None:
    """Only a good run of the schedule's kind shows that the whole is well; a failed dry run is nobody's incident."""
    watched = Watched(world)
    watched.run("good", mode="full")
    watched.break_erp()
    assert watched.run("dry", dry_run=True) == []
    assert watched.run("bad", mode="selected", customer_ids=["C000001"]) == ["alert run_failed"]
    watched.mend()
    assert watched.run("one", mode="selected", customer_ids=["C000001"]) == []
    assert watched.run("dry 2", dry_run=True) == []
    assert watched.run("scheduled") == ["over run_failed"]


def test_what_could_not_be_told_is_told_later(world: World) -> None:
    """A channel that is away learns of the incident, or of its end, at the next check; the other is not told twice."""
    watched = Watched(world)
    chat = Post()
    watched.channels = {"email": watched.email.send, "webhook": chat.send}
    watched.run("good", mode="full")
    chat.is_down = True
    watched.break_erp()
    assert watched.run("bad") == ["alert run_failed"]
    assert ["nobody listens" in problem for problem in watched.problems] == [True]
    chat.is_down = False
    assert watched.tell() == []
    assert chat.told() == ["alert run_failed"]
    watched.mend()
    watched.email.is_down = True
    assert watched.run("good again") == []
    assert chat.told() == ["over run_failed"]
    watched.email.is_down = False
    assert watched.tell() == ["over run_failed"]
    assert (watched.tell(), chat.told()) == ([], [])


def test_incident_that_nobody_heard_of_ends_without_a_word(world: World) -> None:
    """An alert that could not be sent and is over meanwhile is no news."""
    watched = Watched(world)
    watched.run("good", mode="full")
    watched.email.is_down = True
    watched.break_erp()
    watched.run("bad")
    watched.email.is_down = False
    watched.mend()
    assert watched.run("good again") == []


def test_many_rejected_customers_are_told_until_they_are_settled(world: World) -> None:
    """More than the limit of a run opens; later runs of few customers do not end it, the settled customers do."""
    watched = Watched(world, most_rejected_share=0.3, rejected_always_allowed=5)
    refusal = {"match": {"method": "POST"}, "effect": "status", "status": 422, "body_style": "envelope", "times": 999}
    world.store_faults(refusal)
    assert watched.run("rejected", mode="full") == ["alert too_many_rejected"]
    assert watched.run("nothing new") == []
    watched.mend()
    assert watched.run("settled", mode="full", retry_quarantined=True) == ["over too_many_rejected"]


def test_few_rejected_customers_are_no_incident(world: World) -> None:
    """The seed's peculiar customers are within the limit that ships."""
    assert Watched(world).run("first", mode="full") == []


def test_silence_is_told_when_no_run_was_good_for_too_long(world: World) -> None:
    """Whether runs fail, hang or never start: what counts is the last good one."""
    watched = Watched(world, no_success_minutes=180, failed_run=False)
    assert watched.silence(0) == []
    assert watched.silence(2.9) == []
    assert watched.silence(3.1) == ["alert no_success"]
    assert watched.silence(9) == []
    assert watched.run("first", mode="full") == ["over no_success"]
    assert watched.silence(2.9) == []
    assert watched.silence(3.1) == ["alert no_success"]


def test_inactive_connector_is_not_missed(world: World) -> None:
    """Nobody waits for the runs of a connector that is switched off."""
    watched = Watched(world, no_success_minutes=1)
    watched.connector = watched.connector.model_copy(update={"active": False})
    watched.silence(0)
    assert watched.silence(1000) == []


def test_refused_plan_is_one_incident_and_not_two(world: World) -> None:
    """A run that fails because its plan was refused is told as that; the next good run ends it."""
    watched = Watched(world)
    watched.run("good", mode="full")
    with world.ledger() as ledger:
        judge_refusal(ledger, watched.connector, "refused", facts="It would withdraw 30 companies.", link=LINK)
        judge_run(ledger, watched.connector, "refused", is_green=False, link=LINK)
    assert watched.tell() == ["alert plan_refused"]
    assert watched.run("good again") == ["over plan_refused"]


def test_notice_names_connector_run_facts_link_and_remedy(world: World) -> None:
    """A reader knows where to look and what to do; no name, e-mail or secret stands in any form of it."""
    watched = Watched(world)
    kept: list[Notice] = []
    watched.channels = {"email": kept.append}
    watched.run("good", mode="full")
    world.store_faults({"match": {"method": "PUT"}, "effect": "status", "status": 403, "times": 999})
    world.edit("Customer", CustomerID="C000001", CustomerName="Secret Name Ltd")
    watched.run("bad")
    notice = kept[0]
    assert notice.alert is Alert.RUN_FAILED
    for form in (notice.text, notice.markup, str(notice.to_json())):
        assert "knb" in form
        assert "bad" in form
        assert f"{LINK}/runs/bad" in form
        assert "Open the run" in form
        assert "@" not in form
        assert "Secret Name" not in form
        assert not [secret for secret in SECRETS if secret in form]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ conn.smtp_default.password }}"])
def test_facts_are_shown_and_never_run(text: str) -> None:
    """Whatever an error says is text: escaped in HTML, and no template."""
    notice = Notice(
        alert=Alert.RUN_FAILED,
        is_recovery=False,
        connector_id="knb",
        run_id="r",
        facts=text,
        link="",
        since_utc=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert "<script>" not in notice.markup
    assert text in notice.text


def test_nobody_is_told_when_no_channel_is_set() -> None:
    """The section is off until a channel is named."""
    assert not Connector(id="knb").alerts.is_on
    assert AlertRules.model_validate({"webhook": {"connection": "chat"}}).is_on
