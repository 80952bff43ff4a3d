"""The section ``alerts`` of a connector file: what is reported to whom; Airflow connections hold the secrets."""

from __future__ import annotations

from pydantic import Field

from customer_sync.settings.section import Section


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

    email: EmailAlerts | None = None
    webhook: WebhookAlerts | None = None
    failed_run: bool = True
    refused_plan: bool = True
    most_rejected_share: float | None = Field(default=0.2, ge=0, le=1)
    rejected_always_allowed: int = Field(default=10, ge=0)
    no_success_minutes: int | None = Field(default=180, ge=1, le=525_600)

    @property
    def is_on(self) -> bool:
        """Whether a channel is named."""
        return self.email is not None or self.webhook is not None
