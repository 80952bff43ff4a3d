"""Who is meant by a text that a person searches for: by number and company's id; by name and e-mail where allowed."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import customer_state, email, known_customer
from customer_sync.model.company import content_hash
from customer_sync.planning.emails import email_id

_MOST_EXACT = 50
_LARGEST_ID = 2**63 - 1


def is_named(
    connection: sa.Connection, table: sa.Table, text: str, connectors: Iterable[str], by_name: Iterable[str]
) -> sa.ColumnElement[bool]:
    """The condition that a row's customer is one that a text means.

    Args:
        connection: A transaction: what stands for one customer exactly is looked up at once.
        table: Has ``connector_id`` and ``customer_id``.
        text: Part of a number, in any case; a company's id; part of a name, or a whole e-mail.
        connectors: Whose customers.
        by_name: Those of them whose customers may be found by name and e-mail. For the others a search by name would
            tell what the mask hides.
    """
    allowed = sorted(set(connectors) & set(by_name))
    pattern = _pattern(text)
    mine = sa.and_(
        known_customer.c.connector_id == table.c.connector_id, known_customer.c.customer_id == table.c.customer_id
    )
    by_search = known_customer.c.search.like(pattern, escape="\\")
    conditions: list[sa.ColumnElement[bool]] = [sa.func.lower(table.c.customer_id).like(pattern, escape="\\")]
    if allowed:
        found = by_search if table is known_customer else sa.exists().where(mine, by_search)
        conditions.append(sa.and_(table.c.connector_id.in_(allowed), found))
    exact = [*_by_company(connection, text, connectors), *_by_email(connection, text, allowed)]
    conditions += [sa.and_(table.c.connector_id == each[0], table.c.customer_id == each[1]) for each in exact]
    return sa.or_(*conditions)


def _by_company(connection: sa.Connection, text: str, connectors: Iterable[str]) -> list[tuple[str, str]]:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or int(digits) > _LARGEST_ID:
        return []
    c = customer_state.c
    query = sa.select(c.connector_id, c.customer_id).where(
        c.connector_id.in_(sorted(connectors)), c.company_id == int(digits)
    )
    return [(row[0], row[1]) for row in connection.execute(query.limit(_MOST_EXACT))]


def _by_email(connection: sa.Connection, text: str, connectors: list[str]) -> set[tuple[str, str]]:
    if "@" not in text or not connectors:
        return set()
    asked = text.strip()
    found: set[tuple[str, str]] = set()
    # Account Emails by their claims, those of users by the directory.
    for table, digest in ((known_customer, content_hash(asked.casefold())), (email, email_id(asked))):
        c = table.c
        query = sa.select(c.connector_id, c.customer_id).where(c.connector_id.in_(connectors), c.email_hash == digest)
        found.update((row[0], row[1]) for row in connection.execute(query.limit(_MOST_EXACT)))
    return found


def _pattern(text: str) -> str:
    escaped = text.casefold().strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
