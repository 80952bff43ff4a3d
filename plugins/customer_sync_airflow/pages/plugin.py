"""What Airflow learns of the pages: the address of the app, the menu entry, the tabs."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from customer_sync_airflow.app_on_first_request import AppOnFirstRequest

PREFIX = "/connector-logs"
"""Where Airflow mounts the app."""


def _build() -> Any:
    from customer_sync_airflow.pages.app import build_app  # noqa: PLC0415 - only an api-server that is asked needs it

    return build_app()


class ConnectorLogsPlugin(AirflowPlugin):
    """An entry in Airflow's navigation, and a tab on the connectors' DAGs and runs."""

    name = "connector_logs"
    fastapi_apps: list[Any] = [  # noqa: RUF012 - Airflow's base class declares it so
        {"app": AppOnFirstRequest(_build), "url_prefix": PREFIX, "name": "Connector Logs"}
    ]
    external_views: list[Any] = [  # noqa: RUF012 - the same
        {
            "name": "Connector Logs",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "connector_logs",
            "category": "browse",
        },
        {
            "name": "Customer Sync Details",
            "href": f"{PREFIX}/?dag_id={{DAG_ID}}",
            "destination": "dag",
            "url_route": "customer_sync_dag",
        },
        {
            "name": "Customer Sync Details",
            "href": f"{PREFIX}/log?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "customer_sync_run",
        },
    ]
