"""What a failure of the ledger's database means, in a sentence: locked, full, read-only, gone.

Every statement and every commit of an engine passes through here, so that no caller
meets a driver's own error. Nothing is ever half-committed: the transaction is rolled back,
or, where the connection broke while its commit was on the way, it was committed whole and
nobody was told. Both are treated as *unknown*: no transaction is run a second time by itself,
and the next attempt reads ledger and store before it writes.
"""

from __future__ import annotations

import sqlalchemy as sa

from customer_sync.errors import ConfigError, SyncError, TransientApiError

_READ_ONLY = ("readonly database", "read-only transaction", "permission denied")
_BUSY = ("database is locked", "database table is locked", "lock timeout", "deadlock detected")
_FULL = ("database or disk is full", "disk i/o error", "no space left", "could not extend file")


def explain_failures(engine: sa.Engine, shown_url: str) -> None:
    """Have every failure of this engine's database raised as an error of ours.

    Args:
        engine: The ledger's engine.
        shown_url: Its address without the password, for the messages.
    """

    def explain(context: sa.ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        # A connection that went stale in the pool is found by its ping and replaced: no failure at all.
        if not context.is_pre_ping and isinstance(error, sa.exc.OperationalError | sa.exc.InternalError):
            raise explained(error, shown_url) from context.original_exception

    sa.event.listen(engine, "handle_error", explain)


def is_busy_or_full(error: sa.exc.DBAPIError) -> bool:
    """Whether the database is there, but locked by another process or out of disk space: that passes."""
    said = str(error.orig).casefold()
    return any(fragment in said for fragment in (*_BUSY, *_FULL))


def explained(error: sa.exc.DBAPIError, shown_url: str) -> SyncError:
    """The error of ours for a failure of the database.

    Returns:
        ``ConfigError`` where only a person can help (read-only), else ``TransientApiError``:
        the task is tried again.
    """
    said = (str(error.orig).splitlines() or [""])[0]
    text = said.casefold()
    if any(fragment in text for fragment in _READ_ONLY):
        return ConfigError(
            f"The ledger at {shown_url} may not be written ({said}): give the user that runs Airflow the right to "
            "write the file and its folder, or the table.",
            setting="CUSTOMER_SYNC_LEDGER_URL",
        )
    if any(fragment in text for fragment in _BUSY):
        remedy = "another process has been holding it for too long; find and end it, or wait"
    elif any(fragment in text for fragment in _FULL):
        remedy = "make room on its disk"
    else:
        remedy = "check that the database is up and can be reached"
    return TransientApiError(
        f"The ledger at {shown_url} cannot be used ({said}): {remedy}. What was being written there was either "
        "rolled back or is there as a whole; the next attempt reads ledger and store, and goes on.",
        system="ledger",
        operation="ledger",
    )
