"""The Airflow pools that the connectors' tasks wait in, as a file for ``airflow pools import``.

A task whose pool is missing waits for ever without a word, and a running Airflow cannot make
pools from a DAG file, so they are made before a connector is unpaused::

    python -m customer_sync.commands.pools > pools.json && airflow pools import pools.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import DIRECTORY_VARIABLE, connector_paths, load_connector
from customer_sync.settings.shared_systems import refusals


def pools_of(connectors: Iterable[Connector]) -> dict[str, dict[str, Any]]:
    """The pools of some connectors; those that share a system share its pool.

    Args:
        connectors: Connectors that fit together.

    Returns:
        Name -> settings, in the form that ``airflow pools import`` reads.
    """
    pools: dict[str, dict[str, Any]] = {}
    for connector in connectors:
        pools[connector.erp_pool] = _pool(
            connector.erp.seats, "Sessions of the ERP's licence: one slot for each task that signs in."
        )
        pools[connector.store_pool] = _pool(1, "Writes to the store: its request budget belongs to one load at a time.")
    return dict(sorted(pools.items()))


def _pool(slots: int, description: str) -> dict[str, Any]:
    return {"slots": slots, "description": description, "include_deferred": True}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the pools of all connector files as JSON.

    A file that is wrong is named on standard error and left out: its DAG needs no pool.

    Args:
        arguments: Command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code: 0, or 2 when the folder of connector files does not exist.
    """
    parser = argparse.ArgumentParser(prog="python -m customer_sync.commands.pools", description=__doc__)
    parser.add_argument(
        "--connectors",
        type=Path,
        metavar="FOLDER",
        help=f"folder of connector files (default: {DIRECTORY_VARIABLE}, else the one that ships)",
    )
    chosen = parser.parse_args(arguments)
    connectors: list[Connector] = []
    problems: list[ConfigError] = []
    try:
        paths = connector_paths(chosen.connectors)
    except ConfigError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    for path in paths:
        try:
            connectors.append(load_connector(path))
        except ConfigError as error:
            problems.append(error)
    refused = refusals(connectors)
    for problem in [*problems, *refused.values()]:
        sys.stderr.write(f"No pools for a connector that cannot run: {problem.message}\n")
    sys.stdout.write(json.dumps(pools_of(each for each in connectors if each.id not in refused), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
