"""Customers of whom nothing changed since they were last closed: closed again with the same, by extract itself.

They are read, and nothing more is made of them: no record, no batch, no comparison. (docs/architecture.md#as-before)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType

import sqlalchemy as sa

from customer_sync.ledger.state.source_rows import AsBefore
from customer_sync.model.batch import batch_label
from customer_sync.model.company import content_hash
from customer_sync.model.outcome import Outcome
from customer_sync.run import Run
from customer_sync.settings.installed_code import installed_code


class AsBeforeCustomers:
    """Those of one run: what a source is told of the customers that it reads.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._found: dict[str, AsBefore] = {}
        self._open: dict[str, AsBefore] = {}
        self._number = 0
        self.linked = 0

    @cached_property
    def _rules(self) -> str:
        return rules_of(self._run)

    def __call__(self, rows: Mapping[str, str]) -> Collection[str]:
        """Name those of some customers that need not be read as records: what a source asks while it reads.

        Args:
            rows: Customer id -> what identifies its rows.
        """
        ledger = self._run.ledger
        found = ledger.source_rows.as_before(rows, self._rules) if rows else {}
        if found:
            numbers = {each.record_id: key for key, each in found.items() if each.record_id}
            for intent in ledger.intents.unanswered():
                found.pop(intent.customer_id, None)
                found.pop(numbers.get(intent.record_id, ""), None)
        self._found |= found
        return found.keys()

    def with_company(self, customer_ids: Collection[str]) -> Collection[str]:
        """Name those of some customers to whom a company is linked."""
        return self._run.ledger.links.records_at(customer_ids).keys() if customer_ids else ()

    def close(self, customer_ids: Iterable[str]) -> None:
        """Give customers that were named as before their outcome."""
        self._open |= {key: self._found.pop(key) for key in customer_ids}
        if len(self._open) >= self._run.connector.batch.largest:
            self.finish()

    def finish(self) -> None:
        """Record the outcomes that are not recorded yet."""
        if not self._open:
            return
        run, key = self._run, f"as_before_{self._number:03d}"
        unchanged = [customer_id for customer_id, each in self._open.items() if not each.reasons]
        became = {customer_id: _became(each) for customer_id, each in self._open.items()}
        with run.ledger.write() as connection:
            run.ledger.runs.add_closed(connection, run.run_id, key, became)
            run.ledger.emails.renew(connection, run.run_id, unchanged)
            run.ledger.log.repeat(connection, run.run_id, run.task, run.try_number, became)
        self.linked += len(unchanged)
        self._number += 1
        self._open = {}
        filtered = len(became) - len(unchanged)
        run.sink(f"{batch_label(list(became))}, as before: {len(unchanged)} unchanged, {filtered} filtered", [])


def _became(customer: AsBefore) -> tuple[str, str]:
    return str(Outcome.FILTERED if customer.reasons else Outcome.UNCHANGED), customer.reasons


def remember(
    run: Run,
    connection: sa.Connection,
    rows: Mapping[str, str],
    closed: Collection[str],
    reasons: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Keep what the source said of customers of whom nothing is left to do or to say.

    One whose contact is still a user of another customer's company is none of them: whether that user is gone shows
    the next look. A dry run keeps nothing: the run that it is a preview of is to read as it did.

    Args:
        run: The run.
        connection: A writing transaction, after their outcomes.
        rows: What identifies the rows of the batch's customers.
        closed: Those that were closed as unchanged, or as not eligible without ever having had a company.
        reasons: Why the latter are not eligible; codes joined by commas.
    """
    meant = {key: rows[key] for key in closed if key in rows}
    if not meant or (run.ledger.runs.get(run.run_id) or {}).get("dry_run"):
        return
    for key in run.ledger.runs.owners_of_moved(run.run_id).values():
        meant.pop(key, None)
    if meant:
        run.ledger.source_rows.put(connection, meant, rules_of(run), reasons)


def rules_of(run: Run) -> str:
    """Identify all by which a customer is judged.

    That is the connector file, whole, the code that reads and judges, and what the store calls its places.
    """
    connector = run.connector
    places = run.ledger.places.changes(connector.store_budget)
    return content_hash([connector.model_dump(mode="json"), installed_code(connector), places])
