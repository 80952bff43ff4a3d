"""Who claims which Account Email: finds two customers with one address over all runs, without keeping addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.state.run_number import number_of
from customer_sync.ledger.storage.schema import customer_state, known_customer, quarantine
from customer_sync.ledger.storage.statement import Prepared, among, chunks, upsert
from customer_sync.model.company import content_hash
from customer_sync.model.outcome import Reason


class AccountClaim(NamedTuple):
    """A customer with Account Email, record in the source, the company's id that this record holds, and name."""

    customer_id: str
    email: str
    record_id: str = ""
    reference_id: str = ""
    name: str = ""


class AccountEmails:
    """The claims of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def claim(self, connection: sa.Connection, run_id: str, claims: Sequence[AccountClaim]) -> None:
        """Record what customers claim that are eligible; under another number a record claims nothing any more."""
        rows = [
            {
                "connector_id": self._connector_id,
                "customer_id": each.customer_id,
                "name": "",
                **_named(each.customer_id, each.name),
                "email_hash": content_hash(each.email.casefold()),
                "record_id": each.record_id[:100] or None,
                "reference_id": each.reference_id[:100],
                "email_run": number_of(run_id),
            }
            for each in claims
        ]
        for part in chunks(rows):
            hashes, records = zip(*((row["email_hash"], row["record_id"] or "") for row in part), strict=True)
            _give_up_of_records(connection, self._connector_id, hashes, records)
            upsert(connection, known_customer, part, keep=("name",))

    def note_names(self, connection: sa.Connection, names: Mapping[str, str]) -> None:
        """Remember the names of eligible customers that claim nothing, because they cannot become a company."""
        rows = [
            {"connector_id": self._connector_id, "customer_id": key, "name": "", **_named(key, name)}
            for key, name in sorted(names.items())
        ]
        for part in chunks(rows):
            upsert(connection, known_customer, part, keep=("name",))

    def renew(self, connection: sa.Connection, run_id: str, customer_ids: Iterable[str]) -> None:
        """Have customers of whom nothing changed claim what they claim already."""
        claim = known_customer.c
        for part in chunks(customer_ids):
            mine = (claim.connector_id == self._connector_id, among(claim.customer_id, part))
            again = sa.update(known_customer).where(*mine, claim.email_hash.is_not(None))
            connection.execute(again.values(email_run=number_of(run_id)))

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
            _give_up(connection, self._connector_id, part)

    def give_up_older(self, connection: sa.Connection, run_id: str) -> None:
        """Drop the claims that a read of every customer did not renew: those customers are gone from the ERP."""
        _give_up_older(connection, self._connector_id, number_of(run_id))

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
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for customer_id, rival in _conflicts(connection, self._connector_id, number_of(run_id)):
                found.setdefault(customer_id, []).append(rival)
        return found


def _named(customer_id: str, name: str) -> dict[str, str]:
    """The real name, as it is shown and searched by to whom that is allowed."""
    return {"full_name": name[:250], "search": f"{customer_id} {name}".casefold()[:500]}


def _without_claims(of_connector: Any) -> sa.Update:
    known = known_customer.c
    mine = (known.connector_id == of_connector, sa.or_(known.email_hash.is_not(None), known.full_name != ""))
    has_company = sa.exists().where(
        customer_state.c.connector_id == known.connector_id, customer_state.c.customer_id == known.customer_id
    )
    # Who is nothing to the store any more is known by number alone.
    forgotten = {
        "full_name": sa.case((has_company, known.full_name), else_=""),
        "search": sa.case((has_company, known.search), else_=sa.func.lower(known.customer_id)),
    }
    gone = {"email_hash": None, "email_run": None, "reference_id": None}
    return sa.update(known_customer).where(*mine).values(**gone, **forgotten)


@Prepared
def _give_up(of_connector: Any, of_customers: Any) -> sa.Update:
    return _without_claims(of_connector).where(among(known_customer.c.customer_id, of_customers))


@Prepared
def _give_up_of_records(of_connector: Any, hashes: Any, records: Any) -> sa.Update:
    claim = known_customer.c
    return _without_claims(of_connector).where(among(claim.email_hash, hashes), among(claim.record_id, records))


@Prepared
def _give_up_older(of_connector: Any, this_run: Any) -> sa.Update:
    return _without_claims(of_connector).where(known_customer.c.email_run != this_run)


@Prepared
def _conflicts(connector_id: Any, run_number: Any) -> sa.Select[Any]:
    mine = known_customer.alias("mine")
    other = known_customer.alias("other")
    state = customer_state.c
    same_email = sa.and_(
        other.c.connector_id == mine.c.connector_id,
        other.c.email_hash == mine.c.email_hash,
        other.c.customer_id != mine.c.customer_id,
    )
    its_state = sa.and_(state.connector_id == other.c.connector_id, state.customer_id == other.c.customer_id)
    return (
        sa.select(mine.c.customer_id, other.c.customer_id)
        .select_from(mine.join(other, same_email).outerjoin(customer_state, its_state))
        .where(mine.c.connector_id == connector_id, mine.c.email_run == run_number)
        .order_by(mine.c.customer_id, sa.case((state.company_id.is_not(None), 0), else_=1), other.c.customer_id)
    )
