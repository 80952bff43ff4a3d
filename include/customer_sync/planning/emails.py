"""Whose each e-mail is, and who gets it where several customers want it. Pure. (docs/people.md#emails)

An e-mail belongs to one user of the whole store. What every customer has and claims is in one directory of the ledger,
so that the answer is the same whatever the batches of a run, their order, or a retry.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from customer_sync.model.company import CompanyStatus, CompanyUser, content_hash
from customer_sync.model.customer import Customer
from customer_sync.model.operation import (
    Action,
    AppliedCompany,
    CompanyOperation,
    Operation,
    StatusOperation,
    UserOperation,
)
from customer_sync.model.outcome import Finding, Reason

CLOSED: Final = ", whose company is closed"
"""Why a company that does not trade cannot give an e-mail up."""


class Stake(StrEnum):
    """What a customer has to do with an e-mail.

    ``ours``: a user of its company has it and is to keep it. ``going``: has it and is to give it up. ``withdrawn``: a
    company that is withdrawn has it. ``claimed``: it is to have it.
    """

    OURS = "ours"
    GOING = "going"
    WITHDRAWN = "withdrawn"
    CLAIMED = "claimed"


class Staked(NamedTuple):
    """One customer's stake in one e-mail; ``rank`` orders claimants: when the customer was made, then its record."""

    email_id: str
    customer_id: str
    contact_key: str
    stake: Stake
    rank: str = ""


@lru_cache(maxsize=8192)
def email_id(email: str) -> str:
    """What an e-mail is looked for by: a hash, the same in whatever case it is written."""
    digest = hashlib.blake2b(email.casefold().encode(errors="surrogatepass"), digest_size=12).digest()
    return urlsafe_b64encode(digest).decode()


def rank_of(customer: Customer) -> str:
    """Orders the customers that claim an e-mail: the one that was made first, then by the record's id."""
    return f"{customer.created_at_utc} {customer.record_id or customer.customer_id}"


def owner_of(stakes: Sequence[Staked]) -> Staked | None:
    """Who is to have an e-mail: a holder that keeps it, else the first claimant, else a withdrawn holder.

    Args:
        stakes: What all customers have to do with it.
    """
    for stake in (Stake.OURS, Stake.CLAIMED, Stake.WITHDRAWN):
        found = [each for each in stakes if each.stake is stake]
        if found:
            return min(found, key=lambda each: (each.rank, each.customer_id))
    return None


def lost_to(customer_id: str, stakes: Sequence[Staked]) -> str:
    """The customer that is to have an e-mail in place of this one, ``""`` where this one may have it.

    A customer that claims nothing yet may have what no other keeps or claims.
    """
    owner = owner_of(stakes)
    if owner is None or owner.customer_id == customer_id:
        return ""
    is_claimant = any(each.customer_id == customer_id for each in stakes)
    return "" if owner.stake is Stake.WITHDRAWN and not is_claimant else owner.customer_id


def holders_of(customer_id: str, stakes: Iterable[Staked]) -> list[Staked]:
    """Who else has an e-mail in the store and has to give it up first."""
    return [each for each in stakes if each.customer_id != customer_id and each.stake is not Stake.CLAIMED]


def email_finding(user: CompanyUser, holder: str, reason: Reason = Reason.EMAIL_IN_USE) -> Finding:
    """That a contact waits for its e-mail, and for whom.

    Args:
        user: The contact as a user.
        holder: The customer that has the e-mail or is to have it, ``""`` where it is none of ours.
        reason: Why it waits.
    """
    who = f"belongs to customer {holder}" if holder else "belongs to a user of a company that is not ours"
    if reason is Reason.HELD_BY_WITHDRAWN_COMPANY:
        who += CLOSED
    return Finding(
        reason=reason,
        entity="contact",
        key=user.key,
        field="contact.email",
        detail=f"the e-mail {who}",
        hash=content_hash(user),
        holder=holder,
    )


def stakes_of(
    customer: Customer,
    users: Iterable[CompanyUser],
    applied: AppliedCompany | None,
    operations: Iterable[Operation],
    held_back: Collection[str],
) -> list[Staked]:
    """What a customer that trades has and claims.

    Args:
        customer: The customer.
        users: Who is to be a user of its company.
        applied: What the ledger remembers of the company.
        operations: What is to be done, were all e-mails free.
        held_back: Parts that are not sent: who is refused claims nothing and keeps what he has.
    """
    rank, number, operations = rank_of(customer), customer.customer_id, tuple(operations)
    found = _of_users(customer, applied, operations, is_withdrawn=False)
    for user in users:
        if f"contact:{user.key}" not in held_back:
            email = email_id(user.email)
            have = found.get(email)
            stake = Stake.CLAIMED if have is None else Stake.OURS
            found[email] = Staked(email, number, user.key if have is None else have.contact_key, stake, rank)
    return list((_of_heirs(customer, operations) | found).values())


def stakes_on_leaving(
    customer: Customer, applied: AppliedCompany | None, operations: Iterable[Operation], *, is_withdrawn: bool
) -> list[Staked]:
    """What a customer has that waits as a whole or is withdrawn: it claims nothing but for who follows its admin.

    Args:
        customer: The customer.
        applied: What the ledger remembers of its company.
        operations: What takes access away.
        is_withdrawn: Whether its company is withdrawn.
    """
    operations = tuple(operations)
    found = _of_users(customer, applied, operations, is_withdrawn=is_withdrawn)
    return list((_of_heirs(customer, operations) | found).values())


def _of_users(
    customer: Customer, applied: AppliedCompany | None, operations: Sequence[Operation], *, is_withdrawn: bool
) -> dict[str, Staked]:
    """What the users of a company have; one that does not trade, or is to stop, gives up what others want."""
    is_deleted = any(operation.action is Action.DELETE_COMPANY for operation in operations)
    free, rank = freed_by(operations), rank_of(customer)
    kept = Stake.WITHDRAWN if is_withdrawn or _is_closed(applied, operations) else Stake.OURS
    return {
        email: Staked(email, customer.customer_id, key, Stake.GOING if is_deleted or email in free else kept, rank)
        for email, key in held_by(applied).items()
    }


def _of_heirs(customer: Customer, operations: Iterable[Operation]) -> dict[str, Staked]:
    """What is claimed for users who are to be made."""
    made = {email_given(each): each.key for each in operations if each.action is Action.CREATE_USER}
    rank = rank_of(customer)
    return {email: Staked(email, customer.customer_id, key, Stake.CLAIMED, rank) for email, key in made.items()}


def _is_closed(applied: AppliedCompany | None, operations: Iterable[Operation]) -> bool:
    """Whether a company does not trade after some operations."""
    status = applied.status if applied else CompanyStatus.UNKNOWN
    for operation in operations:
        status = operation.new if isinstance(operation, StatusOperation) else status
    return status == CompanyStatus.INACTIVE


def held_by(applied: AppliedCompany | None) -> dict[str, str]:
    """E-mail -> contact of the users that a company has, the one with whom it was made among them."""
    if applied is None:
        return {}
    first = {email_id(email): key for email, key in applied.made_with.items()}
    return first | {email_id(record.fields.email): key for key, record in applied.users.items()}


def kept_by_colleagues(
    users: Iterable[CompanyUser], applied: AppliedCompany | None, held_back: Collection[str]
) -> list[CompanyUser]:
    """The users to be whose e-mails colleagues have whom the store refuses, and who therefore keep what they have."""
    have = {email: key for email, key in held_by(applied).items() if f"contact:{key}" in held_back}
    return [user for user in users if have.get(email_id(user.email), user.key) != user.key]


def freed_by(operations: Iterable[Operation]) -> set[str]:
    """The e-mails that operations take from the users who have them."""
    return {email for operation in operations if (email := email_freed(operation))}


def email_freed(operation: Operation) -> str:
    """The e-mail that an operation takes from the user who has it, ``""`` for none."""
    if not isinstance(operation, UserOperation) or operation.old is None:
        return ""
    is_freeing = operation.action is Action.DELETE_USER or "email" in operation.changed
    return email_id(operation.old.email) if is_freeing else ""


def email_given(operation: Operation) -> str:
    """The e-mail that an operation gives to a user, ``""`` for none."""
    if isinstance(operation, CompanyOperation) and operation.admin is not None:
        return email_id(operation.admin.email)
    if not isinstance(operation, UserOperation) or operation.new is None:
        return ""
    is_giving = operation.action is Action.CREATE_USER or "email" in operation.changed
    return email_id(operation.new.email) if is_giving else ""
