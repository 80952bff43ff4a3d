"""An alert's words, for mail, chat and machines."""

from datetime import UTC, datetime
from typing import Any

import pytest

from customer_sync.model.alert import ALERT_REMEDIES, RECOVERIES, TITLES, Alert, Notice

SINCE = datetime(2026, 11, 25, 12, 0, 0, 250, tzinfo=UTC)


def a_notice(**changes: Any) -> Notice:
    """Make an alert of a failed run."""
    facts = {
        "alert": Alert.RUN_FAILED,
        "is_recovery": False,
        "connector_id": "knb",
        "run_id": "scheduled__1",
        "facts": "3 customers have no outcome",
        "link": "https://airflow.example/runs?a=1&b=2",
        "since_utc": SINCE,
    }
    return Notice(**{**facts, **changes})


REMEDY = "Open the run, read the last line of audit, then that of the task it names."


def test_machines_get_every_fact_by_its_name() -> None:
    """What a chat system or an incident tool sorts and routes by has a name of its own."""
    assert a_notice().to_json() == {
        "text": (
            "[customer sync knb] Alert: a run failed\n"
            "Connector: knb\n"
            "Run: scheduled__1\n"
            "What: 3 customers have no outcome\n"
            "Since: 2026-11-25 12:00:00+00:00\n"
            f"What to do: {REMEDY}\n"
            "Where: https://airflow.example/runs?a=1&b=2"
        ),
        "alert": "run_failed",
        "state": "alert",
        "connector": "knb",
        "run_id": "scheduled__1",
        "facts": "3 customers have no outcome",
        "remedy": REMEDY,
        "link": "https://airflow.example/runs?a=1&b=2",
        "since_utc": "2026-11-25T12:00:00+00:00",
    }


def test_a_recovery_says_so_and_asks_for_nothing() -> None:
    """The word that it is over has no remedy, and nothing empty is shown."""
    over = a_notice(is_recovery=True, run_id="", link="").to_json()
    assert (over["state"], over["remedy"], over["run_id"], over["link"]) == ("recovered", "", "", "")
    assert over["text"].splitlines() == [
        "[customer sync knb] Resolved: runs end well again",
        "Connector: knb",
        "What: 3 customers have no outcome",
        "Since: 2026-11-25 12:00:00+00:00",
    ]


def test_mail_shows_values_as_text_and_addresses_as_links() -> None:
    """A value cannot bring markup of its own; only an address of the web becomes a link."""
    markup = a_notice(facts="<b>x</b>", run_id="ftp://h/x").markup
    assert "<td>&lt;b&gt;x&lt;/b&gt;</td>" in markup
    assert "<td>ftp://h/x</td>" in markup
    address = "https://airflow.example/runs?a=1&amp;b=2"
    assert f'<td><a href="{address}">{address}</a></td>' in markup
    assert '<td><a href="http://h/x">http://h/x</a></td>' in a_notice(link="http://h/x").markup


@pytest.mark.parametrize("words", [TITLES, RECOVERIES, ALERT_REMEDIES])
def test_every_alert_has_words(words: dict[Alert, str]) -> None:
    """No alert reaches a person without them."""
    assert set(words) == set(Alert)
    assert all(words.values())
