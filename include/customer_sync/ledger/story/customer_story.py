"""One customer's story: what it is now, why, what it waits for, and what happened to it run by run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.journal.intents import Intents
from customer_sync.ledger.storage.schema import (
    customer_state,
    known_customer,
    quarantine,
    run,
    set_aside,
    story,
    unfinished,
)
from customer_sync.ledger.story.batches import naming
from customer_sync.ledger.story.lines import told_lines
from customer_sync.model.outcome import Reason, remedy
from customer_sync.model.waiting import waits_for
from customer_sync.planning.set_aside import reason_of_mark

_STEPS_PER_RUN = 100


class WaitingPart(NamedTuple):
    """Something about a customer that is not done yet.

    ``part`` names the customer itself or one of its records; ``reason`` is a code of
    ``docs/errors.md``; ``waits_for`` says in words what has to happen.
    """

    part: str
    reason: str
    waits_for: str


@dataclass(frozen=True)
class CustomerRun:
    """One run in which something was decided about the customer.

    Attributes:
        run_id: The run.
        mode: ``incremental``, ``full`` …
        started_at_utc: When the run began.
        outcome: What became of the customer in it, ``""`` while it is under way.
        reasons: Codes of the reasons that led there.
        steps: Lines of the connector log, in the order of writing; values in them are masked.
    """

    run_id: str
    mode: str
    started_at_utc: datetime
    outcome: str
    reasons: tuple[str, ...]
    steps: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class CustomerStory:
    """What the ledger knows of one customer.

    Attributes:
        customer_id: The customer's number.
        record_id: The source's id of the record, ``""`` while the customer has no company.
        company_id: The company in the store, ``None`` where there is none.
        outcome: What became of the customer last, ``""`` where nothing was decided yet.
        reasons: Codes of the reasons that led there.
        waiting: What is not done yet.
        runs: The runs that looked at the customer, newest first.
        next_step: What a person does about it, ``""`` where nothing is to be done.
    """

    customer_id: str
    record_id: str
    company_id: int | None
    outcome: str
    reasons: tuple[str, ...]
    waiting: list[WaitingPart]
    runs: list[CustomerRun]
    next_step: str = ""


class _Held(NamedTuple):
    """Something that waits, and the field at fault."""

    part: WaitingPart
    field: str = ""


class CustomerStories:
    """The stories of one connector's customers."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def of(
        self,
        customer_id: str,
        *,
        at_utc: datetime | None = None,
        runs: int = 20,
        complete: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = list,
        words: Mapping[str, str] | None = None,
    ) -> CustomerStory | None:
        """Read a customer's story.

        Args:
            customer_id: Its number.
            at_utc: Only runs that began at this moment or earlier; what waits is then what the last of them left.
            runs: Most runs, the newest first.
            complete: Gives lines about what was done the values that the journal has.
            words: Neutral field -> what people see of it in the source.

        Returns:
            The story, or ``None`` when the ledger has never met the customer.
        """
        with self._engine.connect() as connection:
            link = connection.execute(self._of_customer(customer_state, customer_id)).mappings().first()
            known = connection.execute(self._of_customer(known_customer, customer_id)).first()
            looked_at = list(self._runs(connection, customer_id, at_utc, runs, complete))
            looked_at = looked_at or list(self._left(connection, customer_id, at_utc))
            latest = next((each for each in looked_at if each.outcome), None)
            if at_utc is None:
                held = list(self._waiting(connection, customer_id, latest, words or {}))
            else:
                held = list(_left_by(self._last_said(connection, customer_id, at_utc)))
        if link is None and known is None and not looked_at and not held:
            return None
        reasons = latest.reasons if latest else ()
        return CustomerStory(
            customer_id=customer_id,
            record_id=(link["record_id"] or "") if link else "",
            company_id=link["company_id"] if link else None,
            outcome=latest.outcome if latest else "",
            reasons=reasons,
            waiting=[each.part for each in held],
            runs=looked_at,
            next_step=_next_step(reasons, held, words or {}),
        )

    def knows(self, customer_id: str) -> bool:
        """Whether the ledger has ever met a customer."""
        met = (known_customer, customer_state, quarantine, unfinished, set_aside, story)
        with self._engine.connect() as connection:
            return any(connection.execute(self._of_customer(table, customer_id).limit(1)).first() for table in met)

    def _of_customer(self, table: sa.Table, customer_id: str) -> sa.Select[Any]:
        return sa.select(table).where(table.c.connector_id == self._connector_id, table.c.customer_id == customer_id)

    def _runs(
        self,
        connection: sa.Connection,
        customer_id: str,
        at_utc: datetime | None,
        limit: int,
        complete: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    ) -> Iterable[CustomerRun]:
        until = () if at_utc is None else (run.c.started_at_utc <= at_utc,)
        for run_id, _, (outcome, reasons) in islice(naming(connection, self._connector_id, customer_id, *until), limit):
            mine = sa.and_(run.c.connector_id == self._connector_id, run.c.run_id == run_id)
            mode, started_at_utc = connection.execute(sa.select(run.c.mode, run.c.started_at_utc).where(mine)).one()
            lines = complete(self._lines(connection, customer_id, story.c.run_id == run_id))
            yield CustomerRun(run_id, mode, started_at_utc, outcome, _codes(reasons), [_step(line) for line in lines])

    def _lines(
        self, connection: sa.Connection, customer_id: str, condition: sa.ColumnElement[bool]
    ) -> list[dict[str, Any]]:
        ordered = self._of_customer(story, customer_id).where(condition).order_by(story.c.id).limit(_STEPS_PER_RUN)
        return told_lines(connection, self._connector_id, ordered, _STEPS_PER_RUN)

    def _left(self, connection: sa.Connection, customer_id: str, at_utc: datetime | None) -> Iterator[CustomerRun]:
        """What the latest story says where its run is not kept any more; of each customer one story stays."""
        query = self._of_customer(story, customer_id)
        until = query if at_utc is None else query.where(story.c.logged_at_utc <= at_utc)
        lines = told_lines(connection, self._connector_id, until.order_by(story.c.id.desc()).limit(1))
        for line in lines:
            if line["outcome"]:
                codes, steps = _codes(line["reasons"]), [_step(each) for each in lines]
                yield CustomerRun(line["run_id"], "", line["logged_at_utc"], line["outcome"], codes, steps)

    def _last_said(self, connection: sa.Connection, customer_id: str, at_utc: datetime) -> list[dict[str, str]]:
        """What was said of a customer last, in a run until a moment; later runs found the same."""
        of_run = sa.and_(run.c.connector_id == story.c.connector_id, run.c.run_id == story.c.run_id)
        said = self._of_customer(story, customer_id).with_only_columns(story.c.run_id).join(run, of_run)
        until = said.where(run.c.started_at_utc <= at_utc).order_by(run.c.started_at_utc.desc(), story.c.id.desc())
        run_id = connection.execute(until.limit(1)).scalar_one_or_none()
        return (
            []
            if run_id is None
            else [_step(each) for each in self._lines(connection, customer_id, story.c.run_id == run_id)]
        )

    def _waiting(
        self, connection: sa.Connection, customer_id: str, latest: CustomerRun | None, words: Mapping[str, str]
    ) -> Iterable[_Held]:
        for row in connection.execute(self._of_customer(quarantine, customer_id)).mappings():
            until = waits_for(row["reason"], words.get(row["field"], row["field"]), row["holder_id"])
            part = _part(row["entity"], row["record_key"])
            yield _Held(WaitingPart(part, row["reason"], until), row["field"])
        for row in connection.execute(self._of_customer(set_aside, customer_id)).mappings():
            code = reason_of_mark(row["kind"])
            yield _Held(WaitingPart("customer", str(code), waits_for(code)))
        if connection.execute(self._of_customer(unfinished, customer_id)).first() is not None:
            reason = latest.reasons[0] if latest and latest.reasons else str(Reason.BATCH_FAILED)
            yield _Held(WaitingPart("customer", reason, waits_for(Reason.BATCH_FAILED)))
        for intent in Intents(self._engine, self._connector_id).unanswered([customer_id]):
            part = f"{intent.action} {intent.key}"
            yield _Held(WaitingPart(part, str(Reason.OUTCOME_UNKNOWN), waits_for(Reason.OUTCOME_UNKNOWN)))


def _left_by(steps: Iterable[Mapping[str, str]]) -> Iterator[_Held]:
    for step in steps:
        for code in _codes(step["reasons"]) if step["next_step"] else ():
            yield _Held(WaitingPart(_part(step["entity"], step["key"]), code, step["next_step"]), step["field"])


def _next_step(reasons: Iterable[str], held: Iterable[_Held], words: Mapping[str, str]) -> str:
    """What a person does first: about why the customer ended as it did, else about what waits."""
    fields: dict[str, str] = {}
    for each in held:
        fields.setdefault(each.part.reason, each.field)
    steps = (_remedy(code, words, fields.get(code, "")) for code in dict.fromkeys([*reasons, *fields]))
    return next(filter(None, steps), "")


def _remedy(code: str, words: Mapping[str, str], field_name: str) -> str:
    """What a person does about a reason; ``""`` for a code that only an older version knew."""
    return next((remedy(each, words, field_name) for each in Reason if each == code), "")


def _part(entity: str, key: str) -> str:
    return f"{entity} {key}" if key and entity != "customer" else entity


def _codes(reasons: str) -> tuple[str, ...]:
    return tuple(code for code in reasons.split(",") if code)


def _step(line: Mapping[str, Any]) -> dict[str, str]:
    names = ("task", "entity", "action", "outcome", "level", "reasons", "field", "message", "next_step", "changes")
    return {"key": line["record_key"], **{name: line[name] or "" for name in names}}
