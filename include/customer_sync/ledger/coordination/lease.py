"""Leases: who may write to a store. (docs/reliability.md#the-protocol)

Airflow can run two attempts of one task at once. A newer attempt takes the lease
from an older one of the same run; the older finds itself expired at its next check
and stops before it writes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from customer_sync.errors import LeaseLost, TransientApiError
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import lease
from customer_sync.ledger.storage.statement import take_turns, upsert
from customer_sync.machine import sleep

LEASE_S = 120.0

_EXTEND = Compiled(
    lambda _: (
        sa.update(lease)
        .where(lease.c.resource == sa.bindparam("of_resource"), lease.c.holder == sa.bindparam("of_holder"))
        .values(expires_at_utc=sa.bindparam("until"))
    )
)


class Lease:
    """The right to write to one store, held by one attempt of one task."""

    def __init__(self, engine: sa.Engine, resource: str, run_id: str, try_number: int) -> None:
        self._engine = engine
        self._resource = resource
        self._run_id = run_id
        self._try_number = try_number
        self._holder = uuid.uuid4().hex
        self._older_wrote_at_utc: datetime | None = None

    def acquire(self, wait_s: float = 2 * LEASE_S, sleep: Callable[[float], None] = sleep) -> None:
        """Take the lease; wait while a different run holds one that has not expired.

        Raises:
            LeaseLost: A newer attempt of the same run holds it.
            TransientApiError: Another run still holds it after ``wait_s`` seconds.
        """
        waited = 0.0
        while not self._try_acquire():
            if waited >= wait_s:
                raise TransientApiError(
                    f"Another run has been writing to {self._resource} for {int(wait_s)} s; this attempt gives way.",
                    system="ledger",
                    operation="acquire lease",
                )
            sleep(2.0)
            waited += 2.0

    def _try_acquire(self) -> bool:
        with writing(self._engine) as connection:
            take_turns(connection, f"lease {self._resource}")
            row = (
                connection.execute(sa.select(lease).where(lease.c.resource == self._resource)).mappings().one_or_none()
            )
            now = utc_now()
            if row and row["holder"] != self._holder and row["expires_at_utc"] > now:
                if row["run_id"] != self._run_id:
                    return False
                if row["try_number"] > self._try_number:
                    raise LeaseLost(f"A newer attempt of run {self._run_id} is writing to {self._resource}.")
                # Every write extends the lease first, so the lease tells when the last one left.
                self._older_wrote_at_utc = row["expires_at_utc"] - timedelta(seconds=LEASE_S)
            upsert(
                connection,
                lease,
                [
                    {
                        "resource": self._resource,
                        "holder": self._holder,
                        "run_id": self._run_id,
                        "try_number": self._try_number,
                        "expires_at_utc": now + timedelta(seconds=LEASE_S),
                    }
                ],
            )
        return True

    def unsettled_s(self, longest_request_s: float) -> float:
        """How long a request of the older attempt that this one took over from may still be on its way.

        Until then the store can show that a record is not there, and make it a moment later.

        Args:
            longest_request_s: How long a client waits for an answer, in seconds.

        Returns:
            Seconds from now; 0 when nothing was taken over, or long enough ago.
        """
        if self._older_wrote_at_utc is None:
            return 0.0
        silent_s = (utc_now() - self._older_wrote_at_utc).total_seconds()
        return max(0.0, longest_request_s - silent_s)

    def confirm(self, connection: sa.Connection) -> None:
        """Check inside a writing transaction that the lease is still ours, and extend it.

        Raises:
            LeaseLost: Another attempt took it; nothing more may be written.
        """
        extended = {
            "of_resource": self._resource,
            "of_holder": self._holder,
            "until": utc_now() + timedelta(seconds=LEASE_S),
        }
        result = _EXTEND.execute(connection, [extended])
        if result.rowcount != 1:
            raise LeaseLost(
                f"Another attempt took over the writing to {self._resource}; this one (run {self._run_id}, "
                f"try {self._try_number}) stops here. Nothing needs to be done."
            )

    def release(self) -> None:
        """Give the lease back, if it is still ours."""
        with writing(self._engine) as connection:
            connection.execute(
                sa.delete(lease).where(lease.c.resource == self._resource, lease.c.holder == self._holder)
            )
