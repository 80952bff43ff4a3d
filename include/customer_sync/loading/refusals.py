"""What a refused operation means for its customer: the part waits by itself, and everything else goes on."""

from __future__ import annotations

from collections.abc import Sequence

from customer_sync.errors import NotFound, SyncError
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.model.company import attempt_hash, content_hash, parts_of
from customer_sync.model.operation import REMOVALS, Action, Operation, part_of
from customer_sync.model.outcome import Finding, Outcome, Reason


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


def leave_out_contact(load: CustomerLoad, key: str, holder_id: str) -> None:
    """Let one contact wait for its e-mail; the customer goes on.

    Args:
        load: The customer.
        key: The contact.
        holder_id: The customer whose company has the user; ``""`` where it is none of ours.
    """
    who = f"customer {holder_id}" if holder_id else "a company that is not ours"
    detail = f"the e-mail belongs to a user of {who}"
    if holder_id == load.customer_id:
        detail = "the e-mail belongs to another user of the company"
    part, field = f"contact:{key}", "contact.email"
    hold_back(load, part, Reason.EMAIL_IN_USE, detail, field=field, holder=holder_id)


def wake(context: LoadContext, loads: Sequence[CustomerLoad]) -> bool:
    """Take back that contacts wait whose e-mails were given up meanwhile, by this load or by another one.

    Returns:
        Whether there were any.
    """
    waiting = [
        (load, finding)
        for load in loads
        for finding in load.findings
        if finding.reason is Reason.EMAIL_IN_USE and finding.holder and finding.entity == "contact"
    ]
    if not waiting:
        return False
    applied = context.ledger.links.load({finding.holder for _, finding in waiting})
    woken = False
    for load, finding in waiting:
        have = applied.get(finding.holder)
        held = {user.fields.email.casefold() for user in have.users.values()} if have else set()
        if load.wanted_email(finding.key).casefold() not in held:
            load.admit(finding.key)
            woken = True
    return woken


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
    digest = "" if is_removal else _hash_of(load, part)
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
