"""What the store made of new companies: their status and their admin's user id, read back in one paged crawl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.coordination.watermarks import LOST
from customer_sync.loading.adoption_evidence import OWN_WRITE
from customer_sync.loading.applied_parts import MadeUser, link_users, lose_company, save
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.loading.dispatch import ReadBack
from customer_sync.model.company import CompanyStatus
from customer_sync.targets.port import StoredCompany, StoredUser

_FIRST_WITHIN_S: Final = 120
"""The first company of a store is made so long before the next ones at most, or asked for by itself."""


class Created(NamedTuple):
    """One new company as the store shows it, and of the user that it was made with what it shows."""

    company: StoredCompany
    admins: Sequence[StoredUser]


class ReadBackCreated(ReadBack):
    """Reads back every company that was made: one crawl of what was created since the first of them.

    ``first_seen_s`` is when the store made one of the first of them, where that is known already.
    That is two or three requests per hundred companies instead of two per company; what the
    crawl does not show is asked for one by one. It runs beside the writes of addresses.
    """

    def __init__(self, context: LoadContext, loads: Sequence[CustomerLoad], first_seen_s: int | None = None) -> None:
        self._context = context
        self._first_seen_s = first_seen_s
        self.loads = [
            load for load in loads if load.applied is not None and load.applied.status == CompanyStatus.UNKNOWN
        ]

    def send(self) -> dict[int, Created | None]:
        """Crawl; returns, by company id, what is there, ``None`` for a company that is not."""
        target = self._context.target
        ids = [load.company_id for load in self.loads]
        companies, users = self._crawl(min(ids), len(ids))
        found: dict[int, Created | None] = {}
        for load in self.loads:
            company_id = load.company_id
            record = companies.get(company_id) or target.company(company_id)
            if record is None:
                found[company_id] = None
                continue
            made_with = load.applied.made_with if load.applied else {}
            admins = [users.get((company_id, each)) or target.user_by_email(each) for each in made_with]
            found[company_id] = Created(record, [user for user in admins if user and user.company_id == company_id])
        return found

    def confirm(self, connection: sa.Connection, answer: dict[int, Created | None], /) -> None:
        """Remember status and admin of each."""
        admins: list[MadeUser] = []
        for load in self.loads:
            created = answer[load.company_id]
            if load.applied is None:
                continue
            if created is None:
                message = "the store confirmed the company and does not show it"
                lose_company(load, message)
                continue
            # A store that shows no status is asked for approval all the same.
            is_unknown = created.company.status is CompanyStatus.UNKNOWN
            status = CompanyStatus.PENDING if is_unknown else created.company.status
            load.applied = msgspec.structs.replace(load.applied, status=status)
            self._compare_key(connection, load, created.company)
            # It may have been made by an earlier attempt, with what the source said then.
            for user in created.admins:
                key = load.applied.made_with[user.fields.email.casefold()]
                admins.append(MadeUser(load, key, user.id, user.fields))
            if len(created.admins) < len(load.applied.made_with):
                # The store does not show the user that was sent with it: whoever is there is read.
                load.adopted_by = OWN_WRITE
                load.forget_parts()
            else:
                load.applied = msgspec.structs.replace(load.applied, made_with={})
        link_users(admins)
        # A crash leaves the status unknown: it is read back again.
        save(self._context.run, connection, [x for x in self.loads if x.applied is None or not x.is_being_made])

    def _compare_key(self, connection: sa.Connection, load: CustomerLoad, company: StoredCompany) -> None:
        """See whether the key arrived, by which the company is found again when the ledger is lost.

        A store may take extra fields singly and lose them in bulk: the next comparison writes the key, and from now on
        companies of this connector are made and changed one by one.
        """
        if load.applied is None or company.key == load.customer_id:
            return
        fields = msgspec.structs.replace(load.applied.fields, extra_fields=company.fields.extra_fields)
        load.applied = msgspec.structs.replace(load.applied, fields=fields)
        self._context.note_keys_in_bulk(connection, LOST)

    def _crawl(self, first_id: int, count: int) -> tuple[dict[int, StoredCompany], dict[tuple[int, str], StoredUser]]:
        target = self._context.target
        if self._first_seen_s is not None:
            since_s = self._first_seen_s - _FIRST_WITHIN_S
        else:
            first = target.company(first_id)
            if first is None or first.created_at_s is None or count == 1:
                return ({first.id: first} if first else {}), {}
            since_s = first.created_at_s - 2
        companies = {record.id: record for record in target.companies(created_since_s=since_s)}
        users = target.users(created_since_s=since_s)
        return companies, {(user.company_id, user.fields.email.casefold()): user for user in users}
