"""Fills a connector log as runs would: many runs over many days, each with its customers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
import time_machine

from customer_sync.ledger import Ledger
from customer_sync.ledger.journal.parts import encode_parts
from customer_sync.ledger.state.applied_document import encode_applied
from customer_sync.ledger.storage.schema import (
    customer_state,
    email,
    journal,
    known_customer,
    quarantine,
    run,
    set_aside,
    unfinished,
)
from customer_sync.ledger.storage.statement import chunks
from customer_sync.ledger.story.batches import put_batch
from customer_sync.model.company import Address, CompanyFields, UserFields, content_hash
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser
from customer_sync.model.outcome import LogEntry
from customer_sync.planning.emails import email_id

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


def email_of(customer_id: str) -> str:
    """The Account Email of a customer, which is its user's as well."""
    return f"orders@{customer_id.casefold()}.example"


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
            told = list(entries(chosen, customers, part))
            with time_machine.travel(moment, tick=False), ledger.write() as connection:
                ledger.log.append(connection, f"run_{number:05d}", "load", 1, told)
                if requests := list(_requests(ledger.connector_id, number, told, moment)):
                    connection.execute(sa.insert(journal), requests)
            left -= part
            moment += timedelta(seconds=1)


def _requests(connector_id: str, run_number: int, told: list[LogEntry], moment: datetime) -> Iterator[dict[str, Any]]:
    """The journal's rows of what was done: ten customers to a request, neighbours by number."""
    done = sorted((entry for entry in told if entry.action), key=lambda entry: (entry.action, entry.customer_id))
    for action, alike in groupby(done, key=lambda entry: entry.action):
        for some in chunks(list(alike), 10):
            numbers = [entry.customer_id for entry in some]
            parts = [(each, "", 0, {"phone": "+1 206 555 0142"}, {"phone": "+1 206 555 0143"}) for each in numbers]
            yield {
                "connector_id": connector_id,
                "run_id": f"run_{run_number:05d}",
                "try_number": 1,
                "action": action,
                "first_customer": numbers[0],
                "last_customer": numbers[-1],
                "parts": encode_parts(parts),
                "part_count": len(parts),
                "state": "confirmed",
                "opened_at_utc": moment,
                "settled_at_utc": moment,
            }


def fill_batches(ledger: Ledger, *, runs: int, customers: int, seed: int = 2) -> None:
    """Whom each run read: every hundredth run everybody, the others three hundred."""
    chosen = random.Random(seed)
    everybody = [customer(number)[0] for number in range(customers)]
    for number in range(runs):
        read = everybody if number % 100 == 0 else sorted(chosen.sample(everybody, 300))
        with ledger.write() as connection:
            for place, some in enumerate(chunks(read, 1000)):
                became = dict.fromkeys(some, ("unchanged", ""))
                key = f"{number}_{place}"
                put_batch(connection, ledger.connector_id, f"run_{number:05d}", key, became, handed_on=True)


def _applied(customer_id: str, name: str, company_id: int) -> str:
    """A company with two users and three addresses, as a load keeps it."""
    company = CompanyFields(company_name=name, company_email=email_of(customer_id), city="Seattle", state="Washington")
    people = {"ACCOUNT": email_of(customer_id), "1": f"buyer@{customer_id.casefold()}.example"}
    applied = AppliedCompany(
        company_id=company_id,
        fields=company,
        users={
            key: AppliedUser(store_id=company_id, fields=UserFields(email=address, first_name="Ada", last_name="Smith"))
            for key, address in people.items()
        },
        addresses={
            f"{customer_id}:{label}": AppliedAddress(
                store_id=company_id,
                fields=Address(label=label, address_line1="12 Pier Road", city="Seattle", state_code="WA"),
            )
            for label in ("MAIN", "EAST", "WEST")
        },
    )
    return encode_applied(applied)


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
            "status": 3 if number % 50 == 1 else 1,
            "applied": _applied(key, name, 60_000 + number),
            "linked_at_utc": START,
            "applied_at_utc": START,
        }
        for number, (key, name) in enumerate(keys)
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
    all_rows: tuple[list[dict[str, Any]], ...] = (companies, held, failed, aside, run_rows)
    for table, rows in zip(tables, all_rows, strict=True):
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
        claim = sa.update(known_customer).where(
            c.connector_id == ledger.connector_id, c.customer_id == sa.bindparam("of_customer")
        )
        for some in chunks(keys, 1000):
            claims = [{"of_customer": key, "digest": content_hash(email_of(key))} for key, _ in some]
            connection.execute(claim.values(email_hash=sa.bindparam("digest")), claims)
            users = [{**of, "email_hash": email_id(email_of(key)), "customer_id": key} for key, _ in some]
            connection.execute(sa.insert(email).values(contact_key="1", stake="ours"), users)
