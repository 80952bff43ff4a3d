"""``customer-sync plan``: what a full run would do, by the present connector file or by a draft of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from customer_sync.adapters import open_source, open_target
from customer_sync.commands.answer import DONE, USAGE, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.commands.run import report_progress
from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector, load_draft
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target
from customer_sync.what_if.answer import SHOWN
from customer_sync.what_if.in_words import markdown_of
from customer_sync.what_if.what_if import Draft, Systems, what_if

_MOST_SHOWN = 1000


def add_plan(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "plan",
        help="say what a full run would do, with a draft of the connector file beside the present one",
        description="Say what a full run would do, on the ERP's present customers. With --file: what it would do by a "
        "draft of the connector file, beside what it does by the present one. Reads the ERP as a full run does, and "
        "from the ledger what the store has; writes nothing, and sends no request to the store unless --with-store "
        "is given. Exit codes: 0 done, 1 a file is wrong or the command failed, 2 wrong command line.",
    )
    parser.add_argument("connector", metavar="CONNECTOR", help="id of the connector file")
    parser.add_argument("--file", type=Path, metavar="DRAFT.yaml", help="the draft; its id must be CONNECTOR")
    parser.add_argument(
        "--format", choices=("md", "json"), default="md", help="md: Markdown for a pull request (the default). json"
    )
    parser.add_argument(
        "--with-store",
        action="store_true",
        help="ask the store for its countries and states, and who shops there: a few reads, for a ledger that does "
        "not keep these lists yet",
    )
    parser.add_argument(
        "--examples",
        type=_number,
        default=SHOWN,
        metavar="N",
        help=f"name so many customers of each kind (by default {SHOWN}, at most {_MOST_SHOWN})",
    )
    parser.set_defaults(perform=plan)


def plan(arguments: argparse.Namespace) -> int:
    """Compute the what-if and answer with it.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        SyncError: A file is wrong, or no plan could be made.
    """
    arguments.json = arguments.format == "json"  # an error is answered in the same format
    if arguments.file is not None and not arguments.file.is_file():
        say(f"--file {arguments.file}: there is no such file.")
        return USAGE
    draft = (
        None if arguments.file is None else Draft(load_draft(arguments.file, arguments.connector), arguments.file.name)
    )
    present = _present(arguments.connector, may_be_wrong=draft is not None)
    with open_ledger(arguments.connector) as ledger:
        found = what_if(
            _systems(ledger, with_store=arguments.with_store),
            present,
            draft,
            shown=arguments.examples,
            sink=report_progress,
        )
    if arguments.json:
        answer(msgspec.to_builtins(found), [], as_json=True)
    else:
        sys.stdout.write(markdown_of(found))
    return DONE


def _present(connector_id: str, *, may_be_wrong: bool) -> Connector | ConfigError:
    """The present file; beside a draft it may be wrong, which is then part of the answer."""
    try:
        return find_connector(connector_id)
    except ConfigError as error:
        if not may_be_wrong:
            raise
        return error


def _systems(ledger: Ledger, *, with_store: bool) -> Systems:
    def source_of(connector: Connector) -> Source:
        return open_source(connector, find_connection(connector.source_connection_id), ledger, "customer-sync plan")

    def target_of(connector: Connector) -> Target:
        return open_target(connector, find_connection(connector.target_connection_id), ledger)

    return Systems(ledger, source_of, target_of, with_store=with_store)


def _number(text: str) -> int:
    """A number of examples.

    Raises:
        argparse.ArgumentTypeError: It is none, or too large; argparse ends with the sentence.
    """
    if not text.isdecimal() or int(text) > _MOST_SHOWN:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0 to {_MOST_SHOWN}")
    return int(text)
