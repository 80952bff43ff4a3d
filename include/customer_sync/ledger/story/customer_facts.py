"""What the ledger holds of some customers at this moment: company, what waits, marks, and what was decided last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import (
    customer_state,
    known_customer,
    quarantine,
    set_aside,
    story,
    unfinished,
)
from customer_sync.ledger.storage.statement import among, chunks
from customer_sync.ledger.story.customer_list import CustomerKey
from customer_sync.ledger.story.lines import lines_of
from customer_sync.ledger.story.log_facets import load_kinds
from customer_sync.model.outcome import SETTLED_BY_RUNS


class HeldPart(NamedTuple):
    """A customer or one of its records that waits.

    ``attempts`` is 0 for what the last decision left out of the company and no run tries again before it changes.
    """

    entity: str
    key: str
    reason: str
    field: str
    detail: str
    holder_id: str
    since_utc: datetime
    attempts: int


@dataclass(frozen=True)
class CustomerFacts:
    """One customer, now.

    Attributes:
        key: Connector and number.
        name: Masked.
        full_name: As the ERP has it; ``""`` where it is not kept.
        company_id: In the store, ``None`` where there is none.
        status: The company's, as the store numbers it.
        applied_at_utc: When its company was last written.
        not_eligible: Codes of the reasons why it is not eligible, joined by commas.
        mark: ``skip`` or ``handled``, ``""`` where nobody took it out.
        failed_since_utc: Since when runs fail on it.
        attempts: How many runs have.
        held: What waits.
        outcome: What became of it last, ``""`` where nothing was decided yet.
        reasons: Codes of the reasons, joined by commas.
        decided_at_utc: When that was.
    """

    key: CustomerKey
    name: str
    full_name: str
    company_id: int | None
    status: int | None
    applied_at_utc: datetime | None
    not_eligible: str
    mark: str
    failed_since_utc: datetime | None
    attempts: int
    held: tuple[HeldPart, ...]
    outcome: str
    reasons: str
    decided_at_utc: datetime | None


def facts_of(engine: sa.Engine, keys: Sequence[CustomerKey]) -> list[CustomerFacts]:
    """The facts of some customers, in their order."""
    found: dict[CustomerKey, CustomerFacts] = {}
    by_connector: dict[str, list[str]] = {}
    for key in keys:
        by_connector.setdefault(key.connector_id, []).append(key.customer_id)
    with engine.connect() as connection:
        for connector_id, customer_ids in by_connector.items():
            for part in chunks(customer_ids):
                for facts in _of_connector(connection, connector_id, part):
                    found[facts.key] = facts
    return [found[key] for key in keys]


def _of_connector(connection: sa.Connection, connector_id: str, customer_ids: list[str]) -> Iterable[CustomerFacts]:
    def rows(table: sa.Table, *columns: str) -> list[Any]:
        names = [table.c[name] for name in ("customer_id", *columns)]
        mine = sa.select(*names).where(table.c.connector_id == connector_id, among(table.c.customer_id, customer_ids))
        return list(connection.execute(mine))

    known = {row.customer_id: row for row in rows(known_customer, "name", "full_name", "rows_reasons")}
    companies = {row.customer_id: row for row in rows(customer_state, "company_id", "status", "applied_at_utc")}
    marks = {row.customer_id: row.kind for row in rows(set_aside, "kind")}
    failed = {row.customer_id: row for row in rows(unfinished, "since_utc", "attempts")}
    held: dict[str, list[HeldPart]] = {}
    names = ("entity", "record_key", "reason", "field", "detail", "holder_id", "first_seen_at_utc", "attempts")
    for row in rows(quarantine, *names):
        held.setdefault(row[0], []).append(HeldPart(*row[1:]))
    said = _last_said(connection, connector_id, customer_ids)
    for customer_id in customer_ids:
        mine, company, failure = known.get(customer_id), companies.get(customer_id), failed.get(customer_id)
        lines = said.get(customer_id, [])
        closing = next((line for line in reversed(lines) if line["outcome"]), None)
        parts = held.get(customer_id, [])
        yield CustomerFacts(
            key=CustomerKey(connector_id, customer_id),
            name=mine.name if mine else "",
            full_name=mine.full_name if mine else "",
            company_id=company.company_id if company else None,
            status=company.status if company else None,
            applied_at_utc=company.applied_at_utc if company else None,
            not_eligible=(mine.rows_reasons or "") if mine else "",
            mark=marks.get(customer_id, ""),
            failed_since_utc=failure.since_utc if failure and failure.attempts else None,
            attempts=failure.attempts if failure else 0,
            held=(*parts, *_left_out(lines, parts)),
            outcome=closing["outcome"] if closing else "",
            reasons=closing["reasons"] if closing else "",
            decided_at_utc=closing["logged_at_utc"] if closing else None,
        )


def _last_said(
    connection: sa.Connection, connector_id: str, customer_ids: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """The lines of the newest story of each."""
    c = story.c
    mine = (c.connector_id == connector_id, among(c.customer_id, customer_ids))
    newest = sa.select(sa.func.max(c.id)).where(*mine).group_by(c.customer_id)
    ids = list(connection.execute(newest).scalars())
    kinds = load_kinds(connection, [connector_id])
    rows = connection.execute(sa.select(story).where(among(c.id, ids))).mappings()
    return {row["customer_id"]: list(lines_of(dict(row), kinds)) for row in rows}


def _left_out(lines: list[dict[str, Any]], held: Iterable[HeldPart]) -> Iterable[HeldPart]:
    """Parts that the last decision left out and that are not in quarantine."""
    known = {(part.entity, part.key) for part in held}
    for line in lines:
        codes = [code for code in line["reasons"].split(",") if code and code not in SETTLED_BY_RUNS]
        place = (line["entity"], line["record_key"])
        if line["level"] != "warning" or line["outcome"] or not codes or place in known:
            continue
        known.add(place)
        yield HeldPart(*place, codes[0], line["field"], line["message"], "", line["logged_at_utc"], 0)
