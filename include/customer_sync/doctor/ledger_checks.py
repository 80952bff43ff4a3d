"""Looks at the ledger: whether it can be opened, written, and has room."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from customer_sync.errors import SyncError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import REVISION
from customer_sync.model.check import Probe, Verdict, bad, good, not_looked_at, warning

LEAST_FREE_BYTES: Final = 1_000_000_000
"""A first load of 25,000 customers writes a tenth of it; below, somebody should look."""

LEAST_USABLE_BYTES: Final = 100_000_000


class LedgerInUse:
    """The ledger, opened by the first look.

    Args:
        open_it: Opens it.
    """

    def __init__(self, open_it: Callable[[], Ledger]) -> None:
        self._open = open_it
        self.ledger: Ledger | None = None

    def probes(self) -> Iterator[Probe]:
        """Every look at it."""
        yield Probe("ledger.opened", "the ledger", self._opened)
        for name, title, look in (("writable", "writing to the ledger", _writable), ("space", "disk space", _space)):
            yield Probe(f"ledger.{name}", title, partial(self._look, look), ("ledger.opened",))

    def close(self) -> None:
        """Close it, if it was opened."""
        if self.ledger is not None:
            self.ledger.close()

    def _opened(self) -> Verdict:
        self.ledger = self._open()
        shown = self.ledger.engine.url.render_as_string(hide_password=True)
        return good(f"The ledger {shown} is open, its tables are those of revision {REVISION}.")

    def _look(self, look: Callable[[Ledger], Verdict]) -> Verdict:
        if self.ledger is None:
            return not_looked_at("the ledger comes first.")
        return look(self.ledger)


def _writable(ledger: Ledger) -> Verdict:
    """Take the right to write, and give it back without a change."""
    try:
        with ledger.write() as connection:
            connection.execute(sa.text("UPDATE watermark SET value = value WHERE connector_id = ''"))
    except SyncError:
        raise
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return bad(
            f"The ledger cannot be written: {reason}.",
            "Give the user of Airflow's tasks the right to write the file and its folder, or the tables.",
        )
    return good("The ledger can be written.")


def _space(ledger: Ledger) -> Verdict:
    url = ledger.engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        return good("The ledger is a database server's; its disk is watched there.")
    free = shutil.disk_usage(Path(url.database).resolve().parent).free
    sentence = f"{free / 1e9:,.1f} GB are free where the ledger lies."
    remedy = "Free some, or let CUSTOMER_SYNC_LEDGER_URL lead to a larger disk or to PostgreSQL."
    if free < LEAST_USABLE_BYTES:
        return bad(sentence, remedy)
    return warning(sentence, remedy) if free < LEAST_FREE_BYTES else good(sentence)
