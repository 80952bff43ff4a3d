"""The task of the doctor DAG."""

# ruff: noqa: PLC0415 -- the task imports what it needs when it runs: the DAG processor parses often and runs none

import logging
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import task

if TYPE_CHECKING:
    from customer_sync.ledger import Ledger
    from customer_sync.settings.connector import Connector
    from customer_sync.sources.port import Source
    from customer_sync.targets.port import Target

log = logging.getLogger(__name__)


@task(task_id="look", retries=0, show_return_value_in_logs=False)
def look(connector_id: str) -> None:
    """Take every look at a connector, and keep what was seen for the page *Health*."""
    from customer_sync.doctor.examine import Environment, examine
    from customer_sync.doctor.report import lines_of
    from customer_sync.ledger import Ledger
    from customer_sync.settings.connector_file import find_connector
    from customer_sync_airflow.tasks.error_boundary import airflow_boundary
    from customer_sync_airflow.tasks.task_log import print_lines

    logging.getLogger("alembic").setLevel(logging.WARNING)
    with airflow_boundary():
        found = examine(
            Environment(
                connector=partial(find_connector, connector_id),
                open_ledger=partial(Ledger.open, connector_id),
                systems=_Systems(),
                # Tasks have no access to Airflow's database; the page itself looks for pools.
                find_pools=lambda _names: None,
                say=log.info,
            )
        )
        print_lines(list(lines_of(found.checks)))
        with Ledger.open(connector_id) as ledger, ledger.write() as connection:
            ledger.examinations.put(connection, found.checks)


class _Systems:
    """Opens both systems by the connections that tasks are given."""

    def source(self, connector: "Connector", ledger: "Ledger | None") -> "Source":
        """Make a session with the source."""
        from customer_sync.adapters import open_source
        from customer_sync.doctor.examine import BOUNDS
        from customer_sync_airflow.hooks.connections import read_connection

        return open_source(connector, read_connection(connector.source_connection_id), ledger, "doctor", BOUNDS)

    def target(self, connector: "Connector", ledger: "Ledger | None") -> "Target":
        """Make the store."""
        from customer_sync.adapters import open_target
        from customer_sync.doctor.examine import BOUNDS
        from customer_sync_airflow.hooks.connections import read_connection

        return open_target(connector, read_connection(connector.target_connection_id), ledger, BOUNDS)
