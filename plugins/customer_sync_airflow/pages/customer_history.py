"""What happened to a customer: a card for each run that did something; the runs without news are counted between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import quote

from customer_sync.ledger import Ledger
from customer_sync.ledger.story.customer_runs import CustomerInRun, runs_of_customer
from customer_sync.reporting.story_words import left_out, what_became
from customer_sync_airflow.pages.runs_page import run_url

_FORGOTTEN = CustomerInRun("", is_dry=False, batch="")
"""A run that housekeeping has removed."""

_MAPPED = frozenset({"filter", "transform", "load"})


@dataclass(frozen=True)
class Card:
    """One run in which something was decided.

    Attributes:
        run_id: The run.
        url: Where Airflow shows it.
        log_url: Where Airflow shows the log of the task that decided.
        at_utc: When it was said.
        mode: ``incremental``, ``full`` …
        is_dry: Whether nothing was to be written.
        outcome: What became of the customer.
        sentence: The same in words.
        next_step: What a person does about it.
        findings: (what was left out, what a person does about it).
        writes: Lines about operations, with their values.
        quiet: How many runs after this one, and before the next card, found nothing new.
    """

    run_id: str
    url: str
    log_url: str
    at_utc: datetime
    mode: str
    is_dry: bool
    outcome: str
    sentence: str
    next_step: str
    findings: list[tuple[str, str]] = field(default_factory=list)
    writes: list[Mapping[str, Any]] = field(default_factory=list)
    quiet: int = 0


def cards_of(ledger: Ledger, customer_id: str, rows: Iterable[Mapping[str, Any]]) -> list[Card]:
    """The cards of a customer, newest first.

    Args:
        ledger: The connector's.
        customer_id: The customer.
        rows: Its lines of the log, newest first.
    """
    quiet = _quiet_runs(ledger, customer_id)
    told = [(run_id, list(group)[::-1]) for run_id, group in groupby(rows, key=lambda row: row["run_id"])]
    facts = runs_of_customer(ledger.engine, ledger.connector_id, customer_id, {run_id for run_id, _ in told})
    cards = []
    until: datetime | None = None
    for run_id, lines in told:
        card = _card(ledger, run_id, facts.get(run_id, _FORGOTTEN), lines)
        between = [start for run, start in quiet if run != run_id and start > card.at_utc]
        count = sum(until is None or start < until for start in between)
        cards.append(Card(**{**card.__dict__, "quiet": count}))
        until = card.at_utc
    return cards


def _quiet_runs(ledger: Ledger, customer_id: str) -> list[tuple[str, datetime]]:
    told = ledger.log.runs_of(customer_id)
    return [(run_id, start) for run_id, start, _ in ledger.runs.reading(customer_id) if run_id not in told]


def _card(ledger: Ledger, run_id: str, facts: CustomerInRun, lines: list[Mapping[str, Any]]) -> Card:
    closing = next((line for line in reversed(lines) if line["outcome"]), None)
    decisive = closing or lines[-1]
    return Card(
        run_id=run_id,
        url=run_url(ledger.connector_id, run_id, facts.mode),
        log_url=_log_url(ledger, decisive, facts.batch),
        at_utc=decisive["logged_at_utc"],
        mode=facts.mode,
        is_dry=facts.is_dry,
        outcome=closing["outcome"] if closing else "",
        sentence=what_became(closing),
        next_step=closing["next_step"] if closing else "",
        findings=list(dict.fromkeys((left_out(line), line["next_step"]) for line in lines if _is_finding(line))),
        writes=[line for line in lines if line["action"] and not line["outcome"]],
    )


def _is_finding(line: Mapping[str, Any]) -> bool:
    return bool(line["reasons"]) and not line["outcome"] and not line["action"]


def _log_url(ledger: Ledger, row: Mapping[str, Any], batch: str) -> str:
    """Where Airflow shows the log of the task that wrote a row; batches are numbered like mapped instances."""
    address = f"{run_url(ledger.connector_id, row['run_id'])}/tasks/{quote(row['task'])}"
    number = batch.rpartition("_")[2]
    if row["task"] in _MAPPED and number.isdigit():
        address += f"/mapped/{int(number)}"
    return f"{address}?try_number={row['try_number']}"
