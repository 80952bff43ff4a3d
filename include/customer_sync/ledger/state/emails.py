"""Who claims which Account Email: finds two customers with one address over all runs, without keeping addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import customer_state, known_customer, quarantine
from customer_sync.ledger.storage.statement import among, chunks, upsert
from customer_sync.model.company import content_hash
from customer_sync.model.outcome import Reason


class AccountEmails:
    """The claims of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def claim(self, connection: sa.Connection, run_id: str, claims: Sequence[tuple[str, str, str]]) -> None:
        """Record (customer id, Account Email, reference id in the source) of customers that are eligible."""
        rows = [
            {
                "connector_id": self._connector_id,
                "customer_id": customer_id,
                "name": "",
                "search": customer_id.casefold(),
                "email_hash": content_hash(email.casefold()),
                "reference_id": reference_id[:100],
                "email_run": _number_of(run_id),
            }
            for customer_id, email, reference_id in claims
        ]
        for part in chunks(rows):
            upsert(connection, known_customer, part, keep=("name", "search"))

    def repeated_references(self, reference_ids: Iterable[str]) -> set[str]:
        """Reference ids that more than one customer of the source holds: they prove nothing."""
        found: set[str] = set()
        claim = known_customer.c
        with self._engine.connect() as connection:
            for part in chunks(set(reference_ids) - {""}):
                query = sa.select(claim.reference_id).where(
                    claim.connector_id == self._connector_id, claim.reference_id.in_(part)
                )
                grouped = query.group_by(claim.reference_id).having(sa.func.count() > 1)
                found.update(connection.execute(grouped).scalars())
        return found

    def give_up(self, connection: sa.Connection, customer_ids: Iterable[str]) -> None:
        """Drop the claims of customers that are not eligible (any more)."""
        for part in chunks(customer_ids):
            self._give_up(connection, among(known_customer.c.customer_id, part))

    def give_up_older(self, connection: sa.Connection, run_id: str) -> None:
        """Drop the claims that a read of every customer did not renew: those customers are gone from the ERP."""
        self._give_up(connection, known_customer.c.email_run != _number_of(run_id))

    def _give_up(self, connection: sa.Connection, condition: sa.ColumnElement[bool]) -> None:
        mine = (known_customer.c.connector_id == self._connector_id, known_customer.c.email_hash.is_not(None))
        connection.execute(
            sa.update(known_customer).where(*mine, condition).values(email_hash=None, email_run=None, reference_id=None)
        )

    def freed(self) -> set[str]:
        """Customers in quarantine for an Account Email that no other customer claims any more.

        What keeps them out changed at another customer, so no change of their own shows it.
        """
        other = known_customer.alias("other")
        claimed_elsewhere = sa.exists().where(
            other.c.connector_id == known_customer.c.connector_id,
            other.c.email_hash == known_customer.c.email_hash,
            other.c.customer_id != known_customer.c.customer_id,
        )
        same_customer = sa.and_(
            quarantine.c.connector_id == known_customer.c.connector_id,
            quarantine.c.customer_id == known_customer.c.customer_id,
        )
        query = (
            sa.select(known_customer.c.customer_id)
            .join(quarantine, same_customer)
            .where(
                known_customer.c.connector_id == self._connector_id,
                quarantine.c.reason == str(Reason.EMAIL_DUPLICATE),
                ~claimed_elsewhere,
            )
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def conflicts(self, run_id: str) -> dict[str, list[str]]:
        """Customers of this run whose Account Email another customer claims too.

        Returns:
            Customer id -> the other claimants' ids, holders of a company first.
        """
        mine = known_customer.alias("mine")
        other = known_customer.alias("other")
        holder = customer_state.c.company_id.is_not(None)
        query = (
            sa.select(mine.c.customer_id, other.c.customer_id)
            .select_from(
                mine.join(
                    other,
                    sa.and_(
                        other.c.connector_id == mine.c.connector_id,
                        other.c.email_hash == mine.c.email_hash,
                        other.c.customer_id != mine.c.customer_id,
                    ),
                ).outerjoin(
                    customer_state,
                    sa.and_(
                        customer_state.c.connector_id == other.c.connector_id,
                        customer_state.c.customer_id == other.c.customer_id,
                    ),
                )
            )
            .where(mine.c.connector_id == self._connector_id, mine.c.email_run == _number_of(run_id))
            .order_by(mine.c.customer_id, sa.case((holder, 0), else_=1), other.c.customer_id)
        )
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for customer_id, rival in connection.execute(query):
                found.setdefault(customer_id, []).append(rival)
        return found


def _number_of(run_id: str) -> int:
    """A run as a number: shorter than its name, and the same on every machine."""
    return int.from_bytes(hashlib.blake2b(run_id.encode(), digest_size=8).digest()) >> 1
