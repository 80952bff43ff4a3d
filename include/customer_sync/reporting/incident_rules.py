"""Judge a connector's state into incidents, and tell each channel of each incident once, and once of its end."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.incidents import Incident, Rejected
from customer_sync.model.alert import Alert, Notice
from customer_sync.settings.alert_rules import AlertRules
from customer_sync.settings.connector import Connector

log = logging.getLogger(__name__)

Send = Callable[[Notice], None]
"""Sends a notice by one channel; raises when it could not."""

NOTIFY_WAIT_S = 20.0
"""How long to wait for another process that tells: Airflow gives a callback less than a minute."""

WATCHED_SINCE = "watched_since"
"""Under which name the ledger remembers when a connector was watched first."""


def judge_run(ledger: Ledger, connector: Connector, run_id: str, *, is_green: bool, link: str) -> None:
    """Open and end incidents after a run.

    Dry runs count for nothing. A failed run of any other kind opens; only a good run that moves the
    watermarks ends, since only that shows that the whole is well.

    Args:
        ledger: The connector's ledger.
        connector: Its rules.
        run_id: The run.
        is_green: Whether it ended well.
        link: The run's address in Airflow.
    """
    row = ledger.runs.get(run_id)
    if row is not None and row["dry_run"]:
        return
    rules = connector.alerts
    known = {incident.alert: incident for incident in ledger.incidents.all()}
    refused = known.get(Alert.PLAN_REFUSED)
    with ledger.write() as connection:
        if is_green and row is not None and row["moves_watermark"]:
            ledger.incidents.recover(connection, Alert.RUN_FAILED, Alert.PLAN_REFUSED, Alert.NO_SUCCESS)
        elif not is_green and rules.failed_run and not (refused and refused.run_id == run_id):
            facts = _failure_in_words(row)
            ledger.incidents.open(connection, Alert.RUN_FAILED, run_id=run_id, facts=facts, link=link)
    if row is not None:
        _judge_rejected(ledger, rules, run_id, known.get(Alert.TOO_MANY_REJECTED), link)


def judge_refusal(ledger: Ledger, connector: Connector, run_id: str, *, facts: str, link: str) -> None:
    """Open an incident for a plan that was refused, or waits for a person.

    Args:
        ledger: The connector's ledger.
        connector: Its rules.
        run_id: The run.
        facts: What tripped, with figures.
        link: The run's address in Airflow.
    """
    if connector.alerts.refused_plan:
        with ledger.write() as connection:
            ledger.incidents.open(connection, Alert.PLAN_REFUSED, run_id=run_id, facts=facts, link=link)


def judge_silence(ledger: Ledger, connector: Connector, *, now_utc: datetime, link: str) -> None:
    """Open or end the incident of a connector that has had no good run for too long, or never a run at all.

    Args:
        ledger: The connector's ledger.
        connector: Its rules.
        now_utc: The moment to judge by.
        link: The DAG's address in Airflow.
    """
    minutes = connector.alerts.no_success_minutes
    since_utc = ledger.runs.last_good_start() or _watched_since(ledger, now_utc)
    is_overdue = minutes is not None and connector.active and now_utc - since_utc > timedelta(minutes=minutes)
    with ledger.write() as connection:
        if is_overdue:
            facts = (
                f"no good run since {since_utc.isoformat(sep=' ', timespec='seconds')}, for more than {minutes} minutes"
            )
            ledger.incidents.open(connection, Alert.NO_SUCCESS, run_id="", facts=facts, link=link)
        else:
            ledger.incidents.recover(connection, Alert.NO_SUCCESS)


def notify(ledger: Ledger, connector: Connector, channels: Mapping[str, Send]) -> list[str]:
    """Tell every channel what it does not know yet.

    Two processes never tell at the same time, and what could not be sent is sent by the next call.

    Args:
        ledger: The connector's ledger.
        connector: Its rules.
        channels: Name of the channel -> how to send.

    Returns:
        What went wrong, one sentence for each notice and channel.

    Raises:
        TransientApiError: Another process has been telling for too long.
    """
    if not any(_needs_notice(incident, channels) for incident in ledger.incidents.all()):
        return []
    problems: list[str] = []
    lease = ledger.lease(f"alerts:{connector.id}", uuid.uuid4().hex, 1)
    lease.acquire(wait_s=NOTIFY_WAIT_S)
    try:
        for incident in ledger.incidents.all():
            told = _notify_of(connector, incident, channels, problems)
            if told != incident.told:
                with ledger.write() as connection:
                    ledger.incidents.put_told(connection, incident.alert, told)
    finally:
        lease.release()
    return problems


def _needs_notice(incident: Incident, channels: Mapping[str, Send]) -> bool:
    return incident.recovered_at_utc is not None or bool(channels.keys() - incident.told)


def _notify_of(
    connector: Connector, incident: Incident, channels: Mapping[str, Send], problems: list[str]
) -> frozenset[str]:
    """Tell one incident, or its end; returns the channels that know of it and not of its end."""
    is_over = incident.recovered_at_utc is not None
    # A channel that is not in the connector file any more is told nothing, also not that it is over.
    told = set(incident.told & channels.keys())
    for name, send in channels.items():
        if (name in told) is not is_over:
            continue
        try:
            send(_notice(connector, incident, is_over=is_over))
        except Exception as error:
            log.debug("Where it happened:", exc_info=error)
            problems.append(f"{incident.alert} could not be sent to {name} ({type(error).__name__}): {error}")
            continue
        (told.discard if is_over else told.add)(name)
    return frozenset(told)


def _notice(connector: Connector, incident: Incident, *, is_over: bool) -> Notice:
    return Notice(
        alert=incident.alert,
        is_recovery=is_over,
        connector_id=connector.id,
        run_id=incident.run_id,
        facts=incident.facts,
        link=incident.link,
        since_utc=incident.opened_at_utc,
    )


def _judge_rejected(ledger: Ledger, rules: AlertRules, run_id: str, open_one: Incident | None, link: str) -> None:
    """Many rejected customers of this run open; they end when those of the run that opened are settled."""
    here = ledger.incidents.rejected(run_id)
    with ledger.write() as connection:
        if _is_too_many(here, rules):
            reasons = ", ".join(f"{code} {n}" for code, n in list(ledger.runs.reason_counts(run_id).items())[:5])
            facts = f"{here.rejected} of {here.total} customers were rejected (limit {rules.most_rejected_share:.0%})"
            facts += f"; most frequent reasons of the run: {reasons}" if reasons else ""
            ledger.incidents.open(connection, Alert.TOO_MANY_REJECTED, run_id=run_id, facts=facts, link=link)
        elif open_one is not None and not _is_too_many(ledger.incidents.rejected(open_one.run_id, still=True), rules):
            ledger.incidents.recover(connection, Alert.TOO_MANY_REJECTED)


def _is_too_many(rejected: Rejected, rules: AlertRules) -> bool:
    share = rules.most_rejected_share
    if share is None or rejected.rejected <= rules.rejected_always_allowed:
        return False
    return rejected.rejected > share * rejected.total


def _failure_in_words(row: dict[str, Any] | None) -> str:
    if row is None:
        return "the run did not begin to extract"
    summary = row["summary"] or {}
    problems = " ".join(summary.get("problems") or [])
    counts = ", ".join(f"{count} {outcome}" for outcome, count in (summary.get("outcomes") or {}).items())
    return "; ".join(part for part in (problems[:1000], counts) if part) or "the run did not come to its audit"


def _watched_since(ledger: Ledger, now_utc: datetime) -> datetime:
    known = ledger.watermarks.load().get(WATCHED_SINCE)
    if known:
        return datetime.fromisoformat(known)
    with ledger.write() as connection:
        ledger.watermarks.put(connection, "", {WATCHED_SINCE: now_utc.isoformat()})
    return now_utc
