"""The section ``alerts`` of a connector file: what is reported to whom; Airflow connections hold the secrets."""

from __future__ import annotations

from pydantic import Field

from customer_sync.settings.section import Section, setting


class EmailAlerts(Section):
    """Alerts by e-mail: to whom, and the Airflow connection of type *SMTP* that sends them.

    ``sender`` empty: the connection's own ``from_email``.
    """

    to: tuple[str, ...] = Field(min_length=1)
    sender: str = ""
    connection: str = Field(default="smtp_default", min_length=1)


class WebhookAlerts(Section):
    """Alerts by an HTTP POST: the Airflow connection of type *HTTP* that holds address and token."""

    connection: str = Field(min_length=1)


class AlertRules(Section):
    """What is worth an alert; none is sent while neither ``email`` nor ``webhook`` is set.

    ``most_rejected_share`` is the share of a run's customers that may be quarantined or failed, where they
    are more than ``rejected_always_allowed``. ``no_success_minutes`` is how long there may be no good run.
    Both can be switched off with ``null``.
    """

    email: EmailAlerts | None = setting(
        None,
        "Alerts by e-mail. Without `sender` the connection's own `from_email` is used.",
        {"to": ["erp-team@example.com"], "sender": "sync@example.com"},
        accepted="null, or `to` (addresses), `sender`, `connection` (type SMTP, `smtp_default`)",
    )
    webhook: WebhookAlerts | None = setting(
        None,
        "Alerts by an HTTP POST of JSON, as chat systems take it.",
        {"connection": "chat"},
        accepted="null, or `connection` (type HTTP)",
    )
    failed_run: bool = setting(
        True,
        "Alert on a failed run.",
        False,
    )
    refused_plan: bool = setting(
        True,
        "Alert on a plan that a guard refused, or that waits for a person.",
        False,
    )
    most_rejected_share: float | None = setting(
        0.2,
        "Alert when a run quarantines or fails a larger share of its customers.",
        0.05,
        accepted="0 to 1, or null for never",
        ge=0,
        le=1,
    )
    rejected_always_allowed: int = setting(
        10,
        "So many rejected customers of a run are never worth an alert.",
        0,
        ge=0,
    )
    no_success_minutes: int | None = setting(
        180,
        "Alert when there was no good run for so many minutes.",
        60,
        accepted="1 to 525600, or null for never",
        ge=1,
        le=525_600,
    )

    @property
    def is_on(self) -> bool:
        """Whether a channel is named."""
        return self.email is not None or self.webhook is not None
