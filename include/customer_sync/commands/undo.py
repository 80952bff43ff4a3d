"""``customer-sync undo``: a run taken back without Airflow, by a plan like any other."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from customer_sync.adapters import open_source, open_target
from customer_sync.commands.answer import DONE, FAILED, REFUSED, USAGE, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.commands.run import report_progress
from customer_sync.errors import PlanRefused, SyncError
from customer_sync.ledger import Ledger
from customer_sync.reconcile.undo.present_state import LeftOf
from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undo_run import UndoReport, undo
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector
from customer_sync.settings.params import read_params


def add_undo(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "undo",
        help="take back what a run wrote, where nobody changed it since",
        description="Take back what a run wrote to store and ERP, where nobody changed it since. Exit codes: 0 done, "
        "1 failed, 2 wrong command line or not confirmed, 3 refused by a guard.",
    )
    parser.add_argument("connector", metavar="CONNECTOR", help="id of the connector file")
    parser.add_argument("run", metavar="RUN_ID", help="the run that is taken back")
    parser.add_argument("--dry-run", action="store_true", help="plan, and write nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask; a guard that trips wants the plan's hash still")
    parser.add_argument("--plan-hash", metavar="HASH", help="apply only the plan with this hash, as a dry run printed")
    parser.add_argument("--delete-created", action="store_true", help="delete companies that the run made")
    parser.add_argument("--json", action="store_true", help="answer with JSON alone on standard output")
    parser.set_defaults(perform=perform_undo)


def perform_undo(arguments: argparse.Namespace) -> int:
    """Take a run back and answer with what was undone and what stays.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        SyncError: The undo could not begin.
    """
    connector = find_connector(arguments.connector)
    request = read_params(
        UndoRequest,
        {
            "undo_run": arguments.run,
            "dry_run": arguments.dry_run,
            "plan_hash": arguments.plan_hash,
            "delete_created": arguments.delete_created,
        },
    )
    with open_ledger(connector.id) as ledger:
        try:
            if not request.dry_run and not arguments.yes and not _is_confirmed(connector, ledger, request):
                say("Not confirmed, nothing was written: --yes spares the question, --dry-run shows the plan.")
                return USAGE
            run_id, report = _perform(connector, ledger, request)
        except SyncError as error:
            say(error.message)
            answer({"error": error.message}, [], as_json=arguments.json)
            return REFUSED if isinstance(error, PlanRefused) else FAILED
    answer(_facts(run_id, report), _in_words(run_id, report), as_json=arguments.json)
    return DONE


def _is_confirmed(connector: Connector, ledger: Ledger, request: UndoRequest) -> bool:
    """Show the plan and ask, where somebody is there to answer."""
    if not sys.stdin.isatty():
        return False
    _, report = _perform(connector, ledger, request.model_copy(update={"dry_run": True}))
    for line in _listed("Kept", report.kept) + _listed("Impossible", report.impossible):
        say(line)
    say("Undo it? [y/N]")
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def _perform(connector: Connector, ledger: Ledger, request: UndoRequest) -> tuple[str, UndoReport]:
    run_id = f"undo__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}__{uuid.uuid4().hex[:8]}"
    source = open_source(connector, find_connection(connector.source_connection_id), ledger, f"run {run_id}")
    with open_target(connector, find_connection(connector.target_connection_id), ledger) as target:
        run = Run(connector, ledger, run_id, sink=report_progress)
        return run_id, undo(run, source, target, request)


def _facts(run_id: str, report: UndoReport) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "undone": len(report.undone),
        "kept": [_as_fact(each) for each in report.kept],
        "impossible": [_as_fact(each) for each in report.impossible],
        "outcomes": report.outcomes,
        "plan_hash": report.plan_hash or None,
    }


def _as_fact(each: LeftOf) -> dict[str, str]:
    return {"customer_id": each.customer_id, **each.left._asdict()}


def _in_words(run_id: str, report: UndoReport) -> Iterator[str]:
    yield f"{len(report.undone)} customers undone."
    yield from _listed("Kept", report.kept)
    yield from _listed("Impossible", report.impossible)
    yield f"Run {run_id}, plan {report.plan_hash or 'none'}."


def _listed(title: str, left: Sequence[LeftOf]) -> list[str]:
    return [f"{title}: customer {key}, {what.part} {what.field}: {what.why}" for key, what in left]
