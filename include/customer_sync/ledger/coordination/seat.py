"""Seats of a licence, counted wherever sessions are opened: a row per taken one. (docs/reliability.md#killed)"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from customer_sync.errors import SessionLimit, TransientApiError
from customer_sync.ledger.coordination.sign_of_life import Holder, SignOfLife, Watch, database_now, this_process
from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import session_seat
from customer_sync.ledger.storage.statement import take_turns, upsert
from customer_sync.machine import sleep

log = logging.getLogger(__name__)

ABANDONED_S: Final = 600.0
"""So long the ERP counts the session of a process that was killed (docs/api/acumatica.md#sign-out)."""

LONGEST_SEAT_WAIT_S: Final = 300.0

_PAUSE_S: Final = 1.0
_SAY_EVERY_S: Final = 30.0


class SharedSeat:
    """One seat among those that a licence has.

    Args:
        engine: The ledger's engine.
        budget: Name of the budget, such as ``<kind of the source>:knb``.
        seats: How many sessions may be open at the same time.
        name: Who takes it, for people.
        wait_s: Longest wait for a free one in seconds.
        sleep: Pauses for seconds.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        engine: sa.Engine,
        budget: str,
        seats: int,
        name: str = "another process",
        *,
        wait_s: float = LONGEST_SEAT_WAIT_S,
        sleep: Callable[[float], None] = sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._budget = budget
        self._seats = seats
        self._name = name
        self._wait_s = wait_s
        self._sleep = sleep
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._is_held = False
        self._life = SignOfLife(self._write_sign, f"a seat of {budget}")

    def take(self) -> None:
        """Wait for a free seat; nothing to do while one is held.

        Raises:
            SessionLimit: None became free in time.
        """
        if self._is_held:
            return
        watch, begun_s, said_s = Watch(), self._clock(), -_SAY_EVERY_S
        while holders := self._try_take(watch):
            waited_s = self._clock() - begun_s
            held = "; ".join(holder.in_words() for holder in holders)
            if waited_s >= self._wait_s:
                raise SessionLimit(
                    f"All {self._seats} seats of {self._budget!r} have been taken for {self._wait_s:.0f} s, held by "
                    f"{held}. Raise erp.seats if the licence has more.",
                    system="ledger",
                    operation="take a seat",
                )
            if waited_s - said_s >= _SAY_EVERY_S:
                said_s = waited_s
                log.warning("waiting for one of %d seats of %s, held by %s", self._seats, self._budget, held)
            self._sleep(_PAUSE_S)
        self._is_held = True
        self._life.begin()

    def give_back(self) -> None:
        """Free it; nothing to do when none is held. Never raises: it must not hide what came before it."""
        if not self._is_held:
            return
        self._is_held = False
        self._life.end()
        try:
            with writing(self._engine) as connection:
                connection.execute(sa.delete(session_seat).where(self._mine))
        except TransientApiError as error:
            log.warning("The seat was not given back and is free half a minute after its last sign of life: %s", error)

    def fall_silent(self) -> None:
        """Give no sign of life any more: the ledger is being closed."""
        self._life.end()

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(session_seat.c.budget == self._budget, session_seat.c.holder == self._holder)

    def _write_sign(self) -> bool:
        with writing(self._engine) as connection:
            now = database_now(connection)
            return connection.execute(sa.update(session_seat).where(self._mine).values(seen_at_utc=now)).rowcount == 1

    def _try_take(self, watch: Watch) -> list[Holder]:
        """Take a seat; returns who holds them all instead."""
        seat = session_seat.c
        with writing(self._engine) as connection:
            take_turns(connection, f"seats {self._budget}")
            now = database_now(connection)
            rows = connection.execute(sa.select(session_seat).where(seat.budget == self._budget)).mappings().all()
            holders = {}
            for row in rows:
                holder = Holder(row["holder"], row["name"], row["process"], row["since_utc"], row["seen_at_utc"])
                if watch.is_dead(holder, now):
                    _say_abandoned(holder, self._budget)
                    connection.execute(sa.delete(session_seat).where(seat.holder == holder.mark))
                else:
                    holders[row["number"]] = holder
            free = next((number for number in range(1, self._seats + 1) if number not in holders), None)
            if free is None:
                return list(holders.values())
            mine = {
                "budget": self._budget,
                "number": free,
                "holder": self._holder,
                "name": self._name,
                "process": this_process(),
                "since_utc": now,
                "seen_at_utc": now,
            }
            upsert(connection, session_seat, [mine])
        return []


def _say_abandoned(holder: Holder, budget: str) -> None:
    log.warning(
        "%s, which had a seat of %s, is dead; its seat is free. The server may count its session as taken, and refuse "
        "to sign in, until %s UTC.",
        holder.name,
        budget,
        f"{holder.seen_at_utc + timedelta(seconds=ABANDONED_S):%H:%M:%S}",
    )
