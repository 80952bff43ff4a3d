"""A customer as it is named on the command line: by number, or by the record id that stays when that changes."""

from __future__ import annotations

import uuid

from customer_sync.ledger import Ledger


def number_of(ledger: Ledger, customer: str) -> str:
    """The number of a customer, its present holder's.

    Args:
        ledger: Knows the record ids of customers that have a company.
        customer: A number, or a record id.

    Returns:
        The number; what was given, where it is no record id of a customer that the ledger knows.
    """
    text = customer.strip()
    try:
        uuid.UUID(text)
    except ValueError:
        return text
    return ledger.links.of_record(text) or text
