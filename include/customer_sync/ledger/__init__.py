"""The ledger: our database of links, intents, runs, log, quarantine, watermarks and leases.

Source: docs/architecture.md#ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import sqlalchemy as sa

from customer_sync.ledger.coordination.incidents import Incidents
from customer_sync.ledger.coordination.lease import Lease
from customer_sync.ledger.coordination.push_inbox import Push
from customer_sync.ledger.coordination.shared_budget import SharedSchedule, SharedSeat
from customer_sync.ledger.coordination.watermarks import Watermarks
from customer_sync.ledger.journal.access_revocations import AccessRemovals
from customer_sync.ledger.journal.intents import Intents, OpenIntent
from customer_sync.ledger.journal.parts import IntendedWrite
from customer_sync.ledger.state.emails import AccountEmails
from customer_sync.ledger.state.links import CustomerState, KeyHolder, Links, LinkSummary
from customer_sync.ledger.state.quarantine import Quarantine, Quarantined
from customer_sync.ledger.state.set_aside_marks import SetAside
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.database import ledger_url, open_engine, writing
from customer_sync.ledger.storage.retention import Retention
from customer_sync.ledger.storage.schema import lease
from customer_sync.ledger.story.customer_story import CustomerStories
from customer_sync.ledger.story.differences import Differences
from customer_sync.ledger.story.log import Log
from customer_sync.ledger.story.operator_actions import OperatorActions
from customer_sync.ledger.story.plans import PlannedChange, PlannedCustomer, Plans
from customer_sync.ledger.story.runs import CustomerOutcome, Runs

__all__ = [
    "CustomerOutcome",
    "CustomerState",
    "IntendedWrite",
    "KeyHolder",
    "Lease",
    "Ledger",
    "LinkSummary",
    "OpenIntent",
    "PlannedChange",
    "PlannedCustomer",
    "Quarantined",
    "ledger_url",
]


class Ledger:
    """The ledger of one connector; its parts share one database.

    Attributes:
        engine: The database.
        links: Which company belongs to a customer, and what was last applied to it.
        intents: The journal: requests that are about to be sent, and what became of them.
        runs: Runs and the outcome of every customer.
        stories: What became of one customer, and what it waits for.
        plans: What runs are going to do to whom.
        log: The connector log.
        operator_actions: What people did to customers by hand.
        set_aside: Customers that people took out of the sync.
        quarantine: Records that the store cannot take.
        emails: Claims on Account Emails.
        watermarks: Largest stamps seen, and what else the connector remembers.
        differences: What reconciliations found.
        access: When people lost their access.
        retention: Removal of what is old.
        incidents: What is wrong now, and who has been told.
        push: Customers that the ERP's push notifications named.
    """

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self.engine = engine
        self.connector_id = connector_id
        self.links = Links(engine, connector_id)
        self.intents = Intents(engine, connector_id)
        self.runs = Runs(engine, connector_id)
        self.stories = CustomerStories(engine, connector_id)
        self.plans = Plans(engine, connector_id)
        self.log = Log(engine, connector_id)
        self.operator_actions = OperatorActions(engine, connector_id)
        self.set_aside = SetAside(engine, connector_id)
        self.quarantine = Quarantine(engine, connector_id)
        self.emails = AccountEmails(engine, connector_id)
        self.watermarks = Watermarks(engine, connector_id)
        self.differences = Differences(engine, connector_id)
        self.access = AccessRemovals(engine, connector_id)
        self.retention = Retention(engine, connector_id)
        self.incidents = Incidents(engine, connector_id)
        self.push = Push(engine, connector_id)

    @classmethod
    def open(cls, connector_id: str, url: str | None = None) -> Ledger:
        """Open the ledger and bring its tables up to date.

        Args:
            connector_id: Whose rows are meant.
            url: SQLAlchemy URL; by default ``CUSTOMER_SYNC_LEDGER_URL``, else a SQLite file.

        Raises:
            ConfigError: The URL is wrong or the database cannot be reached.
        """
        return cls(open_engine(url or ledger_url()), connector_id)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes: committed at the end, rolled back on error."""
        with writing(self.engine) as connection:
            yield connection

    def lease(self, resource: str, run_id: str, try_number: int) -> Lease:
        """A lease of a store for one attempt of one task; not yet acquired."""
        return Lease(self.engine, resource, run_id, try_number)

    def schedule(self, budget: str) -> SharedSchedule:
        """The turns of a request budget that all machines draw on."""
        return SharedSchedule(self.engine, budget)

    def seat(self, budget: str, seats: int) -> SharedSeat:
        """A seat among those of a licence; not yet taken."""
        return SharedSeat(self.engine, budget, seats)

    def is_store_busy(self, connector_id: str) -> bool:
        """Whether some attempt holds the right to write to a connector's store at this moment."""
        query = sa.select(lease.c.resource).where(
            lease.c.resource == f"store:{connector_id}", lease.c.expires_at_utc > utc_now()
        )
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    def count_waiting(self) -> int:
        """Number of records in quarantine, and of customers that the next run reads again."""
        return sum(self.quarantine.reason_counts().values()) + len(self.runs.unfinished())

    def close(self) -> None:
        """Close the database connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
