"""Plans: what a run is going to do to whom, so that it can be read, exported and answered row by row.

A customer of a plan has one row here; its operations, field by field and masked, are
the lines of the stories that the same transaction wrote.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.journal.intents import Intents
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import batch, plan_customer, story
from customer_sync.ledger.storage.statement import among, chunks, insert
from customer_sync.ledger.story.batches import NOTHING, batches_of, put_outcomes, with_outcome
from customer_sync.ledger.story.lines import lines_of
from customer_sync.ledger.story.log_facets import load_kinds
from customer_sync.model.outcome import Outcome

_PLANNED_BY = ("transform", "compare")
"""Tasks that plan: of a sync, and of a reconciliation."""

_UNAPPLIED = tuple(str(each) for each in (Outcome.SKIPPED, Outcome.FAILED, Outcome.PLANNED))


class PlannedCustomer(NamedTuple):
    """One customer of a run's plan.

    ``name`` is masked. ``plan_hash`` identifies the operations (32 hex digits).
    ``unknown`` is the code of what could not be worked out, ``""`` where all is known.
    """

    customer_id: str
    name: str
    kind: str
    operations: int
    plan_hash: str
    unknown: str = ""


class PlannedChange(NamedTuple):
    """One field of one planned operation; ``field`` is ``""`` where an operation sends no values.

    ``old`` is what we last applied and ``new`` what will be sent, both masked; ``None`` means no value.
    """

    customer_id: str
    name: str
    batch_key: str
    kind: str
    action: str
    entity: str
    key: str
    store_id: str
    field: str
    old: Any
    new: Any
    unknown: str


class Plans:
    """The plans of one connector's runs."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def replace(
        self, connection: sa.Connection, run_id: str, batch_key: str, planned: Iterable[PlannedCustomer]
    ) -> None:
        """Make a batch's part of the plan; an earlier attempt's part goes.

        Must come before the log entries of the same transaction: what is older than the plan is not of it.
        """
        connection.execute(sa.delete(plan_customer).where(self._of(run_id), plan_customer.c.batch_key == batch_key))
        now = utc_now()
        for part in chunks(planned, 1000):
            insert(
                connection,
                plan_customer,
                [
                    {
                        "connector_id": self._connector_id,
                        "run_id": run_id,
                        "customer_id": each.customer_id,
                        "customer_name": each.name[:250],
                        "batch_key": batch_key,
                        "kind": each.kind,
                        "operations": each.operations,
                        "plan_hash": each.plan_hash,
                        "unknown": each.unknown,
                        "withheld": False,
                        "planned_at_utc": now,
                    }
                    for each in part
                ],
            )

    def drop(self, connection: sa.Connection, run_id: str, customer_ids: Iterable[str]) -> None:
        """Forget what was planned for customers for whom it was done: the journal has what was."""
        for part in chunks(customer_ids):
            connection.execute(sa.delete(plan_customer).where(self._of(run_id), plan_customer.c.customer_id.in_(part)))

    def withhold(self, connection: sa.Connection, run_id: str, customer_ids: Iterable[str]) -> None:
        """Take exactly these customers out of the plan that is applied; all others are in it."""
        is_withheld = sa.and_(self._of(run_id), plan_customer.c.withheld)
        connection.execute(sa.update(plan_customer).where(is_withheld).values(withheld=False))
        for part in chunks(customer_ids):
            mine = sa.and_(self._of(run_id), among(plan_customer.c.customer_id, part))
            connection.execute(sa.update(plan_customer).where(mine).values(withheld=True))

    def withheld(self, run_id: str) -> list[tuple[str, PlannedCustomer]]:
        """Customers that were taken out, each with its batch."""
        return [*self._read(run_id, plan_customer.c.withheld)]

    def customers(self, run_id: str, batch_keys: Iterable[str]) -> Iterator[PlannedCustomer]:
        """Customers of some batches that are to be applied, by id."""
        for _, planned in self._read(run_id, ~plan_customer.c.withheld, _in_batches(batch_keys)):
            yield planned

    def among(self, run_id: str, customer_ids: Iterable[str]) -> set[str]:
        """Those of some customers that are in the plan that is applied."""
        return self._placed(run_id, customer_ids, ~plan_customer.c.withheld)

    def _placed(self, run_id: str, customer_ids: Iterable[str], *conditions: sa.ColumnElement[bool]) -> set[str]:
        found: set[str] = set()
        query = sa.select(plan_customer.c.customer_id).where(self._of(run_id), *conditions)
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                found.update(connection.execute(query.where(among(plan_customer.c.customer_id, part))).scalars())
        return found

    def unplanned(self, run_id: str) -> Iterator[tuple[str, str]]:
        """(customer id, batch) of customers that have neither an outcome nor a place in the plan: a task failed."""
        with self._engine.connect() as connection:
            left = batches_of(connection, self._connector_id, run_id, batch.c.open_count > 0)
            open_ones = {key: batch_key for batch_key, key, _ in with_outcome(left, "")}
        planned = self._placed(run_id, open_ones)
        yield from sorted((key, batch_key) for key, batch_key in open_ones.items() if key not in planned)

    def withdrawn(self, run_id: str, batch_keys: Iterable[str], limit: int) -> list[PlannedCustomer]:
        """The first customers whose companies are to be withdrawn, by id."""
        conditions = (
            plan_customer.c.kind == "unenroll",
            plan_customer.c.operations > 0,
            ~plan_customer.c.withheld,
            _in_batches(batch_keys),
        )
        return [planned for _, planned in self._read(run_id, *conditions, limit=limit)]

    def unknown(self, run_id: str, batch_keys: Iterable[str], limit: int) -> dict[str, tuple[int, list[str]]]:
        """What could not be worked out: code -> (number of customers, the first of their ids)."""
        mine = sa.and_(
            self._of(run_id), plan_customer.c.unknown != "", ~plan_customer.c.withheld, _in_batches(batch_keys)
        )
        code = plan_customer.c.unknown
        with self._engine.connect() as connection:
            counts = connection.execute(sa.select(code, sa.func.count()).where(mine).group_by(code).order_by(code))
            found = {}
            for name, count in counts.all():
                query = sa.select(plan_customer.c.customer_id).where(mine, code == name)
                ids = connection.execute(query.order_by(plan_customer.c.customer_id).limit(limit)).scalars()
                found[str(name)] = (int(count), list(ids))
        return found

    def actions(self, run_id: str, batch_keys: Iterable[str]) -> dict[str, int]:
        """Number of planned operations by action."""
        conditions = (~plan_customer.c.withheld, _in_batches(batch_keys))
        counts: Counter[str] = Counter()
        for row in self._planned(run_id, *conditions):
            counts.update(line["action"] for line in row.operations)
        return dict(sorted(counts.items()))

    def changes(self, run_id: str) -> Iterator[PlannedChange]:
        """The plan row by row and field by field, by customer, in the order in which it was made."""
        for row in self._planned(run_id, ~plan_customer.c.withheld):
            if row.planned and not row.operations:
                continue  # done already: the log says what was
            for line in row.operations or [_NOTHING]:
                fields = json.loads(line["changes"]) if line["changes"] else {}
                for field, (old, new) in fields.items() or [("", (None, None))]:
                    yield PlannedChange(
                        *(row.customer_id, row.name, row.batch, row.kind, line["action"], line["entity"]),
                        *(line["record_key"], line["store_id"], field, old, new, row.unknown),
                    )

    def skip(self, connection: sa.Connection, run_id: str, batch_keys: Iterable[str], reason: str) -> None:
        """Give all customers of the plan the outcome ``skipped``."""
        mine = (self._of(run_id), ~plan_customer.c.withheld, _in_batches(batch_keys))
        planned = connection.execute(sa.select(plan_customer.c.customer_id).where(*mine)).scalars()
        put_outcomes(connection, self._connector_id, run_id, dict.fromkeys(planned, (str(Outcome.SKIPPED), reason)))

    def reopen(self, connection: sa.Connection, run_id: str) -> None:
        """Take back the outcomes of customers whose plan was not applied: it is decided upon again."""
        planned = set(connection.execute(sa.select(plan_customer.c.customer_id).where(self._of(run_id))).scalars())
        closed = with_outcome(batches_of(connection, self._connector_id, run_id), *_UNAPPLIED) if planned else ()
        again = [key for _, key, _ in closed if key in planned]
        put_outcomes(connection, self._connector_id, run_id, dict.fromkeys(again, NOTHING))

    def written_by_others(self, run_id: str, batch_keys: Iterable[str], limit: int) -> list[str]:
        """Customers of the plan that another run wrote to since they were planned, by id."""
        mine = sa.and_(self._of(run_id), ~plan_customer.c.withheld, _in_batches(batch_keys))
        planned_at = plan_customer.c.planned_at_utc
        with self._engine.connect() as connection:
            first = connection.execute(sa.select(sa.func.min(planned_at, type_=planned_at.type)).where(mine)).scalar()
            if first is None:
                return []
            written = Intents(self._engine, self._connector_id).written_since(first, but_by=run_id)
            found: list[str] = []
            for part in chunks(written):
                query = sa.select(plan_customer.c.customer_id, planned_at).where(mine)
                rows = connection.execute(query.where(among(plan_customer.c.customer_id, part)))
                found += [key for key, moment in rows if written[key] >= moment]
        return sorted(found)[:limit]

    def _read(
        self, run_id: str, *conditions: sa.ColumnElement[bool], limit: int | None = None
    ) -> Iterator[tuple[str, PlannedCustomer]]:
        names = ("batch_key", "customer_id", "customer_name", "kind", "operations", "plan_hash", "unknown")
        query = sa.select(*(plan_customer.c[name] for name in names)).where(self._of(run_id), *conditions)
        with self._engine.connect() as connection:
            for batch, *planned in connection.execute(query.order_by(plan_customer.c.customer_id).limit(limit)):
                yield batch, PlannedCustomer(*planned)

    def _of(self, run_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(plan_customer.c.connector_id == self._connector_id, plan_customer.c.run_id == run_id)

    def _planned(self, run_id: str, *conditions: sa.ColumnElement[bool]) -> Iterator[_Planned]:
        """The plan, customer by customer, with its operations as the log tells them.

        Stories of an earlier attempt are older than the plan. That is compared here: with a range of times in the join,
        SQLite takes the index by time, and reads the run once per customer.
        """
        is_of_run = sa.and_(
            story.c.run_id == run_id,
            story.c.connector_id == self._connector_id,
            story.c.customer_id == plan_customer.c.customer_id,
            story.c.task.in_(_PLANNED_BY),
        )
        facts = [
            plan_customer.c[name]
            for name in ("customer_id", "customer_name", "batch_key", "kind", "unknown", "operations")
        ]
        query = (
            sa.select(*facts, plan_customer.c.planned_at_utc, story.c.id, story.c.logged_at_utc, story.c.lines)
            .select_from(plan_customer.join(story, is_of_run, isouter=True))
            .where(self._of(run_id), *conditions)
            .order_by(plan_customer.c.customer_id, story.c.id)
        )
        with self._engine.connect() as connection:
            kinds = {key: kind for key, kind in load_kinds(connection, [self._connector_id]).items() if kind.action}
            rows = groupby(connection.execute(query), key=lambda row: tuple(row[:6]))
            for told, stories in rows:
                lines = [
                    line
                    for row in stories
                    if row.lines is not None and row.logged_at_utc >= row.planned_at_utc
                    for line in lines_of({"id": row.id, "lines": row.lines}, kinds)
                ]
                yield _Planned(told[0], told[1], told[2], told[3], told[4], told[5], lines)


class _Planned(NamedTuple):
    customer_id: str
    name: str
    batch: str
    kind: str
    unknown: str
    planned: int
    operations: list[dict[str, Any]]


_NOTHING = {"action": "", "entity": "", "record_key": "", "store_id": "", "changes": ""}


def _in_batches(batch_keys: Iterable[str]) -> sa.ColumnElement[bool]:
    keys: Sequence[str] = list(batch_keys)
    return plan_customer.c.batch_key.in_(keys)
