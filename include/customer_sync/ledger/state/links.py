"""Links: which company, users and addresses in the store belong to a customer, and what we last applied to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from customer_sync.errors import ConfigError
from customer_sync.ledger.state.applied_document import decode_applied, encode_applied
from customer_sync.ledger.state.email_directory import Held, Indexed, put_held
from customer_sync.ledger.state.link_snapshot import MADE, CustomerState, KeyHolder, LinkSnapshot, LinkSummary
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.schema import STORE, customer_state, email, watermark
from customer_sync.ledger.storage.statement import PARAMETER_CHUNK, Prepared, among, chunks, take_turns, upsert
from customer_sync.ledger.storage.upgrade import writing
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import AppliedCompany
from customer_sync.planning.emails import Stake, held_by

_IS_HELD: Final = email.c.stake != str(Stake.CLAIMED)


class Links:
    """The links of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id
        self._store = ""

    @contextmanager
    def snapshot(self) -> Iterator[LinkSnapshot]:
        """Look at the links in one transaction, so that all that is read in it is of one moment."""
        with self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield LinkSnapshot(connection, self._connector_id)

    def load(self, customer_ids: Iterable[str]) -> dict[str, AppliedCompany]:
        """Read what is applied for some customers; those without a company are absent."""
        with self.snapshot() as links:
            return links.applied(customer_ids)

    def load_hashes(self, customer_ids: Iterable[str]) -> dict[str, LinkSummary]:
        """Read the summaries of some customers' links: enough to see "unchanged"."""
        with self.snapshot() as links:
            return links.summaries(customer_ids)

    def companies(self, size: int = PARAMETER_CHUNK) -> Iterator[list[tuple[str, int]]]:
        """All links as (CustomerID, company id), in order of the first, ``size`` at a time."""
        after = ""
        while True:
            with self._engine.connect() as connection:
                found = _companies(connection, self._connector_id, after, size).all()
            if not found:
                return
            yield [(key, company_id) for key, company_id in found]
            after = found[-1][0]

    def count(self) -> int:
        """Number of linked companies."""
        query = sa.select(sa.func.count()).where(customer_state.c.connector_id == self._connector_id)
        with self._engine.connect() as connection:
            return int(connection.execute(query.select_from(customer_state)).scalar_one())

    def counts(self) -> tuple[int, int]:
        """Number of linked companies, and of linked users and addresses."""
        with self._engine.connect() as connection:
            found = _counts(connection, self._connector_id).one()
        return int(found[0]), int(found[1])

    def made_by(self, run_id: str, customer_ids: Iterable[str]) -> dict[str, bool]:
        """Customers whose company that run linked, and whether it was made then; else it was there and adopted."""
        found: dict[str, bool] = {}
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                rows = _made_by(connection, self._connector_id, run_id, part)
                found.update((key, evidence == MADE) for key, evidence in rows)
        return found

    def unweighed(self, customer_ids: Iterable[str]) -> set[str]:
        """Customers whose company was found by its key, and of which nobody has said yet whose it is."""
        found: set[str] = set()
        link = customer_state.c
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                query = sa.select(link.customer_id).where(
                    link.connector_id == self._connector_id, link.customer_id.in_(part), link.evidence == ""
                )
                found.update(connection.execute(query).scalars())
        return found

    def prove(self, connection: sa.Connection, run_id: str, customer_id: str, record_id: str, evidence: str) -> None:
        """Say that a company that was found is the record's, and why; the run counts as the one that adopted it."""
        values = {"evidence": evidence[:100], "made_by_run": run_id}
        self._change(connection, customer_id, **values, **({"record_id": record_id} if record_id else {}))

    def holders(self, company_ids: Iterable[int]) -> dict[int, str]:
        """Which customer each company of the store belongs to, of this connector or another; only those linked."""
        found: dict[int, str] = {}
        link = customer_state.c
        with self._engine.connect() as connection:
            store = self._store_of(connection)
            for part in chunks(company_ids):
                query = sa.select(link.company_id, link.customer_id).where(
                    link.store == store, among(link.company_id, part)
                )
                found.update((company_id, customer_id) for company_id, customer_id in connection.execute(query))
        return found

    def note_store(self, run_id: str, store: str) -> None:
        """Remember which store the links lead to; two links on one of its companies are impossible.

        Args:
            run_id: The run that reached it.
            store: The store's own name, the same for every connector that reaches it.

        Raises:
            ConfigError: Another connector links some of the same companies.
        """
        with self._engine.connect() as connection:
            if self._store_of(connection) == store:
                return
        link, row = customer_state.c, {"connector_id": self._connector_id, "name": STORE, "value": store}
        try:
            with writing(self._engine) as connection:
                upsert(connection, watermark, [{**row, "moved_at_utc": utc_now(), "run_id": run_id}])
                mine = link.connector_id == self._connector_id
                connection.execute(sa.update(customer_state).where(mine).values(store=store))
        except sa.exc.IntegrityError as error:
            raise ConfigError(
                f"Connector {self._connector_id} and another one link the same companies of {store}: a company belongs "
                "to one customer of one ERP. Reconcile both with mode compare, and unlink the customers that are wrong."
            ) from error
        self._store = store

    def _store_of(self, connection: sa.Connection) -> str:
        """The store's name, ours alone until a run has reached it."""
        if not self._store:
            mark = watermark.c
            query = sa.select(mark.value).where(mark.connector_id == self._connector_id, mark.name == STORE)
            self._store = connection.execute(query).scalar() or ""
        return self._store or f"of {self._connector_id}"

    def of_record(self, record_id: str) -> str | None:
        """The CustomerID under which a record's company is linked; ``None`` when it has none.

        Args:
            record_id: The source's record id, which stays when the CustomerID changes; in any case.
        """
        link = customer_state.c
        query = sa.select(link.customer_id).where(
            link.connector_id == self._connector_id, sa.func.lower(link.record_id) == record_id.lower()
        )
        with self._engine.connect() as connection:
            return connection.execute(query).scalars().first()

    def records_at(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """The record that is linked under each of these numbers; ``""`` where a link knows none."""
        found: dict[str, str] = {}
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                rows = _records_at(connection, self._connector_id, part)
                found.update((key, record_id or "") for key, record_id in rows)
        return found

    def key_holders(self, keys: Iterable[str]) -> list[KeyHolder]:
        """Links whose companies carry one of these keys in the store, in whatever case."""
        found: list[KeyHolder] = []
        link = customer_state.c
        with self._engine.connect() as connection:
            for part in chunks({key.casefold() for key in keys}):
                query = sa.select(link.customer_id, link.record_id, link.company_key, link.evidence).where(
                    link.connector_id == self._connector_id, among(link.company_key, part)
                )
                rows = connection.execute(query.order_by(link.customer_id))
                found.extend(KeyHolder(number, record or "", key, bool(why)) for number, record, key, why in rows)
        return found

    def renamed(self, records: Mapping[str, str]) -> dict[str, str]:
        """Find customers whose record is linked under another number: it was changed in the ERP.

        Args:
            records: Number -> record id, which stays.

        Returns:
            The present number -> the one under which the company is linked.
        """
        present = {record_id: key for key, record_id in records.items() if record_id}
        with self._engine.connect() as connection:
            linked = self._numbers_of(connection, present)
        return {present[record]: old for record, old in linked.items() if present[record] != old}

    def _numbers_of(self, connection: sa.Connection, record_ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in chunks(record_ids):
            rows = _numbers_of(connection, self._connector_id, part)
            found.update((record_id, key) for record_id, key in rows)
        return found

    def follow(self, connection: sa.Connection, records: Mapping[str, str]) -> dict[str, str]:
        """Have each link bear the number that its record has now: a company belongs to a record, not to a number.

        A link whose number another record bears, and whose own present number is not among these, is kept under
        :func:`parked_number` until its record is read.

        Args:
            connection: A writing transaction.
            records: Number -> record id, of customers as the ERP shows them.

        Returns:
            Former number -> present number of each link that moved.
        """
        take_turns(connection, f"links:{self._connector_id}")
        records = {number: record_id for number, record_id in records.items() if record_id}
        linked = self._numbers_of(connection, records.values())
        there = self._links_at(connection, records)
        moved = {linked[record]: number for number, record in records.items() if linked.get(record, number) != number}
        for number, (record_id, company_id) in there.items():
            if record_id == records[number] or number in moved:
                continue
            if not record_id and records[number] not in linked:
                self._change(connection, number, record_id=records[number])
            else:
                moved[number] = parked_number(record_id or str(company_id))
        # Numbers may go round in a circle: each link is out of the way before the first takes its new number.
        parked = {old: f"~{position}~" for position, old in enumerate(moved)}
        self.catch_up(connection, moved)
        for old, between in parked.items():
            self._rename(connection, old, between)
        for old, new in moved.items():
            self._rename(connection, parked[old], new)
            self._rename_addresses(connection, old, new)
        return moved

    def _links_at(self, connection: sa.Connection, numbers: Iterable[str]) -> dict[str, tuple[str, int]]:
        """Record id and company id of the link under each number."""
        found: dict[str, tuple[str, int]] = {}
        link = customer_state.c
        for part in chunks(numbers):
            query = sa.select(link.customer_id, link.record_id, link.company_id).where(
                link.connector_id == self._connector_id, among(link.customer_id, part)
            )
            found.update((key, (record or "", company_id)) for key, record, company_id in connection.execute(query))
        return found

    def catch_up(self, connection: sa.Connection, customer_ids: Iterable[str]) -> None:
        """Write companies whole that a run began to make and left: no user is promised an e-mail any more.

        The journal knows what was made of them by the numbers that their records had then.

        Args:
            connection: A writing transaction.
            customer_ids: Customers; of those with no such company nothing is written.
        """
        links = LinkSnapshot(connection, self._connector_id)
        begun = links.applied(links.behind(customer_ids))
        for customer_id, applied in begun.items():
            whole = {"applied": encode_applied(applied), "reference_id": applied.reference_id, "is_behind": False}
            self._change(connection, customer_id, **whole)
        if begun:
            self._index(connection, [CustomerState(*each) for each in begun.items()])

    def _change(self, connection: sa.Connection, number: str, /, **values: Any) -> None:
        state = customer_state.c
        mine = sa.and_(state.connector_id == self._connector_id, state.customer_id == number)
        connection.execute(sa.update(customer_state).where(mine).values(**values))

    def _rename(self, connection: sa.Connection, old: str, new: str) -> None:
        self._change(connection, old, customer_id=new, content_hash="")
        mine = email.c.connector_id == self._connector_id
        # What the number's former owner claimed is not this record's; its own claims are said anew when it is planned.
        for number in (old, new):
            is_claim = sa.and_(mine, email.c.customer_id == number, email.c.stake == str(Stake.CLAIMED))
            connection.execute(sa.delete(email).where(is_claim))
        connection.execute(sa.update(email).where(mine, email.c.customer_id == old).values(customer_id=new))

    def _rename_addresses(self, connection: sa.Connection, old: str, new: str) -> None:
        """Find the addresses of a company under the keys that its customer's new number gives them."""
        state = customer_state.c
        mine = sa.and_(state.connector_id == self._connector_id, state.customer_id == new)
        text = connection.execute(sa.select(state.applied).where(mine)).scalar_one()
        applied = decode_applied(text, company_id=0, status=0)
        addresses = {_moved(key, old, new): address for key, address in applied.addresses.items()}
        self._change(connection, new, applied=encode_applied(msgspec.structs.replace(applied, addresses=addresses)))

    def holders_of_contacts(self, contact_ids: Iterable[str]) -> set[tuple[str, str]]:
        """Each of these contacts with each customer whose company has a user of it; it may be another's since."""
        found: set[tuple[str, str]] = set()
        with self._engine.connect() as connection:
            for part in chunks(contact_ids):
                rows = _holders(connection, self._connector_id, part)
                found.update((contact, holder) for contact, holder in rows)
        return found

    def put(self, connection: sa.Connection, run_id: str, states: Sequence[CustomerState]) -> None:
        """Write what is applied to some customers, each once, whole.

        Args:
            connection: A writing transaction.
            run_id: The run, which counts as the maker of companies that had no link; ``""`` for none.
            states: What the store holds now.
        """
        self._put(connection, run_id, states, keep=("linked_at_utc", "made_by_run", "record_id", "evidence"))

    def replace(self, connection: sa.Connection, state: CustomerState) -> None:
        """Make a customer's link hold what was read of its company: fields, users, addresses and record id."""
        self._put(connection, "", [state], keep=("linked_at_utc", "made_by_run", "evidence"))

    def _put(
        self, connection: sa.Connection, run_id: str, states: Sequence[CustomerState], keep: tuple[str, ...]
    ) -> None:
        now, store = utc_now(), self._store_of(connection)
        rows = [
            {
                "connector_id": self._connector_id,
                "customer_id": customer_id,
                "store": store,
                "company_id": applied.company_id,
                "record_id": record_id or None,
                "company_key": key.casefold(),
                "status": int(applied.status),
                "applied": encode_applied(applied),
                "parts": len(applied.users) + len(applied.addresses),
                "reference_id": applied.reference_id,
                "content_hash": applied.content_hash,
                "made_by_run": run_id,
                "evidence": evidence[:100],
                "parts_known": applied.parts_known,
                "is_behind": is_behind,
                "linked_at_utc": now,
                "applied_at_utc": now,
            }
            for customer_id, applied, record_id, _, key, evidence, *_, is_behind in states
        ]
        upsert(connection, customer_state, rows, keep=keep)
        self._index(connection, states)

    def _index(self, connection: sa.Connection, states: Sequence[CustomerState]) -> None:
        """Have the directory of e-mails name each customer's present users, and no former ones."""
        unknown = [each.customer_id for each in states if each.indexed is None]
        looked_up = self._indexed(connection, unknown) if unknown else {}
        held = [
            Held(
                each.customer_id,
                {**each.promised, **held_by(each.applied)},
                each.applied.status == CompanyStatus.INACTIVE,
                looked_up.get(each.customer_id, {}) if each.indexed is None else each.indexed,
                each.claimed,
            )
            for each in states
        ]
        put_held(connection, self._connector_id, held)

    def indexed(self, customer_ids: Iterable[str]) -> dict[str, dict[str, Indexed]]:
        """What the directory of e-mails says of the users of some customers."""
        with self._engine.connect() as connection:
            return self._indexed(connection, customer_ids)

    def _indexed(self, connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, dict[str, Indexed]]:
        c = email.c
        found: dict[str, dict[str, Indexed]] = {}
        for part in chunks(customer_ids):
            query = sa.select(c.customer_id, c.email_hash, c.contact_key, c.stake == str(Stake.WITHDRAWN)).where(
                c.connector_id == self._connector_id, among(c.customer_id, part), _IS_HELD
            )
            for customer_id, hashed, contact, is_closed in connection.execute(query):
                found.setdefault(customer_id, {})[hashed] = Indexed(contact, bool(is_closed))
        return found

    def put_hashes(self, connection: sa.Connection, hashes: Mapping[str, str]) -> None:
        """Remember which desired state was applied whole, for each customer; ``""`` where none was."""
        now = utc_now()
        rows = [
            {"of_connector": self._connector_id, "of_customer": key, "content_hash": digest, "applied_at_utc": now}
            for key, digest in hashes.items()
        ]
        if rows:
            _PUT_HASH.execute(connection, rows)

    def drop_company(self, connection: sa.Connection, customer_id: str) -> None:
        """Forget a company with its users and addresses."""
        for table, also in ((email, _IS_HELD), (customer_state, sa.true())):
            mine = sa.and_(table.c.connector_id == self._connector_id, table.c.customer_id == customer_id)
            connection.execute(sa.delete(table).where(mine, also))


def parked_number(record_id: str) -> str:
    """What a link is called, and its company's key, while its record's number is another record's or not known."""
    return f"~{record_id}"


def _moved(key: str, old: str, new: str) -> str:
    """An address's key under the customer's new number."""
    return f"{new}:{key.removeprefix(f'{old}:')}" if key.startswith(f"{old}:") else key


_PUT_HASH = Compiled(
    lambda _: (
        sa.update(customer_state)
        .where(
            customer_state.c.connector_id == sa.bindparam("of_connector"),
            customer_state.c.customer_id == sa.bindparam("of_customer"),
        )
        .values(content_hash=sa.bindparam("content_hash"), applied_at_utc=sa.bindparam("applied_at_utc"))
    )
)


_c = customer_state.c


@Prepared
def _companies(connector_id: Any, after: Any, size: Any) -> sa.Select[Any]:
    query = sa.select(_c.customer_id, _c.company_id).where(_c.connector_id == connector_id, _c.customer_id > after)
    return query.order_by(_c.customer_id).limit(size)


@Prepared
def _counts(connector_id: Any) -> sa.Select[Any]:
    return sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_c.parts), 0)).where(_c.connector_id == connector_id)


@Prepared
def _made_by(connector_id: Any, run_id: Any, customer_ids: Any) -> sa.Select[Any]:
    mine = (_c.connector_id == connector_id, _c.made_by_run == run_id, among(_c.customer_id, customer_ids))
    return sa.select(_c.customer_id, _c.evidence).where(*mine)


@Prepared
def _records_at(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    mine = (_c.connector_id == connector_id, among(_c.customer_id, customer_ids))
    return sa.select(_c.customer_id, _c.record_id).where(*mine)


@Prepared
def _numbers_of(connector_id: Any, record_ids: Any) -> sa.Select[Any]:
    mine = (_c.connector_id == connector_id, among(_c.record_id, record_ids))
    return sa.select(_c.record_id, _c.customer_id).where(*mine)


@Prepared
def _holders(connector_id: Any, contact_ids: Any) -> sa.Select[Any]:
    mine = (email.c.connector_id == connector_id, among(email.c.contact_key, contact_ids), _IS_HELD)
    return sa.select(email.c.contact_key, email.c.customer_id).where(*mine)
