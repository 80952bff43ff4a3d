"""Whether a company that was found in the store is a customer's, and why. Pure. (docs/people.md#adoption)"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from customer_sync.model.company import CompanyFields, CompanyStatus
from customer_sync.model.outcome import Reason
from customer_sync.targets.port import StoredCompany

OWN_WRITE: Final = "own write"
_ENOUGH: Final = 2


class Claimant(NamedTuple):
    """What is known of the customer that a company may belong to.

    Attributes:
        customer_id: Its number.
        record_id: Its record in the source.
        email: Its Account Email.
        reference_id: The company's id that its record holds, ``""`` unless it is the only record that holds it.
        sent: The company's fields if we sent it without learning what became of it.
    """

    customer_id: str
    record_id: str
    email: str
    reference_id: str = ""
    sent: CompanyFields | None = None


class Weighed(NamedTuple):
    """What the evidence says: ``signs`` speak for the customer, ``against`` why it is not to be touched."""

    signs: tuple[str, ...]
    against: Reason | None = None

    @property
    def in_words(self) -> str:
        """The signs, for people."""
        return ", ".join(self.signs) or "none"


def with_record(company: StoredCompany, record_field: str | None) -> StoredCompany:
    """The company with the record that its extra field names, where the connector has one."""
    named = company.fields.extra_fields.get(record_field or "", "")
    return msgspec.structs.replace(company, record_id=named) if named else company


def judge(company: StoredCompany, customer: Claimant) -> Weighed:
    """Weigh what speaks for a company being a customer's.

    The record id alone is enough, and another one is enough against it. Else two signs are needed of: the reference in
    the source, the key, the company's e-mail, our own write without an answer. Anybody can register in the shop and
    fill in a key and an e-mail, so that a company that waits for approval needs more: the record id, the reference, or
    our own write. One that was rejected or closed stays closed, whoever it belongs to.
    """
    if company.record_id and company.record_id.casefold() != customer.record_id.casefold():
        return Weighed((), Reason.ADOPTION_UNPROVEN)
    signs = {
        "record id": bool(company.record_id),
        OWN_WRITE: customer.sent is not None and _as_sent(company.fields) == _as_sent(customer.sent),
        "reference id": customer.reference_id == str(company.id),
        "key": company.key.casefold() == customer.customer_id.casefold(),
        "e-mail": bool(customer.email) and company.fields.company_email.casefold() == customer.email.casefold(),
    }
    found = tuple(name for name, speaks in signs.items() if speaks)
    is_proven = signs["record id"] or len(found) >= _ENOUGH
    if company.status is CompanyStatus.PENDING:
        is_proven = is_proven and any(signs[name] for name in ("record id", OWN_WRITE, "reference id"))
    if not is_proven:
        return Weighed(found, Reason.ADOPTION_UNPROVEN)
    if company.status in {CompanyStatus.REJECTED, CompanyStatus.INACTIVE}:
        return Weighed(found, Reason.CLOSED_IN_STORE)
    return Weighed(found)


def _as_sent(fields: CompanyFields) -> tuple[str, ...]:
    """What a stranger who fills in somebody's number does not type as well, and the store keeps as it was sent."""
    return fields.company_name, fields.company_email.casefold(), fields.company_phone, fields.address_line1
