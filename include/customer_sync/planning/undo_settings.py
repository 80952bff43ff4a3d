"""A company's status, payment settings, and its id in the source, as they were before a run. Pure.

Each function gives the value to be had again, and what is left with its reason.
"""

from __future__ import annotations

import msgspec

from customer_sync.model.company import CompanyStatus, PaymentTerms
from customer_sync.model.operation import AppliedCompany
from customer_sync.model.outcome import Reason
from customer_sync.planning.undo_changes import Change, Left
from customer_sync.planning.undo_values import why_left


def former_trade(
    change: Change | None, applied: AppliedCompany, real: AppliedCompany, *, may_trade: bool
) -> tuple[bool, list[Left]]:
    """Whether the company is to trade; ``may_trade`` says whether the ERP allows it now."""
    trades = applied.status == CompanyStatus.APPROVED
    if change is None or change.is_open:
        return trades, []
    was = change.before.get("status")
    why = why_left(change.after["status"], int(applied.status), int(real.status), was=was)
    if why is not None:
        return trades, _left("customer:status", "status", why, change)
    before = bool(was == CompanyStatus.APPROVED)
    if before and not may_trade:
        return trades, [Left("customer:status", "status", Reason.ERP_DENIES_ACCESS)]
    return before, []


def former_methods(
    change: Change | None, applied: AppliedCompany, real: AppliedCompany
) -> tuple[dict[str, bool], list[Left]]:
    """Which payment methods are to be on or off."""
    found: dict[str, bool] = {}
    left: list[Left] = []
    if change is None or change.is_open:
        return found, left
    for code, is_on in change.after.items():
        was = change.before.get(code)
        why = why_left(is_on, applied.payment_methods.get(code), real.payment_methods.get(code), was=was)
        if was is None:
            left.append(Left("payment:methods", code, Reason.NOT_KNOWN_BEFORE))
        elif why is None:
            found[code] = bool(was)
        else:
            left += _left("payment:methods", code, why, change)
    return found, left


def former_terms(
    change: Change | None, applied: AppliedCompany, real: AppliedCompany
) -> tuple[PaymentTerms | None, list[Left]]:
    """The payment terms; ``None`` leaves them as they are."""
    if change is None or change.is_open:
        return None, []
    if not change.before:
        return None, [Left("payment:terms", "", Reason.NOT_KNOWN_BEFORE)]
    if applied.payment_terms is None:
        return None, _left("payment:terms", "", Reason.TOUCHED_BY_LATER_RUN, change)
    wrote, was = (msgspec.convert(values, PaymentTerms) for values in (change.after, change.before))
    why = why_left(wrote, applied.payment_terms, real.payment_terms, was=was)
    return (was, []) if why is None else (None, _left("payment:terms", "", why, change))


def former_reference(change: Change | None, present: str | None, applied: str | None) -> tuple[str | None, list[Left]]:
    """What the source is to hold as the company's id again; ``None`` leaves it as it is.

    Args:
        change: What the run did to it.
        present: What the source holds; ``None`` where it has no such record.
        applied: What the ledger holds; ``None`` where the company is gone, and with it what the ledger knew.
    """
    if change is None or change.is_open:
        return None, []
    if present is None:
        return None, [Left("customer:reference", "reference_id", Reason.GONE_FROM_STORE)]
    wrote, was = str(change.after.get("reference_id", "")), str(change.before.get("reference_id", ""))
    why = why_left(wrote, present if applied is None else applied, present, was=was)
    return (was, []) if why is None else (None, _left("customer:reference", "reference_id", why, change))


def _left(part: str, field: str, why: Reason, change: Change) -> list[Left]:
    """What is left; of a write that may never have arrived nothing is said."""
    return [Left(part, field, why)] if change.is_sure else []
