"""The ledger: our database of links, intents, runs, log, quarantine, watermarks and leases.

Source: docs/architecture.md#ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from weakref import WeakSet

import sqlalchemy as sa

from customer_sync.ledger.coordination.incidents import Incidents
from customer_sync.ledger.coordination.lease import Lease, holder_at_work
from customer_sync.ledger.coordination.push_inbox import Push
from customer_sync.ledger.coordination.seat import LONGEST_SEAT_WAIT_S, SharedSeat
from customer_sync.ledger.coordination.shared_budget import SharedSchedule
from customer_sync.ledger.coordination.tokens import KeptTokens
from customer_sync.ledger.coordination.watermarks import Watermarks
from customer_sync.ledger.journal.access_revocations import AccessRemovals
from customer_sync.ledger.journal.intents import Intents, OpenIntent
from customer_sync.ledger.journal.parts import IntendedWrite
from customer_sync.ledger.state.email_directory import EmailDirectory
from customer_sync.ledger.state.emails import AccountEmails
from customer_sync.ledger.state.known_places import StorePlaceLists
from customer_sync.ledger.state.link_snapshot import CustomerState, KeyHolder, LinkSummary
from customer_sync.ledger.state.links import Links
from customer_sync.ledger.state.quarantine import Quarantine, Quarantined
from customer_sync.ledger.state.set_aside_marks import SetAside
from customer_sync.ledger.state.source_rows import SourceRows
from customer_sync.ledger.storage.database import LONGEST_WAIT_S, ledger_url, open_engine, writing
from customer_sync.ledger.storage.retention import Retention
from customer_sync.ledger.story.customer_story import CustomerStories
from customer_sync.ledger.story.differences import Differences
from customer_sync.ledger.story.examinations import Examinations
from customer_sync.ledger.story.log import Log
from customer_sync.ledger.story.operator_actions import OperatorActions
from customer_sync.ledger.story.plans import PlannedCustomer, PlannedOperations, Plans
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
    "PlannedCustomer",
    "PlannedOperations",
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
        source_rows: What the source said of customers when they were last closed.
        directory: Who has which e-mail in the store, and who claims it.
        places: What stores call countries and states.
        watermarks: Largest stamps seen, and what else the connector remembers.
        differences: What reconciliations found.
        examinations: What doctor saw when it last looked.
        access: When people lost their access.
        retention: Removal of what is old.
        incidents: What is wrong now, and who has been told.
        push: Customers that the ERP's push notifications named.
        tokens: Tokens that change with every use, encrypted.
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
        self.source_rows = SourceRows(engine, connector_id)
        self.directory = EmailDirectory(engine, connector_id)
        self.places = StorePlaceLists(engine)
        self.watermarks = Watermarks(engine, connector_id)
        self.differences = Differences(engine, connector_id)
        self.examinations = Examinations(engine, connector_id)
        self.access = AccessRemovals(engine, connector_id)
        self.retention = Retention(engine, connector_id)
        self.incidents = Incidents(engine, connector_id)
        self.push = Push(engine, connector_id)
        self.tokens = KeptTokens(engine)
        self._leases: dict[str, Lease] = {}
        self._holders: WeakSet[Lease | SharedSeat] = WeakSet()

    @classmethod
    def open(cls, connector_id: str, url: str | None = None, *, wait_s: float = LONGEST_WAIT_S) -> Ledger:
        """Open the ledger and bring its tables up to date.

        Args:
            connector_id: Whose rows are meant.
            url: SQLAlchemy URL; by default ``CUSTOMER_SYNC_LEDGER_URL``, else a SQLite file.
            wait_s: Longest wait for a ledger that is away or locked, in seconds.

        Raises:
            ConfigError: The URL is wrong or the database cannot be reached.
        """
        return cls(open_engine(url or ledger_url(), wait_s=wait_s), connector_id)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes: committed at the end, rolled back on error."""
        with writing(self.engine) as connection:
            yield connection

    def lease(self, resource: str, run_id: str, try_number: int, name: str = "") -> Lease:
        """A lease of a store for one attempt of one task; not yet acquired. ``name`` says who it is, for people."""
        made = self._leases[resource] = Lease(self.engine, resource, run_id, try_number, name)
        self._holders.add(made)
        return made

    def schedule(self, budget: str) -> SharedSchedule:
        """The turns of a request budget that all machines draw on; none leaves when a lease of ours was lost."""
        return SharedSchedule(self.engine, budget, self._check_leases)

    def seat(
        self, budget: str, seats: int, name: str = "another process", *, wait_s: float = LONGEST_SEAT_WAIT_S
    ) -> SharedSeat:
        """A seat among those of a licence; not yet taken. ``name`` says who takes it, for people."""
        made = SharedSeat(self.engine, budget, seats, name, wait_s=wait_s)
        self._holders.add(made)
        return made

    def _check_leases(self) -> None:
        for held in self._leases.values():
            held.check()

    def is_store_busy(self, store_budget: str) -> bool:
        """Whether some attempt holds the right to write to a store at this moment."""
        with self.engine.connect() as connection:
            return bool(holder_at_work(connection, f"store:{store_budget}"))

    def count_waiting(self) -> int:
        """Number of parts that wait, beside whatever outcome: what :attr:`stories` lists of all customers together."""
        held = sum(self.quarantine.reason_counts().values()) + self.set_aside.count()
        return held + len(self.runs.unfinished()) + len(self.intents.unanswered())

    def close(self) -> None:
        """Close the database connections; what is held still gives no sign of life any more."""
        for holder in list(self._holders):
            holder.fall_silent()
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
