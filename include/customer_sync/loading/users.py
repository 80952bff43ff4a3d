"""Writes of company users: create in bulk, update and delete one by one (the store has no bulk for these)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.errors import NotFound, RecordRejected, SyncError
from customer_sync.loading.adoption import user_record_fields
from customer_sync.loading.context import Surroundings
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import Write, reading_back, refuse
from customer_sync.model.company import content_hash
from customer_sync.model.operation import AppliedRecord, Operation
from customer_sync.model.outcome import Finding, Outcome, Reason
from customer_sync.targets.better_b2b.records import UserRecord

FORMER = " (former)"
"""Marks the key of a user that is replaced by a new one of the same contact."""


class CreateUsers(Write):
    """Create up to ten users, of any companies, in one request."""

    def __init__(
        self, around: Surroundings, parts: Sequence[tuple[Work, Operation]], *, is_repeat: bool = False
    ) -> None:
        super().__init__(parts, is_repeat=is_repeat)
        self._around = around

    def send(self) -> list[int | None]:
        """Create them; rows that the answer does not name are looked up by e-mail."""
        store = self._around.store
        payloads = [self._payload(work, operation) for work, operation in self.parts]
        if len(payloads) == 1:
            return [store.create_user(payloads[0])]
        ids = store.create_users(payloads)
        if ids is not None:
            return list(ids)
        with reading_back():
            found = [store.find_user(operation.values["email"]) for _, operation in self.parts]
        return [record.id if record else None for record in found]

    def _payload(self, work: Work, operation: Operation) -> dict[str, Any]:
        values = {name: value for name, value in operation.values.items() if name != "role" and value != ""}
        rules = self._around.connector.store
        return {
            **values,
            "company_id": work.company_id,
            "company_role_id": self._around.role_id(operation.values["role"]),
            "channel_ids": list(rules.channel_ids),
            "origin_channel_id": rules.origin_channel_id,
            "uuid": operation.key,
            "accept_welcome_email": False,
        }

    def confirm(self, connection: sa.Connection, answer: list[int | None]) -> None:
        """Link the new users."""
        made = [
            (work, operation.key, user_id, operation.values)
            for (work, operation), user_id in zip(self.parts, answer, strict=True)
            if user_id is not None
        ]
        link_users(self._around, connection, made)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Several: each alone. One: adopt it if it is ours already, else leave the contact out or quarantine."""
        if len(self.parts) > 1:
            return [CreateUsers(self._around, [part]) for part in self.parts]
        work, operation = self.parts[0]
        if isinstance(error, RecordRejected) and error.is_email_taken:
            if not adopt_user(self._around, work, operation):
                self._wait_or_leave_out(work, operation)
        elif isinstance(error, NotFound):
            work.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, "the company was deleted in the store")
        else:
            refuse(work, operation, error)
        return ()

    def _wait_or_leave_out(self, work: Work, operation: Operation) -> None:
        """Wait where the user that holds the e-mail is about to give it up; else leave the contact out.

        That is a user of this company under another contact, or the contact's own user
        under the customer that it left. Nobody at all holds it where it was given up
        between the refusal and the look-up: one more try shows it.
        """
        holder = self._around.store.find_user(operation.values["email"])
        known = work.applied_user(holder.id) if holder is not None else None
        if known is not None or (holder is None and work.may_be_free_now(operation.key)):
            work.wait_for(operation.key, work.customer_id)
            return
        holders = self._around.ledger.links.holders_of_contacts([operation.key]) - {work.customer_id}
        if holders:
            work.wait_for(operation.key, min(holders))
        else:
            leave_out_contact(work, operation, "the e-mail belongs to a user of another company in the store")

    def unknown(self, error: SyncError) -> Iterable[Write]:
        """Read back by e-mail: found means made; not found is tried again, once."""
        follow: list[Write] = []
        for work, operation in self.parts:
            if adopt_user(self._around, work, operation):
                continue
            if self.is_repeat:
                work.stop(Outcome.FAILED, Reason.OUTCOME_UNKNOWN, str(error))
            else:
                follow.append(CreateUsers(self._around, [(work, operation)], is_repeat=True))
        return follow


class UpdateUser(Write):
    """Change fields of one user."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Send the changes, the role by its id."""
        _, operation = self.parts[0]
        values = {name: value for name, value in operation.values.items() if name != "role"}
        if "role" in operation.values:
            values["company_role_id"] = self._around.role_id(operation.values["role"])
        self._around.store.update_user(operation.store_id, {**values, "uuid": operation.key})

    def confirm(self, connection: sa.Connection, _answer: object) -> None:
        """Remember the new values, under the contact's present key."""
        work, operation = self.parts[0]
        known = work.applied_user(operation.store_id)
        fields = {**(known[1].fields if known else {}), **operation.values}
        if known and known[0] != operation.key:
            unlink_user(self._around, connection, work, operation.store_id)
        link_user(self._around, connection, work, operation.key, operation.store_id, fields)

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Gone: forget it, the next comparison makes it again. E-mail taken: leave the contact out."""
        work, operation = self.parts[0]
        if isinstance(error, NotFound):
            with self._around.ledger.write() as connection:
                unlink_user(self._around, connection, work, operation.store_id)
        elif isinstance(error, RecordRejected) and error.is_email_taken:
            self._wait_or_leave_out(work, operation)
        else:
            refuse(work, operation, error)
        return ()

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [UpdateUser(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)

    def _wait_or_leave_out(self, work: Work, operation: Operation) -> None:
        """Decide by who holds the new e-mail.

        A user of this company who is to go, or to get another e-mail, is waited for. No company user at all means a
        plain store customer: an update is refused for it, a new user is linked with it
        (docs/api/better_b2b.md#user-emails), so the user is made anew. Anybody else: the contact is left out.
        """
        holder = self._around.store.find_user(str(operation.values["email"]))
        if holder is None and work.may_be_free_now(operation.key):
            work.wait_for(operation.key, work.customer_id)
            return
        if holder is None:
            self._make_anew(work, operation)
            return
        known = work.applied_user(holder.id)
        wanted = {user.key: user.email.casefold() for user in work.desired.users}
        if known and wanted.get(known[0]) != holder.email.casefold():
            work.wait_for(operation.key, work.customer_id)
        else:
            leave_out_contact(work, operation, "the new e-mail belongs to another user in the store")

    def _make_anew(self, work: Work, operation: Operation) -> None:
        """Have the next comparison create the user under its new e-mail and delete the former one after that."""
        known = work.applied_user(operation.store_id)
        if known is None:
            return
        with self._around.ledger.write() as connection:
            unlink_user(self._around, connection, work, operation.store_id)
            former = f"{operation.key}{FORMER}"
            link_user(self._around, connection, work, former, operation.store_id, known[1].fields)


class DeleteUser(Write):
    """Take a person's access away."""

    def __init__(self, around: Surroundings, work: Work, operation: Operation, *, is_repeat: bool = False) -> None:
        super().__init__([(work, operation)], is_repeat=is_repeat)
        self._around = around

    def send(self) -> None:
        """Delete the user; one that is gone already is done."""
        self._around.store.delete_user(self.parts[0][1].store_id)

    def confirm(self, connection: sa.Connection, _answer: None) -> None:
        """Forget the link."""
        work, operation = self.parts[0]
        unlink_user(self._around, connection, work, operation.store_id)

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once."""
        if not self.is_repeat:
            return [DeleteUser(self._around, *self.parts[0], is_repeat=True)]
        return super().unknown(error)


def adopt_user(around: Surroundings, work: Work, operation: Operation) -> bool:
    """Link a user that exists in this company with the e-mail.

    One of another company is never moved, and one that stands for another contact stays its own.
    """
    email = operation.values.get("email") or work.email_of(operation.key)
    record: UserRecord | None = around.store.find_user(email)
    if record is None or record.company_id != work.company_id:
        return False
    known = work.applied_user(record.id)
    if known is not None and known[0] != operation.key:
        return False
    with around.ledger.write() as connection:
        link_user(around, connection, work, operation.key, record.id, user_record_fields(record))
    return True


def leave_out_contact(work: Work, operation: Operation, detail: str) -> None:
    """Leave one contact out until it changes; the customer goes on."""
    user = next(user for user in work.desired.users if user.key == operation.key)
    work.hold_back_contact(
        operation.key,
        Finding(
            reason=Reason.EMAIL_IN_USE,
            entity="contact",
            key=operation.key,
            field="Email",
            detail=detail,
            hash=content_hash(user),
        ),
    )


def link_user(
    around: Surroundings, connection: sa.Connection, work: Work, key: str, store_id: int, fields: dict[str, Any]
) -> None:
    """Remember a user in the ledger and in the work."""
    link_users(around, connection, [(work, key, store_id, fields)])


def link_users(
    around: Surroundings, connection: sa.Connection, made: Sequence[tuple[Work, str, int, dict[str, Any]]]
) -> None:
    """Remember users in the ledger and in their works; one is (work, key, id in the store, applied fields).

    Another user that stood for the contact until now is kept under the contact's former key: it is taken over by
    another contact, or deleted, by the next comparison.
    """
    rows = []
    for work, key, store_id, fields in made:
        if work.applied is not None:
            users = dict(work.applied.users)
            displaced = users.get(key)
            if displaced is not None and displaced.store_id != store_id:
                users[f"{key}{FORMER}"] = displaced
                rows.append((work.customer_id, f"{key}{FORMER}", displaced.store_id, displaced.fields))
            users[key] = AppliedRecord(store_id=store_id, fields=fields)
            work.applied = msgspec.structs.replace(work.applied, users=users)
        rows.append((work.customer_id, key, store_id, fields))
    around.ledger.links.put_children(connection, "user", rows)


def unlink_user(around: Surroundings, connection: sa.Connection, work: Work, store_id: int) -> None:
    """Forget a user in the ledger and in the work."""
    if work.applied is not None:
        users = {key: record for key, record in work.applied.users.items() if record.store_id != store_id}
        work.applied = msgspec.structs.replace(work.applied, users=users)
    around.ledger.links.drop_child(connection, "user", work.customer_id, store_id)
