"""Budgets that all machines draw on: turns for requests, and seats for sessions.

A pool makes tasks wait; it does not see how fast a task sends, and two pools cannot add up one
licence. Turns and seats are therefore given out by the ledger, which every worker reaches: a row
per budget, and a row per seat. Turns are reserved in small blocks, so that they cost a
transaction every second or two and not one per request.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from customer_sync.errors import ConnectFailed, SessionLimit, TransientApiError
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import request_turn, session_seat
from customer_sync.ledger.storage.statement import take_turns, upsert

log = logging.getLogger(__name__)

LONGEST_BLOCK_S = 120.0
"""Longest time for which one answer of a server may stop all machines."""

SEAT_S = 660.0
"""After so many seconds without a sign of life a seat counts as free: the ERP itself ends an abandoned session
after ten minutes (docs/api/acumatica.md#sign-out)."""

_KEEP_S = 60.0
_PAUSE_S = 1.0


class SharedSchedule:
    """The turns of one request budget; a ``customer_sync.http.pacing.Schedule``.

    Args:
        engine: The ledger's engine.
        budget: Name of the budget, such as ``store:knb``.
    """

    def __init__(self, engine: sa.Engine, budget: str) -> None:
        self._engine = engine
        self._budget = budget

    def reserve(self, count: int, interval_s: float, burst: int) -> float:
        """Take the next ``count`` turns, ``interval_s`` apart; see the protocol.

        Raises:
            ConnectFailed: The ledger could not be reached. No request leaves without its turn, and since
                none has left, even a write may be tried again.
        """
        try:
            with writing(self._engine) as connection:
                next_at, now = self._next_turn(connection)
                first = max(next_at or now, now - timedelta(seconds=(burst - 1) * interval_s))
                self._put(connection, first + timedelta(seconds=count * interval_s))
        except TransientApiError as error:
            raise ConnectFailed(
                f"No request was sent, since its turn could not be reserved: {error.message}",
                system="ledger",
                operation="reserve turns",
            ) from error
        return (first - now).total_seconds()

    def block(self, seconds: float) -> None:
        """Let no further turn begin for so many seconds, at most two minutes.

        Never raises: it follows an answer that is worth more. Whoever asks next meets the same refusal.
        """
        try:
            with writing(self._engine) as connection:
                next_at, now = self._next_turn(connection)
                until = now + timedelta(seconds=min(seconds, LONGEST_BLOCK_S))
                self._put(connection, max(next_at or until, until))
        except TransientApiError as error:
            log.warning("Other tasks were not told to wait %.0f s for %s: %s", seconds, self._budget, error)

    def _next_turn(self, connection: sa.Connection) -> tuple[datetime | None, datetime]:
        take_turns(connection, f"turns {self._budget}")
        query = sa.select(request_turn.c.next_at_utc).where(request_turn.c.budget == self._budget)
        return connection.execute(query).scalar_one_or_none(), _now(connection)

    def _put(self, connection: sa.Connection, next_at: datetime) -> None:
        upsert(connection, request_turn, [{"budget": self._budget, "next_at_utc": next_at}])


class SharedSeat:
    """One seat among those that a licence has.

    Args:
        engine: The ledger's engine.
        budget: Name of the budget, such as ``<kind of the source>:knb``.
        seats: How many sessions may be open at the same time.
        wait_s: Longest wait for a free one in seconds.
        sleep: Pauses for seconds.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        engine: sa.Engine,
        budget: str,
        seats: int,
        *,
        wait_s: float = 300.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._budget = budget
        self._seats = seats
        self._wait_s = wait_s
        self._sleep = sleep
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._kept_s: float | None = None

    def take(self) -> None:
        """Wait for a free seat; nothing to do while one is held.

        Raises:
            SessionLimit: None became free in time.
        """
        if self._kept_s is not None:
            return
        deadline_s = self._clock() + self._wait_s
        while not self._try_take():
            if self._clock() >= deadline_s:
                raise SessionLimit(
                    f"All {self._seats} seats of {self._budget!r} have been taken for {self._wait_s:.0f} s: other runs "
                    "use them, or a killed task left one, which counts as free after eleven minutes. Raise erp.seats "
                    "if the licence has more.",
                    system="ledger",
                    operation="take a seat",
                )
            self._sleep(_PAUSE_S)
        self._kept_s = self._clock()

    def keep(self) -> None:
        """Say that the session is in use; written once a minute. Never raises: it follows an answer."""
        if self._kept_s is None or self._clock() - self._kept_s < _KEEP_S:
            return
        self._kept_s = self._clock()
        try:
            with writing(self._engine) as connection:
                expires_at = _now(connection) + timedelta(seconds=SEAT_S)
                connection.execute(sa.update(session_seat).where(self._mine).values(expires_at_utc=expires_at))
        except TransientApiError as error:
            log.warning("That the session is in use was not written: %s", error)

    def give_back(self) -> None:
        """Free it; nothing to do when none is held. Never raises: it must not hide what came before it."""
        if self._kept_s is None:
            return
        self._kept_s = None
        try:
            with writing(self._engine) as connection:
                connection.execute(sa.delete(session_seat).where(self._mine))
        except TransientApiError as error:
            log.warning("The seat was not given back and counts as free after eleven minutes: %s", error)

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(session_seat.c.budget == self._budget, session_seat.c.holder == self._holder)

    def _try_take(self) -> bool:
        seat = session_seat.c
        with writing(self._engine) as connection:
            take_turns(connection, f"seats {self._budget}")
            now = _now(connection)
            connection.execute(sa.delete(session_seat).where(seat.budget == self._budget, seat.expires_at_utc <= now))
            taken = set(connection.execute(sa.select(seat.number).where(seat.budget == self._budget)).scalars())
            free = next((number for number in range(1, self._seats + 1) if number not in taken), None)
            if free is None:
                return False
            upsert(
                connection,
                session_seat,
                [
                    {
                        "budget": self._budget,
                        "number": free,
                        "holder": self._holder,
                        "expires_at_utc": now + timedelta(seconds=SEAT_S),
                    }
                ],
            )
        return True


def _now(connection: sa.Connection) -> datetime:
    """The time on the one clock that all machines share: the server's, and the machine's own for a file."""
    if connection.dialect.name == "sqlite":
        return utc_now()
    now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)
