"""How long people keep their access after the ERP withdrew it, measured per user from both sides' own stamps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from customer_sync.company import STATUS_INACTIVE, content_hash
from customer_sync.customer import Customer
from customer_sync.eligibility import decide_eligibility
from customer_sync.ledger.access import AccessRemoval
from customer_sync.ledger.intents import Removal
from customer_sync.plan import Action
from customer_sync.run import Run

_DEACTIVATION = content_hash({"status": STATUS_INACTIVE})
"""Payload hash of a write that made a company inactive."""


def note_removals(run: Run, customers: Iterable[Customer]) -> None:
    """Remember when people of some customers lost their access, and when the ERP had withdrawn it.

    The end is the moment at which the store confirmed the write. The beginning is the
    stamp of the contact, or of the customer where the whole company was withdrawn. A
    record that was edited again after the removal does not tell any more, nor does one
    that is gone: such a removal is kept without a beginning.

    Args:
        run: The run.
        customers: As the ERP shows them now.
    """
    by_id = {customer.customer_id: customer for customer in customers}
    removals = run.ledger.intents.removals(by_id)
    if not removals:
        return
    applied = run.ledger.links.load({each.customer_id for each in removals})
    found: list[AccessRemoval] = []
    for each in removals:
        customer = by_id[each.customer_id]
        if each.action == Action.DELETE_USER:
            found.append(_of_contact(customer, each))
        elif each.action == Action.DELETE_COMPANY or each.payload_hash == _DEACTIVATION:
            users = applied[each.customer_id].users if each.customer_id in applied else {}
            found.extend(_of_customer(run, customer, each, users))
    with run.ledger.write() as connection:
        run.ledger.access.put(connection, run.run_id, found)


def _of_contact(customer: Customer, removal: Removal) -> AccessRemoval:
    contact = next((each for each in customer.contacts if each.contact_id == removal.key), None)
    stamp = contact.modified_at_utc if contact else ""
    return AccessRemoval(customer.customer_id, removal.key, removal.at_utc, _before(stamp, removal.at_utc), "contact")


def _of_customer(run: Run, customer: Customer, removal: Removal, users: Iterable[str]) -> Iterator[AccessRemoval]:
    is_withdrawn = decide_eligibility(customer, run.connector.eligibility).is_unenrolling
    begin = _before(customer.modified_at_utc, removal.at_utc) if is_withdrawn else None
    for key in users or [""]:
        yield AccessRemoval(customer.customer_id, key, removal.at_utc, begin, "customer")


def _before(stamp: str, removed_at_utc: datetime) -> datetime | None:
    moment = datetime.fromisoformat(stamp) if stamp else None
    return moment if moment is not None and moment <= removed_at_utc else None
