"""The ledger of this api-server process: opened at the first page, shared by all."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from customer_sync.ledger.storage.database import PAGE_WAIT_S, ledger_url, open_engine

_opening = threading.Lock()
_engines: dict[str, sa.Engine] = {}


def ledger_engine() -> sa.Engine:
    """The ledger's database, its tables up to date.

    Raises:
        ConfigError: It cannot be opened; the next request tries again.
        TransientApiError: It is away or locked.
    """
    url = ledger_url()
    with _opening:
        if url not in _engines:
            _engines[url] = open_engine(url, wait_s=PAGE_WAIT_S)
        return _engines[url]
