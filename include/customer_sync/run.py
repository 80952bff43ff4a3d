"""One attempt of one step of a run: what every step is given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from customer_sync.ledger import CustomerOutcome, Ledger
from customer_sync.model.company import content_hash
from customer_sync.model.outcome import LogEntry
from customer_sync.settings.connector import Connector

Sink = Callable[[str, Sequence[LogEntry]], None]
"""Receives the title and the log entries of one batch, to print them."""


def discard(_title: str, _entries: Sequence[LogEntry]) -> None:
    """A sink that prints nothing; the ledger holds the entries all the same."""


@dataclass(frozen=True)
class Run:
    """A run's identity and context.

    Attributes:
        connector: The rules.
        ledger: The connector's ledger.
        run_id: Airflow's run id, or any name that is unique for the ledger.
        try_number: The attempt, from 1.
        task: Name of the step.
        sink: Where log entries are printed.
        url: Address of the run in Airflow, ``""`` outside of it.
        leaves_files: Whether its tables are written into the folder of reports, where one is configured.
    """

    connector: Connector
    ledger: Ledger
    run_id: str
    try_number: int = 1
    task: str = ""
    sink: Sink = field(default=discard)
    url: str = ""
    leaves_files: bool = True

    @property
    def words(self) -> Mapping[str, str]:
        """What people see of each neutral field on the screens of the run's source."""
        return self.connector.source.words

    def mapping_fingerprint(self) -> str:
        """Identify all that a desired state is made by beside the customer; it changes when the store's places do."""
        changes = self.ledger.places.changes(self.connector.store_budget)
        rules = self.connector.mapping_fingerprint()
        return content_hash([rules, changes]) if changes else rules

    def under(self, connector: Connector) -> Run:
        """The same run under other rules."""
        return replace(self, connector=connector)

    def as_task(self, task: str) -> Run:
        """The same run at another step."""
        return replace(self, task=task)

    def record(
        self,
        connection: sa.Connection,
        entries: Sequence[LogEntry] = (),
        outcomes: Sequence[CustomerOutcome] = (),
        *,
        in_place_of: Collection[str] = (),
    ) -> list[LogEntry]:
        """Write log entries and outcomes in the caller's transaction; print the entries after its commit.

        ``in_place_of`` names the steps whose planned lines go, now that these say what is planned or was done.

        Returns:
            The entries that are news, to be printed; what was said of a customer before is not.
        """
        as_before: set[str] = set()
        if entries:
            log = self.ledger.log
            as_before = log.append(
                connection, self.run_id, self.task, self.try_number, entries, in_place_of=in_place_of
            )
        if outcomes:
            self.ledger.runs.put_outcomes(connection, self.run_id, outcomes)
        return [entry for entry in entries if entry.customer_id not in as_before]
