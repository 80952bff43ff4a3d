"""The connector log: append-only lines about what happened to whom, and why, kept as stories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import known_customer, log_count, story
from customer_sync.ledger.storage.statement import Prepared, among, chunks, insert, upsert
from customer_sync.ledger.story.batches import stored
from customer_sync.ledger.story.lines import (
    EVERYBODY,
    Line,
    Told,
    as_line,
    digest_of,
    joint_line,
    kinds_in,
    put_stories,
    take_planned,
    told_lines,
)
from customer_sync.ledger.story.log_facets import LogKind, load_kinds, put_kinds
from customer_sync.model.outcome import LogEntry, Outcome


class Log:
    """The connector log of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def append(
        self,
        connection: sa.Connection,
        run_id: str,
        task: str,
        try_number: int,
        entries: Iterable[LogEntry],
        *,
        in_place_of: Collection[str] = (),
    ) -> set[str]:
        """Add lines; names must be masked already.

        Who is closed with what was said of him before gets no story: all of these share one line for each outcome.

        Args:
            connection: A writing transaction.
            run_id: The run.
            task: The step that says it.
            try_number: The attempt.
            entries: What is said.
            in_place_of: Steps of the same run that planned for the same customers: what they said of operations goes,
                what else they said is kept with the new lines.

        Returns:
            The customers of whom nothing new was said.
        """
        now = utc_now()
        told, kinds = self._gather(entries)
        put_kinds(connection, kinds.values())
        hour = full_hour(now)
        counts = Counter((hour, line.kind_id) for each in told.values() for line in each.lines)
        if in_place_of:
            kept, gone = take_planned(connection, self._connector_id, run_id, in_place_of, told)
            for customer_id, planned in kept.items():
                lines = [line for line in planned if line not in told[customer_id].lines]
                told[customer_id].lines[:0] = lines
                counts.update((hour, line.kind_id) for line in lines)
            for (moment, kind_id), count in gone.items():
                counts[full_hour(moment), kind_id] -= count
            kinds = load_kinds(connection, [self._connector_id])
        known = self._known(connection, told)
        said = {customer_id: _said(each.lines, kinds) for customer_id, each in told.items()}
        as_before = {
            key for key, each in said.items() if each.may_be_joined and key in known and known[key].told == each.digest
        }
        stories = {key: each for key, each in told.items() if key not in as_before}
        joint: dict[int, list[str]] = {}
        for key in as_before:
            for line in told[key].lines:
                if kinds[line.kind_id].outcome:
                    joint.setdefault(line.kind_id, []).append(key)
                else:
                    counts[hour, line.kind_id] -= 1
        if joint:
            stories[EVERYBODY] = Told("", [joint_line(kind_id, keys) for kind_id, keys in sorted(joint.items())])
        common = {"logged_at_utc": now, "run_id": run_id, "task": task, "try_number": try_number}
        for part in chunks(stories, 1000):
            put_stories(connection, self._connector_id, common, {key: stories[key] for key in part})
        _count(connection, run_id, counts)
        with_finding = {
            key: any(kinds[line.kind_id].is_finding for line in each.lines) for key, each in stories.items()
        }
        digests = {key: each.digest for key, each in said.items() if each.is_closed}
        self._know(connection, told, known, digests, with_finding)
        return as_before

    def repeat(
        self,
        connection: sa.Connection,
        run_id: str,
        task: str,
        try_number: int,
        became: Mapping[str, tuple[str, str]],
    ) -> None:
        """Close customers with what was said of each before: one line for all with the same outcome and reasons.

        Args:
            connection: A writing transaction.
            run_id: The run.
            task: The step that says it.
            try_number: The attempt.
            became: Customer -> outcome and codes of its reasons, joined by commas.
        """
        alike: dict[tuple[str, str], list[str]] = {}
        for customer_id, each in became.items():
            alike.setdefault(each, []).append(customer_id)
        kinds = {
            LogKind(self._connector_id, "customer", "", outcome, "info", reasons): customers
            for (outcome, reasons), customers in alike.items()
        }
        put_kinds(connection, kinds)
        now = utc_now()
        common = {"logged_at_utc": now, "run_id": run_id, "task": task, "try_number": try_number}
        lines = [joint_line(kind.id, customers) for kind, customers in kinds.items()]
        put_stories(connection, self._connector_id, common, {EVERYBODY: Told("", lines)})
        hour = full_hour(now)
        _count(connection, run_id, {(hour, kind.id): len(customers) for kind, customers in kinds.items()})

    def _gather(self, entries: Iterable[LogEntry]) -> tuple[dict[str, Told], dict[int, LogKind]]:
        """What is said of whom, and its kinds by their numbers."""
        told: dict[str, Told] = {}
        kinds: dict[int, LogKind] = {}
        numbers: dict[tuple[str, str, str, str, tuple[str, ...]], int] = {}
        for entry in entries:
            words = (entry.entity, entry.action, entry.outcome, entry.level, entry.reasons)
            number = numbers.get(words)
            if number is None:
                kind = self._kind(entry)
                number = numbers[words] = kind.id
                kinds[number] = kind
            customer_id, name = stored(entry.customer_id[:200]), entry.customer_name[:250]
            each = told.get(customer_id)
            if each is None:
                each = told[customer_id] = Told(name, [])
            elif name and name != each.name:
                each = told[customer_id] = Told(name, each.lines)
            each.lines.append(as_line(entry, number))
        return told, kinds

    def rows(self, *, run_id: str = "", customer_id: str = "", limit: int | None = 100) -> list[dict[str, Any]]:
        """The newest rows first, of a run and/or a customer; ``limit`` ``None`` gives all."""
        query = sa.select(story).where(story.c.connector_id == self._connector_id)
        if run_id:
            query = query.where(story.c.run_id == run_id)
        if customer_id:
            query = query.where(story.c.customer_id == customer_id)
        query = query.order_by(story.c.logged_at_utc.desc(), story.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            found = told_lines(connection, self._connector_id, query)
        return sorted(found, key=lambda row: (row["logged_at_utc"], row["id"]), reverse=True)[:limit]

    def runs_of(self, customer_id: str) -> set[str]:
        """The runs that said something of one customer."""
        c = story.c
        mine = (c.connector_id == self._connector_id, c.customer_id == customer_id)
        with self._engine.connect() as connection:
            return set(connection.execute(sa.select(c.run_id).where(*mine).distinct()).scalars())

    def names(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """The masked names of those of some customers whom the log knows by one."""
        with self._engine.connect() as connection:
            return {key: each.name for key, each in self._known(connection, customer_ids).items() if each.name}

    def _kind(self, entry: LogEntry) -> LogKind:
        reasons = ",".join(entry.reasons)[:500]
        return LogKind(self._connector_id, entry.entity, entry.action, entry.outcome, entry.level, reasons)

    def _known(self, connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, _Known]:
        found: dict[str, _Known] = {}
        for part in chunks(customer_ids):
            rows = _known_ones(connection, self._connector_id, part)
            found.update((key, _Known(*values)) for key, *values in rows)
        return found

    def _know(
        self,
        connection: sa.Connection,
        told: Mapping[str, Told],
        known: Mapping[str, _Known],
        said: Mapping[str, str],
        with_finding: Mapping[str, bool],
    ) -> None:
        """Keep whom the log knows: the newest name, where one was given, and what was said last."""
        rows = []
        for customer_id, each in sorted(told.items()):
            before = known.get(customer_id, _UNKNOWN)
            now = _Known(
                each.name or before.name,
                said.get(customer_id, before.told),
                with_finding.get(customer_id, before.has_finding),
            )
            if now != before:
                search = f"{customer_id} {now.name}".casefold()
                rows.append({**self._of(customer_id), **now._asdict(), "search": search})
        upsert(connection, known_customer, rows, keep=("search",))

    def _of(self, customer_id: str) -> dict[str, str]:
        return {"connector_id": self._connector_id, "customer_id": customer_id}


class _Known(NamedTuple):
    """A customer whom the log knows.

    Attributes:
        name: Masked.
        told: Identifies what was said last.
        has_finding: Whether the latest story asks for a person.
    """

    name: str
    told: str | None
    has_finding: bool


_UNKNOWN = _Known("", None, has_finding=False)


class _Said(NamedTuple):
    """What is said of a customer: whether it closes the customer, and whether it may be said of many at once."""

    digest: str
    is_closed: bool
    may_be_joined: bool


def _said(lines: Sequence[Line], kinds: Mapping[int, LogKind]) -> _Said:
    """Judge lines: what was done is past with its run, all else holds until something else is said."""
    mine = [kinds[line.kind_id] for line in lines]
    lasting = [line for line, kind in zip(lines, mine, strict=True) if not kind.action and kind.outcome not in _IN_SYNC]
    is_closed = any(kind.outcome for kind in mine)
    may_be_joined = is_closed and all(not kind.action and kind.outcome in _REPEATED for kind in mine)
    return _Said(digest_of(lasting), is_closed, may_be_joined)


_IN_SYNC = frozenset(
    {Outcome.CREATED, Outcome.ADOPTED, Outcome.UPDATED, Outcome.REACTIVATED, Outcome.UNCHANGED, Outcome.PLANNED}
)
"""Outcomes after which there is nothing to say of a customer but what is left out of it."""

_REPEATED = frozenset({"", Outcome.UNCHANGED, Outcome.FILTERED, Outcome.SKIPPED, Outcome.WAITING})
"""Outcomes that are said of many at once where they are no news."""


def full_hour(moment: datetime) -> datetime:
    """The beginning of the hour: rows of the log are counted by it."""
    return moment.replace(minute=0, second=0, microsecond=0)


def remove_stories(connection: sa.Connection, story_ids: Iterable[int]) -> None:
    """Remove stories, and their lines from the counts; counts that come to nothing go as well."""
    columns = (story.c.run_id, story.c.logged_at_utc, story.c.customer_id, story.c.lines)
    gone: dict[str, Counter[tuple[datetime, int]]] = {}
    for part in chunks(story_ids):
        mine = story.c.id.in_(part)
        for run_id, moment, customer_id, text in connection.execute(sa.select(*columns).where(mine)):
            of_run = gone.setdefault(run_id, Counter())
            of_run.subtract((full_hour(moment), kind_id) for kind_id in kinds_in(customer_id, text))
        connection.execute(sa.delete(story).where(mine))
    for run_id, counts in gone.items():
        _count(connection, run_id, counts)
    c = log_count.c
    for part_of_runs in chunks(gone):
        empty = sa.select(c.run_id, c.kind_id, c.hour_utc).where(c.run_id.in_(part_of_runs))
        names = empty.group_by(c.run_id, c.kind_id, c.hour_utc).having(sa.func.sum(c.rows) == 0)
        for run_id, kind_id, hour in connection.execute(names).all():
            of_hour = sa.and_(c.run_id == run_id, c.kind_id == kind_id, c.hour_utc == hour)
            connection.execute(sa.delete(log_count).where(of_hour))


def _count(connection: sa.Connection, run_id: str, counts: Mapping[tuple[datetime, int], int]) -> None:
    """Count lines by hour and kind; lines that went count against the hour in which they were said."""
    rows = [
        {"run_id": run_id, "kind_id": kind_id, "hour_utc": hour, "day_utc": hour.date(), "rows": count}
        for (hour, kind_id), count in counts.items()
        if count
    ]
    if rows:
        insert(connection, log_count, rows)


@Prepared
def _known_ones(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    c = known_customer.c
    mine = (c.connector_id == connector_id, among(c.customer_id, customer_ids))
    return sa.select(c.customer_id, c.name, c.told, c.has_finding).where(*mine)
