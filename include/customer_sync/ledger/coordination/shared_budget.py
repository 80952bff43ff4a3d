"""Turns for requests, of a budget that all machines draw on.

A pool makes tasks wait; it does not see how fast a task sends, and two pools cannot add up one
licence. Turns, and seats (``seat``), are therefore given out by the ledger, which every worker reaches. Turns
are reserved in small blocks, so that they cost a transaction every second or two and not one per request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from customer_sync.errors import ConnectFailed, TransientApiError
from customer_sync.ledger.coordination.sign_of_life import database_now
from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import request_turn
from customer_sync.ledger.storage.statement import take_turns, upsert

log = logging.getLogger(__name__)

LONGEST_BLOCK_S = 120.0
"""Longest time for which one answer of a server may stop all machines."""


class SharedSchedule:
    """The turns of one request budget; a ``customer_sync.http.pacing.Schedule``.

    Args:
        engine: The ledger's engine.
        budget: Name of the budget, such as ``store:knb``.
        check: Looks, right before a request leaves, whether this process may still send any.
    """

    def __init__(self, engine: sa.Engine, budget: str, check: Callable[[], None]) -> None:
        self._engine = engine
        self._budget = budget
        self._check = check

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

    def admit(self) -> None:
        """Let a request leave whose turn has come; see the protocol.

        Raises:
            LeaseLost: This process was taken for dead: nothing more may be written.
            ConnectFailed: The ledger could not be reached; nothing was sent.
        """
        try:
            self._check()
        except TransientApiError as error:
            raise ConnectFailed(
                f"No request was sent, since the lease could not be looked at: {error.message}",
                system="ledger",
                operation="look at the lease",
            ) from error

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
        return connection.execute(query).scalar_one_or_none(), database_now(connection)

    def _put(self, connection: sa.Connection, next_at: datetime) -> None:
        upsert(connection, request_turn, [{"budget": self._budget, "next_at_utc": next_at}])
