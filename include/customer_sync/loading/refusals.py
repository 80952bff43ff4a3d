"""What a refused operation means for its customer: the part waits by itself, and everything else goes on."""

from __future__ import annotations

from customer_sync.errors import NotFound, SyncError
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.model.company import attempt_hash, content_hash, parts_of
from customer_sync.model.operation import REMOVALS, Action, Operation, part_of
from customer_sync.model.outcome import Finding, Outcome, Reason
from customer_sync.planning.emails import CLOSED
from customer_sync.targets.port import StoredUser


def quarantine(load: CustomerLoad, operation: Operation, error: SyncError) -> None:
    """Let the part wait that the store refused, with its words; without a desired state the customer does."""
    texts = getattr(error, "texts", None) or [str(error)]
    fields = ", ".join(getattr(error, "field_errors", {}) or {})
    what = f"{operation.action} {operation.key}: {'; '.join(texts)[:400]}"
    is_removal = operation.action in REMOVALS
    if load.plan.desired is None and operation.action in {Action.SET_STATUS, Action.DELETE_COMPANY}:
        load.stop(Outcome.QUARANTINED, Reason.REJECTED_BY_STORE, what, field=fields)
        return
    hold_back(load, part_of(operation), Reason.REJECTED_BY_STORE, what, field=fields, is_removal=is_removal)
    if is_removal:
        # Whoever should have no access any more is nothing to wait for: the run says so, and the next one tries again.
        load.unremoved.append(what)


def quarantine_part(_context: LoadContext, part: Part, error: SyncError) -> None:
    """Let the part wait; fail the customer where the company of its record is gone."""
    load, operation = part
    if isinstance(error, NotFound):
        load.stop(Outcome.FAILED, Reason.STORE_RECORD_GONE, f"{operation.action}: the company was deleted in the store")
    else:
        quarantine(load, operation, error)


def leave_out_contact(context: LoadContext, load: CustomerLoad, key: str, holder: StoredUser | None) -> None:
    """Let one contact wait for its e-mail; the customer goes on.

    Args:
        context: The run.
        load: The customer.
        key: The contact.
        holder: The user who has the e-mail; ``None`` where the store shows none.
    """
    found = context.holder_of(holder.company_id) if holder is not None else None
    customer_id, is_closed = found or ("", False)
    who = f"customer {customer_id}" if customer_id else "a company that is not ours"
    detail = f"the e-mail belongs to a user of {who}{CLOSED if is_closed else ''}"
    if customer_id == load.customer_id:
        detail = "the e-mail belongs to another user of the company"
    reason = Reason.HELD_BY_WITHDRAWN_COMPANY if is_closed else Reason.EMAIL_IN_USE
    hold_back(load, f"email:{key}", reason, detail, field="contact.email", holder=customer_id)


def hold_back(
    load: CustomerLoad,
    part: str,
    reason: Reason,
    detail: str,
    *,
    field: str = "",
    holder: str = "",
    is_removal: bool = False,
) -> None:
    """Let a part wait until it is another, or what it waits for is; what is to go is always tried again."""
    entity, _, key = part.partition(":")
    entity = "contact" if entity == "email" else entity
    digest = "" if is_removal else _hash_of(load, f"{entity}:{key}")
    found = Finding(reason=reason, entity=entity, key=key, field=field, detail=detail, hash=digest, holder=holder)
    load.hold_back(part, found)


def _hash_of(load: CustomerLoad, part: str) -> str:
    """Identifies the part as it is."""
    desired = load.plan.desired
    if desired is None:
        return next((content_hash(user) for user in load.plan.successors if part == f"contact:{user.key}"), "")
    if part.startswith("customer:"):
        return attempt_hash(desired, load.plan.erp_reference)
    return content_hash(parts_of(desired, load.plan.successors).get(part))
