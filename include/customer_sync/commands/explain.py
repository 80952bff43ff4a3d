"""``customer-sync explain``: what a customer is now, why, and what happened to it. It only reads the ledger."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from customer_sync.commands.answer import DONE, answer
from customer_sync.commands.customer_number import number_of
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.errors import ConfigError
from customer_sync.ledger.story.customer_story import CustomerStory
from customer_sync.reporting.as_of import ValueAsOf, state_as_of
from customer_sync.reporting.journalled import with_changes
from customer_sync.settings.connector_file import find_connector


def add_explain(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "explain",
        help="say what became of a customer, and why",
        description="Say what became of a customer, why, what it waits for, and what to do. Reads the ledger alone; "
        "values are masked. Exit codes: 0 done, 1 the ledger knows no such customer, 2 wrong command line.",
    )
    parser.add_argument("connector", metavar="CONNECTOR", help="id of the connector file")
    parser.add_argument("customer", metavar="CUSTOMER", help="a number or a record id")
    parser.add_argument(
        "--at", type=moment, metavar="TIME", help="ISO 8601 with a zone: as it was after the runs until then"
    )
    parser.add_argument("--json", action="store_true", help="answer with JSON alone on standard output")
    parser.set_defaults(perform=explain)


def explain(arguments: argparse.Namespace) -> int:
    """Answer with the customer's story.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        ConfigError: The ledger does not know the customer.
    """
    connector = find_connector(arguments.connector)
    with open_ledger(connector.id) as ledger:
        story = ledger.stories.of(
            number_of(ledger, arguments.customer),
            at_utc=arguments.at,
            complete=lambda lines: with_changes(ledger.engine, lines, lambda _: connector),
            words=connector.source.words,
        )
        known = None if story is None or arguments.at is None else story.customer_id
        values = [] if known is None else state_as_of(ledger, connector, known, arguments.at)
    if story is None:
        raise ConfigError(
            f"The ledger of {connector.id} does not know a customer {arguments.customer!r}: check the number, or sync "
            f"it with customer-sync run {connector.id} --customer {arguments.customer}.",
            setting="CUSTOMER",
        )
    lines = list(_in_words(story))
    facts = _facts(story, "\n".join(lines))
    if arguments.at is not None:
        facts["store_as_of"] = [each._asdict() for each in values]
    answer(facts, [*lines, *map(_as_of, values), *_history(story)], as_json=arguments.json)
    return DONE


def moment(text: str) -> datetime:
    """A moment with a zone.

    Raises:
        argparse.ArgumentTypeError: It is none; argparse ends with the sentence.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} must be ISO 8601 with a zone, as in 2026-11-22T00:00:00+00:00")
    return read


def _facts(story: CustomerStory, text: str) -> dict[str, Any]:
    return {
        "customer_id": story.customer_id,
        "record_id": story.record_id or None,
        "outcome": story.outcome or None,
        "company_id": story.company_id,
        "reasons": list(story.reasons),
        "waiting": [part._asdict() for part in story.waiting],
        "next_step": story.next_step,
        "text": text,
        "runs": [asdict(run) for run in story.runs],
    }


def _in_words(story: CustomerStory) -> Iterator[str]:
    has = "has no company" if story.company_id is None else f"is company {story.company_id}"
    yield f"Customer {story.customer_id} {has}."
    decided = next((run for run in story.runs if run.outcome), None)
    if decided is None:
        yield "No run has decided anything about it yet."
    else:
        because = f" ({', '.join(decided.reasons)})" if decided.reasons else ""
        yield f"Last outcome: {decided.outcome}{because}, {decided.started_at_utc:%Y-%m-%d %H:%M} UTC."
    for part in story.waiting:
        yield f"Waiting: {part.part}, {part.reason}: {part.waits_for}."
    if story.next_step:
        yield f"Next step: {story.next_step}"


def _as_of(each: ValueAsOf) -> str:
    by = f", approved by {each.approved_by}" if each.approved_by else ""
    since = f"since {each.since_utc:%Y-%m-%d %H:%M} UTC by run {each.run_id} ({each.why}{by})"
    return f"    {each.part} {each.field} = {each.value!r} {since}"


def _history(story: CustomerStory) -> Iterator[str]:
    for run in story.runs:
        yield f"{run.started_at_utc:%Y-%m-%d %H:%M} UTC  {run.mode:<12} {run.outcome or 'under way':<12} {run.run_id}"
        done = [step for step in run.steps if step["action"] and not step["message"].startswith("planned")]
        yield from (f"    {step['action']:<20} {step['key']} {step['message']}".rstrip() for step in done)
