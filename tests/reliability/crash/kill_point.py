"""Kill this process with SIGKILL at one exact request or commit, and list all of them."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from customer_sync.http.transport import HttpRequest, HttpResponse, Transport

Where = Literal["erp", "store", "commit"]
Side = Literal["before", "after"]


class KillPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The moment at which the process dies: before or after the ``number``-th request or commit, from 1."""

    where: Where
    number: int
    side: Side


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One request or commit that happened; ``what`` is method and path of a request."""

    where: Where
    number: int
    what: str


class KillSwitch:
    """Counts requests and commits, and kills the process at its point.

    Args:
        point: Where to die; ``None`` only counts.
    """

    def __init__(self, point: KillPoint | None) -> None:
        self._point = point
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.events: list[Event] = []

    def before(self, where: Where, what: str) -> int:
        """Count an event that is about to happen; returns its number."""
        with self._lock:
            self._counts[where] += 1
            number = self._counts[where]
            self.events.append(Event(where=where, number=number, what=what))
        self._die_at(where, number, "before")
        return number

    def after(self, where: Where, number: int) -> None:
        """Say that an event has happened."""
        self._die_at(where, number, "after")

    def _die_at(self, where: Where, number: int, side: Side) -> None:
        if self._point == KillPoint(where=where, number=number, side=side):
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, where: Where, transport: Transport) -> Transport:
        """The same transport, watched."""
        return _Watched(self, where, transport)

    def watch_commits(self) -> None:
        """Watch every commit of every database of this process, from now on."""
        sa.event.listen(sa.Engine, "commit", self._on_commit)
        # The pool gets a connection back right after its transaction ended: the first moment after a commit.
        sa.event.listen(sa.pool.Pool, "checkin", self._on_checkin)

    def _on_commit(self, connection: sa.Connection) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # a sign of life, which comes when it comes
        connection.info["commit"] = self.before("commit", "ledger")

    def _on_checkin(self, _dbapi_connection: Any, record: Any) -> None:
        number = record.info.pop("commit", None)
        if number is not None:
            self.after("commit", number)


class _Watched:
    """A transport whose requests are counted."""

    def __init__(self, switch: KillSwitch, where: Where, transport: Transport) -> None:
        self._switch = switch
        self._where: Where = where
        self._transport = transport

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send, and perhaps die on the way."""
        number = self._switch.before(self._where, request.operation)
        try:
            return self._transport.send(request)
        finally:
            self._switch.after(self._where, number)

    def close(self) -> None:
        """Close the wrapped transport."""
        self._transport.close()
