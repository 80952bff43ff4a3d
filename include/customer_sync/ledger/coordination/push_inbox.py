"""Customers that push notifications named: gathered, handed out together, and compared with what a run found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import push_customer, push_inbox, run
from customer_sync.ledger.storage.statement import among, chunks, upsert
from customer_sync.ledger.story.batches import batches_of, with_outcome
from customer_sync.model.outcome import Outcome
from customer_sync.model.push_notification import Notification

PENDING_MAX = 5000
"""Customers that may wait at a time, and that one run takes; more are left to the next scheduled run."""
KEPT_DAYS = 7
"""How long a customer that is not waiting any more is remembered, to tell late notifications from new ones."""
ANNOUNCED_AGAIN_S = 300.0
"""After so many seconds customers that nobody fetched are announced again."""

_APPLIED = tuple(
    str(outcome)
    for outcome in (
        Outcome.CREATED,
        Outcome.UPDATED,
        Outcome.DEACTIVATED,
        Outcome.REACTIVATED,
        Outcome.QUARANTINED,
        Outcome.FAILED,
    )
)


class Taken(NamedTuple):
    """What became of a notification's customers.

    ``new`` wait now, ``known`` waited already or were read since, ``left_out`` did not fit and are left to
    the next scheduled run.
    """

    new: int
    known: int
    left_out: int


class PushHealth(NamedTuple):
    """The state of a connector's push notifications, for people.

    Attributes:
        pending: Customers that wait to be synced.
        oldest_pending_at_utc: Since when the first of them waits.
        last_received_at_utc: When the last notification came.
        received: Notifications ever taken.
        left_out: Customers that did not fit, ever.
        missed: Changes that scheduled runs of the last seven days applied and no notification had told of.
        found: Changes that those runs applied in all.
    """

    pending: int
    oldest_pending_at_utc: datetime | None
    last_received_at_utc: datetime | None
    received: int
    left_out: int
    missed: int
    found: int


class Push:
    """The push notifications of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def receive(self, notification: Notification) -> Taken:
        """Have the customers of a notification wait.

        One that is older than what was already handed out, or the same once more, changes nothing: the read that
        followed saw its change.
        """
        now = utc_now()
        with writing(self._engine) as connection:
            # Taking the inbox row first makes two notifications at the same time wait for each other.
            self._count(connection, now)
            known = self._rows(connection, notification.customer_ids)
            fresh = [key for key in notification.customer_ids if self._is_news(known.get(key), notification.ticks)]
            room = PENDING_MAX - self._pending(connection)
            taken = fresh[: max(room, 0)]
            upsert(
                connection,
                push_customer,
                [
                    {
                        "connector_id": self._connector_id,
                        "customer_id": key,
                        "newest_ticks": notification.ticks,
                        "received_at_utc": now,
                        "waiting_since_utc": now,
                    }
                    for key in taken
                ],
            )
            self._touch(connection, set(notification.customer_ids) - set(fresh), notification.ticks, now)
            left_out = len(fresh) - len(taken)
            if left_out:
                connection.execute(
                    sa.update(push_inbox).where(self._inbox()).values(left_out=push_inbox.c.left_out + left_out)
                )
        return Taken(len(taken), len(notification.customer_ids) - len(fresh), left_out)

    def announce(self, debounce_s: float) -> int:
        """Say how many customers are to be fetched now, once: the first has waited long enough.

        Args:
            debounce_s: How long customers are gathered, in seconds.

        Returns:
            Their number; 0 while they are still gathered, or when they were announced a short time ago.
        """
        now = utc_now()
        with self._engine.connect() as connection:
            oldest, count = connection.execute(
                sa.select(sa.func.min(push_customer.c.waiting_since_utc), sa.func.count()).where(self._is_waiting())
            ).one()
        if not count or now - oldest < timedelta(seconds=debounce_s):
            return 0
        again = now - timedelta(seconds=ANNOUNCED_AGAIN_S)
        is_due = sa.or_(push_inbox.c.announced_at_utc.is_(None), push_inbox.c.announced_at_utc < again)
        with writing(self._engine) as connection:
            claimed = connection.execute(
                sa.update(push_inbox).where(self._inbox(), is_due).values(announced_at_utc=now)
            )
        return int(count) if claimed.rowcount else 0

    def hand_out(self) -> list[str]:
        """Give the customers that wait, in order of their ids; they wait no longer."""
        now = utc_now()
        with writing(self._engine) as connection:
            waiting = sa.select(push_customer.c.customer_id).where(self._is_waiting())
            ids = list(connection.execute(waiting.order_by(push_customer.c.customer_id)).scalars())
            self._stop_waiting(connection, self._is_waiting())
            connection.execute(sa.update(push_inbox).where(self._inbox()).values(announced_at_utc=None))
            connection.execute(
                sa.delete(push_customer).where(
                    self._mine(),
                    push_customer.c.waiting_since_utc.is_(None),
                    push_customer.c.received_at_utc < now - timedelta(days=KEPT_DAYS),
                )
            )
        return ids

    def settle(self, connection: sa.Connection, before_utc: datetime) -> None:
        """Let no customer wait whose notification came before a good scheduled run began: that run read it."""
        self._stop_waiting(connection, sa.and_(self._is_waiting(), push_customer.c.received_at_utc < before_utc))
        connection.execute(sa.update(push_inbox).where(self._inbox()).values(announced_at_utc=None))

    def compare(self, run_id: str, since_utc: datetime) -> dict[str, int]:
        """Count the changes that a run applied, and those that no notification had told of.

        Args:
            run_id: A scheduled run, after its end.
            since_utc: Notifications from then on count.

        Returns:
            ``found`` and ``missed``.
        """
        told = sa.select(push_customer.c.customer_id).where(self._mine(), push_customer.c.received_at_utc >= since_utc)
        with self._engine.connect() as connection:
            batches = batches_of(connection, self._connector_id, run_id)
            found = {key for _, key, _ in with_outcome(batches, *_APPLIED)}
            missed = found - set(connection.execute(told).scalars())
        return {"found": len(found), "missed": len(missed)}

    def health(self) -> PushHealth:
        """The state for people; see :class:`PushHealth`."""
        columns = push_inbox.c
        since = utc_now() - timedelta(days=KEPT_DAYS)
        with self._engine.connect() as connection:
            oldest, count = connection.execute(
                sa.select(sa.func.min(push_customer.c.waiting_since_utc), sa.func.count()).where(self._is_waiting())
            ).one()
            inbox = connection.execute(
                sa.select(columns.last_received_at_utc, columns.received, columns.left_out).where(self._inbox())
            ).one_or_none()
            summaries = connection.execute(
                sa.select(run.c.summary).where(run.c.connector_id == self._connector_id, run.c.started_at_utc >= since)
            ).scalars()
            compared: list[dict[str, Any]] = [summary["push"] for summary in summaries if summary and "push" in summary]
        last, received, left_out = inbox or (None, 0, 0)
        return PushHealth(
            pending=int(count),
            oldest_pending_at_utc=oldest,
            last_received_at_utc=last,
            received=received,
            left_out=left_out,
            missed=sum(part["missed"] for part in compared),
            found=sum(part["found"] for part in compared),
        )

    @staticmethod
    def _is_news(known: tuple[int, bool] | None, ticks: int) -> bool:
        return known is None or (not known[1] and ticks > known[0])

    def _rows(self, connection: sa.Connection, customer_ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
        """Customer -> its newest ticks, and whether it waits."""
        columns = push_customer.c
        found: dict[str, tuple[int, bool]] = {}
        for part in chunks(customer_ids):
            query = sa.select(columns.customer_id, columns.newest_ticks, columns.waiting_since_utc)
            for key, ticks, since in connection.execute(query.where(self._mine(), among(columns.customer_id, part))):
                found[key] = (ticks, since is not None)
        return found

    def _touch(self, connection: sa.Connection, customer_ids: set[str], ticks: int, now: datetime) -> None:
        """Remember that a notification came for customers that wait, or were read since."""
        newest = push_customer.c.newest_ticks
        for part in chunks(sorted(customer_ids)):
            connection.execute(
                sa.update(push_customer)
                .where(self._mine(), among(push_customer.c.customer_id, part))
                .values(received_at_utc=now, newest_ticks=sa.case((newest < ticks, ticks), else_=newest))
            )

    def _count(self, connection: sa.Connection, now: datetime) -> None:
        values = {"last_received_at_utc": now}
        found = connection.execute(
            sa.update(push_inbox).where(self._inbox()).values(**values, received=push_inbox.c.received + 1)
        )
        if not found.rowcount:
            row = {"connector_id": self._connector_id, "received": 1, "left_out": 0, "announced_at_utc": None}
            upsert(connection, push_inbox, [{**row, **values}])

    def _pending(self, connection: sa.Connection) -> int:
        return int(connection.execute(sa.select(sa.func.count()).where(self._is_waiting())).scalar_one())

    def _stop_waiting(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
        connection.execute(sa.update(push_customer).where(which).values(waiting_since_utc=None))

    def _mine(self) -> sa.ColumnElement[bool]:
        return push_customer.c.connector_id == self._connector_id

    def _is_waiting(self) -> sa.ColumnElement[bool]:
        return sa.and_(self._mine(), push_customer.c.waiting_since_utc.is_not(None))

    def _inbox(self) -> sa.ColumnElement[bool]:
        return push_inbox.c.connector_id == self._connector_id
