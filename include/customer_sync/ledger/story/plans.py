"""Plans: what a run is going to do to whom, so that it can be read, exported and answered row by row.

A batch's part of a plan is one row with its customers and their operations, until load has done what was planned.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.journal.intents import Intents
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.packing import deflate
from customer_sync.ledger.storage.schema import plan
from customer_sync.ledger.storage.statement import Prepared, among, upsert
from customer_sync.ledger.story.batches import NOTHING, Which, batches_of, put_outcomes, with_outcome
from customer_sync.model.operation import Operation
from customer_sync.model.outcome import Outcome

_UNAPPLIED = tuple(str(each) for each in (Outcome.SKIPPED, Outcome.FAILED, Outcome.PLANNED))


class PlannedCustomer(NamedTuple):
    """One customer of a run's plan.

    ``name`` is masked. ``operations`` is their number, ``plan_hash`` identifies them (32 hex digits).
    ``unknown`` is the code of what could not be worked out, ``""`` where all is known. ``release`` is the encoded plan
    of a customer that gives e-mails up, for loads of other batches that need them first.
    """

    customer_id: str
    name: str
    kind: str
    operations: int
    plan_hash: str
    unknown: str = ""
    release: bytes = b""


class PlannedOperations(NamedTuple):
    """What is to be done for one customer of a batch, in order; values are the real ones."""

    batch_key: str
    customer: PlannedCustomer
    operations: tuple[Operation, ...]


_encoder = msgspec.json.Encoder()
_customers = msgspec.json.Decoder(list[PlannedCustomer])
_operations = msgspec.json.Decoder(list[tuple[Operation, ...]])
_raw_operations = msgspec.json.Decoder(list[msgspec.Raw])
_keys = msgspec.json.Decoder(list[str])


class _Part(NamedTuple):
    """A batch's part of a plan."""

    batch_key: str
    planned_at_utc: datetime
    customers: list[PlannedCustomer]
    withheld: frozenset[str]

    def applied(self) -> list[PlannedCustomer]:
        """The customers that are to be applied."""
        return [each for each in self.customers if each.customer_id not in self.withheld]


class Plans:
    """The plans of one connector's runs."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def replace(
        self,
        connection: sa.Connection,
        run_id: str,
        batch_key: str,
        planned: Sequence[PlannedCustomer],
        operations: Iterable[bytes],
    ) -> None:
        """Make a batch's part of the plan; an earlier attempt's part goes.

        Args:
            connection: A writing transaction.
            run_id: The run.
            batch_key: The batch.
            planned: Its customers.
            operations: The operations of each, as :meth:`CustomerPlan.packed_operations` packs them.
        """
        if not planned:
            connection.execute(sa.delete(plan).where(self._of(run_id), plan.c.batch_key == batch_key))
            return
        row = {
            "connector_id": self._connector_id,
            "run_id": run_id,
            "batch_key": batch_key,
            "planned_at_utc": utc_now(),
            "customers": deflate(_encoder.encode(planned)),
            "operations": deflate(b"[%b]" % b",".join(operations)),
            "withheld": "[]",
        }
        upsert(connection, plan, [row])

    def releases(self, run_id: str, batch_of: Mapping[str, str]) -> dict[str, bytes]:
        """The encoded plans of those of some customers, each given with its batch, who give e-mails up in that run."""
        found = self.customers(run_id, set(batch_of.values()))
        return {each.customer_id: each.release for each in found if each.release and each.customer_id in batch_of}

    def drop(self, connection: sa.Connection, run_id: str, batch_key: str, customer_ids: Collection[str]) -> None:
        """Forget what was planned for customers of a batch for whom it was done: the journal has what was."""
        mine = (self._of(run_id), plan.c.batch_key == batch_key)
        row = connection.execute(sa.select(plan.c.customers, plan.c.operations).where(*mine)).first()
        if row is None:
            return
        customers = _customers.decode(zlib.decompress(row.customers))
        left = [place for place, each in enumerate(customers) if each.customer_id not in customer_ids]
        if not left:
            connection.execute(sa.delete(plan).where(*mine))
        elif len(left) < len(customers):
            operations = _raw_operations.decode(zlib.decompress(row.operations))
            values = {
                "customers": deflate(_encoder.encode([customers[place] for place in left])),
                "operations": deflate(_encoder.encode([operations[place] for place in left])),
            }
            connection.execute(sa.update(plan).where(*mine).values(**values))

    def withhold(self, connection: sa.Connection, run_id: str, customer_ids: Collection[str]) -> None:
        """Take exactly these customers out of the plan that is applied; all others are in it."""
        _apply_all(connection, self._connector_id, run_id)
        for part in self._parts(connection, run_id) if customer_ids else ():
            out = [each.customer_id for each in part.customers if each.customer_id in customer_ids]
            if out:
                mine = sa.and_(self._of(run_id), plan.c.batch_key == part.batch_key)
                connection.execute(sa.update(plan).where(mine).values(withheld=_encoder.encode(out).decode()))

    def withheld(self, run_id: str) -> list[tuple[str, PlannedCustomer]]:
        """Customers that were taken out, each with its batch."""
        with self._engine.connect() as connection:
            return [
                (part.batch_key, each)
                for part in _parts(_parts_withheld(connection, self._connector_id, run_id))
                for each in part.customers
                if each.customer_id in part.withheld
            ]

    def customers(self, run_id: str, batch_keys: Iterable[str]) -> list[PlannedCustomer]:
        """Customers of some batches that are to be applied, by id."""
        with self._engine.connect() as connection:
            parts = list(self._some_parts(connection, run_id, batch_keys))
        return sorted(each for part in parts for each in part.applied())

    def among(self, run_id: str, batch_of: Mapping[str, str]) -> set[str]:
        """Those of some customers, each given with its batch, that are in the plan that is applied."""
        applied = {each.customer_id for each in self.customers(run_id, set(batch_of.values()))}
        return applied.intersection(batch_of)

    def unplanned(self, run_id: str) -> Iterator[tuple[str, str]]:
        """(customer id, batch) of customers that have neither an outcome nor a place in the plan: a task failed."""
        with self._engine.connect() as connection:
            left = batches_of(connection, self._connector_id, run_id, Which.WITH_OPEN_ONES)
            open_ones = {key: batch_key for batch_key, key, _ in with_outcome(left, "")}
            planned = {each.customer_id for part in self._parts(connection, run_id) for each in part.customers}
        yield from sorted((key, batch_key) for key, batch_key in open_ones.items() if key not in planned)

    def withdrawn(self, run_id: str, batch_keys: Iterable[str], limit: int) -> list[PlannedCustomer]:
        """The first customers whose companies are to be withdrawn, by id."""
        found = self.customers(run_id, batch_keys)
        return [each for each in found if each.kind == "unenroll" and each.operations][:limit]

    def unknown(self, run_id: str, batch_keys: Iterable[str], limit: int) -> dict[str, tuple[int, list[str]]]:
        """What could not be worked out: code -> (number of customers, the first of their ids)."""
        found: dict[str, list[str]] = {}
        for each in self.customers(run_id, batch_keys):
            if each.unknown:
                found.setdefault(each.unknown, []).append(each.customer_id)
        return {code: (len(ids), ids[:limit]) for code, ids in sorted(found.items())}

    def actions(self, run_id: str, batch_keys: Iterable[str]) -> dict[str, int]:
        """Number of planned operations by action."""
        counts: Counter[str] = Counter()
        for each in self.operations(run_id, batch_keys):
            counts.update(str(operation.action) for operation in each.operations)
        return dict(sorted(counts.items()))

    def operations(self, run_id: str, batch_keys: Iterable[str] | None = None) -> Iterator[PlannedOperations]:
        """What is to be done for each customer that is to be applied, batch by batch, of all batches or of some."""
        chosen = [] if batch_keys is None else [_in_batches(batch_keys)]
        with self._engine.connect() as connection:
            keys = connection.execute(sa.select(plan.c.batch_key).where(self._of(run_id), *chosen)).scalars().all()
            for key in sorted(keys):
                mine = plan.c.batch_key == key
                query = sa.select(plan.c.operations).where(self._of(run_id), mine)
                operations = _operations.decode(zlib.decompress(connection.execute(query).scalar_one()))
                for part in self._some_parts(connection, run_id, [key]):
                    for each, its in zip(part.customers, operations, strict=True):
                        if each.customer_id not in part.withheld:
                            yield PlannedOperations(key, each, its)

    def skip(self, connection: sa.Connection, run_id: str, batch_keys: Iterable[str], reason: str) -> None:
        """Give all customers of the plan the outcome ``skipped``."""
        parts = self._some_parts(connection, run_id, batch_keys)
        planned = [each.customer_id for part in parts for each in part.applied()]
        put_outcomes(connection, self._connector_id, run_id, dict.fromkeys(planned, (str(Outcome.SKIPPED), reason)))

    def reopen(self, connection: sa.Connection, run_id: str) -> None:
        """Take back the outcomes of customers whose plan was not applied: it is decided upon again."""
        closed = [key for _, key, _ in with_outcome(batches_of(connection, self._connector_id, run_id), *_UNAPPLIED)]
        if closed:
            planned = {each.customer_id for part in self._parts(connection, run_id) for each in part.customers}
            again = [key for key in closed if key in planned]
            put_outcomes(connection, self._connector_id, run_id, dict.fromkeys(again, NOTHING))

    def written_by_others(self, run_id: str, batch_keys: Iterable[str], limit: int) -> list[str]:
        """Customers of the plan that another run wrote to since they were planned, by id."""
        with self._engine.connect() as connection:
            parts = list(self._some_parts(connection, run_id, batch_keys))
        if not parts:
            return []
        first = min(part.planned_at_utc for part in parts)
        written = Intents(self._engine, self._connector_id).written_since(first, but_by=run_id)
        found = [
            each.customer_id
            for part in parts
            for each in part.applied()
            if each.customer_id in written and written[each.customer_id] >= part.planned_at_utc
        ]
        return sorted(found)[:limit]

    def _parts(self, connection: sa.Connection, run_id: str) -> Iterator[_Part]:
        return _parts(_parts_of_run(connection, self._connector_id, run_id))

    def _some_parts(self, connection: sa.Connection, run_id: str, batch_keys: Iterable[str]) -> Iterator[_Part]:
        return _parts(_parts_of_batches(connection, self._connector_id, run_id, list(batch_keys)))

    def _of(self, run_id: str) -> sa.ColumnElement[bool]:
        return _of_run(self._connector_id, run_id)


def _in_batches(batch_keys: Iterable[str]) -> sa.ColumnElement[bool]:
    return plan.c.batch_key.in_(list(batch_keys))


def _parts(rows: sa.CursorResult[*tuple[Any, ...]]) -> Iterator[_Part]:
    for key, planned_at_utc, customers, withheld in rows.all():
        found = _customers.decode(zlib.decompress(customers))
        yield _Part(key, planned_at_utc, found, frozenset(_keys.decode(withheld)))


def _of_run(connector_id: Any, run_id: Any) -> sa.ColumnElement[bool]:
    return sa.and_(plan.c.connector_id == connector_id, plan.c.run_id == run_id)


_PARTS = sa.select(plan.c.batch_key, plan.c.planned_at_utc, plan.c.customers, plan.c.withheld).order_by(
    plan.c.batch_key
)


@Prepared
def _parts_of_run(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    return _PARTS.where(_of_run(connector_id, run_id))


@Prepared
def _parts_of_batches(connector_id: Any, run_id: Any, batch_keys: Any) -> sa.Select[Any]:
    return _PARTS.where(_of_run(connector_id, run_id), among(plan.c.batch_key, batch_keys))


@Prepared
def _parts_withheld(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    return _PARTS.where(_of_run(connector_id, run_id), plan.c.withheld != "[]")


@Prepared
def _apply_all(of_connector: Any, of_run: Any) -> sa.Update:
    return sa.update(plan).where(_of_run(of_connector, of_run), plan.c.withheld != "[]").values(withheld="[]")
