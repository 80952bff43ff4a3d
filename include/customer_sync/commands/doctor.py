"""``customer-sync doctor``: what is wrong before a run, and what to do about it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

from customer_sync.adapters import Bounds, open_source, open_target
from customer_sync.commands.answer import DONE, FAILED, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.doctor.examine import GROUPS, Environment, examine, most_requests
from customer_sync.doctor.pools import find_pools
from customer_sync.http.retry import RetryPolicy
from customer_sync.ledger import Ledger
from customer_sync.model.check import Check, Level
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target

BOUNDS: Final = Bounds(RetryPolicy(attempts=2, total_s=20.0), answer_s=30.0, seat_s=10.0)
"""Somebody waits at the terminal: a system that does not answer is a finding."""

_MARKS: Final[dict[Level, str]] = {"good": "ok  ", "warning": "look", "bad": "BAD ", "unknown": "-   "}


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


def facts_of(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks for programs."""
    return [
        {
            "id": each.id,
            "ok": each.ok,
            "level": each.level,
            "group": GROUPS.get(each.group, each.group),
            "sentence": each.sentence,
            "remedy": each.remedy,
        }
        for each in checks
    ]


def lines_of(checks: Sequence[Check]) -> Iterator[str]:
    """The checks for people: by group, what waits for one and the same thing in one line."""
    order = list(GROUPS)
    grouped = sorted(checks, key=lambda each: order.index(each.group) if each.group in order else len(order))
    for group, members in groupby(grouped, key=lambda each: each.group):
        yield f"{GROUPS.get(group, group)}"
        for (level, sentence), same in groupby(members, key=lambda each: (each.level, each.sentence)):
            first, *others = same
            titles = ", ".join(each.title for each in (first, *others))
            yield f"  {_MARKS[level]}  {titles if level == 'unknown' else first.title}: {sentence}"
            if first.remedy and level != "unknown":
                yield f"        -> {first.remedy}"
    bad = sum(each.level == "bad" for each in checks)
    unseen = sum(each.level == "unknown" for each in checks)
    looks = sum(each.level == "warning" for each in checks)
    yield ""
    yield f"{len(checks)} checks: {bad} bad, {looks} worth a look, {unseen} not looked at."


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
