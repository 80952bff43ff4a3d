"""Decide whether a customer belongs in the store, and say why. Pure. (task: filter)

Sources: docs/api/incumbent.md#eligibility (E2 to E9), docs/errors.md#filter.
"""

from __future__ import annotations

import msgspec

from customer_sync.model.customer import Customer
from customer_sync.model.outcome import UNENROLLING_REASONS, Reason
from customer_sync.rules.email_address import is_valid_email
from customer_sync.settings.connector import Connector


class Decision(msgspec.Struct, frozen=True):
    """Eligible, or not with every failing rule in rule order."""

    reasons: tuple[Reason, ...] = ()

    @property
    def is_eligible(self) -> bool:
        """Whether no rule failed."""
        return not self.reasons

    @property
    def is_unenrolling(self) -> bool:
        """Whether a company that exists for this customer is to be withdrawn (else it is kept as it is)."""
        return any(reason in UNENROLLING_REASONS for reason in self.reasons)


def decide_eligibility(customer: Customer, connector: Connector) -> Decision:
    """Judge one customer by the connector's rules.

    Every failing rule is listed, so that an operator can repair the customer in one
    visit instead of one visit per rule. Texts are compared without regard to case.

    Args:
        customer: The customer as read.
        connector: Its section ``eligibility``, where an empty ``classes`` accepts all, and how long an e-mail the
            store holds.

    Returns:
        The decision, reasons in the order: type, class, e-mail, switches, status, pilot.
    """
    if customer.is_gone:
        return Decision((Reason.DELETED_IN_ERP,))
    rules, email = connector.eligibility, connector.target.fields.company["company_email"]
    reasons: list[Reason] = []
    if customer.customer_type.casefold() not in rules.types_folded:
        reasons.append(Reason.TYPE_NOT_B2B)
    if rules.classes and customer.customer_class.casefold() not in rules.classes_folded:
        reasons.append(Reason.CLASS_NOT_SELECTED)
    if not customer.email:
        reasons.append(Reason.EMAIL_MISSING)
    elif not email.holds(customer.email) or not is_valid_email(customer.email):
        reasons.append(Reason.EMAIL_INVALID)
    if rules.opt_in_required:
        reasons += _opt_in(customer, connector)
    status = customer.status.casefold()
    if status in rules.hold_statuses_folded:
        reasons.append(Reason.STATUS_ON_HOLD)
    elif status not in rules.sync_statuses_folded:
        reasons.append(Reason.STATUS_INACTIVE)
    if rules.only and rules.only_folded.isdisjoint({customer.customer_id.casefold(), customer.record_id.casefold()}):
        reasons.append(Reason.NOT_IN_PILOT)
    return Decision(tuple(reasons))


def _opt_in(customer: Customer, connector: Connector) -> list[Reason]:
    """What keeps a customer from being switched on for this sync."""
    reasons = [Reason.NOT_ENABLED] if customer.enabled is not True else []
    if not connector.is_marked("connection_type", customer.connection_type):
        reasons.append(Reason.CONNECTION_TYPE_MISMATCH)
    return reasons
