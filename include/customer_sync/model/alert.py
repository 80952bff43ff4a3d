"""What an alert says, and how its words are put for mail, chat and machines. Pure; no personal data."""

from __future__ import annotations

import html
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Alert(StrEnum):
    """What is wrong with a connector; at most one incident of each is open at a time."""

    RUN_FAILED = "run_failed"
    PLAN_REFUSED = "plan_refused"
    TOO_MANY_REJECTED = "too_many_rejected"
    NO_SUCCESS = "no_success"


TITLES: dict[Alert, str] = {
    Alert.RUN_FAILED: "a run failed",
    Alert.PLAN_REFUSED: "a plan waits for a person or was refused",
    Alert.TOO_MANY_REJECTED: "many customers are rejected",
    Alert.NO_SUCCESS: "no run has ended well for too long",
}
"""An alert in a few words."""

RECOVERIES: dict[Alert, str] = {
    Alert.RUN_FAILED: "runs end well again",
    Alert.PLAN_REFUSED: "plans are applied again",
    Alert.TOO_MANY_REJECTED: "the rejected customers are settled",
    Alert.NO_SUCCESS: "runs end well again",
}
"""Its end in a few words."""

ALERT_REMEDIES: dict[Alert, str] = {
    Alert.RUN_FAILED: "Open the run, read the last line of audit, then that of the task it names.",
    Alert.PLAN_REFUSED: "Read the plan in guard's log. If it is intended, approve it, or raise the limits in guards.",
    Alert.TOO_MANY_REJECTED: "Look at the reasons in the connector log; one wrong setting often explains most of them.",
    Alert.NO_SUCCESS: "Check whether the DAG is paused, a run hangs, a pool is missing, or the scheduler is down.",
}
"""What a person does about it."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An alert, or the word that it is over.

    Attributes:
        alert: What it is about.
        is_recovery: It is over.
        connector_id: The connector.
        run_id: The run that showed it, ``""`` where none did.
        facts: What was seen: numbers, codes and ids, no personal data.
        link: Address in Airflow, ``""`` where it is not known.
        since_utc: When it began.
    """

    alert: Alert
    is_recovery: bool
    connector_id: str
    run_id: str
    facts: str
    link: str
    since_utc: datetime

    @property
    def subject(self) -> str:
        """One line."""
        if self.is_recovery:
            return f"[customer sync {self.connector_id}] Resolved: {RECOVERIES[self.alert]}"
        return f"[customer sync {self.connector_id}] Alert: {TITLES[self.alert]}"

    @property
    def text(self) -> str:
        """All of it in plain text."""
        return "\n".join(f"{name}: {value}" for name, value in self._rows())

    @property
    def markup(self) -> str:
        """All of it as an HTML table; every value is escaped."""
        rows = "".join(
            f"<tr><th align='left' valign='top'>{html.escape(name)}</th><td>{_linked(value)}</td></tr>"
            for name, value in self._rows()
        )
        return f"<h3>{html.escape(self.subject)}</h3><table cellpadding='4'>{rows}</table>"

    def to_json(self) -> dict[str, Any]:
        """All of it for machines; chat systems show ``text``."""
        return {
            "text": f"{self.subject}\n{self.text}",
            "alert": str(self.alert),
            "state": "recovered" if self.is_recovery else "alert",
            "connector": self.connector_id,
            "run_id": self.run_id,
            "facts": self.facts,
            "remedy": "" if self.is_recovery else ALERT_REMEDIES[self.alert],
            "link": self.link,
            "since_utc": self.since_utc.isoformat(timespec="seconds"),
        }

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("Connector", self.connector_id),
            ("Run", self.run_id),
            ("What", self.facts),
            ("Since", f"{self.since_utc.isoformat(sep=' ', timespec='seconds')}"),
            ("What to do", "" if self.is_recovery else ALERT_REMEDIES[self.alert]),
            ("Where", self.link),
        ]
        return [(name, value) for name, value in rows if value]


def _linked(value: str) -> str:
    shown = html.escape(value)
    return f'<a href="{shown}">{shown}</a>' if value.startswith(("http://", "https://")) else shown
