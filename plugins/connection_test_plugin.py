"""Registers what makes *Test* work for connections without a port; the code is in ``customer_sync_airflow``."""

from airflow.plugins_manager import AirflowPlugin

from customer_sync_airflow.connection_test_port_fix import PortOfTest


class ConnectionTestPlugin(AirflowPlugin):
    """Puts :class:`~customer_sync_airflow.connection_test_port_fix.PortOfTest` before the api-server."""

    name = "connection_test"
    fastapi_root_middlewares = [  # noqa: RUF012 - Airflow declares it without ClassVar
        {"middleware": PortOfTest, "name": "A connection without a port can be tested"}
    ]
