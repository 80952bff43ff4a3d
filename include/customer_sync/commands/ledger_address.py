"""The ledger that a command works with; where no address is given, which one it is is said."""

from __future__ import annotations

import os

from customer_sync.commands.answer import say
from customer_sync.ledger import Ledger, ledger_url
from customer_sync.ledger.storage.database import URL_VARIABLE


def open_ledger(connector_id: str) -> Ledger:
    """Open a connector's ledger.

    Args:
        connector_id: Whose.

    Raises:
        ConfigError: The URL is wrong, or the database cannot be reached.
    """
    url = ledger_url()
    if not os.environ.get(URL_VARIABLE):
        say(f"Ledger: {url} ({URL_VARIABLE} is not set).")
    return Ledger.open(connector_id, url)
