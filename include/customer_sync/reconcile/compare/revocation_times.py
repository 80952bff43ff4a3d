"""How long people keep their access after the ERP withdrew it, measured per user from both sides' own stamps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from customer_sync.ledger.journal.access_revocations import AccessRemoval
from customer_sync.ledger.journal.intents import Removal
from customer_sync.model.company import CompanyStatus
from customer_sync.model.customer import Customer
from customer_sync.model.operation import Action
from customer_sync.run import Run


def note_removals(run: Run, customers: Iterable[Customer]) -> None:
    """Remember when people of some customers lost their access, and when the ERP had withdrawn it.

    The end is the moment at which the store confirmed the write. The beginning is the
    ERP's stamp of the contact, or of the customer where the whole company was
    withdrawn, as it was when the removal was planned. A stamp from before the last good
    run does not belong to the change (an edited Site Association moves none), and a
    record that is gone has none: such a removal is kept without a beginning.

    Args:
        run: The run.
        customers: As the ERP shows them now.
    """
    ids = [customer.customer_id for customer in customers]
    removals = run.ledger.intents.removals(ids)
    if not removals:
        return
    applied = run.ledger.links.load({each.customer_id for each in removals})
    begins = _Begins(run)
    found: list[AccessRemoval] = []
    for each in removals:
        if each.action == Action.DELETE_USER:
            found.append(AccessRemoval(each.customer_id, each.key, each.at_utc, begins.of(each), "contact"))
        elif each.action == Action.DELETE_COMPANY or each.values.get("status") == CompanyStatus.INACTIVE:
            users = applied[each.customer_id].users if each.customer_id in applied else {}
            found.extend(
                AccessRemoval(each.customer_id, key, each.at_utc, begins.of(each), "customer") for key in users or [""]
            )
    with run.ledger.write() as connection:
        run.ledger.access.put(connection, run.run_id, found)


class _Begins:
    """When an access ended in the ERP, as far as the stamp of a removal shows it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last_good: dict[str, datetime | None] = {}

    def of(self, removal: Removal) -> datetime | None:
        """The stamp, unless the change that it belongs to is another one."""
        moment = removal.ended_at_utc
        if moment is None or moment > removal.at_utc:
            return None
        since = self._since(removal.run_id)
        return None if since is not None and moment < since else moment

    def _since(self, run_id: str) -> datetime | None:
        """From when on the changes of a run are: the start of the last good run before it, less the overlap."""
        if run_id not in self._last_good:
            row = self._run.ledger.runs.get(run_id)
            last = self._run.ledger.runs.last_good_start(before_utc=row["started_at_utc"]) if row else None
            overlap = timedelta(minutes=self._run.connector.window_overlap_minutes)
            self._last_good[run_id] = last - overlap if last else None
        return self._last_good[run_id]
