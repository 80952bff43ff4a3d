"""Registers the route of push notifications; the code is in ``customer_sync_airflow.push``."""

from airflow.plugins_manager import AirflowPlugin

from customer_sync_airflow.push.app import app


class PushNotificationsPlugin(AirflowPlugin):
    """Mounts the route beside Airflow's own."""

    name = "push_notifications"
    fastapi_apps = [  # noqa: RUF012 - Airflow declares it without ClassVar
        {"app": app, "url_prefix": "/push-notifications", "name": "Push notifications of the ERP"}
    ]
