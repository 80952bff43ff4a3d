"""``customer-sync ledger copy FROM TO``: move a ledger to another database, such as from SQLite to PostgreSQL."""

from __future__ import annotations

import argparse
from typing import Any

from customer_sync.commands.answer import DONE, answer
from customer_sync.ledger.storage.copying import copy_ledger


def add_ledger(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser("ledger", help="copy a ledger into another database")
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    copy = parts.add_parser(
        "copy",
        help="copy a ledger into an empty one",
        description="Copy all connectors' rows into an empty database. Pause the DAGs before; afterwards set "
        "CUSTOMER_SYNC_LEDGER_URL to TO. FROM stays as it is.",
    )
    copy.add_argument("from_url", metavar="FROM", help="SQLAlchemy URL of the ledger to read")
    copy.add_argument("to_url", metavar="TO", help="SQLAlchemy URL of an empty database")
    copy.add_argument("--json", action="store_true", help="answer in JSON")
    copy.set_defaults(perform=copy_to)


def copy_to(arguments: argparse.Namespace) -> int:
    """Copy the ledger and say how many rows went.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        ConfigError: There is no ledger to read, the other one holds something, or a load is at work.
    """
    rows = copy_ledger(arguments.from_url, arguments.to_url)
    total = sum(rows.values())
    lines = [f"{total} rows copied. Set CUSTOMER_SYNC_LEDGER_URL to the new address."]
    answer({"rows": rows}, lines, as_json=arguments.json)
    return DONE
