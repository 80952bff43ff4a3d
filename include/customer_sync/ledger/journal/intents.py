"""The journal: each request that writes, recorded before it is sent. (docs/reliability.md#the-protocol)

A request without an answer stays ``open`` and means *unknown*, never *not done*:
the next writer reads the record back by its key before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.journal.parts import (
    IntendedWrite,
    JournalPart,
    decode_parts,
    encode_parts,
    encode_writes,
    stored_id,
)
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.schema import journal
from customer_sync.ledger.storage.statement import Prepared, chunks, insert
from customer_sync.model.operation import ENDS_ACCESS, ConfirmedWrite

_INSERT = sa.insert(journal).returning(journal.c.id, sort_by_parameter_order=True)
_encoder = msgspec.json.Encoder()
_SETTLE = Compiled(
    lambda _: (
        sa.update(journal)
        .where(journal.c.id == sa.bindparam("of_id"))
        .values(state=sa.bindparam("new_state"), settled_at_utc=sa.bindparam("now"), made=sa.bindparam("ids"))
    )
)


class OpenIntent(NamedTuple):
    """An operation whose outcome is unknown; ``id`` is that of the request that it left with.

    It is read back by what was sent: ``key``, the values in ``sent``, and of a company the contact that is its first
    user. What the source says by now may be something else.
    """

    id: int
    customer_id: str
    action: str
    key: str
    store_id: int
    record_id: str = ""
    admin_key: str = ""
    sent: Mapping[str, Any] = {}


class PastWrite(NamedTuple):
    """The latest write of one kind to one record: ``state`` is ``confirmed`` or ``open``.

    ``before`` has each field that such writes changed, as it was before the latest of them.
    """

    action: str
    key: str
    store_id: int
    state: str
    opened_at_utc: datetime
    before: Mapping[str, Any] = {}


class Removal(NamedTuple):
    """A confirmed write that may have taken access away.

    ``values`` tells which status was set, ``ended_at_utc`` the ERP's stamp when it was planned.
    """

    customer_id: str
    action: str
    key: str
    values: Mapping[str, Any]
    at_utc: datetime
    ended_at_utc: datetime | None
    run_id: str


class Intents:
    """The journal of one connector: a row per request that writes."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def open(
        self, connection: sa.Connection, run_id: str, try_number: int, requests: Sequence[Sequence[IntendedWrite]]
    ) -> list[int]:
        """Record requests before they are sent.

        The caller's transaction must be committed before the first of them leaves.

        Args:
            connection: A writing transaction.
            run_id: The run.
            try_number: The attempt.
            requests: The operations of each, all of one action.

        Returns:
            The rows' ids, in order.
        """
        now = utc_now()
        rows = [
            {
                "connector_id": self._connector_id,
                "run_id": run_id,
                "try_number": try_number,
                "action": str(writes[0].operation.action),
                **_columns([stored_id(write.customer_id) for write in writes], encode_writes(writes)),
                "state": "open",
                "opened_at_utc": now,
            }
            for writes in requests
        ]
        return _insert(connection, rows)

    def settle(self, connection: sa.Connection, intent_ids: Iterable[int], state: str) -> None:
        """Close requests.

        Args:
            connection: A writing transaction.
            intent_ids: Which.
            state: ``confirmed``, ``refused``, ``split`` (a bulk write whose rows are sent again one by
                one) or ``abandoned`` (read back: the store does not have it).
        """
        _settle(connection, dict.fromkeys(intent_ids), state)

    def confirm(self, connection: sa.Connection, made: Mapping[int, Sequence[int | None] | None]) -> None:
        """Close requests that were answered with yes.

        Args:
            connection: A writing transaction.
            made: Request -> the ids that the store gave to new records, part by part; ``None`` where none are new.
        """
        _settle(connection, made, "confirmed")

    def abandon(self, connection: sa.Connection, intents: Iterable[OpenIntent]) -> None:
        """Close what was read back, for the customers that it was read back for.

        A request may have carried customers who are now in another batch: their parts stay open, in a row of their own.
        """
        customers: dict[int, set[str]] = {}
        for intent in intents:
            customers.setdefault(intent.id, set()).add(intent.customer_id)
        for part_of_ids in chunks(customers):
            rows = connection.execute(sa.select(journal).where(journal.c.id.in_(part_of_ids))).mappings().all()
            for row in rows:
                parts = decode_parts(row["parts"])
                left = [part for part in parts if part.customer_id not in customers[row["id"]]]
                if left:
                    _insert(connection, [{**{k: v for k, v in row.items() if k != "id"}, **_of_parts(left)}])
                    known = [part for part in parts if part.customer_id in customers[row["id"]]]
                    mine = journal.c.id == row["id"]
                    connection.execute(sa.update(journal).where(mine).values(**_of_parts(known)))
        self.settle(connection, customers, "abandoned")

    def unanswered(self, customer_ids: Iterable[str] | None = None) -> list[OpenIntent]:
        """Operations without an answer, of all customers or of those that had some numbers when they were sent."""
        meant = None if customer_ids is None else {stored_id(key) for key in customer_ids}
        with self._engine.connect() as connection:
            rows = _open_ones(connection, self._connector_id).all()
        return [
            OpenIntent(
                intent_id,
                part.customer_id,
                action,
                part.key,
                part.store_id,
                part.record_id,
                part.admin_key,
                part.after_values(),
            )
            for intent_id, action, text in rows
            for part in decode_parts(text)
            if meant is None or part.customer_id in meant
        ]

    def unanswered_by(self, records: Mapping[str, str]) -> dict[str, list[OpenIntent]]:
        """Operations without an answer that were sent for some customers, by the number that each has now.

        What was sent for a record stays that record's, whatever its number is by now, and whoever has its former one.

        Args:
            records: Number -> record id; ``""`` where the source has none.
        """
        found: dict[str, list[OpenIntent]] = {}
        if not records:
            return found
        numbers = {record_id: number for number, record_id in records.items() if record_id}
        stored = {stored_id(number): number for number in records}
        for intent in self.unanswered():
            known = numbers if intent.record_id else stored
            number = known.get(intent.record_id or intent.customer_id)
            if number is not None:
                found.setdefault(number, []).append(intent)
        return found

    def begun(self, run_id: str, customer_ids: Iterable[str]) -> set[str]:
        """Customers for whom that run opened a write, whatever became of it."""
        return {part.customer_id for _, part in self._of(customer_ids, journal.c.run_id == run_id)}

    def confirmed(self, run_id: str, customer_ids: Iterable[str]) -> dict[str, list[ConfirmedWrite]]:
        """What that run really changed, per customer, in order."""
        found: dict[str, list[ConfirmedWrite]] = {}
        of_run = (journal.c.run_id == run_id, journal.c.state == "confirmed")
        for row, part in self._of(customer_ids, *of_run):
            write = ConfirmedWrite(row.action, part.key, part.before_values(), part.after_values())
            found.setdefault(part.customer_id, []).append(write)
        return found

    def written(self, run_id: str, customer_ids: Iterable[str]) -> dict[tuple[str, str, str], list[ConfirmedWrite]]:
        """What a run wrote for some customers, by customer, action and key.

        Of a record of which no answer was a yes, that is the last try: it was read back.
        """
        confirmed: dict[tuple[str, str, str], list[ConfirmedWrite]] = {}
        tried: dict[tuple[str, str, str], list[ConfirmedWrite]] = {}
        for row, part in self._of(customer_ids, journal.c.run_id == run_id):
            name = (part.customer_id, row.action, part.key)
            write = ConfirmedWrite(row.action, part.key, part.before_values(), part.after_values())
            if row.state == "confirmed":
                confirmed.setdefault(name, []).append(write)
            else:
                tried[name] = [write]
        return {**tried, **confirmed}

    def history(self, customer_ids: Iterable[str]) -> dict[str, list[PastWrite]]:
        """The latest confirmed and unanswered writes of some customers, per action and record."""
        latest: dict[tuple[str, str, str, int, str], PastWrite] = {}
        for row, part in self._of(customer_ids, journal.c.state.in_(("confirmed", "open"))):
            record = (part.customer_id, row.action, part.key, part.store_id, row.state)
            earlier = latest.get(record)
            before = {**(earlier.before if earlier else {}), **part.before_values()}
            latest[record] = PastWrite(row.action, part.key, part.store_id, row.state, row.opened_at_utc, before)
        found: dict[str, list[PastWrite]] = {}
        for (customer_id, *_), write in latest.items():
            found.setdefault(customer_id, []).append(write)
        return found

    def removals(self, customer_ids: Iterable[str]) -> list[Removal]:
        """Confirmed writes that took away access: users and companies deleted, and status changes of companies."""
        ends_access = (journal.c.state == "confirmed", journal.c.action.in_(sorted(ENDS_ACCESS)))
        return [
            Removal(
                part.customer_id,
                row.action,
                part.key,
                part.after_values(),
                row.settled_at_utc,
                part.access_ended_at_utc,
                row.run_id,
            )
            for row, part in self._of(customer_ids, *ends_access)
        ]

    def access_removals(self, run_id: str, *, ended_since_utc: datetime | None) -> list[timedelta]:
        """How long each access that a run took away had outlived its end in the ERP.

        Args:
            run_id: The run.
            ended_since_utc: Accesses that ended before are left out: a change that moves no stamp in the ERP
                would otherwise count from the record's last one, months ago.

        Returns:
            From the stamp of the ERP's record to the confirmed write; a clock that is ahead counts as zero.
        """
        c = journal.c
        query = sa.select(c.parts, c.settled_at_utc).where(
            c.connector_id == self._connector_id,
            c.run_id == run_id,
            c.state == "confirmed",
            c.action.in_(sorted(ENDS_ACCESS)),
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(c.id)).all()
        return [
            max(settled - part.access_ended_at_utc, timedelta())
            for text, settled in rows
            for part in decode_parts(text)
            if part.access_ended_at_utc is not None
            and (ended_since_utc is None or part.access_ended_at_utc >= ended_since_utc)
        ]

    def written_since(self, moment_utc: datetime, *, but_by: str) -> dict[str, datetime]:
        """Customers that any other run wrote to since a moment, with the last time.

        Args:
            moment_utc: From when on.
            but_by: The run whose own writes do not count.
        """
        c = journal.c
        query = sa.select(c.parts, c.opened_at_utc).where(
            c.connector_id == self._connector_id, c.opened_at_utc >= moment_utc, c.run_id != but_by
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(c.opened_at_utc)).all()
        return {part.customer_id: opened_at_utc for text, opened_at_utc in rows for part in decode_parts(text)}

    def counts(self, run_id: str) -> dict[str, int]:
        """Number of operations of a run by what became of them."""
        with self._engine.connect() as connection:
            return {state: int(count) for state, count in _counts(connection, self._connector_id, run_id)}

    def _of(
        self, customer_ids: Iterable[str], *conditions: sa.ColumnElement[bool]
    ) -> Iterator[tuple[Any, JournalPart]]:
        """The parts of some customers with their rows, in the order in which they were opened.

        Neighbours are looked up together: a row that lies between two of them and names neither is read in vain.
        """
        meant = {stored_id(key) for key in customer_ids}
        if not meant:
            return
        c = journal.c
        columns = (c.id, c.run_id, c.action, c.parts, c.state, c.opened_at_utc, c.settled_at_utc)
        query = sa.select(*columns).where(
            c.connector_id == self._connector_id,
            c.first_customer <= max(meant),
            c.last_customer >= min(meant),
            *conditions,
        )
        with self._engine.connect() as connection:
            for row in connection.execute(query.order_by(c.id)):
                for part in decode_parts(row.parts):
                    if part.customer_id in meant:
                        yield row, part


def _settle(connection: sa.Connection, made: Mapping[int, Sequence[int | None] | None], state: str) -> None:
    now = utc_now()
    rows = [
        {"of_id": key, "new_state": state, "now": now, "ids": None if ids is None else _encoder.encode(ids).decode()}
        for key, ids in made.items()
    ]
    if rows:
        _SETTLE.execute(connection, rows)


def _of_parts(parts: Sequence[JournalPart]) -> dict[str, Any]:
    return _columns([part.customer_id for part in parts], encode_parts(parts))


def _columns(customers: Sequence[str], packed: bytes) -> dict[str, Any]:
    """The columns that say what a request carries, and for whom."""
    return {
        "first_customer": min(customers),
        "last_customer": max(customers),
        "parts": packed,
        "part_count": len(customers),
    }


def _insert(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    if not rows:
        return []
    if connection.dialect.name != "sqlite":
        return list(connection.execute(_INSERT, rows).scalars())
    insert(connection, journal, rows)
    last: int = connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()
    # A writing transaction is alone in the file, and new rows are numbered one after the other.
    return list(range(last - len(rows) + 1, last + 1))


@Prepared
def _open_ones(connector_id: Any) -> sa.Select[Any]:
    c = journal.c
    return sa.select(c.id, c.action, c.parts).where(c.connector_id == connector_id, c.state == "open").order_by(c.id)


@Prepared
def _counts(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    c = journal.c
    query = sa.select(c.state, sa.func.sum(c.part_count)).where(c.run_id == run_id, c.connector_id == connector_id)
    return query.group_by(c.state)
