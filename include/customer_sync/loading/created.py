"""What the store made of new companies: their status and their admin's user id, read back in one paged crawl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.loading.applied_parts import MadeUser, link_users, lose_company, save
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.loading.dispatch import ReadBack
from customer_sync.model.company import CompanyStatus, user_fields


class Created(NamedTuple):
    """One new company as the store shows it; ``admin_id`` is ``None`` where it shows none."""

    status: CompanyStatus
    admin_id: int | None


class ReadBackCreated(ReadBack):
    """Reads back every company that was made: one crawl of what was created since the first of them.

    That is two or three requests per hundred companies instead of two per company; what the
    crawl does not show is asked for one by one. It runs beside the writes of addresses.
    """

    def __init__(self, context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
        self._context = context
        self.loads = [
            load for load in loads if load.applied is not None and load.applied.status == CompanyStatus.UNKNOWN
        ]

    def send(self) -> dict[int, Created | None]:
        """Crawl; returns, by company id, what is there, ``None`` for a company that is not."""
        target = self._context.target
        ids = [load.company_id for load in self.loads]
        statuses, admins = self._crawl(min(ids), len(ids))
        found: dict[int, Created | None] = {}
        for load in self.loads:
            company_id = load.company_id
            if company_id not in statuses:
                record = target.company(company_id)
                if record is None:
                    found[company_id] = None
                    continue
                statuses[company_id] = record.status
            admin = load.seats().admin or load.desired.users[0]
            email = admin.email.casefold()
            user_id = admins.get((company_id, email))
            if user_id is None:
                user = target.user_by_email(email)
                user_id = user.id if user is not None and user.company_id == company_id else None
            found[company_id] = Created(statuses[company_id], user_id)
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
            is_unknown = created.status is CompanyStatus.UNKNOWN
            status = CompanyStatus.PENDING if is_unknown else created.status
            load.applied = msgspec.structs.replace(load.applied, status=status)
            admin = load.seats().admin or load.desired.users[0]
            if created.admin_id is not None:
                admins.append(MadeUser(load, admin.key, created.admin_id, user_fields(admin)))
        link_users(admins)
        save(self._context, connection, self.loads)

    def _crawl(self, first_id: int, count: int) -> tuple[dict[int, CompanyStatus], dict[tuple[int, str], int]]:
        target = self._context.target
        first = target.company(first_id)
        if first is None or first.created_at_s is None or count == 1:
            return ({first.id: first.status} if first else {}), {}
        since_s = first.created_at_s - 2
        statuses = {record.id: record.status for record in target.companies(created_since_s=since_s)}
        users = target.users(created_since_s=since_s)
        return statuses, {(user.company_id, user.fields.email.casefold()): user.id for user in users}
