"""Fills a connector log as runs would: many runs over many days, each with its customers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import time_machine

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import customer_state, known_customer, quarantine, run, set_aside, unfinished
from customer_sync.ledger.storage.statement import chunks
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


def fill_state(ledger: Ledger, *, runs: int, customers: int) -> None:
    """What is now: four of five customers have a company, one of twenty-five waits, some fail or are set aside."""
    keys = [customer(number) for number in range(customers)]
    of = {"connector_id": ledger.connector_id}
    companies = [
        {
            **of,
            "customer_id": key,
            "store": "s",
            "company_id": 60_000 + number,
            "company_key": key.casefold(),
            "record_id": f"r{number}",
            "status": 3 if number % 50 == 0 else 1,
            "applied": "x" * 3000,
            "linked_at_utc": START,
            "applied_at_utc": START,
        }
        for number, (key, _) in enumerate(keys)
        if number % 5
    ]
    held = [
        {
            **of,
            "customer_id": key,
            "entity": "contact",
            "record_key": "1",
            "reason": "email_in_use",
            "asked_at_utc": START,
            "first_seen_at_utc": START,
            "last_seen_at_utc": START,
            "run_id": "run_00000",
        }
        for key, _ in keys[::25]
    ]
    failed = [{**of, "customer_id": key, "since_utc": START} for key, _ in keys[7::250]]
    aside = [{**of, "customer_id": key, "kind": "skip", "since_utc": START} for key, _ in keys[11::500]]
    run_rows = [
        {
            **of,
            "run_id": f"run_{number:05d}",
            "mode": "incremental",
            "window": {},
            "state": "success",
            "started_at_utc": START + timedelta(minutes=15 * number),
            "ended_at_utc": START,
            "summary": {"outcomes": {"unchanged": 300, "updated": 12}},
        }
        for number in range(runs)
    ]
    tables = (customer_state, quarantine, unfinished, set_aside, run)
    for table, rows in zip(tables, (companies, held, failed, aside, run_rows), strict=True):
        for part in chunks(rows, 1000):
            with ledger.write() as connection:
                connection.execute(sa.insert(table), part)
    c = known_customer.c
    with ledger.write() as connection:
        # As after a full run: who has no company is not eligible, all others have their names.
        linked = sa.exists().where(
            customer_state.c.connector_id == c.connector_id, customer_state.c.customer_id == c.customer_id
        )
        connection.execute(sa.update(known_customer).values(full_name=c.name))
        connection.execute(sa.update(known_customer).where(~linked).values(rows_reasons="type_not_b2b"))
