"""What Airflow learns of the repair that lets *Test* work for connections without a port."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from customer_sync_airflow.connection_test_port_fix import PortOfTest


class ConnectionTestPlugin(AirflowPlugin):
    """Puts :class:`~customer_sync_airflow.connection_test_port_fix.PortOfTest` before the api-server."""

    name = "connection_test"
    fastapi_root_middlewares: list[Any] = [  # noqa: RUF012 - Airflow's base class declares it so
        {"middleware": PortOfTest, "name": "A connection without a port can be tested"}
    ]
