"""``customer-sync doctor``: what is wrong before a run, and what to do about it."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from customer_sync.adapters import open_source, open_target
from customer_sync.commands.answer import DONE, FAILED, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.doctor.examine import BOUNDS, Environment, examine, most_requests
from customer_sync.doctor.pools import find_pools
from customer_sync.doctor.report import facts_of, lines_of
from customer_sync.ledger import Ledger
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target


def add_doctor(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "doctor",
        help="look at everything that a run needs, and say what is wrong; nothing is written",
        description="Look at connections, ERP, store, ledger, Airflow's pools, and at the customers before their first "
        "sync. Nothing is written to any system. Exit codes: 0 nothing stands in the way of a run, 1 something does, "
        "2 wrong command line.",
    )
    parser.add_argument("connector", metavar="CONNECTOR", help="id of the connector file")
    parser.add_argument("--json", action="store_true", help="answer with JSON alone on standard output")
    parser.set_defaults(perform=doctor)


def doctor(arguments: argparse.Namespace) -> int:
    """Take every look and answer with what was seen.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.
    """
    found = examine(
        Environment(
            connector=partial(_connector, arguments.connector),
            open_ledger=partial(open_ledger, arguments.connector),
            systems=_Systems(),
            find_pools=find_pools,
            say=_progress if sys.stderr.isatty() else _silence,
        )
    )
    facts = {"ok": found.is_ok, "checks": facts_of(found.checks)}
    answer(facts, lines_of(found.checks), as_json=arguments.json)
    return DONE if found.is_ok else FAILED


def _connector(connector_id: str) -> Connector:
    connector = find_connector(connector_id)
    to_source, to_store = most_requests(connector)
    say(
        f"Looking, without a write: at most about {to_source} requests to {connector.source.label} and {to_store} to "
        f"{connector.target.label}."
    )
    return connector


class _Systems:
    """Opens both systems by the connections that commands find."""

    def source(self, connector: Connector, ledger: Ledger | None) -> Source:
        """Make a session with the source."""
        return open_source(connector, find_connection(connector.source_connection_id), ledger, "doctor", BOUNDS)

    def target(self, connector: Connector, ledger: Ledger | None) -> Target:
        """Make the store."""
        return open_target(connector, find_connection(connector.target_connection_id), ledger, BOUNDS)


def _progress(sentence: str) -> None:
    sys.stderr.write(f"\r\x1b[2K{sentence} … ")
    sys.stderr.flush()


def _silence(_sentence: str) -> None:
    """Nobody watches."""
