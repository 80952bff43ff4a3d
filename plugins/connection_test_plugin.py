"""Registers what makes *Test* work for connections without a port; the code is in ``b2b_connector``."""

from airflow.plugins_manager import AirflowPlugin

from b2b_connector.port_of_test import PortOfTest


class ConnectionTestPlugin(AirflowPlugin):
    """Puts :class:`~b2b_connector.port_of_test.PortOfTest` before the api-server."""

    name = "connection_test"
    fastapi_root_middlewares = [  # noqa: RUF012 - Airflow declares it without ClassVar
        {"middleware": PortOfTest, "name": "A connection without a port can be tested"}
    ]
