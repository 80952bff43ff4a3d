"""What is special about writing users: whose an e-mail is, and who waits for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from customer_sync.errors import NotFound, RecordRejected, SyncError
from customer_sync.loading.applied_parts import MadeUser, link_users, save_now, unlink_user
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.refusals import leave_out_contact, quarantine
from customer_sync.model.operation import FORMER, Operation, UserOperation
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.targets.port import StoredUser


def look_up_users(context: LoadContext, parts: Sequence[Part]) -> list[int | None]:
    """Ids of users that were made, by e-mail."""
    found = [context.target.user_by_email(str(operation.values["email"])) for _, operation in parts]
    return [record.id if record else None for record in found]


def find_made_users(context: LoadContext, parts: Sequence[Part]) -> set[str]:
    """Keys of the users that exist already in their own company; they are linked."""
    return {operation.key for load, operation in parts if adopt_user(context, load, operation)}


def confirm_created(parts: Sequence[Part], ids: Sequence[int | None]) -> None:
    """Link the new users."""
    made = [
        MadeUser(load, operation.key, user_id, operation.new)
        for (load, operation), user_id in zip(parts, ids, strict=True)
        if user_id is not None and isinstance(operation, UserOperation) and operation.new is not None
    ]
    link_users(made)


def refuse_creation(context: LoadContext, part: Part, error: SyncError) -> None:
    """Adopt the user if it is ours already; else wait for its e-mail, leave the contact out, or quarantine."""
    load, operation = part
    if isinstance(error, RecordRejected) and error.is_email_taken:
        holder = context.user_with(str(operation.values["email"]))
        if holder is None or not _adopt(context, load, operation, holder):
            _wait_or_leave_out(context, load, operation, holder)
    elif isinstance(error, NotFound):
        load.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, "the company was deleted in the store")
    else:
        quarantine(load, operation, error)


def _wait_or_leave_out(
    context: LoadContext, load: CustomerLoad, operation: Operation, holder: StoredUser | None
) -> None:
    """Wait where a colleague holds the e-mail and is about to give it up; else leave the contact out until it is free.

    Nobody at all holds it where it was given up between the refusal and the look-up: one more try shows it.
    """
    known = load.applied_user(holder.id) if holder is not None else None
    if known is not None or (holder is None and load.may_be_free_now(operation.key)):
        load.wait_for(operation.key, load.customer_id)
        return
    leave_out_contact(context, load, operation.key, holder)


def confirm_updated(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Remember the new values, under the contact's present key."""
    for load, operation in parts:
        if not isinstance(operation, UserOperation) or operation.new is None or load.settle_foreign(operation):
            continue
        known = load.applied_user(operation.store_id)
        old = known[1].fields if known else operation.new
        values = operation.values
        if "extra_fields" in values:
            values["extra_fields"] = {**old.extra_fields, **values["extra_fields"]}
        fields = msgspec.structs.replace(old, **values)
        if known and known[0] != operation.key:
            unlink_user(load, operation.store_id)
        link_users([MadeUser(load, operation.key, operation.store_id, fields)])


def refuse_update(context: LoadContext, part: Part, error: SyncError) -> None:
    """Gone: forget it, the next comparison makes it again. E-mail taken: see whose it is."""
    load, operation = part
    if isinstance(error, NotFound):
        unlink_user(load, operation.store_id)
        save_now(context, [load])
    elif isinstance(error, RecordRejected) and error.is_email_taken:
        _wait_replace_or_leave_out(context, load, operation)
    else:
        quarantine(load, operation, error)


def _wait_replace_or_leave_out(context: LoadContext, load: CustomerLoad, operation: Operation) -> None:
    """Decide by who holds the new e-mail.

    A user of this company who is to go, or to get another e-mail, is waited for. No company user at all means a
    plain store customer: an update is refused for it, a new user is linked with it
    (docs/api/better_b2b.md#user-emails), so the user is made anew. Anybody else: the contact is left out.
    """
    holder = context.user_with(str(operation.values["email"]))
    if holder is None and load.may_be_free_now(operation.key):
        load.wait_for(operation.key, load.customer_id)
        return
    if holder is None:
        _make_anew(context, load, operation)
        return
    known = load.applied_user(holder.id)
    emails = {user.key: user.email.casefold() for user in load.desired.users}
    if known and emails.get(known[0]) != holder.fields.email.casefold():
        load.wait_for(operation.key, load.customer_id)
    else:
        leave_out_contact(context, load, operation.key, holder)


def _make_anew(context: LoadContext, load: CustomerLoad, operation: Operation) -> None:
    """Have the next comparison create the user under its new e-mail and delete the former one after that."""
    known = load.applied_user(operation.store_id)
    if known is None:
        return
    unlink_user(load, operation.store_id)
    former = f"{operation.key}{FORMER}"
    link_users([MadeUser(load, former, operation.store_id, known[1].fields)])
    save_now(context, [load])


def confirm_deleted(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Forget the link."""
    for load, operation in parts:
        unlink_user(load, operation.store_id)


def adopt_user(context: LoadContext, load: CustomerLoad, operation: Operation) -> bool:
    """Look for a user that was to be made, and link the one that exists in this company with the e-mail."""
    email = operation.values.get("email") or load.email_of(operation.key)
    record = context.target.user_by_email(str(email))
    return record is not None and _adopt(context, load, operation, record)


def _adopt(context: LoadContext, load: CustomerLoad, operation: Operation, record: StoredUser) -> bool:
    """Link a user; one of another company is never moved, and one that belongs to another contact stays its own."""
    if record.company_id != load.company_id:
        return False
    known = load.applied_user(record.id)
    if known is not None and known[0] != operation.key:
        return False
    link_users([MadeUser(load, operation.key, record.id, record.fields)])
    save_now(context, [load])
    return True
