"""Alerts at Airflow's hooks: after a run, when guard refuses or waits, when a run is overdue, and now and then.

Everything here also runs in Airflow's DAG processor and triggerer, so it imports the product when it is called.
A channel that cannot be reached never fails a run: the failure is logged, and the next check sends the alert again.
"""

# ruff: noqa: PLC0415 -- see above

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, Context
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineReference
from asgiref.sync import sync_to_async

from customer_sync.errors import SyncError
from customer_sync.settings.alert_rules import EmailAlerts, WebhookAlerts
from customer_sync.settings.connector import Connector
from customer_sync_airflow.addresses import dag_address
from customer_sync_airflow.compat import deadline_alert

if TYPE_CHECKING:
    from customer_sync.ledger import Ledger
    from customer_sync.model.alert import Notice
    from customer_sync.run import Run

log = logging.getLogger(__name__)


class RunAlert(BaseNotifier):
    """What a DAG calls when a run has ended; Airflow calls it in the DAG processor.

    Args:
        connector_id: The connector.
        is_green: Whether it is called for a run that ended well.
    """

    def __init__(self, connector_id: str, *, is_green: bool) -> None:
        super().__init__()
        self.connector_id = connector_id
        self.is_green = is_green

    def notify(self, context: Context) -> None:
        """Check the run and send alerts for what is new."""
        from customer_sync.reporting.incident_rules import judge_run

        run_id = str(context["run_id"])
        link = dag_address(context["dag"].dag_id, run_id)
        check(self.connector_id, partial(judge_run, run_id=run_id, is_green=self.is_green, link=link))


def alert_arguments(connector: Connector | None) -> dict[str, Any]:
    """Arguments that make Airflow watch a DAG's runs; none while the connector names no channel."""
    if connector is None or not connector.alerts.is_on:
        return {}
    arguments: dict[str, Any] = {
        "on_failure_callback": RunAlert(connector.id, is_green=False),
        "on_success_callback": RunAlert(connector.id, is_green=True),
    }
    minutes = connector.alerts.no_success_minutes
    if minutes is not None:
        arguments["deadline"] = deadline_alert(
            name="no good run in time",
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=timedelta(minutes=minutes),
            callback=AsyncCallback(run_is_overdue, {"connector_id": connector.id}),
        )
    return arguments


async def run_is_overdue(connector_id: str, **_context: Any) -> None:
    """Called in the triggerer for a run that has neither ended well nor failed in time.

    Args:
        connector_id: The connector.
        **_context: What Airflow adds.
    """
    await sync_to_async(check_silence)(connector_id)


def check_silence(connector_id: str) -> None:
    """Check whether a connector has been without a good run for too long, and send every alert not sent yet."""
    from customer_sync.reporting.incident_rules import judge_silence

    def judge(ledger: "Ledger", connector: Connector) -> None:
        judge_silence(ledger, connector, now_utc=datetime.now(UTC), link=dag_address(connector.dag_id))

    check(connector_id, judge)


@contextmanager
def alert_on_refusal(run: "Run") -> Iterator[None]:
    """Send an alert when a plan is refused inside the block.

    Raises:
        PlanRefused: As it was raised inside.
    """
    from customer_sync.errors import PlanRefused

    try:
        yield
    except PlanRefused as refusal:
        alert_about_plan(run, f"refused: {refusal.message}")
        raise


def alert_about_plan(run: "Run", facts: str) -> None:
    """Send an alert that a plan was refused, or waits for a person.

    Args:
        run: The run.
        facts: Which, and what tripped; no personal data.
    """
    from customer_sync.reporting.incident_rules import judge_refusal

    check(run.connector.id, partial(judge_refusal, run_id=run.run_id, facts=facts, link=run.url))


def check(connector_id: str, judge: "Callable[[Ledger, Connector], None]") -> None:
    """Check a connector, and notify its channels of what is new; does nothing where it names no channel.

    A failure is logged and left to the next check.
    """
    from customer_sync.ledger import Ledger
    from customer_sync.reporting.incident_rules import notify as notify_channels
    from customer_sync.settings.connector_file import watched_connectors

    try:
        connector = watched_connectors().get(connector_id)
        if connector is None:
            return
        with Ledger.open(connector_id) as ledger:
            judge(ledger, connector)
            problems = notify_channels(ledger, connector, channels_of(connector))
    except SyncError as error:
        problems = [error.message]
    for problem in problems:
        log.error("An alert of %s could not be sent: %s. The next check tries again.", connector_id, problem)


def channels_of(connector: Connector) -> "dict[str, Callable[[Notice], None]]":
    """The channels of a connector, by name."""
    rules = connector.alerts
    found: dict[str, Callable[[Notice], None]] = {}
    if rules.email is not None:
        found["email"] = partial(_mail, rules.email)
    if rules.webhook is not None:
        found["webhook"] = partial(_post, rules.webhook)
    return found


def _mail(rules: EmailAlerts, notice: "Notice") -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    notifier = SmtpNotifier(
        to=list(rules.to),
        from_email=rules.sender or None,
        subject=notice.subject,
        html_content=notice.markup,
        smtp_conn_id=rules.connection,
    )
    # Not by calling the notifier: it would take the facts for a template.
    notifier.notify({})


def _post(rules: WebhookAlerts, notice: "Notice") -> None:
    from customer_sync_airflow.alerting.webhook import WebhookNotifier

    WebhookNotifier(http_conn_id=rules.connection, payload=notice.to_json()).notify({})
