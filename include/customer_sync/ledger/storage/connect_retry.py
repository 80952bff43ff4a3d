"""Wait for a database server that is being restarted, instead of failing every task that needs it just then.

Only connecting is tried again: nothing was sent yet, so nothing can be done twice. A connection
that breaks in the middle of a transaction ends the attempt (``failures``), and the next attempt
reads what is there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

log = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""Longest wait for the server, in seconds: a restart takes some, a switch to a replica up to a minute."""

_PAUSE_S = 1.0
_PASSING = (
    "connection refused",
    "starting up",
    "shutting down",
    "recovery mode",
    "not yet accepting connections",
    "server closed the connection",
    "connection reset",
    "timeout expired",
    "too many clients",
    "remaining connection slots",
)
"""What a server says, or the network in its place, that is about to come back or to have room again."""


def wait_for_server(
    engine: sa.Engine,
    patience_s: float = PATIENCE_S,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Have this engine's new connections wait while the server is away.

    Args:
        engine: The ledger's engine; for SQLite, which has no server, nothing is changed.
        patience_s: Longest wait in seconds; then the driver's own error is raised.
        clock: Seconds of a monotonic clock.
        sleep: Pauses for seconds.
    """
    if engine.dialect.name == "sqlite":
        return

    def connect(dialect: sa.Dialect, _record: Any, arguments: Any, parameters: Any) -> Any:
        deadline_s = clock() + patience_s
        told = False
        while True:
            try:
                return dialect.connect(*arguments, **parameters)
            except dialect.loaded_dbapi.Error as error:
                if not is_passing(error) or clock() >= deadline_s:
                    raise
                if not told:
                    log.warning("The ledger's server is away; waiting up to %.0f s for it.", patience_s)
                told = True
            sleep(_PAUSE_S)

    sa.event.listen(engine, "do_connect", connect)


def is_passing(error: BaseException) -> bool:
    """Whether a failure to connect may pass by itself; a wrong password or name does not."""
    said = str(error).casefold()
    return any(fragment in said for fragment in _PASSING)
