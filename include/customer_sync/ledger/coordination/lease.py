"""Leases: who may write to a store. (docs/reliability.md#killed)

Airflow can run two attempts of one task at once. A newer attempt takes the lease
from an older one of the same run; the older finds itself without it at its next check
and stops before it writes. Another run waits, until the holder gives the lease back or is dead.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from customer_sync.errors import LeaseLost, TransientApiError
from customer_sync.ledger.coordination.sign_of_life import (
    SILENT_S,
    TRUST_S,
    Holder,
    SignOfLife,
    Watch,
    database_now,
    is_gone,
    this_process,
)
from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import lease
from customer_sync.ledger.storage.statement import take_turns, upsert
from customer_sync.machine import machine, sleep

log = logging.getLogger(__name__)

LONGEST_WAIT_S: Final = 240.0
"""So long a run waits for another one that is alive; then the task ends, and Airflow tries it again."""

_PAUSE_S: Final = 2.0
_SAY_EVERY_S: Final = 30.0
_NOBODY: Final = ""
_TRUST: Final = timedelta(seconds=TRUST_S)


def _extend(dialect: str) -> Any:
    now = sa.bindparam("now") if dialect == "sqlite" else sa.func.clock_timestamp()
    mine = (lease.c.resource == sa.bindparam("of_resource"), lease.c.holder == sa.bindparam("of_holder"))
    return sa.update(lease).where(*mine).values(seen_at_utc=now)


_EXTEND = Compiled(_extend)


class Lease:
    """The right to write to one store, held by one attempt of one task.

    Args:
        engine: The ledger's engine.
        resource: What is held.
        run_id: The run, told apart from those of other connectors and batches.
        try_number: The attempt.
        name: The holder, for people.
    """

    def __init__(self, engine: sa.Engine, resource: str, run_id: str, try_number: int, name: str = "") -> None:
        self._engine = engine
        self._resource = resource
        self._run_id = run_id
        self._try_number = try_number
        self._name = name or f"run {run_id}"
        self._holder = uuid.uuid4().hex
        self._left_by_utc: datetime | None = None
        self._trusted_s = 0.0
        self._trusted_utc: datetime | None = None
        self._life = SignOfLife(self._write_sign, self._name)

    def acquire(self, wait_s: float = LONGEST_WAIT_S, sleep: Callable[[float], None] = sleep) -> None:
        """Take the lease; wait while a different run holds it and is alive.

        Raises:
            LeaseLost: A newer attempt of the same run holds it.
            TransientApiError: Another run still holds it after ``wait_s`` seconds.
        """
        watch, waited_s = Watch(), 0.0
        while (holder := self._try_acquire(watch)) is not None:
            if waited_s >= wait_s:
                raise TransientApiError(
                    f"Another run has been writing to {self._resource} for {int(wait_s)} s: {holder.in_words()}. "
                    "This attempt gives way.",
                    system="ledger",
                    operation="acquire lease",
                )
            if waited_s % _SAY_EVERY_S == 0:
                until = machine().utc_now() + timedelta(seconds=wait_s - waited_s)
                log.warning(
                    "waiting to write to %s, held by %s; this attempt gives way at %s",
                    self._resource,
                    holder.in_words(),
                    f"{until:%H:%M:%S}",
                )
            sleep(_PAUSE_S)
            waited_s += _PAUSE_S
        self._life.begin()

    def _try_acquire(self, watch: Watch) -> Holder | None:
        """Take it; returns who holds it instead."""
        before = machine().monotonic_s(), machine().utc_now()
        with writing(self._engine) as connection:
            take_turns(connection, f"lease {self._resource}")
            row = (
                connection.execute(sa.select(lease).where(lease.c.resource == self._resource)).mappings().one_or_none()
            )
            now = database_now(connection)
            left_by = row["left_by_utc"] if row else None
            if row and row["holder"] not in {_NOBODY, self._holder}:
                holder = Holder(row["holder"], row["name"], row["process"], row["since_utc"], row["seen_at_utc"])
                if not watch.is_dead(holder, now):
                    if row["run_id"] != self._run_id:
                        return holder
                    if row["try_number"] > self._try_number:
                        raise LeaseLost(f"A newer attempt of run {self._run_id} is writing to {self._resource}.")
                left_by = max(left_by or _last_departure(holder, now), _last_departure(holder, now))
            mine = {
                "resource": self._resource,
                "holder": self._holder,
                "run_id": self._run_id,
                "try_number": self._try_number,
                "name": self._name,
                "process": this_process(),
                "since_utc": now,
                "seen_at_utc": now,
                "left_by_utc": left_by,
            }
            upsert(connection, lease, [mine])
        self._left_by_utc = left_by
        self._trusted_s, self._trusted_utc = before
        return None

    def unsettled_s(self, longest_work_s: float) -> float:
        """How long a request of whoever held the lease before may still be worked on.

        Until then the store can show that a record is not there, and make it a moment later.

        Args:
            longest_work_s: How long the store works on a request, in seconds.

        Returns:
            Seconds from now; 0 when all that was sent was answered, or long enough ago.
        """
        if self._left_by_utc is None:
            return 0.0
        with self._engine.connect() as connection:
            silent_s = (database_now(connection) - self._left_by_utc).total_seconds()
        return max(0.0, longest_work_s - silent_s)

    def confirm(self, connection: sa.Connection) -> None:
        """Check inside a writing transaction that the lease is still ours; a sign of life, too.

        Raises:
            LeaseLost: Another attempt took it; nothing more may be written.
        """
        if not self._extend(connection):
            raise self._lost()

    def check(self) -> None:
        """Look whether the lease is still ours, if that was not seen for some seconds: right before a request leaves.

        A process that was stopped for a while, with its machine or by itself, learns here that others took it for dead.

        Raises:
            LeaseLost: Another attempt took it; nothing more may be written.
            TransientApiError: The ledger is out of reach.
        """
        if self._trusted_utc is None:
            return
        passed_s = machine().monotonic_s() - self._trusted_s
        passed = machine().utc_now() - self._trusted_utc
        if (passed_s >= TRUST_S or not timedelta() <= passed < _TRUST) and not self._write_sign():
            raise self._lost()

    def release(self, *, may_have_sent: bool = False) -> None:
        """Give the lease back, if it is still ours.

        Args:
            may_have_sent: Whether a request of ours may still be worked on whose answer was not awaited.
        """
        self._life.end()
        self._trusted_utc = None
        with writing(self._engine) as connection:
            values: dict[str, Any] = {"holder": _NOBODY}
            if may_have_sent:
                values["left_by_utc"] = database_now(connection)
            connection.execute(sa.update(lease).where(*self._mine).values(values))

    def fall_silent(self) -> None:
        """Give no sign of life any more: the ledger is being closed."""
        self._life.end()

    @property
    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (lease.c.resource == self._resource, lease.c.holder == self._holder)

    def _write_sign(self) -> bool:
        """Write a sign of life; returns whether the lease is still ours."""
        before = machine().monotonic_s(), machine().utc_now()
        with writing(self._engine) as connection:
            is_ours = self._extend(connection)
        if is_ours and self._trusted_utc is not None:
            self._trusted_s, self._trusted_utc = before
        return is_ours

    def _extend(self, connection: sa.Connection) -> bool:
        mine: dict[str, Any] = {"of_resource": self._resource, "of_holder": self._holder}
        if connection.dialect.name == "sqlite":
            mine["now"] = database_now(connection)
        return _EXTEND.execute(connection, [mine]).rowcount == 1

    def _lost(self) -> LeaseLost:
        return LeaseLost(
            f"Another attempt took over the writing to {self._resource}; this one (run {self._run_id}, "
            f"try {self._try_number}) stops here. Nothing needs to be done."
        )


def holder_at_work(connection: sa.Connection, resource: str) -> str:
    """Who holds a lease now and is alive, in words; ``""`` where nobody does."""
    query = sa.select(lease.c.name).where(lease.c.resource == resource, *at_work(database_now(connection)))
    return connection.execute(query).scalar() or ""


def at_work(now_utc: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Which leases are held by somebody who gave a sign of life lately."""
    return (lease.c.holder != _NOBODY, lease.c.seen_at_utc > now_utc - timedelta(seconds=SILENT_S))


def _last_departure(holder: Holder, now_utc: datetime) -> datetime:
    """When the last request of a former holder may have left: it looks at the lease before, see :meth:`Lease.check`."""
    last = min(holder.seen_at_utc, now_utc) + _TRUST
    return min(last, now_utc) if is_gone(holder.process) else last
