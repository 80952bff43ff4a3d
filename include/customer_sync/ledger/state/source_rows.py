"""What the source said of a customer when it was last closed: if that is all the same, it need not be judged again.

The rows alone would hide what else a decision rests on. So the hash that is kept is of the rows, of the rules by which
they were judged, of what is applied to the customer's company, and of what was said of the customer last: whoever
fails, waits, is repaired or marked since is judged anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.schema import customer_state, known_customer, set_aside
from customer_sync.ledger.storage.statement import Prepared, among, chunks


class AsBefore(NamedTuple):
    """A customer of whom nothing changed.

    Attributes:
        reasons: Why it is not eligible, codes joined by commas; ``""`` where it is, and its company is as it should be.
        record_id: The record that its company is linked to, ``""`` where there is none.
    """

    reasons: str
    record_id: str


class SourceRows:
    """The rows of one connector's customers."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def as_before(self, rows: Mapping[str, str], rules: str) -> dict[str, AsBefore]:
        """Find those of some customers of whom nothing changed since they were closed.

        Args:
            rows: Customer id -> what identifies its rows.
            rules: What identifies the rules of today.
        """
        with self._engine.connect() as connection:
            return {
                facts.customer_id: AsBefore(facts.rows_reasons or "", facts.record_id or "")
                for facts in self._facts(connection, rows, _known_facts)
                if facts.rows_hash == _hash(rows[facts.customer_id], rules, facts)
            }

    def put(self, connection: sa.Connection, rows: Mapping[str, str], rules: str, reasons: Mapping[str, str]) -> None:
        """Remember the rows of customers that were closed in this transaction, as unchanged or as not eligible.

        Args:
            connection: A writing transaction, after what it says of them.
            rows: Customer id -> what identifies its rows.
            rules: What identifies the rules by which they were judged.
            reasons: Why those are not eligible who are not; codes joined by commas.
        """
        changed = [
            {
                "of_connector": self._connector_id,
                "of_customer": facts.customer_id,
                "rows_hash": _hash(rows[facts.customer_id], rules, facts),
                "rows_reasons": reasons.get(facts.customer_id),
            }
            for facts in self._facts(connection, rows, _all_facts)
        ]
        if changed:
            _PUT.execute(connection, changed)

    def _facts(self, connection: sa.Connection, customer_ids: Iterable[str], query: Prepared) -> Iterator[Any]:
        for part in chunks(customer_ids):
            yield from query(connection, self._connector_id, part)


def _of_customers(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    known, state = known_customer.c, customer_state.c
    of_customer = sa.and_(state.connector_id == known.connector_id, state.customer_id == known.customer_id)
    marked = sa.exists().where(
        set_aside.c.connector_id == known.connector_id, set_aside.c.customer_id == known.customer_id
    )
    query = sa.select(
        known.customer_id,
        known.rows_hash,
        known.rows_reasons,
        known.told,
        state.company_id,
        state.status,
        state.content_hash,
        state.record_id,
    ).select_from(known_customer.outerjoin(customer_state, of_customer))
    return query.where(known.connector_id == connector_id, among(known.customer_id, customer_ids), ~marked)


_all_facts = Prepared(_of_customers)


@Prepared
def _known_facts(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    return _of_customers(connector_id, customer_ids).where(known_customer.c.rows_hash.is_not(None))


def _hash(rows: str, rules: str, facts: Any) -> bytes:
    text = f"{rows} {rules} {facts.told} {facts.company_id} {facts.status} {facts.content_hash}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


_PUT = Compiled(
    lambda _: (
        sa.update(known_customer)
        .where(
            known_customer.c.connector_id == sa.bindparam("of_connector"),
            known_customer.c.customer_id == sa.bindparam("of_customer"),
        )
        .values(rows_hash=sa.bindparam("rows_hash"), rows_reasons=sa.bindparam("rows_reasons"))
    )
)
