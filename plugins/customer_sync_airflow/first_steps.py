"""What has to be there before a connector's first run, with the exact commands; free of Airflow's database."""

from __future__ import annotations

from typing import Final

from customer_sync.doctor.pools import MAKE_POOLS
from customer_sync.settings.connector import Connector

_EXAMPLES: Final = {
    "acumatica": '{"conn_type": "acumatica", "host": "https://erp.example.com", "login": "svc_b2b", "password": "...", '
    '"extra": {"tenant": "Company", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}}',
    "better_b2b": '{"conn_type": "better_b2b", "host": "https://api-b2b.bigcommerce.com", "password": "...", '
    '"extra": {"store_hash": "abc123"}}',
}
"""Kind of the adapter -> a connection of its type."""


def connection_command(conn_id: str, kind: str) -> str:
    """The command that makes a connection, to be filled in.

    Args:
        conn_id: Its id.
        kind: The adapter's name, which is the connection's type.
    """
    example = _EXAMPLES.get(kind, f'{{"conn_type": "{kind}", "host": "https://...", "password": "..."}}')
    return f"airflow connections add {conn_id} --conn-json '{example}'"


def before_the_first_run(connector: Connector) -> str:
    """What the page of a connector's DAG says: connections, pools, and where to see what is missing, as Markdown."""
    connections = (
        (connector.source_connection_id, connector.source.kind),
        (connector.target_connection_id, connector.target.kind),
    )
    commands = "\n".join(connection_command(*each) for each in connections)
    return (
        "\n## Before the first run\n\n"
        f"It needs the connections `{connections[0][0]}` and `{connections[1][0]}` (Admin > Connections, where *Test* "
        f"tries them) and the pools `{connector.erp_pool}` and `{connector.store_pool}`: a task whose pool is missing "
        "waits for ever. *Connector Logs*, page *Health*, names what is missing now and makes the pools. By hand:\n\n"
        f"```\n{commands}\n{MAKE_POOLS}\n```\n"
    )
