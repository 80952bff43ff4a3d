"""Which user of the store belongs to which contact: by the contact's key, else by e-mail. Pure.

The store knows a person by the e-mail: it refuses a second user with the same one
(docs/api/better_b2b.md#users).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from customer_sync.model.company import CompanyUser
from customer_sync.model.operation import AppliedUser


def match_users(
    users: Sequence[CompanyUser], applied: Mapping[str, AppliedUser], held: frozenset[str]
) -> dict[str, AppliedUser]:
    """Give every desired user its applied one.

    A user keeps its contact as long as nobody else has the contact's e-mail. The user
    of a contact that is gone passes to the contact that has its e-mail now, be it under another id
    or a colleague's; the colleague's former user is then free as well. Contacts that exchanged
    their e-mails exchange their users: none of them could take the other's e-mail first.

    Args:
        users: The desired users.
        applied: Applied users by the key that they have now.
        held: Parts that must not be sent (``contact:<ContactID>``); they keep what they have.

    Returns:
        Applied users by the desired key; new users are absent. A user that no longer belongs to a contact
        is absent, too.
    """
    desired_emails = {user.key: user.email.casefold() for user in users}
    have = {key: record for key, record in applied.items() if key in desired_emails}
    movable = {key: email for key, email in desired_emails.items() if f"contact:{key}" not in held}
    free = {_email(record): record for key, record in applied.items() if key not in desired_emails}
    while heir := next((key for key, email in movable.items() if email in free and _lacks(have.get(key), email)), None):
        left = have.get(heir)
        have[heir] = free.pop(movable[heir])
        if left is not None:
            free[_email(left)] = left
    return {**have, **_exchanged({key: email for key, email in movable.items() if key in have}, have)}


def _lacks(record: AppliedUser | None, email: str) -> bool:
    return record is None or _email(record) != email


def _exchanged(desired_emails: Mapping[str, str], have: Mapping[str, AppliedUser]) -> dict[str, AppliedUser]:
    """Users of contacts whose e-mails went round in a circle, by the contact that has the e-mail now."""
    holders = {_email(have[key]): key for key in desired_emails}
    moved: dict[str, AppliedUser] = {}
    for start in desired_emails:
        circle = [start]
        while (holder := holders.get(desired_emails[circle[-1]])) is not None and holder not in circle:
            circle.append(holder)
        if holder == start and len(circle) > 1:
            moved[start] = have[circle[1]]
    return moved


def _email(record: AppliedUser) -> str:
    return record.fields.email.casefold()
