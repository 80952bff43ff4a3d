"""``customer-sync reconcile``: ERP, ledger and store compared without Airflow, and repaired on request."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from customer_sync.adapters import open_source, open_target
from customer_sync.commands.answer import DONE, FAILED, REFUSED, USAGE, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.commands.run import report_progress
from customer_sync.errors import ConfigError, PlanRefused, SyncError
from customer_sync.ledger import Ledger
from customer_sync.model.difference import DifferenceClass, repair_choices
from customer_sync.reconcile import in_process
from customer_sync.reconcile.reconciliation import ReconcileReport
from customer_sync.reconcile.request import MODES, ReconcileRequest, read_reconcile_request
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector

_SHOWN = ("customer_id", "entity", "company_id", "store_id", "field", "erp_value", "ledger_value", "store_value")


def add_reconcile(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "reconcile",
        help="compare ERP, ledger and store; repair what is named",
        description="Compare ERP, ledger and store three ways, and repair what is named. Exit codes: 0 equal, 1 "
        "differences were found or the command failed, 2 wrong command line, 3 refused by a guard.",
    )
    parser.add_argument("connector", metavar="CONNECTOR", help="id of the connector file")
    parser.add_argument(
        "--mode",
        choices=MODES,
        default="compare",
        help="compare (the default). adopt: link the companies that another connector made. "
        "shadow: compare every field beside that connector, write nothing",
    )
    parser.add_argument(
        "--repair",
        action="append",
        metavar="CLASS=ACTION",
        help=f"what is done about a class, may be repeated; by default as the connector file says. One of: "
        f"{', '.join(repair_choices())}",
    )
    parser.add_argument("--matches", type=Path, metavar="FILE", help="adopt: the list of matches with your decisions")
    parser.add_argument("--matches-out", type=Path, metavar="FILE", help="adopt: write the list of matches there")
    parser.add_argument("--dry-run", action="store_true", help="plan, and write nothing")
    parser.add_argument("--plan-hash", metavar="HASH", help="apply only the plan with this hash, as a dry run printed")
    parser.add_argument("--json", action="store_true", help="answer with JSON alone on standard output")
    parser.set_defaults(perform=reconcile)


def reconcile(arguments: argparse.Namespace) -> int:
    """Reconcile once and answer with the differences.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        SyncError: The reconciliation could not begin.
    """
    connector = find_connector(arguments.connector)
    try:
        request, decisions = _request(arguments)
    except ConfigError as error:
        say(error.message)
        return USAGE
    run_id = f"command__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}__{uuid.uuid4().hex[:8]}"
    with open_ledger(connector.id) as ledger:
        try:
            report = _perform(connector, ledger, request, run_id, decisions=decisions, kept=arguments.matches_out)
        except SyncError as error:
            say(error.message)
            answer(_facts(ledger, run_id, None, error), [], as_json=arguments.json)
            return REFUSED if isinstance(error, PlanRefused) else FAILED
        facts = _facts(ledger, run_id, report, None)
    answer(facts, _in_words(report, facts), as_json=arguments.json)
    return DONE if facts["equal"] else FAILED


def _request(arguments: argparse.Namespace) -> tuple[ReconcileRequest, str | None]:
    """The params, and the decisions of a list of matches.

    Raises:
        ConfigError: They do not fit together, or the list cannot be read.
    """
    matches: Path | None = arguments.matches
    request = read_reconcile_request(
        {
            "mode": arguments.mode,
            "repair": None if arguments.repair is None else tuple(arguments.repair),
            "dry_run": arguments.dry_run,
            "plan_hash": arguments.plan_hash,
            "matches": None if matches is None else matches.name,
        }
    )
    if matches is None:
        return request, None
    try:
        return request, matches.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The list of matches {matches} cannot be read: {error}.", setting="--matches") from error


def _perform(
    connector: Connector,
    ledger: Ledger,
    request: ReconcileRequest,
    run_id: str,
    *,
    decisions: str | None,
    kept: Path | None,
) -> ReconcileReport:
    def keep(matches: str) -> None:
        if kept is not None:
            kept.write_text(matches, encoding="utf-8")
            say(f"Matches: {kept}.")

    sparing = connector.for_comparison()
    source = open_source(sparing, find_connection(connector.source_connection_id), ledger)
    with open_target(sparing, find_connection(connector.target_connection_id), ledger) as target:
        return in_process.reconcile(
            sparing,
            source,
            target,
            request=request,
            run_id=run_id,
            sink=report_progress,
            decisions=decisions,
            keep_list=keep,
        )


def _facts(ledger: Ledger, run_id: str, report: ReconcileReport | None, error: SyncError | None) -> dict[str, Any]:
    differences = [_difference(row) for page in ledger.differences.pages(run_id) for row in page]
    classes = ledger.differences.counts(run_id)
    counted = {name: count for name, count in classes.items() if name != DifferenceClass.EQUAL}
    return {
        "equal": error is None and not counted,
        "classes": counted,
        "differences": differences,
        "standings": {} if report is None else report.standings,
        "outcomes": {} if report is None else report.outcomes,
        "run_id": run_id,
        "plan_hash": (ledger.runs.get(run_id) or {}).get("plan_hash") or None,
        "error": None if error is None else error.message,
    }


def _difference(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in _SHOWN}
    return {"class": row["kind"], **shown, "key": row["record_key"], "detail": row["detail"], "action": row["action"]}


def _in_words(report: ReconcileReport, facts: dict[str, Any]) -> Iterator[str]:
    yield from report.lines
    for each in facts["differences"]:
        where = f"{each['entity']} {each['key']}".strip()
        values = f"ERP {each['erp_value']!r}, ledger {each['ledger_value']!r}, store {each['store_value']!r}"
        what = f"{each['class']:<22} {each['customer_id']:<12} {where} {each['field']}"
        yield f"  {what}: {values} {each['detail']}".rstrip()
    yield f"Run {facts['run_id']}, plan {facts['plan_hash'] or 'none'}."
