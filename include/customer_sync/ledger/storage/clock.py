"""The clock of the ledger's rows."""

from __future__ import annotations

from datetime import datetime

from customer_sync.machine import machine


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return machine().utc_now()
