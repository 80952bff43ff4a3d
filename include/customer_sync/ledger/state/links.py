"""Links: which company, users and addresses in the store belong to a customer, and what we last applied to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.compiled import Compiled
from customer_sync.ledger.storage.schema import child_link, company_link
from customer_sync.ledger.storage.statement import PARAMETER_CHUNK, chunks, upsert
from customer_sync.model.company import Address, CompanyFields, CompanyStatus, PaymentTerms, UserFields
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser

ChildEntity = Literal["user", "address"]


class LinkSummary(NamedTuple):
    """A link in short; ``content_hash`` identifies the last desired state that was applied whole."""

    company_id: int
    status: int
    content_hash: str
    reference_id: str


class LinkSnapshot:
    """The links of one connector as one transaction sees them."""

    def __init__(self, connection: sa.Connection, connector_id: str) -> None:
        self._connection = connection
        self._connector_id = connector_id

    def applied(self, customer_ids: Iterable[str]) -> dict[str, AppliedCompany]:
        """What is applied for some customers; those without a company are absent."""
        companies: dict[str, Any] = {}
        users: dict[str, dict[str, AppliedUser]] = {}
        addresses: dict[str, dict[str, AppliedAddress]] = {}
        for part in chunks(customer_ids):
            query = sa.select(company_link).where(
                company_link.c.connector_id == self._connector_id, company_link.c.customer_id.in_(part)
            )
            for row in self._connection.execute(query).mappings():
                companies[row["customer_id"]] = row
        for part in chunks(companies):
            query = sa.select(child_link).where(
                child_link.c.connector_id == self._connector_id, child_link.c.customer_id.in_(part)
            )
            for row in self._connection.execute(query).mappings():
                key, child_key, store_id = row["customer_id"], row["child_key"], row["store_id"]
                if row["entity"] == "user":
                    user = AppliedUser(store_id=store_id, fields=msgspec.convert(row["fields"], UserFields))
                    users.setdefault(key, {})[child_key] = user
                else:
                    address = AppliedAddress(store_id=store_id, fields=msgspec.convert(row["fields"], Address))
                    addresses.setdefault(key, {})[child_key] = address
        return {key: _applied(row, users.get(key, {}), addresses.get(key, {})) for key, row in companies.items()}

    def summaries(self, customer_ids: Iterable[str]) -> dict[str, LinkSummary]:
        """The links of some customers in short."""
        found: dict[str, LinkSummary] = {}
        link = company_link.c
        for part in chunks(customer_ids):
            query = sa.select(
                link.customer_id, link.company_id, link.status, link.content_hash, link.reference_id
            ).where(link.connector_id == self._connector_id, link.customer_id.in_(part))
            for key, *facts in self._connection.execute(query):
                found[key] = LinkSummary(*facts)
        return found


class Links:
    """The links of one connector."""

    def __init__(self, engine: sa.Engine, connector_id: str) -> None:
        self._engine = engine
        self._connector_id = connector_id

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
        link, after = company_link.c, ""
        while True:
            query = sa.select(link.customer_id, link.company_id).where(
                link.connector_id == self._connector_id, link.customer_id > after
            )
            with self._engine.connect() as connection:
                found = connection.execute(query.order_by(link.customer_id).limit(size)).all()
            if not found:
                return
            yield [(key, company_id) for key, company_id in found]
            after = found[-1][0]

    def count(self) -> int:
        """Number of linked companies."""
        query = sa.select(sa.func.count()).where(company_link.c.connector_id == self._connector_id)
        with self._engine.connect() as connection:
            return int(connection.execute(query.select_from(company_link)).scalar_one())

    def counts(self) -> tuple[int, int]:
        """Number of linked companies, and of linked users and addresses."""
        query = sa.select(sa.func.count()).select_from(child_link)
        with self._engine.connect() as connection:
            parts = connection.execute(query.where(child_link.c.connector_id == self._connector_id)).scalar_one()
        return self.count(), int(parts)

    def made_by(self, run_id: str, customer_ids: Iterable[str]) -> set[str]:
        """Customers whose company was made (or adopted) by that run."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            for part in chunks(customer_ids):
                query = sa.select(company_link.c.customer_id).where(
                    company_link.c.connector_id == self._connector_id,
                    company_link.c.made_by_run == run_id,
                    company_link.c.customer_id.in_(part),
                )
                found.update(connection.execute(query).scalars())
        return found

    def holders(self, company_ids: Iterable[int]) -> dict[int, str]:
        """Which customer each company belongs to, for companies that are linked."""
        found: dict[int, str] = {}
        with self._engine.connect() as connection:
            for part in chunks(company_ids):
                query = sa.select(company_link.c.company_id, company_link.c.customer_id).where(
                    company_link.c.connector_id == self._connector_id, company_link.c.company_id.in_(part)
                )
                found.update((company_id, customer_id) for company_id, customer_id in connection.execute(query))
        return found

    def of_record(self, record_id: str) -> str | None:
        """The CustomerID under which a record's company is linked; ``None`` when it has none.

        Args:
            record_id: The source's record id, which stays when the CustomerID changes; in any case.
        """
        link = company_link.c
        query = sa.select(link.customer_id).where(
            link.connector_id == self._connector_id, sa.func.lower(link.record_id) == record_id.lower()
        )
        with self._engine.connect() as connection:
            return connection.execute(query).scalars().first()

    def renamed(self, records: Mapping[str, str]) -> dict[str, str]:
        """Find customers whose record is linked under another CustomerID: it was changed in the ERP.

        Args:
            records: CustomerID -> record id (NoteID, which stays) of customers without a link.

        Returns:
            The present CustomerID -> the one under which the company is linked.
        """
        present = {record_id: key for key, record_id in records.items() if record_id}
        found: dict[str, str] = {}
        link = company_link.c
        with self._engine.connect() as connection:
            for part in chunks(present):
                query = sa.select(link.record_id, link.customer_id).where(
                    link.connector_id == self._connector_id, link.record_id.in_(part)
                )
                for record_id, old in connection.execute(query):
                    found[present[record_id]] = old
        return {new: old for new, old in found.items() if new != old}

    def rename(self, connection: sa.Connection, old: str, new: str) -> None:
        """Carry a company, its users and its addresses over to the customer's new CustomerID."""
        company = sa.and_(company_link.c.connector_id == self._connector_id, company_link.c.customer_id == old)
        connection.execute(sa.update(company_link).where(company).values(customer_id=new, content_hash=""))
        mine = sa.and_(child_link.c.connector_id == self._connector_id, child_link.c.customer_id == old)
        for key in connection.execute(sa.select(child_link.c.child_key).where(mine)).scalars().all():
            moved = f"{new}:{key.removeprefix(f'{old}:')}" if key.startswith(f"{old}:") else key
            connection.execute(
                sa.update(child_link)
                .where(mine, child_link.c.child_key == key)
                .values(customer_id=new, child_key=moved)
            )

    def holders_of_contacts(self, contact_ids: Iterable[str]) -> set[str]:
        """Customers under which users of these contacts stand; a contact may have moved to another since."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            for part in chunks(contact_ids):
                query = sa.select(child_link.c.customer_id).where(
                    child_link.c.connector_id == self._connector_id,
                    child_link.c.entity == "user",
                    child_link.c.child_key.in_(part),
                )
                found.update(connection.execute(query).scalars())
        return found

    def put_companies(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write new links.

        ``rows`` name customer_id, company_id, status, fields, record_id, account_email, made_by_run.
        """
        now = utc_now()
        defaults: dict[str, Any] = {
            "payment_methods": {},
            "payment_terms": None,
            "reference_id": "",
            "content_hash": "",
            "parts_known": True,
        }
        upsert(
            connection,
            company_link,
            [
                {
                    **defaults,
                    **_plain(row),
                    "connector_id": self._connector_id,
                    "linked_at_utc": now,
                    "applied_at_utc": now,
                }
                for row in rows
            ],
        )

    def replace(
        self, connection: sa.Connection, customer_id: str, applied: AppliedCompany, *, record_id: str, email: str
    ) -> None:
        """Make a customer's link hold what was read of its company: fields, users and addresses."""
        now = utc_now()
        row = {
            "connector_id": self._connector_id,
            "customer_id": customer_id,
            "company_id": applied.company_id,
            "record_id": record_id,
            "account_email": email.casefold(),
            "status": applied.status,
            "fields": applied.fields,
            "payment_methods": applied.payment_methods,
            "payment_terms": applied.payment_terms,
            "reference_id": applied.reference_id,
            "content_hash": applied.content_hash,
            "made_by_run": "",
            "parts_known": applied.parts_known,
            "linked_at_utc": now,
            "applied_at_utc": now,
        }
        upsert(connection, company_link, [_plain(row)], keep=("linked_at_utc", "made_by_run"))
        mine = sa.and_(child_link.c.connector_id == self._connector_id, child_link.c.customer_id == customer_id)
        connection.execute(sa.delete(child_link).where(mine))
        users = [(customer_id, key, user.store_id, user.fields) for key, user in applied.users.items()]
        self.put_children(connection, "user", users)
        addresses = [(customer_id, key, each.store_id, each.fields) for key, each in applied.addresses.items()]
        self.put_children(connection, "address", addresses)

    def update_company(self, connection: sa.Connection, customer_id: str, **values: Any) -> None:
        """Change some columns of a link."""
        self.update_companies(connection, [(customer_id, values)])

    def update_companies(self, connection: sa.Connection, changes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Change some columns of several links, the same columns of each; a change is (customer_id, values)."""
        if not changes:
            return
        now = utc_now()
        rows = [
            {"of_connector": self._connector_id, "of_customer": customer_id, "applied_at_utc": now, **_plain(values)}
            for customer_id, values in changes
        ]
        _update_companies(tuple(rows[0])).execute(connection, rows)

    def put_children(
        self, connection: sa.Connection, entity: ChildEntity, rows: Sequence[tuple[str, str, int, UserFields | Address]]
    ) -> None:
        """Write links of users or addresses; a row is (customer_id, key, store_id, applied fields)."""
        now = utc_now()
        upsert(
            connection,
            child_link,
            [
                {
                    "connector_id": self._connector_id,
                    "customer_id": customer_id,
                    "entity": entity,
                    "child_key": key,
                    "store_id": store_id,
                    "fields": msgspec.to_builtins(fields),
                    "applied_at_utc": now,
                }
                for customer_id, key, store_id, fields in rows
            ],
        )

    def drop_child(self, connection: sa.Connection, entity: ChildEntity, customer_id: str, store_id: int) -> None:
        """Forget a user or address by its id in the store."""
        connection.execute(
            sa.delete(child_link).where(
                child_link.c.connector_id == self._connector_id,
                child_link.c.customer_id == customer_id,
                child_link.c.entity == entity,
                child_link.c.store_id == store_id,
            )
        )

    def drop_company(self, connection: sa.Connection, customer_id: str) -> None:
        """Forget a company with its users and addresses."""
        for table in (child_link, company_link):
            connection.execute(
                sa.delete(table).where(table.c.connector_id == self._connector_id, table.c.customer_id == customer_id)
            )


@lru_cache(maxsize=64)
def _update_companies(columns: tuple[str, ...]) -> Compiled:
    values: dict[str, Any] = {name: sa.bindparam(name) for name in columns if not name.startswith("of_")}
    link = company_link.c
    return Compiled(
        lambda _: (
            sa.update(company_link)
            .where(link.connector_id == sa.bindparam("of_connector"), link.customer_id == sa.bindparam("of_customer"))
            .values(**values)
        )
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as the database takes them: records as JSON objects, a status as its number; moments stay."""
    return {
        name: msgspec.to_builtins(value) if isinstance(value, msgspec.Struct | CompanyStatus) else value
        for name, value in values.items()
    }


def _applied(
    row: Mapping[str, Any], users: dict[str, AppliedUser], addresses: dict[str, AppliedAddress]
) -> AppliedCompany:
    return AppliedCompany(
        company_id=row["company_id"],
        status=CompanyStatus(row["status"]),
        fields=msgspec.convert(row["fields"], CompanyFields),
        users=users,
        addresses=addresses,
        payment_methods=row["payment_methods"],
        payment_terms=msgspec.convert(row["payment_terms"], PaymentTerms | None),
        reference_id=row["reference_id"],
        content_hash=row["content_hash"],
        parts_known=row["parts_known"],
    )
