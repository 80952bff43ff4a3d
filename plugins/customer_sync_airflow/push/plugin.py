"""What Airflow learns of the route for push notifications."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from customer_sync_airflow.app_on_first_request import AppOnFirstRequest

PREFIX = "/push-notifications"
"""Where Airflow mounts the app."""


def _build() -> Any:
    from customer_sync_airflow.push.app import app  # noqa: PLC0415 - only an api-server that is asked needs it

    return app


class PushNotificationsPlugin(AirflowPlugin):
    """Mounts the route beside Airflow's own."""

    name = "push_notifications"
    fastapi_apps: list[Any] = [  # noqa: RUF012 - Airflow's base class declares it so
        {"app": AppOnFirstRequest(_build), "url_prefix": PREFIX, "name": "Push notifications of the ERP"}
    ]
