"""The directory of e-mails: who has each in the store, and who claims it. E-mails are kept by their hash.

What the companies have is written with their links, so the two always agree; who claims what, transform says of each
run's customers, and load asks before it writes. Each connector writes what its own customers have and claim; who asks
for an e-mail is told of the customers of all connectors that reach the same store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.state.run_number import number_of
from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.schema import STORE, customer_state, email, watermark
from customer_sync.ledger.storage.statement import Prepared, among, chunks, upsert
from customer_sync.model.company import CompanyStatus
from customer_sync.planning.emails import Stake, Staked

_STAKES = {str(stake): stake for stake in Stake}
_MOST_NAME_CHARS: Final = 120
"""Longest name of a customer for whom a part waits."""

_COLUMNS = ("connector_id", "email_hash", "customer_id", "contact_key", "stake")


class EmailDirectory:
    """The directory as one connector sees it: what it says of its customers, and what all say who share its store."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

    def of_emails(self, email_ids: Iterable[str]) -> dict[str, list[Staked]]:
        """Everybody's stakes in some e-mails, those of other connectors of the same store among them.

        What another connector's customer has is no run of this one to free: it counts as kept until it is given up.
        """
        found: dict[str, list[Staked]] = {}
        sought = set(email_ids)
        if not sought:
            return found
        with self._engine.connect() as connection:
            connectors = [self._connector_id, *_sharing(connection, self._connector_id).scalars()]
            for part in chunks(sought):
                for connector_id, *row in _of_emails(connection, connectors, part):
                    each = _staked(row)
                    if connector_id != self._connector_id:
                        each = _elsewhere(each, connector_id)
                    found.setdefault(each.email_id, []).append(each)
        return found

    def claimed_elsewhere(self) -> set[str]:
        """E-mails that companies of this connector have which do not trade, and customers of others claim."""
        with self._engine.connect() as connection:
            connectors = list(_sharing(connection, self._connector_id).scalars())
            return set(_claimed_of(connection, self._connector_id, connectors).scalars()) if connectors else set()

    def of_customers(self, customer_ids: Iterable[str]) -> dict[str, list[Staked]]:
        """All stakes of some customers."""
        found: dict[str, list[Staked]] = {}
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                for each in map(_staked, _of_customers(connection, self._connector_id, part)):
                    found.setdefault(each.customer_id, []).append(each)
        return found

    def replace(
        self, connection: sa.Connection, run_id: str, customer_ids: Iterable[str], stakes: Sequence[Staked]
    ) -> None:
        """Make what some customers have and claim be exactly this."""
        number, since = number_of(run_id), dict[tuple[str, str], int]()
        for part in chunks(customer_ids):
            claimed = _claimed_since(connection, self._connector_id, part)
            since |= {(customer_id, hashed): run for customer_id, hashed, run in claimed}
            _forget(connection, self._connector_id, part)
        rows = [
            {
                "connector_id": self._connector_id,
                "email_hash": each.email_id,
                "customer_id": each.customer_id,
                "contact_key": each.contact_key,
                "stake": str(each.stake),
                "rank": each.rank[:150],
                "run": number,
                "since": since.get((each.customer_id, each.email_id), number),
            }
            for each in stakes
        ]
        for chunk in chunks(rows):
            # A rank is one record's: what it claimed under another number is its own claim.
            hashes, ranks = zip(*((row["email_hash"], row["rank"]) for row in chunk), strict=True)
            _drop_claims_of_ranks(connection, self._connector_id, hashes, ranks)
            upsert(connection, email, chunk)

    def drop_claims(self, connection: sa.Connection, customer_ids: Iterable[str]) -> None:
        """Forget what customers claim who are not to have it (any more)."""
        for part in chunks(customer_ids):
            _drop_claims(connection, self._connector_id, part)

    def drop_claim(self, connection: sa.Connection, customer_id: str, email_ids: Iterable[str]) -> None:
        """Forget that a customer claims these e-mails: the store refuses the person."""
        self._drop_claims(connection, email.c.customer_id == customer_id, among(email.c.email_hash, list(email_ids)))

    def take_back(self, connection: sa.Connection, run_id: str) -> None:
        """Forget what a run said that is not applied: what it was first to claim, and what was to be given up."""
        number = number_of(run_id)
        self._drop_claims(connection, email.c.since == number)
        closed = sa.exists().where(
            customer_state.c.connector_id == email.c.connector_id,
            customer_state.c.customer_id == email.c.customer_id,
            customer_state.c.status == int(CompanyStatus.INACTIVE),
        )
        held = (email.c.connector_id == self._connector_id, email.c.run == number, email.c.stake != str(Stake.CLAIMED))
        stake = sa.case((closed, str(Stake.WITHDRAWN)), else_=str(Stake.OURS))
        connection.execute(sa.update(email).where(*held).values(stake=stake))

    def drop_older(self, connection: sa.Connection, run_id: str) -> None:
        """Forget the claims that a read of every customer did not renew: those customers are gone from the ERP."""
        self._drop_claims(connection, email.c.run != number_of(run_id))

    def _drop_claims(self, connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> None:
        mine = (email.c.connector_id == self._connector_id, email.c.stake == str(Stake.CLAIMED))
        connection.execute(sa.delete(email).where(*mine, *conditions))


_c = email.c


def _stakes(connector_id: Any) -> sa.Select[Any]:
    query = sa.select(_c.email_hash, _c.customer_id, _c.contact_key, _c.stake, _c.rank)
    return query.where(_c.connector_id == connector_id)


@Prepared
def _sharing(connector_id: Any) -> sa.Select[Any]:
    """The other connectors that reach the same store."""
    mine, other = watermark.alias(), watermark.alias()
    same = (other.c.name == STORE, other.c.value == mine.c.value, other.c.connector_id != mine.c.connector_id)
    query = sa.select(other.c.connector_id).join(mine, sa.and_(*same))
    return query.where(mine.c.connector_id == connector_id, mine.c.name == STORE)


@Prepared
def _of_emails(connectors: Any, hashes: Any) -> sa.Select[Any]:
    query = sa.select(_c.connector_id, _c.email_hash, _c.customer_id, _c.contact_key, _c.stake, _c.rank)
    return query.where(among(_c.connector_id, connectors), among(_c.email_hash, hashes))


@Prepared
def _claimed_of(connector_id: Any, connectors: Any) -> sa.Select[Any]:
    other = email.alias()
    is_claimed = (among(other.c.connector_id, connectors), other.c.stake == str(Stake.CLAIMED))
    query = sa.select(_c.email_hash).join(other, other.c.email_hash == _c.email_hash)
    return query.where(_c.connector_id == connector_id, _c.stake == str(Stake.WITHDRAWN), *is_claimed)


@Prepared
def _of_customers(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    return _stakes(connector_id).where(among(_c.customer_id, customer_ids))


@Prepared
def _claimed_since(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    query = sa.select(_c.customer_id, _c.email_hash, _c.since)
    mine = (_c.connector_id == connector_id, _c.stake == str(Stake.CLAIMED))
    return query.where(*mine, among(_c.customer_id, customer_ids))


@Prepared
def _forget(connector_id: Any, customer_ids: Any) -> sa.Delete:
    return sa.delete(email).where(_c.connector_id == connector_id, among(_c.customer_id, customer_ids))


@Prepared
def _drop_claims(connector_id: Any, customer_ids: Any) -> sa.Delete:
    mine = (_c.connector_id == connector_id, _c.stake == str(Stake.CLAIMED))
    return sa.delete(email).where(*mine, among(_c.customer_id, customer_ids))


@Prepared
def _drop_claims_of_ranks(connector_id: Any, hashes: Any, ranks: Any) -> sa.Delete:
    mine = (_c.connector_id == connector_id, _c.stake == str(Stake.CLAIMED))
    return sa.delete(email).where(*mine, among(_c.email_hash, hashes), among(_c.rank, ranks))


def _staked(row: Any) -> Staked:
    hashed, customer, contact, stake, rank = row
    return Staked(hashed, customer, contact, _STAKES[stake], rank)


def _elsewhere(stake: Staked, connector_id: str) -> Staked:
    """A stake of another connector's customer, whose number may be one of ours as well."""
    name = f"{stake.customer_id} of connector {connector_id}"[:_MOST_NAME_CHARS]
    return stake._replace(customer_id=name, stake=stake.stake if stake.stake is Stake.CLAIMED else Stake.OURS)


class Indexed(NamedTuple):
    """What the directory says of a user: the contact, and whether the company is closed."""

    contact_key: str
    is_closed: bool


class Held(NamedTuple):
    """The e-mails of a company's users, each with its contact, and what the directory says of them now.

    ``claimed`` are those of the directory that no user has (any more) and the customer is to have still.
    """

    customer_id: str
    emails: Mapping[str, str]
    is_closed: bool
    known: Mapping[str, Indexed]
    claimed: frozenset[str] = frozenset()


def put_held(connection: sa.Connection, connector_id: str, companies: Sequence[Held]) -> None:
    """Have the directory name what companies have in the store, and of what they had before only what they claim.

    Args:
        connection: A writing transaction.
        connector_id: Whose companies.
        companies: What each has, and what the directory says of it now: what is equal is not written.
    """
    rows: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    for customer_id, emails, is_closed, known, claimed in companies:
        stake = str(Stake.WITHDRAWN if is_closed else Stake.OURS)
        rows += [
            dict(zip(_COLUMNS, (connector_id, hashed, customer_id, key, stake), strict=True))
            for hashed, key in emails.items()
            if known.get(hashed) != (key, is_closed)
        ]
        for hashed in known.keys() - emails.keys():
            row = {"of_connector": connector_id, "of_email": hashed, "of_customer": customer_id}
            (claims if hashed in claimed else gone).append(row)
    if gone:
        _FORGET.execute(connection, gone)
    if claims:
        _CLAIM.execute(connection, claims)
    if rows:
        _HOLD.execute(connection, sorted(rows, key=lambda row: row["email_hash"]))


def index_of(emails: Mapping[str, str], *, is_closed: bool) -> dict[str, Indexed]:
    """What the directory says of a company's users after these e-mails were put."""
    return {hashed: Indexed(key, is_closed) for hashed, key in emails.items()}


def _text(stake: Stake) -> sa.ColumnElement[str]:
    """A stake written into a statement: it is no value of its rows."""
    return sa.literal_column(f"'{stake}'", sa.String())


def _hold(dialect: str) -> Any:
    """What is to be given up stays so, whatever else is written of its company."""
    statement: Any = import_module(f"sqlalchemy.dialects.{dialect}").insert(email)
    new = statement.excluded
    stake = sa.case((email.c.stake == _text(Stake.GOING), email.c.stake), else_=new.stake)
    return statement.on_conflict_do_update(
        index_elements=[column.name for column in email.primary_key],
        set_={"contact_key": new.contact_key, "stake": stake},
    )


def _held() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        email.c.connector_id == sa.bindparam("of_connector"),
        email.c.email_hash == sa.bindparam("of_email"),
        email.c.customer_id == sa.bindparam("of_customer"),
        email.c.stake != _text(Stake.CLAIMED),
    )


_HOLD = Compiled(_hold, _COLUMNS)
_FORGET = Compiled(lambda _: sa.delete(email).where(*_held()))
_CLAIM = Compiled(lambda _: sa.update(email).where(*_held()).values(stake=_text(Stake.CLAIMED)))
