"""Runs, and the outcome of every customer that a run extracted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import batch, plan, run, unfinished
from customer_sync.ledger.storage.statement import Prepared, among, chunks, upsert
from customer_sync.ledger.story.batches import (
    NOTHING,
    Which,
    batches_of,
    forget_batches,
    naming,
    outcomes_of,
    put_batch,
    put_outcomes,
    with_outcome,
)
from customer_sync.model.outcome import REFUSED_PLAN_REASONS, Outcome


class CustomerOutcome(NamedTuple):
    """One customer's outcome in one run, with the reason codes that led to it."""

    customer_id: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()


class Runs:
    """The runs of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def begin(self, connection: sa.Connection, run_id: str, **columns: Any) -> None:
        """Record that a run's extraction starts; a repeated attempt starts the run's book afresh."""
        forget_batches(connection, self._connector_id, run_id)
        _forget_plan(connection, self._connector_id, run_id)
        row = {
            "run_id": run_id,
            "connector_id": self._connector_id,
            "state": "running",
            "extracted": 0,
            "usage": None,
            "approval": None,
            "started_at_utc": utc_now(),
            "ended_at_utc": None,
            **columns,
        }
        upsert(connection, run, [row], keep=("started_at_utc",))

    def update(self, connection: sa.Connection, run_id: str, **columns: Any) -> None:
        """Change some columns of a run."""
        _update(tuple(columns))(connection, self._connector_id, run_id, *columns.values())

    def get(self, run_id: str) -> dict[str, Any] | None:
        """The run's row, or ``None``."""
        with self._engine.connect() as connection:
            row = _row(connection, self._connector_id, run_id).mappings().one_or_none()
        return dict(row) if row else None

    def owners_of_moved(self, run_id: str) -> dict[str, str]:
        """Contact -> the customer that it was read with, of those who are users of another customer's company."""
        row = self.get(run_id)
        found: dict[str, str] = (row["window"] or {}).get("moved", {}) if row else {}
        return found

    def recent(self, mode: str, limit: int) -> list[dict[str, Any]]:
        """The newest finished runs of a mode, newest first."""
        query = sa.select(run).where(
            run.c.connector_id == self._connector_id, run.c.mode == mode, run.c.ended_at_utc.is_not(None)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(run.c.started_at_utc.desc()).limit(limit)).mappings()
            return [dict(row) for row in rows]

    def last_good_start(self, *, before_utc: datetime | None = None, mode: str = "") -> datetime | None:
        """When the newest run began that was green and moved the watermark; all changes before it are accounted for.

        Args:
            before_utc: Only runs that began earlier; any by default.
            mode: Only runs of that mode; any by default.

        Returns:
            The moment, or ``None`` when no run was good yet.
        """
        query = sa.select(sa.func.max(run.c.started_at_utc)).where(
            run.c.connector_id == self._connector_id, run.c.state == "success", run.c.moves_watermark
        )
        if mode:
            query = query.where(run.c.mode == mode)
        if before_utc is not None:
            query = query.where(run.c.started_at_utc < before_utc)
        return self._moment(query)

    def first_start(self) -> datetime | None:
        """When the connector's first run began that could have moved the watermark."""
        return self._moment(
            sa.select(sa.func.min(run.c.started_at_utc)).where(
                run.c.connector_id == self._connector_id, run.c.moves_watermark
            )
        )

    def _moment(self, query: sa.Select[Any]) -> datetime | None:
        with self._engine.connect() as connection:
            found: datetime | None = connection.execute(query).scalar_one_or_none()
        return found

    def add_usage(self, connection: sa.Connection, run_id: str, used: Mapping[str, Mapping[str, int]]) -> None:
        """Add numbers to what the run has used: system -> name -> count."""
        # Batches of a run end at the same time on different machines, and none may lose another's numbers.
        known = _usage(connection, self._connector_id, run_id).scalar_one_or_none() or {}
        total = {system: dict(numbers) for system, numbers in known.items()}
        for system, numbers in used.items():
            for name, count in numbers.items():
                total.setdefault(system, {})[name] = total.get(system, {}).get(name, 0) + count
        _put_usage(connection, self._connector_id, run_id, total)

    def _is(self, run_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(run.c.run_id == run_id, run.c.connector_id == self._connector_id)

    def add_customers(
        self, connection: sa.Connection, run_id: str, batch_key: str, customer_ids: Sequence[str]
    ) -> None:
        """Record a batch of extracted customers, still without an outcome."""
        self._add(connection, run_id, batch_key, dict.fromkeys(customer_ids, NOTHING), handed_on=True)

    def add_closed(
        self, connection: sa.Connection, run_id: str, batch_key: str, became: Mapping[str, tuple[str, str]]
    ) -> None:
        """Record extracted customers that go on to no step.

        Args:
            connection: A writing transaction.
            run_id: The run.
            batch_key: A name for them among the run's batches.
            became: Customer -> outcome and codes of its reasons, joined by commas.
        """
        self._add(connection, run_id, batch_key, became, handed_on=False)

    def _add(
        self,
        connection: sa.Connection,
        run_id: str,
        batch_key: str,
        became: Mapping[str, tuple[str, str]],
        *,
        handed_on: bool,
    ) -> None:
        put_batch(connection, self._connector_id, run_id, batch_key, became, handed_on=handed_on)
        _add_extracted(connection, self._connector_id, run_id, len(became))

    def put_outcomes(self, connection: sa.Connection, run_id: str, outcomes: Iterable[CustomerOutcome]) -> None:
        """Write outcomes; a later attempt's replace an earlier one's."""
        became = {each.customer_id: (str(each.outcome), ",".join(each.reasons)[:500]) for each in outcomes}
        put_outcomes(connection, self._connector_id, run_id, became)

    def clear_outcomes(self, connection: sa.Connection, run_id: str, customer_ids: Iterable[str]) -> None:
        """Take outcomes back before a batch is worked on again, so that none of an earlier attempt is left."""
        put_outcomes(connection, self._connector_id, run_id, dict.fromkeys(customer_ids, NOTHING))

    def outcome_counts(self, run_id: str) -> dict[str, int]:
        """Customers of a run by outcome; the key ``""`` counts those without one."""
        counts: Counter[str] = Counter()
        with self._engine.connect() as connection:
            for became in outcomes_of(connection, self._connector_id, run_id):
                counts.update(outcome for outcome, _ in became)
        return dict(counts)

    def reason_counts(self, run_id: str) -> dict[str, int]:
        """How often each reason code decided a customer's outcome, most frequent first."""
        counts: Counter[str] = Counter()
        with self._engine.connect() as connection:
            for became in outcomes_of(connection, self._connector_id, run_id):
                counts.update(code for _, reasons in became if reasons for code in reasons.split(","))
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def customers(self, run_id: str) -> list[tuple[str, str, str, str]]:
        """(customer id, batch, outcome, reasons) of every customer of a run, by id."""
        with self._engine.connect() as connection:
            return sorted(
                (key, each.key, *became)
                for each in batches_of(connection, self._connector_id, run_id)
                for key, became in zip(each.customers, each.became, strict=True)
            )

    def with_reason(self, run_id: str, reason: str, limit: int | None = None) -> list[str]:
        """Quarantined customers of a run that have this one reason, by id."""
        with self._engine.connect() as connection:
            found = with_outcome(batches_of(connection, self._connector_id, run_id), Outcome.QUARANTINED)
            return sorted(key for _, key, (_, reasons) in found if reasons == reason)[:limit]

    def without_outcome(self, run_id: str, limit: int | None = None) -> dict[str, str]:
        """Customers that were extracted and have no outcome yet, with their batch; at most ``limit`` of them."""
        with self._engine.connect() as connection:
            left = batches_of(connection, self._connector_id, run_id, Which.WITH_OPEN_ONES)
            found = ((key, batch_key) for batch_key, key, _ in with_outcome(left, ""))
            return dict(sorted(found)[:limit])

    def parts_of_long_read(self, run_id: str) -> list[str]:
        """The earlier runs of the long read that a run goes on with."""
        query = (
            sa.select(run.c.run_id, run.c.window)
            .where(
                run.c.connector_id == self._connector_id,
                run.c.run_id != run_id,
                run.c.mode == "full",
                run.c.state == "success",
                run.c.moves_watermark,
            )
            .order_by(run.c.started_at_utc.desc())
        )
        found: list[str] = []
        with self._engine.connect() as connection:
            for earlier, window in connection.execute(query):
                found.append(earlier)
                if not window.get("resume_after"):
                    break
        return found

    def extracted(self, run_id: str, customer_ids: Iterable[str]) -> set[str]:
        """Which of these customers the run has read already."""
        meant = set(customer_ids)
        with self._engine.connect() as connection:
            batches = batches_of(connection, self._connector_id, run_id)
            return {key for each in batches for key in each.customers if key in meant}

    def handed_on(self, run_id: str) -> tuple[int, int]:
        """Number of batches that extract handed on, and of the customers in them."""
        with self._engine.connect() as connection:
            batches, customers = _handed_on(connection, self._connector_id, run_id).one()
        return int(batches), int(customers)

    def closed_by_extract(self, run_id: str) -> Counter[str]:
        """Customers that extract closed itself, by outcome."""
        with self._engine.connect() as connection:
            found = batches_of(connection, self._connector_id, run_id, Which.CLOSED_BY_EXTRACT)
            return Counter(outcome for each in found for outcome, _ in each.became)

    def last_customer(self, run_id: str, batch_key: str) -> str:
        """The greatest customer id of a batch."""
        mine = sa.and_(batch.c.connector_id == self._connector_id, batch.c.run_id == run_id)
        query = sa.select(batch.c.last_customer).where(mine, batch.c.batch_key == batch_key)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def batch_of(self, run_id: str, customer_id: str) -> str:
        """The batch in which a run read a customer; ``""`` when it did not."""
        with self._engine.connect() as connection:
            found = naming(connection, self._connector_id, customer_id, run.c.run_id == run_id)
            return next((batch_key for _, batch_key, _ in found), "")

    def latest_of(self, customer_id: str) -> dict[str, Any] | None:
        """The newest run that read a customer, with ``outcome`` and ``reasons``; ``None`` when there is none."""
        with self._engine.connect() as connection:
            found = next(naming(connection, self._connector_id, customer_id), None)
        if found is None:
            return None
        run_id, _, (outcome, reasons) = found
        return {**(self.get(run_id) or {}), "outcome": outcome, "reasons": reasons}

    def reading(self, customer_id: str, among_newest: int = 200) -> list[tuple[str, datetime, str]]:
        """(run, its start, outcome) of those of the connector's newest runs that read a customer, newest first."""
        starts = sa.select(run.c.run_id, run.c.started_at_utc).where(run.c.connector_id == self._connector_id)
        with self._engine.connect() as connection:
            newest = connection.execute(starts.order_by(run.c.started_at_utc.desc()).limit(among_newest)).all()
            if not newest:
                return []
            known: dict[str, datetime] = {row[0]: row[1] for row in newest}
            since = run.c.started_at_utc >= newest[-1].started_at_utc
            found = naming(connection, self._connector_id, customer_id, since)
            return [(run_id, known[run_id], became[0]) for run_id, _, became in found if run_id in known]

    def of_interval(self, interval: tuple[str, str]) -> set[str]:
        """Customers that earlier runs of the same data interval recorded: a re-processed one takes them up again."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(run.c.run_id, run.c.window).where(run.c.connector_id == self._connector_id)
            )
            ids = [run_id for run_id, window in rows if tuple(window.get("interval") or ()) == tuple(interval)]
            for run_id in ids:
                for each in batches_of(connection, self._connector_id, run_id):
                    found.update(each.customers)
        return found

    def postpone(self, connection: sa.Connection, customer_ids: Iterable[str]) -> None:
        """Have the next incremental run read customers that did not fit into this one."""
        now = utc_now()
        for part in chunks(customer_ids):
            rows = [
                {"connector_id": self._connector_id, "customer_id": key, "since_utc": now, "attempts": 0}
                for key in part
            ]
            upsert(connection, unfinished, rows, keep=("since_utc", "attempts"))

    def forget_unfinished(self, connection: sa.Connection, customer_ids: Iterable[str]) -> None:
        """Stop reading customers again that the ERP no longer shows."""
        for part in chunks(customer_ids):
            connection.execute(
                sa.delete(unfinished).where(
                    unfinished.c.connector_id == self._connector_id, among(unfinished.c.customer_id, part)
                )
            )

    def refresh_unfinished(self, connection: sa.Connection, run_id: str) -> None:
        """Remember who failed or was refused in this run, forget who did not.

        The next incremental run re-reads the former.
        """
        known = {key for key, _ in _unfinished(connection, self._connector_id)}
        failed: list[str] = []
        done: list[str] = []
        for each in batches_of(connection, self._connector_id, run_id):
            for key, became in zip(each.customers, each.became, strict=True):
                if became != NOTHING:
                    (failed if _is_left(*became) else done).append(key)
        self.forget_unfinished(connection, known.intersection(done))
        for part in chunks(known.intersection(failed)):
            mine = unfinished.c.connector_id == self._connector_id
            again = sa.update(unfinished).where(mine, among(unfinished.c.customer_id, part))
            connection.execute(again.values(attempts=unfinished.c.attempts + 1))
        now = utc_now()
        rows = [
            {"connector_id": self._connector_id, "customer_id": key, "since_utc": now, "attempts": 1}
            for key in sorted(set(failed) - known)
        ]
        for part_of_rows in chunks(rows):
            upsert(connection, unfinished, part_of_rows, keep=("since_utc",))

    def unfinished(self) -> dict[str, datetime]:
        """Customers whose last outcome is ``failed``, or whose plan was refused, with the time since when."""
        with self._engine.connect() as connection:
            return dict(_unfinished(connection, self._connector_id).all())


def _is_left(outcome: str, reasons: str) -> bool:
    """Whether a customer is to be read again although nothing of it changes."""
    return outcome == Outcome.FAILED or (outcome == Outcome.SKIPPED and reasons in REFUSED_PLAN_REASONS)


def _of_run(connector_id: Any, run_id: Any) -> sa.ColumnElement[bool]:
    return sa.and_(run.c.run_id == run_id, run.c.connector_id == connector_id)


@Prepared
def _forget_plan(connector_id: Any, run_id: Any) -> sa.Delete:
    return sa.delete(plan).where(plan.c.connector_id == connector_id, plan.c.run_id == run_id)


@Prepared
def _row(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    return sa.select(run).where(_of_run(connector_id, run_id))


@Prepared
def _usage(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    return sa.select(run.c.usage).where(_of_run(connector_id, run_id)).with_for_update()


@Prepared
def _put_usage(of_connector: Any, of_run: Any, total: Any) -> sa.Update:
    return sa.update(run).where(_of_run(of_connector, of_run)).values(usage=total)


@Prepared
def _add_extracted(of_connector: Any, of_run: Any, more: Any) -> sa.Update:
    return sa.update(run).where(_of_run(of_connector, of_run)).values(extracted=run.c.extracted + more)


@cache
def _update(columns: tuple[str, ...]) -> Prepared:
    """Writes some columns of a run."""

    def build(of_connector: Any, of_run: Any, *new: Any) -> sa.Update:
        return sa.update(run).where(_of_run(of_connector, of_run)).values(dict(zip(columns, new, strict=True)))

    return Prepared(build, ("of_connector", "of_run", *(f"new_{name}" for name in columns)))


@Prepared
def _handed_on(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    mine = (batch.c.connector_id == connector_id, batch.c.run_id == run_id, batch.c.handed_on)
    return sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(batch.c.size), 0)).where(*mine)


@Prepared
def _unfinished(connector_id: Any) -> sa.Select[Any]:
    mine = unfinished.c.connector_id == connector_id
    return sa.select(unfinished.c.customer_id, unfinished.c.since_utc).where(mine)
