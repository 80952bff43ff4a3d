"""``customer-sync pools``: the Airflow pools that the connectors' tasks wait in, for ``airflow pools import``.

A task whose pool is missing waits for ever without a word, and a running Airflow cannot make
pools from a DAG file, so they are made before a connector is unpaused::

    customer-sync pools > pools.json && airflow pools import pools.json
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from customer_sync.commands.answer import DONE, answer, say
from customer_sync.doctor.pools import pools_of
from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import DIRECTORY_VARIABLE, connector_paths, load_connector
from customer_sync.settings.shared_systems import refusals


def add_pools(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "pools",
        help="print the Airflow pools of all connector files, for airflow pools import",
        description="Print the Airflow pools that the connectors' tasks wait in, as JSON. A connector file that is "
        "wrong is named on standard error and left out: its DAG needs no pool.",
    )
    parser.add_argument(
        "--connectors",
        type=Path,
        metavar="FOLDER",
        help=f"folder of connector files (default: {DIRECTORY_VARIABLE}, else $AIRFLOW_HOME/connectors)",
    )
    parser.add_argument("--json", action="store_true", help="the answer is JSON anyway")
    parser.set_defaults(perform=print_pools)


def print_pools(arguments: argparse.Namespace) -> int:
    """Print the pools of all connector files as JSON.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        ConfigError: There is no folder of connector files.
    """
    connectors: list[Connector] = []
    problems: list[ConfigError] = []
    for path in connector_paths(arguments.connectors):
        try:
            connectors.append(load_connector(path))
        except ConfigError as error:
            problems.append(error)
    refused = refusals(connectors)
    for problem in [*problems, *refused.values()]:
        say(f"No pools for a connector that cannot run: {problem.message}")
    answer(pools_of(each for each in connectors if each.id not in refused), [], as_json=True)
    return DONE
