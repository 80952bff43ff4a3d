"""Intents: what we are about to write, recorded before it is sent. (docs/reliability.md#the-protocol)

An intent without an answer stays ``open`` and means *unknown*, never *not done*:
the next writer reads the record back by its key before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.schema import write_intent
from customer_sync.ledger.storage.statement import chunks, insert
from customer_sync.model.company import content_hash
from customer_sync.model.operation import Action, Operation

_INSERT = sa.insert(write_intent).returning(
    write_intent.c.id, write_intent.c.customer_id, write_intent.c.action, write_intent.c.record_key
)
_SETTLE = Compiled(
    lambda _: (
        sa.update(write_intent)
        .where(write_intent.c.id == sa.bindparam("of_id"))
        .values(state=sa.bindparam("new_state"), settled_at_utc=sa.bindparam("now"))
    )
)


class OpenIntent(NamedTuple):
    """A write whose outcome is unknown."""

    id: int
    customer_id: str
    action: str
    key: str
    store_id: int


class ConfirmedWrite(NamedTuple):
    """A write that the store (or the ERP) answered with yes."""

    action: str
    key: str


class PastWrite(NamedTuple):
    """The latest write of one kind to one record: ``state`` is ``confirmed`` or ``open``."""

    action: str
    key: str
    store_id: int
    state: str
    opened_at_utc: datetime


class Removal(NamedTuple):
    """A confirmed write that may have taken access away.

    ``payload_hash`` tells which status was set, ``ended_at_utc`` the ERP's stamp when it was planned.
    """

    customer_id: str
    action: str
    key: str
    payload_hash: str
    at_utc: datetime
    ended_at_utc: datetime | None
    run_id: str


class Intents:
    """The write intents of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def open(
        self,
        connection: sa.Connection,
        run_id: str,
        try_number: int,
        operations: Sequence[tuple[str, Operation]],
        *,
        access_ended_at_utc: Sequence[datetime | None] = (),
    ) -> list[int]:
        """Record operations, each with its customer's id, before they are sent.

        The caller's transaction must be committed before the request leaves.

        Args:
            connection: A writing transaction.
            run_id: The run.
            try_number: The attempt.
            operations: Customer id and operation.
            access_ended_at_utc: For each of them, when the ERP ended the access that it takes away, if it
                takes one away; none at all where that is not known.

        Returns:
            The intents' ids, in order.
        """
        if not operations:
            return []
        now = utc_now()
        ended = access_ended_at_utc or [None] * len(operations)
        rows: list[dict[str, Any]] = [
            {
                "connector_id": self._connector_id,
                "run_id": run_id,
                "try_number": try_number,
                "customer_id": customer_id,
                "action": str(operation.action),
                "record_key": operation.key,
                "store_id": operation.store_id,
                "payload_hash": content_hash(operation.values),
                "state": "open",
                "opened_at_utc": now,
                "access_ended_at_utc": ended_at_utc,
            }
            for (customer_id, operation), ended_at_utc in zip(operations, ended, strict=True)
        ]
        if connection.dialect.name == "sqlite":
            insert(connection, write_intent, rows)
            last: int = connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()
            # A writing transaction is alone in the file, and new rows are numbered one after the other.
            return list(range(last - len(rows) + 1, last + 1))
        made = connection.execute(_INSERT, rows)
        # Many rows travel in one statement, whose answer need not be in their order: they are told by what they say.
        ids: dict[tuple[str, str, str], list[int]] = {}
        for intent_id, *said in made:
            ids.setdefault((said[0], said[1], said[2]), []).append(intent_id)
        return [ids[row["customer_id"], row["action"], row["record_key"]].pop(0) for row in rows]

    def settle(self, connection: sa.Connection, intent_ids: Iterable[int], state: str) -> None:
        """Close intents.

        Args:
            connection: A writing transaction.
            intent_ids: Which.
            state: ``confirmed``, ``refused``, ``split`` (a bulk write whose rows are sent again one by
                one) or ``abandoned`` (read back: the store does not have it).
        """
        now = utc_now()
        rows = [{"of_id": each, "new_state": state, "now": now} for each in intent_ids]
        if rows:
            _SETTLE.execute(connection, rows)

    def unanswered(self, customer_ids: Iterable[str] | None = None) -> list[OpenIntent]:
        """Intents without an answer, of some customers or of all."""
        columns = write_intent.c
        query = sa.select(columns.id, columns.customer_id, columns.action, columns.record_key, columns.store_id).where(
            columns.connector_id == self._connector_id, columns.state == "open"
        )
        found: list[OpenIntent] = []
        with self._engine.connect() as connection:
            if customer_ids is None:
                return [OpenIntent(*row) for row in connection.execute(query.order_by(columns.id))]
            for part in chunks(customer_ids):
                rows = connection.execute(query.where(columns.customer_id.in_(part)).order_by(columns.id))
                found.extend(OpenIntent(*row) for row in rows)
        return found

    def begun(self, run_id: str, customer_ids: Iterable[str]) -> set[str]:
        """Customers for whom that run opened a write, whatever became of it."""
        c = write_intent.c
        found: set[str] = set()
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                query = sa.select(c.customer_id).where(
                    c.connector_id == self._connector_id, c.run_id == run_id, c.customer_id.in_(part)
                )
                found.update(connection.execute(query.distinct()).scalars())
        return found

    def confirmed(self, run_id: str, customer_ids: Iterable[str]) -> dict[str, list[ConfirmedWrite]]:
        """What that run really changed, per customer, in order."""
        found: dict[str, list[ConfirmedWrite]] = {}
        columns = write_intent.c
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                query = (
                    sa.select(columns.customer_id, columns.action, columns.record_key)
                    .where(
                        columns.connector_id == self._connector_id,
                        columns.run_id == run_id,
                        columns.state == "confirmed",
                        columns.customer_id.in_(part),
                    )
                    .order_by(columns.id)
                )
                for customer_id, action, key in connection.execute(query):
                    found.setdefault(customer_id, []).append(ConfirmedWrite(action, key))
        return found

    def history(self, customer_ids: Iterable[str]) -> dict[str, list[PastWrite]]:
        """The latest confirmed and unanswered writes of some customers, per action and record."""
        found: dict[str, list[PastWrite]] = {}
        c = write_intent.c
        of_record = (c.customer_id, c.action, c.record_key, c.store_id, c.state)
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                query = (
                    sa.select(*of_record, sa.func.max(c.opened_at_utc, type_=c.opened_at_utc.type))
                    .where(
                        c.connector_id == self._connector_id,
                        c.state.in_(("confirmed", "open")),
                        c.customer_id.in_(part),
                    )
                    .group_by(*of_record)
                )
                for customer_id, *facts in connection.execute(query):
                    found.setdefault(customer_id, []).append(PastWrite(*facts))
        return found

    def removals(self, customer_ids: Iterable[str]) -> list[Removal]:
        """Confirmed writes that took away access: users and companies deleted, and status changes of companies."""
        c = write_intent.c
        record = (c.customer_id, c.action, c.record_key, c.payload_hash)
        columns = (*record, c.settled_at_utc, c.access_ended_at_utc, c.run_id)
        found: list[Removal] = []
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                query = sa.select(*columns).where(
                    c.connector_id == self._connector_id,
                    c.state == "confirmed",
                    c.action.in_((Action.DELETE_USER, Action.SET_STATUS, Action.DELETE_COMPANY)),
                    c.customer_id.in_(part),
                )
                found.extend(Removal(*row) for row in connection.execute(query.order_by(c.id)))
        return found

    def access_removals(self, run_id: str, *, ended_since_utc: datetime | None) -> list[timedelta]:
        """How long each access that a run took away had outlived its end in the ERP.

        Args:
            run_id: The run.
            ended_since_utc: Accesses that ended before are left out: a change that moves no stamp in the ERP
                would otherwise count from the record's last one, months ago.

        Returns:
            From the stamp of the ERP's record to the confirmed write; a clock that is ahead counts as zero.
        """
        columns = write_intent.c
        query = sa.select(columns.access_ended_at_utc, columns.settled_at_utc).where(
            columns.connector_id == self._connector_id,
            columns.run_id == run_id,
            columns.state == "confirmed",
            columns.access_ended_at_utc.is_not(None),
        )
        if ended_since_utc is not None:
            query = query.where(columns.access_ended_at_utc >= ended_since_utc)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(columns.id))
            return [max(settled - ended, timedelta()) for ended, settled in rows]

    def counts(self, run_id: str) -> dict[str, int]:
        """Number of intents of a run by state."""
        query = (
            sa.select(write_intent.c.state, sa.func.count())
            .where(write_intent.c.run_id == run_id, write_intent.c.connector_id == self._connector_id)
            .group_by(write_intent.c.state)
        )
        with self._engine.connect() as connection:
            return dict(connection.execute(query).all())
