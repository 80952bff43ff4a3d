"""What the store made of new companies: their status and their admin's user id, read back in one paged crawl."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.loading.companies import UNKNOWN_STATUS, lose_company
from customer_sync.loading.context import Surroundings
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import ReadBack
from customer_sync.model.company import user_fields
from customer_sync.model.operation import AppliedRecord


class Made(NamedTuple):
    """One new company as the store shows it; ``status`` and ``admin_id`` are ``None`` where it shows none."""

    status: int | None
    admin_id: int | None


class LearnCreated(ReadBack):
    """Reads back every company that was made: one crawl of what was created since the first of them.

    That is two or three requests per hundred companies instead of two per company; what the
    crawl does not show is asked for one by one. It runs beside the writes of addresses.
    """

    def __init__(self, around: Surroundings, works: Sequence[Work]) -> None:
        super().__init__()
        self._around = around
        self.works = [w for w in works if w.applied is not None and w.applied.status == UNKNOWN_STATUS]

    def send(self) -> dict[int, Made | None]:
        """Crawl; returns, by company id, what is there, ``None`` for a company that is not."""
        store = self._around.store
        ids = [work.company_id for work in self.works]
        statuses, admins = self._crawl(min(ids), len(ids))
        found: dict[int, Made | None] = {}
        for work in self.works:
            company_id = work.company_id
            if company_id not in statuses:
                record = store.get_company(company_id)
                if record is None:
                    found[company_id] = None
                    continue
                statuses[company_id] = record.status
            email = work.desired.users[0].email.casefold()
            user_id = admins.get((company_id, email))
            if user_id is None:
                user = store.find_user(email)
                user_id = user.id if user is not None and user.company_id == company_id else None
            found[company_id] = Made(statuses[company_id], user_id)
        return found

    def confirm(self, connection: sa.Connection, answer: dict[int, Made | None]) -> None:
        """Remember status and admin of each."""
        links = self._around.ledger.links
        statuses: list[tuple[str, dict[str, Any]]] = []
        rows = []
        for work in self.works:
            made = answer[work.company_id]
            if work.applied is None:
                continue
            if made is None:
                lose_company(
                    self._around, work, "the store confirmed the company and does not show it", connection=connection
                )
                continue
            status = made.status or 0
            admin = work.desired.users[0]
            users = dict(work.applied.users)
            if made.admin_id is not None:
                users[admin.key] = AppliedRecord(store_id=made.admin_id, fields=user_fields(admin))
                rows.append((work.customer_id, admin.key, made.admin_id, users[admin.key].fields))
            work.applied = msgspec.structs.replace(work.applied, status=status, users=users)
            statuses.append((work.customer_id, {"status": status}))
        links.update_companies(connection, statuses)
        links.put_children(connection, "user", rows)

    def _crawl(self, first_id: int, count: int) -> tuple[dict[int, int | None], dict[tuple[int, str], int]]:
        store = self._around.store
        first = store.get_company(first_id)
        if first is None or first.created_at_s is None or count == 1:
            return ({first.id: first.status} if first else {}), {}
        since = first.created_at_s - 2
        statuses = {record.id: record.status for record in store.iter_companies(min_created_s=since)}
        users: Iterable[Any] = store.iter_users(min_created_s=since)
        return statuses, {(user.company_id or 0, user.email.casefold()): user.id for user in users}
