"""Signs of life: how others see that whoever holds a lease or a seat is dead. (docs/reliability.md#killed)

A holder writes the time of the ledger's database beside what it holds, every few seconds, from a thread of its own, so
that a long read does not pass for a death. It is dead when the sign is old by that same clock and has not moved while
somebody watched: a clock that jumps lets nobody die. On the same machine a process that is gone is known to be gone at
once. A holder that was only stalled finds that out before its next request leaves (``Lease.check``).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import sqlalchemy as sa

from customer_sync.errors import TransientApiError
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.machine import machine

log = logging.getLogger(__name__)

BEAT_S: Final = 5.0
"""Seconds between two signs of life."""

SILENT_S: Final = 6 * BEAT_S
"""After so many seconds without a sign of life a holder counts as dead."""

TRUST_S: Final = 3 * BEAT_S
"""For so long after its last sign of life a holder lets requests leave without asking the ledger again."""

_WATCHED_S: Final = 2 * BEAT_S
_DEAD_STATES: Final = frozenset({"Z", "X", "x"})


class Holder(NamedTuple):
    """Who holds something.

    Attributes:
        mark: Of this one holding, unique.
        name: Who it is, for people.
        process: The process, by :func:`this_process`.
        since_utc: Since when.
        seen_at_utc: Its last sign of life.
    """

    mark: str
    name: str
    process: str
    since_utc: datetime
    seen_at_utc: datetime

    @property
    def free_by_utc(self) -> datetime:
        """Until when it counts as alive, if no further sign comes."""
        return self.seen_at_utc + timedelta(seconds=SILENT_S)

    def in_words(self) -> str:
        """For people: who, since when, and what becomes of it without another sign of life."""
        return (
            f"{self.name} since {self.since_utc:%H:%M:%S} UTC (last sign of life {self.seen_at_utc:%H:%M:%S}; "
            f"without another one it is free by {self.free_by_utc:%H:%M:%S})"
        )


class Watch:
    """What one waiting attempt has seen of the holders of something."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, float]] = {}

    def is_dead(self, holder: Holder, now_utc: datetime) -> bool:
        """Whether a holder is dead.

        Args:
            holder: The holder, as it is now.
            now_utc: The time of the ledger's database.
        """
        if is_gone(holder.process):
            return True
        seen_at_utc, first_s = self._seen.get(holder.mark, (None, 0.0))
        if seen_at_utc != holder.seen_at_utc:
            first_s = machine().monotonic_s()
            self._seen[holder.mark] = (holder.seen_at_utc, first_s)
        watched_s = machine().monotonic_s() - first_s
        silent_s = (now_utc - holder.seen_at_utc).total_seconds()
        return watched_s >= SILENT_S or (silent_s >= SILENT_S and watched_s >= _WATCHED_S)


class SignOfLife:
    """Writes the sign of one holder as long as a block lasts.

    Args:
        write: Writes it; returns whether the holder still holds what it held.
        name: Of the holder, for the log.
    """

    def __init__(self, write: Callable[[], bool], name: str) -> None:
        self._write = write
        self._name = name
        self._stop: Callable[[], None] | None = None

    def begin(self) -> None:
        """Write it every :data:`BEAT_S` seconds from now on."""
        if self._stop is None:
            self._stop = machine().repeat(BEAT_S, self._beat, f"sign of life of {self._name}")

    def end(self) -> None:
        """Write no further one."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def _beat(self) -> bool:
        """Write one; returns whether to go on."""
        try:
            return self._write()
        except TransientApiError as error:
            log.warning("The sign of life of %s was not written: %s", self._name, error)
            return True


def database_now(connection: sa.Connection) -> datetime:
    """The time on the one clock that all machines share: the server's, and the machine's own for a file."""
    if connection.dialect.name == "sqlite":
        return utc_now()
    now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def this_process() -> str:
    """What tells this process from every other, also from a later one of the same number; ``""`` where unknown."""
    return _name_of(os.getpid())


def is_gone(process: str) -> bool:
    """Whether a process is known to be gone: only for those that would be seen here if they were there."""
    environment, _, number = process.rpartition(" ")
    here = _environment()
    if not here or not number or environment != here:
        return False
    pid, _, started = number.partition("@")
    return _started(int(pid)) != started


def _name_of(pid: int) -> str:
    environment, started = _environment(), _started(pid)
    return f"{environment} {pid}@{started}" if environment and started else ""


@lru_cache(maxsize=1)
def _environment() -> str:
    """Boot and process namespace: within both, numbers name processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process that is alive was started, in the kernel's ticks; ``""`` if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name in brackets may hold blanks and brackets.
    fields = text.rpartition(")")[2].split()
    return "" if len(fields) < 20 or fields[0] in _DEAD_STATES else fields[19]  # noqa: PLR2004 - proc(5): starttime is the 22nd field
