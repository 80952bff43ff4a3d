"""What Airflow learns of the pages: the address of the app, the menu entry, the tabs."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/connector-logs"
"""Where Airflow mounts the app."""


class _BuiltOnFirstRequest:
    """The app, imported when somebody asks for a page.

    Airflow loads plugins in the scheduler, the DAG processor and every task, too; none of them shall pay for
    FastAPI, templates and the ledger.
    """

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self._app is None:
            from customer_sync_airflow.pages.app import build_app  # noqa: PLC0415 - see the class

            self._app = build_app()
        await self._app(scope, receive, send)


class ConnectorLogsPlugin(AirflowPlugin):
    """An entry in Airflow's navigation, and a tab on the connectors' DAGs and runs."""

    name = "connector_logs"
    fastapi_apps: list[Any] = [  # noqa: RUF012 - Airflow's base class declares it so
        {"app": _BuiltOnFirstRequest(), "url_prefix": PREFIX, "name": "Connector Logs"}
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
            "href": f"{PREFIX}/?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "customer_sync_run",
        },
    ]
