"""``customer-sync run``: the pipeline without Airflow."""

from __future__ import annotations

import argparse
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from customer_sync.adapters import open_source, open_target
from customer_sync.commands.answer import DONE, FAILED, REFUSED, USAGE, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.customer_number import number_of
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.errors import ConfigError, PlanRefused, SyncError
from customer_sync.ledger import Ledger
from customer_sync.model.outcome import LogEntry
from customer_sync.pipeline import perform
from customer_sync.planning.window import RunRequest, read_request
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector

_ANSWERS = frozenset({"Summary", "Reconciliation"})
"""Headings of the texts that commands answer with; they would be read twice on a terminal."""


def add_run(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "run",
        help="sync customers once: extract, filter, transform, guard, load and audit",
        description="Sync customers once, without Airflow. Connections come from AIRFLOW_CONN_<SOURCE>_<CONNECTOR> and "
        "AIRFLOW_CONN_<TARGET>_<CONNECTOR> (docs/configuration.md), else from Airflow where it is "
        "installed. Exit codes: 0 done, 1 failed, 2 wrong command line, 3 refused by a guard.",
    )
    parser.add_argument("connector", metavar="CONNECTOR", help="id of the connector file")
    parser.add_argument(
        "--mode",
        choices=("incremental", "full", "selected"),
        help="incremental: what changed since the last good run (the default). full: every customer. "
        "selected: those named by --customer (the default where it is given)",
    )
    parser.add_argument(
        "--customer", action="append", default=[], metavar="CUSTOMER", help="a number or a record id; may be repeated"
    )
    parser.add_argument("--modified-from", metavar="TIME", help="ISO 8601 with a zone; changed then or later")
    parser.add_argument("--modified-to", metavar="TIME", help="ISO 8601 with a zone; changed before then")
    parser.add_argument("--dry-run", action="store_true", help="plan, and write nothing")
    parser.add_argument("--retry-quarantined", action="store_true", help="try quarantined customers again")
    parser.add_argument("--plan-hash", metavar="HASH", help="apply only the plan with this hash, as a dry run printed")
    parser.add_argument("--json", action="store_true", help="answer with JSON alone on standard output")
    parser.set_defaults(perform=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the pipeline once and answer with its balance.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        SyncError: The run could not begin.
    """
    connector = find_connector(arguments.connector)
    with open_ledger(connector.id) as ledger:
        try:
            request = _request(arguments, ledger)
        except ConfigError as problem:
            say(problem.message)
            return USAGE
        run_id = f"command__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}__{uuid.uuid4().hex[:8]}"
        started_s = time.monotonic()
        lines, error = _perform(connector, ledger, request, run_id)
        facts = _facts(ledger, run_id, time.monotonic() - started_s, error)
    if error is not None:
        say(error.message)
    answer(facts, [*lines, f"Run {run_id}, plan {facts['plan_hash'] or 'none'}."], as_json=arguments.json)
    return DONE if error is None else REFUSED if isinstance(error, PlanRefused) else FAILED


def _request(arguments: argparse.Namespace, ledger: Ledger) -> RunRequest:
    return read_request(
        {
            "mode": arguments.mode or ("selected" if arguments.customer else "incremental"),
            "customer_ids": tuple(number_of(ledger, each) for each in arguments.customer),
            "modified_from": arguments.modified_from,
            "modified_to": arguments.modified_to,
            "dry_run": arguments.dry_run,
            "retry_quarantined": arguments.retry_quarantined,
            "plan_hash": arguments.plan_hash,
        }
    )


def _perform(
    connector: Connector, ledger: Ledger, request: RunRequest, run_id: str
) -> tuple[list[str], SyncError | None]:
    try:
        source = open_source(connector, find_connection(connector.source_connection_id), ledger, f"run {run_id}")
        with open_target(connector, find_connection(connector.target_connection_id), ledger) as target:
            # One ledger for all: so a request does not leave when the run has lost its lease.
            report = perform(Run(connector, ledger, run_id, sink=report_progress), source, target, request)
    except SyncError as error:
        return [], error
    return report.lines, None


def report_progress(title: str, _entries: Sequence[LogEntry]) -> None:
    """Say on standard error what a step does; what happened to each customer is in the ledger."""
    if title.partition("\n")[0] not in _ANSWERS:
        say(title)


def _facts(ledger: Ledger, run_id: str, seconds: float, error: SyncError | None) -> dict[str, Any]:
    row = ledger.runs.get(run_id) or {}
    usage: dict[str, dict[str, int]] = row.get("usage") or {}
    return {
        "run_id": run_id,
        "counts": {name: count for name, count in ledger.runs.outcome_counts(run_id).items() if name},
        "waiting": ledger.count_waiting(),
        "plan_hash": row.get("plan_hash") or None,
        "requests": {system: numbers.get("requests", 0) for system, numbers in usage.items()},
        "seconds": round(seconds, 3),
        "error": None if error is None else error.message,
    }
