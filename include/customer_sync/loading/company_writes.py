"""What is special about writing companies: creation, update, status, deletion."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from customer_sync.errors import NotFound, RecordRejected, SyncError
from customer_sync.loading.adoption import find_by_key
from customer_sync.loading.applied_parts import lose_company, save_now
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import Part
from customer_sync.loading.found_parts import read_parts
from customer_sync.loading.refusals import hold_back, leave_out_contact, quarantine
from customer_sync.model.company import CompanyFields, CompanyStatus, company_fields
from customer_sync.model.operation import AppliedCompany, CompanyOperation, Operation, StatusOperation
from customer_sync.model.outcome import Outcome, Reason

MOST_ADMINS_TRIED = 3
"""So many contacts are tried as the first admin of a company that the store refuses."""


def look_up_companies(context: LoadContext, parts: Sequence[Part]) -> list[int | None]:
    """Ids of companies that were made, by key; ``None`` where there is not exactly one."""
    found = [context.target.companies_by_key(load.customer_id) for load, _ in parts]
    return [records[0].id if len(records) == 1 else None for records in found]


def find_made_companies(context: LoadContext, parts: Sequence[Part]) -> set[str]:
    """Keys of the companies that exist already; they are linked, and what was made with them.

    Their intents are closed after that: a first user is not looked for by another e-mail later.
    """
    found = [part for part in parts if find_by_key(context, part.load, sent=part.load.desired)]
    read_parts(context, [load for load, _ in found])
    return {operation.key for _, operation in found}


def confirm_created(parts: Sequence[Part], ids: Sequence[int | None]) -> None:
    """Link new companies; status and the admin's id are read back afterwards."""
    for (load, operation), company_id in zip(parts, ids, strict=True):
        if company_id is None:
            message = "the store confirmed the request but shows no such company"
            load.stop(Outcome.FAILED, Reason.OUTCOME_UNKNOWN, message)
            continue
        load.applied = AppliedCompany(
            company_id=company_id,
            status=CompanyStatus.UNKNOWN,
            fields=company_fields(load.desired),
            made_with=_first_user(operation),
        )


def _first_user(operation: Operation) -> dict[str, str]:
    """E-mail, in lower case, and contact of the user that a company is made with."""
    if not isinstance(operation, CompanyOperation) or operation.admin is None:
        return {}
    return {operation.admin.email.casefold(): operation.admin_key}


def refuse_creation(context: LoadContext, part: Part, error: SyncError) -> None:
    """Key taken: adopt the company that has it. E-mail taken: leave the admin out. Else see whether the admin is why.

    A company travels with its first admin, and what the store says need not show which of them it refuses: the next
    one is tried in the admin's place. If nobody's company is taken, it is the company's fault, and all are back.
    """
    load, operation = part
    is_key_taken = isinstance(error, RecordRejected) and error.is_key_taken
    if is_key_taken and (find_by_key(context, load) or load.problem is not None):
        return
    admin = load.seats().admin
    if admin is None:
        return
    if isinstance(error, RecordRejected) and error.is_email_taken and not error.is_key_taken:
        leave_out_contact(context, load, admin.key, context.user_with(admin.email))
        return
    texts = error.texts if isinstance(error, RecordRejected) else [str(error)]
    load.passed_over.append(admin.key)
    hold_back(load, f"contact:{admin.key}", Reason.REJECTED_BY_STORE, "; ".join(texts)[:400], field="contact")
    if load.seats().admin is None or len(load.passed_over) > MOST_ADMINS_TRIED or isinstance(error, NotFound):
        for key in load.passed_over:
            load.admit(key)
        quarantine(load, operation, error)


def confirm_updated(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Remember the new values."""
    for load, operation in parts:
        if load.applied is None or not isinstance(operation, CompanyOperation) or operation.new is None:
            continue
        fields = _merged(load.applied.fields, operation.new, operation.changed)
        load.applied = msgspec.structs.replace(load.applied, fields=fields)


def _merged(old: CompanyFields, new: CompanyFields, changed: Sequence[str]) -> CompanyFields:
    values = {name: getattr(new, name) for name in changed}
    if "extra_fields" in values:
        # Fields that are not ours, and those that the store could not empty, are what they were.
        values["extra_fields"] = {**old.extra_fields, **new.extra_fields}
    return msgspec.structs.replace(old, **values)


def refuse_update(context: LoadContext, part: Part, error: SyncError) -> None:
    """Gone, or quarantined with the store's words."""
    load, operation = part
    if isinstance(error, NotFound):
        lose_company(load, "the company was deleted in the store")
        save_now(context, [load])
    else:
        quarantine(load, operation, error)


def confirm_status(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Remember the status."""
    for load, operation in parts:
        if load.applied is None or not isinstance(operation, StatusOperation):
            continue
        load.applied = msgspec.structs.replace(load.applied, status=operation.new)


def refuse_status(context: LoadContext, part: Part, error: SyncError) -> None:
    """Gone: a withdrawal is done then. Else quarantined with the store's words."""
    load, operation = part
    if not isinstance(error, NotFound):
        quarantine(load, operation, error)
    elif load.plan.kind == "unenroll":
        load.is_deleted = True
        save_now(context, [load])
    else:
        lose_company(load, "the company was deleted in the store")
        save_now(context, [load])


def confirm_deleted(parts: Sequence[Part], _ids: Sequence[int | None]) -> None:
    """Forget the links."""
    for load, _ in parts:
        load.is_deleted = True
