"""Fills a connector log as runs would: many runs over many days, each with its customers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import time_machine

from customer_sync.ledger import Ledger
from customer_sync.model.outcome import LogEntry

START = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = "Acme Brook Cedar Delta Ember Fjord Grove Haven Isle Jade Knoll Lark Mesa North Opal Pine Quay Reef Sage Tarn"
DECISIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("unchanged", "info", ()),
    ("filtered", "info", ("type_not_b2b",)),
    ("filtered", "info", ("email_missing", "not_enabled")),
    ("created", "info", ()),
    ("updated", "info", ()),
    ("quarantined", "warning", ("state_unknown",)),
    ("failed", "error", ("outcome_unknown",)),
)
WEIGHTS = (60, 18, 8, 8, 5, 0.9, 0.1)
PARTS = ("create_user", "update_user", "create_address", "set_payment_terms")


def customer(number: int) -> tuple[str, str]:
    """Id and masked name of a customer."""
    names = FIRST.split()
    return f"C{number:06d}", f"{names[number % len(names)]} {number % 97}•••"


def entries(chosen: random.Random, customers: int, count: int) -> Iterator[LogEntry]:
    """`count` lines about customers: one that closes each, and one about a part of some."""
    while count > 0:
        customer_id, name = customer(chosen.randrange(customers))
        outcome, level, reasons = chosen.choices(DECISIONS, WEIGHTS)[0]
        if outcome in {"created", "updated"} and count > 1:
            part = chosen.choice(PARTS)
            entity = "contact" if "user" in part else "location" if "address" in part else "payment"
            yield LogEntry(customer_id=customer_id, customer_name=name, entity=entity, action=part, message="done")
            count -= 1
        yield LogEntry(
            customer_id=customer_id,
            customer_name=name,
            outcome=outcome,
            level=level,  # type: ignore[arg-type] # one of the levels above
            reasons=reasons,
            message="what happened to the customer in one sentence",
        )
        count -= 1


def fill(ledger: Ledger, *, rows: int, runs: int, customers: int, seed: int = 1) -> None:
    """Write `rows` lines in `runs` runs, one run every quarter of an hour; every hundredth run is a large one."""
    chosen = random.Random(seed)
    weights = [50 if number % 100 == 0 else 1 for number in range(runs)]
    for number, weight in enumerate(weights):
        left = round(rows * weight / sum(weights))
        moment = START + timedelta(minutes=15 * number)
        while left > 0:
            part = min(left, 1500)
            with time_machine.travel(moment, tick=False), ledger.write() as connection:
                ledger.log.append(connection, f"run_{number:05d}", "load", 1, entries(chosen, customers, part))
            left -= part
            moment += timedelta(seconds=1)
